/** The client library, published as `malle/client`. @module */

export type { BodyStructure } from '#mail/body-structure.ts'
export { decodeHeaderText } from '#mail/encoded-words.ts'
export type { Envelope, EnvelopeAddress } from '#mail/envelope.ts'
export type { Modseq, Uid } from '#mail/ids.ts'
export { type UidSet, uidSetHas, uidSetOf, uidSetSize, uidsOf } from '#mail/uid-set.ts'
export type { CalendarDate, DateTime } from '#wire/imap/date-time.ts'
export type { NotifyGroup } from '#wire/imap/notify-request.ts'
export type { Namespace, StatusValues } from '#wire/imap/responses.ts'
export type { StatusItem } from '#wire/imap/status-items.ts'
export type { ThreadList } from '#wire/imap/thread-list.ts'
export type { ConnectOptions, Security } from './connect-options.ts'
export { type DiscoverOptions, discover } from './discovery/discover.ts'
export { type SystemNetworkOptions, systemNetwork } from './discovery/network.ts'
export type {
  DiscoveredServer,
  Discovery,
  DiscoveryNetwork,
  DiscoverySource,
  DiscoveryStep,
  LoginForm,
  MailProtocol,
  ProbeTarget,
  SrvRecord,
} from './discovery/types.ts'
export {
  AuthenticationError,
  type AuthenticationTrouble,
  ClientError,
  ConnectionError,
  type ConnectionTrouble,
  MailboxChangedError,
  ProtocolError,
  RefusedError,
  UnsupportedError,
} from './errors.ts'
export type { GrantableRights } from './imap/commands/acl.ts'
export type { Appended, NewMessage } from './imap/commands/append.ts'
export type { Copied } from './imap/commands/copy.ts'
export type { ListQuery } from './imap/commands/list.ts'
export type { Namespaces, SpecialUse } from './imap/commands/mailboxes.ts'
export type { Metadata, MetadataChanges, MetadataOptions } from './imap/commands/metadata.ts'
export type { Quota } from './imap/commands/quota.ts'
export type { SearchOptions, SearchResult, SortBy } from './imap/commands/search.ts'
export type { SelectOptions } from './imap/commands/select.ts'
export type { FlagChange, StoreResult } from './imap/commands/store.ts'
export type { MailboxEvent } from './imap/events.ts'
export type { FetchedMessage, FetchOptions, FetchQuery, PartQuery } from './imap/fetch-query.ts'
export type { FetchedBody, FetchedPart } from './imap/fetched-body.ts'
export { ImapClient } from './imap/imap-client.ts'
export type { ListedMailbox, MailboxRole } from './imap/listed-mailbox.ts'
export type { Uids } from './imap/message-sets.ts'
export { DEFAULT_ENABLE, type ImapClientOptions } from './imap/options.ts'
export type { SearchQuery } from './imap/search-query.ts'
export type { SelectedMailbox, Tracking } from './imap/selected-mailbox.ts'
export {
  type MaildropEntry,
  Pop3Client,
  type Pop3ClientOptions,
  type Retrieved,
} from './pop3/client.ts'
export type { MessageBody } from './pop3/message-body.ts'
export type { Credentials, Secret, TokenSource } from './sasl.ts'
export type { StreamedBody } from './streamed-body.ts'
export { systemTimers, type Timers } from './timers.ts'
export type { TlsOptions } from './tls.ts'
