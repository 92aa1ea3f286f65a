/** Administrative verbs as data: what the command line asks and what it is told, in process or through the control socket. @module */
import type { CheckFinding } from '#adapters/embedded/check.ts'
import type { ShardStatus } from '#adapters/embedded/options.ts'
import type { SearchIndexStatus } from '#adapters/search/host.ts'
import type { Security } from '#client/connect-options.ts'
import type { Pop3Policy } from '#mail/pop3-policy.ts'
import type { CsvRefusal } from '#services/account-csv.ts'
import type { AccountsRefusal } from '#services/accounts.ts'
import type { DkimRefusal, DkimState } from '#services/dkim-keys.ts'
import type { DomainFacts } from '#services/dns-records.ts'
import type { ReportSummary } from '#services/domain-reports.ts'
import type { ConnectionView } from '#services/registry.ts'
import type { UndeleteRefused, UndeleteReport } from '#services/undelete.ts'
import type { DkimAlgorithm, PersonLanguage, Protocol } from '#store/directory.ts'
import type { QuotaLimits } from '#store/types.ts'
import type { BackupReport } from '#transfer/backup/backup.ts'
import type { BackupRefusal } from '#transfer/backup/format.ts'
import type { RestoreReport } from '#transfer/backup/restore.ts'
import type { ExportRefusal, ExportReport } from '#transfer/export.ts'
import type { ImportRefusal, ImportReport } from '#transfer/import.ts'
import type { MigrateReport } from '#transfer/migrate/migrate.ts'
import type { MigrateRefusal } from '#transfer/migrate/refusal.ts'
import type { MoveReport } from '#transfer/move.ts'
import type { MoveRefused } from '#transfer/move-refused.ts'
import type { Progress } from '#transfer/sync/sync.ts'
import type { CertificateView } from './certificates.ts'
import type { DeletedListing, HistoryView, UndeleteArgs } from './gone-views.ts'
import type { Endpoint } from './listeners.ts'
import type { MailEndpoints } from './protocol-thread.ts'
import type { QueueFilterArgs, QueueHistoryView, QueueMessageView, QueueStatusView } from './queue-views.ts'
import type { TransactionView } from './transaction-views.ts'

export interface DomainView {
  readonly name: string
  readonly catchAll: string | null
  readonly accounts: number
  readonly aliases: number
}

export interface DkimKeyView {
  readonly domain: string
  readonly selector: string
  readonly algorithm: DkimAlgorithm
  readonly state: DkimState
  /** ISO 8601, like the others. */
  readonly created: string
  readonly activeFrom: string
  readonly retiredFrom: string | null
  /** The TXT record. */
  readonly name: string
  readonly value: string
}

export interface DkimArgs {
  readonly domain: string
  readonly algorithm?: DkimAlgorithm
  readonly selector?: string
}

export interface AccountView {
  readonly address: string
  readonly name: string
  readonly enabled: boolean
  /** May set quotas over IMAP. */
  readonly administrator: boolean
  readonly protocols: readonly Protocol[]
  readonly shard: number
  /** `null`: no limit. */
  readonly quotaBytes: number | null
  readonly quotaMessages: number | null
  readonly usedBytes: number
  readonly messages: number
  readonly mailboxes: number
  readonly password: boolean
  readonly appPasswords: number
  /** As `--pop3-policy` takes it; `null`: as configured for all. */
  readonly pop3Policy: string | null
  /** Seconds; `null`: as configured for all. */
  readonly pop3LoginDelay: number | null
  /** What it sends is kept in Sent. */
  readonly sentCopy: boolean
  /** 0: no limit; `null`: as configured for all. */
  readonly messagesPerDay: number | null
  readonly recipientsPerDay: number | null
  readonly language: PersonLanguage | null
  /** ISO 8601. */
  readonly created: string
}

export interface AliasView {
  readonly address: string
  readonly targets: readonly string[]
  /** Those of the targets that are on other servers. */
  readonly outside: readonly string[]
}

export interface AppPasswordView {
  readonly name: string
  readonly protocols: readonly Protocol[]
  readonly created: string
  readonly lastUsed: string | null
}

export interface StatusView {
  readonly running: boolean
  readonly version: string
  readonly node: string
  readonly pid: number
  /** ISO 8601; only while running. */
  readonly since: string | null
  readonly endpoints: (MailEndpoints & { readonly http: readonly Endpoint[] }) | null
  readonly threads: number
  readonly threadRestarts: number
  readonly connections: number
  readonly accounts: number
  readonly domains: number
  readonly shards: readonly ShardStatus[]
  /** `waiting`: messages that are not in the search index of their account yet, at most. */
  readonly search: SearchIndexStatus
  readonly queue: QueueStatusView
  /** Of `smtp.dnsbl`, those that do not answer and are left out for a while. */
  readonly silentLists: readonly string[]
  /** Sentences that say what is wrong; empty when all is well. */
  readonly problems: readonly string[]
}

export interface AccountChangeArgs {
  readonly address: string
  readonly name?: string
  readonly password?: string
  readonly enabled?: boolean
  readonly administrator?: boolean
  readonly protocols?: readonly Protocol[]
  readonly limits?: Partial<{ readonly [K in keyof QuotaLimits]: number | null }>
  /** `null`: as configured for all. */
  readonly pop3?: { readonly policy?: Pop3Policy | null; readonly loginDelaySeconds?: number | null }
  readonly sending?: {
    readonly copy?: boolean
    readonly messagesPerDay?: number | null
    readonly recipientsPerDay?: number | null
  }
  readonly language?: PersonLanguage | null
}

/** A server that mail comes from. */
export interface SourceServer {
  readonly host: string
  /** `null`: the usual one. */
  readonly port: number | null
  readonly security: Security
}

export interface MigrateArgs {
  readonly address: string
  /** The person's own at the source, whoever logs in for them. */
  readonly login: string
  readonly credentials: { readonly login: string; readonly password: string; readonly authorizeAs?: string }
  readonly imap: SourceServer | null
  readonly pop3: SourceServer | null
  /** See `SourceOptions`. */
  readonly pop3Guessed: boolean
  /** Certificates to trust, PEM. */
  readonly ca: string | null
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly keepDeleted: boolean
  readonly emptyToo: boolean
  readonly cutover: boolean
  readonly verify: boolean
  readonly dryRun: boolean
  readonly connections: number
}

/** Each verb: its arguments, its answer, and what it tells on the way. */
export interface Verbs {
  /** `dkim`: with keys that sign its mail. */
  'domain.add': { args: { readonly name: string; readonly dkim?: boolean }; value: DomainView }
  'domain.list': { args: Record<string, never>; value: readonly DomainView[] }
  'domain.set': { args: { readonly name: string; readonly catchAll: string | null }; value: DomainView }
  'domain.remove': { args: { readonly name: string }; value: null }
  /** What its DNS records are made of. */
  /** `since` in milliseconds since 1970. */
  'dns.reports': { args: { readonly domain: string; readonly since: number }; value: ReportSummary }
  'dns.facts': { args: { readonly domain: string }; value: DomainFacts }
  /** These answer the keys that were made, or begin to sign. */
  'dkim.add': { args: DkimArgs; value: readonly DkimKeyView[] }
  'dkim.rotate': { args: DkimArgs & { readonly now: boolean }; value: readonly DkimKeyView[] }
  'dkim.list': { args: { readonly domain?: string }; value: readonly DkimKeyView[] }
  'dkim.remove': { args: { readonly domain: string; readonly selector: string }; value: null }
  'account.add': {
    args: {
      readonly address: string
      readonly name?: string
      /** `null`: app passwords only. */
      readonly password: string | null
      readonly protocols?: readonly Protocol[]
      readonly quotaBytes?: number
      readonly quotaMessages?: number
    }
    value: AccountView
  }
  /** CSV text with a heading line (RFC 4180); all accounts or none. */
  'account.addMany': { args: { readonly csv: string; readonly dryRun: boolean }; value: { readonly added: number } }
  'account.list': { args: { readonly domain?: string }; value: readonly AccountView[] }
  'account.show': { args: { readonly address: string }; value: AccountView }
  'account.set': { args: AccountChangeArgs; value: AccountView }
  /** Into another shard; `shard` is where it was. */
  'account.move': {
    args: { readonly address: string; readonly shard: number; readonly leaveUnreadable: boolean }
    value: MoveReport & { readonly shard: number }
    progress: MoveReport
  }
  'account.remove': { args: { readonly address: string }; value: null }
  'alias.set': {
    args: { readonly address: string; readonly targets: readonly string[]; readonly create: boolean }
    value: AliasView
  }
  'alias.list': { args: { readonly domain?: string }; value: readonly AliasView[] }
  'alias.remove': { args: { readonly address: string }; value: null }
  'app-password.add': {
    args: { readonly address: string; readonly name: string; readonly protocols?: readonly Protocol[] }
    /** The only time the password is seen. */
    value: AppPasswordView & { readonly password: string }
  }
  'app-password.list': { args: { readonly address: string }; value: readonly AppPasswordView[] }
  'app-password.remove': { args: { readonly address: string; readonly name: string }; value: null }
  /** A password for one login as that account, by IMAP or submission, within a minute; it is kept nowhere. */
  'pass.issue': { args: { readonly address: string }; value: { readonly password: string } }
  /** The accounts that an address leads to; none: nobody has it. */
  'recipient.find': { args: { readonly address: string }; value: { readonly accounts: readonly string[] } }
  'session.list': { args: Record<string, never>; value: readonly ConnectionView[] }
  /** A connection id, or an address for all of its connections. */
  'session.kick': { args: { readonly what: string }; value: { readonly kicked: number } }
  status: { args: Record<string, never>; value: StatusView }
  'certificate.list': { args: Record<string, never>; value: readonly CertificateView[] }
  check: {
    args: { readonly repair: boolean; readonly bodies: boolean }
    value: readonly CheckFinding[]
    progress: CheckFinding
  }
  compact: {
    args: Record<string, never>
    /** Messages past their retention that went for good; octets given back, and in how many seconds: 0 is already. */
    value: { readonly messages: number; readonly bytes: number; readonly inSeconds: number }
  }
  import: {
    args: { readonly address: string; readonly path: string; readonly mailbox: string; readonly dryRun: boolean }
    value: ImportReport
    progress: ImportReport
  }
  export: {
    args: {
      readonly address: string
      readonly path: string
      readonly format: 'maildir' | 'mbox'
      readonly mailbox: string | null
    }
    value: ExportReport
    progress: ExportReport
  }
  migrate: { args: MigrateArgs; value: MigrateReport; progress: Progress }
  /** What has changed since the last run goes into the folder. */
  backup: { args: { readonly path: string }; value: BackupReport; progress: BackupReport }
  restore: { args: RestoreArgs; value: RestoreView; progress: RestoreReport }
  undelete: {
    args: UndeleteArgs & { readonly dryRun: boolean }
    value: UndeleteReport
    progress: { readonly messages: number; readonly bytes: number }
  }
  'undelete.list': { args: UndeleteArgs; value: DeletedListing }
  /** Mail on its way to other servers, oldest first. */
  'queue.list': { args: QueueFilterArgs & { readonly limit: number }; value: readonly QueueMessageView[] }
  /** By the id of its SMTP reply, also when it has left the queue. */
  'queue.show': { args: { readonly id: string }; value: QueueHistoryView }
  /** Of an account, or to a domain, what comes as well. Each answers how many recipients changed. */
  'queue.hold': { args: QueueFilterArgs; value: { readonly recipients: number } }
  'queue.release': { args: QueueFilterArgs; value: { readonly recipients: number } }
  'queue.retry': { args: QueueFilterArgs; value: { readonly recipients: number } }
  'queue.drop': { args: QueueFilterArgs & { readonly dryRun: boolean }; value: { readonly recipients: number } }
  'queue.pause': { args: Record<string, never>; value: null }
  'queue.resume': { args: Record<string, never>; value: null }
  /** By the id of the SMTP reply: everybody here who has it, and what became of it elsewhere. */
  'history.transaction': { args: { readonly id: string }; value: TransactionView }
  /** `message`: a Message-ID, an EMAILID, the id of the SMTP reply, or the UID that it has, or had, in `mailbox` (`null`: INBOX). */
  history: {
    args: { readonly address: string; readonly message: string; readonly mailbox: string | null }
    /** At least one; more where several have the same Message-ID. */
    value: readonly HistoryView[]
  }
}

export interface RestoreArgs {
  readonly path: string
  /** Of the account that comes back; `null`: everything, where nothing is yet. */
  readonly address: string | null
  /** Another account, or the same: its mail comes beside what is there. */
  readonly into: string | null
  /** Where it goes there. */
  readonly mailbox: string
  readonly dryRun: boolean
}

export interface RestoreView extends RestoreReport {
  /** ISO 8601: the moment that comes back. */
  readonly taken: string
  /** Messages of the account that go; `null`: nothing goes. */
  readonly replaces: number | null
  /** `false`: it was only asked what would be. */
  readonly done: boolean
}

export type Verb = keyof Verbs

/** Carries out verbs, here or in the server that runs. */
export interface Administration extends AsyncDisposable {
  /** @param signal Ends one that takes long, where it can be ended, with what it did so far. */
  ask<V extends Verb>(
    verb: V,
    args: Verbs[V]['args'],
    progress?: (value: unknown) => void,
    signal?: AbortSignal,
  ): Promise<Verbs[V]['value']>
}

/** Why a verb was not carried out. */
export type VerbRefusal =
  | AccountsRefusal
  | DkimRefusal
  | CsvRefusal
  | ImportRefusal
  | ExportRefusal
  | MigrateRefusal
  | BackupRefusal
  | MoveRefused['refusal']
  | { readonly kind: 'no-such-shard'; readonly shard: number; readonly shards: number }
  | { readonly kind: 'already-there'; readonly address: string; readonly shard: number }
  | { readonly kind: 'unknown-verb'; readonly verb: string }
  | UndeleteRefused
  | { readonly kind: 'no-such-message'; readonly message: string }
  | { readonly kind: 'not-in-queue'; readonly id: string }
  | { readonly kind: 'no-such-connection'; readonly id: string }
  /** The account cannot be opened in the store now. */
  | { readonly kind: 'account-closed'; readonly address: string }
  /** A file of an import or export; `code` as the system says it. */
  | { readonly kind: 'file'; readonly path: string; readonly code: string }

/** A verb that is refused; whoever speaks to people makes the sentence. */
export class VerbRefused extends Error {
  override readonly name = 'VerbRefused'
  readonly refusal: VerbRefusal

  constructor(refusal: VerbRefusal) {
    super(`The verb is refused: ${refusal.kind}`)
    this.refusal = refusal
  }
}
