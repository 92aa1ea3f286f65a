/**
 * The registry: what sessions of every thread ask the main thread (design §5). All arguments and answers are
 * cloneable data, so that the same interface is spoken in process and over a MessagePort.
 * @module
 */
import type { Result } from '#lib/result.ts'
import type { AccountId, MailboxKey } from '#mail/ids.ts'
import type { Pop3Policy } from '#mail/pop3-policy.ts'
import type { PersonLanguage, Protocol, ScramVerifier } from '#store/directory.ts'
import type { HoldReason } from '#store/queue.ts'
import type { AccountRef, QuotaLimits } from '#store/types.ts'
import type { TooMuchSent } from './sending-ledger.ts'

/** Unique in the installation's run, short, in every log line of the connection. */
export type ConnectionId = string

export interface ConnectionInfo {
  readonly id: ConnectionId
  readonly protocol: 'imap' | 'pop3' | 'smtp' | 'submission' | 'lmtp' | 'http'
  /** IP address of the peer, IPv4-mapped forms unmapped. */
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localPort: number
  /** Implicit TLS; STARTTLS tells it later with {@link Registry.note}. */
  readonly secure: boolean
  /** Milliseconds since 1970. */
  readonly since: number
}

export type ConnectionRefusal =
  | { readonly kind: 'too-many-connections'; readonly limit: number }
  | { readonly kind: 'too-many-from-address'; readonly limit: number }
  /** The memory of the process is used up: those who are in go on. */
  | { readonly kind: 'overloaded' }
  | { readonly kind: 'closing' }

/** What a session tells of itself for `session list`. */
export interface ConnectionNote {
  readonly secure?: boolean
  /** Both sides deflate (RFC 4978). */
  readonly compressed?: boolean
  /** Short, for people: the client's ID, the mailbox selected. No secrets. */
  readonly client?: string
  readonly mailbox?: string
  readonly state?: string
}

/** A connection as `session list` shows it. */
export interface ConnectionView extends ConnectionInfo, Omit<ConnectionNote, 'secure'> {
  readonly address: string | undefined
}

/** A person has shown who they are. */
export interface Login {
  readonly account: AccountRef
  /** Canonical address of the account. */
  readonly address: string
  readonly displayName: string
  /** Name of the app password, `undefined` for the person's own. */
  readonly appPassword: string | undefined
  /** What stood behind the `+` of a POP3 login: the mailbox to open, as the client wrote it. Absent without. */
  readonly detail?: string
}

/** What POP3 is to an account: its own settings, else those of the configuration. */
export interface Pop3Terms {
  readonly policy: Pop3Policy
  /** Least seconds between two logins, 0: none. */
  readonly loginDelaySeconds: number
}

/** What CAPA tells before the login, when nobody knows whose terms count (RFC 2449 §6.5, §6.7). */
export interface Pop3Announcement {
  /** The largest delay of any account, 0: none. */
  readonly loginDelaySeconds: number
  /** Accounts differ. */
  readonly loginDelayByUser: boolean
  /** The fewest days that downloaded messages stay with any account; Infinity: only clients delete. */
  readonly retentionDays: number
  readonly retentionByUser: boolean
}

export type MaildropRefusal =
  | { readonly kind: 'in-use' }
  /** The last POP3 login of the account was too short a time ago ([LOGIN-DELAY]). */
  | { readonly kind: 'too-early'; readonly retryAfterMs: number }
  | { readonly kind: 'unavailable' }

export interface PasswordAttempt {
  readonly connection: ConnectionId
  readonly protocol: Protocol
  /** As the client sent it (PLAIN's authcid): full address, or the local part where one domain exists. */
  readonly login: string
  /** PLAIN's authzid, empty or the same person; another person's is refused. */
  readonly authorizeAs: string
  readonly password: string
}

export type LoginRefusal =
  /** Unknown user and wrong password alike, after the same time. */
  | { readonly kind: 'wrong-credentials' }
  /** The account or app password is not for this protocol, or the account is disabled; only said after right credentials. */
  | { readonly kind: 'not-allowed'; readonly why: 'protocol' | 'disabled' | 'authorization' }
  /** Too many failures; come back after `retryAfterMs`. */
  | { readonly kind: 'throttled'; readonly retryAfterMs: number }
  | { readonly kind: 'too-many-sessions'; readonly limit: number }
  /** We cannot tell now ([UNAVAILABLE], [SYS/TEMP]). */
  | { readonly kind: 'unavailable' }

export interface ScramAttempt {
  readonly connection: ConnectionId
  readonly protocol: Protocol
  readonly login: string
  readonly authorizeAs: string
}

/** An access token in place of a password (RFC 7628). */
export interface TokenAttempt {
  readonly connection: ConnectionId
  readonly protocol: Protocol
  /** Who the client says it is; empty: whomever the token is for. Somebody else's is refused. */
  readonly login: string
  /** Empty: the client only asks what would be right; it counts as no failure. */
  readonly token: string
}

/** A client certificate in place of a password (SASL EXTERNAL). */
export interface CertificateAttempt {
  readonly connection: ConnectionId
  readonly protocol: Protocol
  /** Who the client wants to be; empty: the first account that the certificate names. */
  readonly login: string
  /** Addresses of a certificate that TLS has verified. */
  readonly addresses: readonly string[]
}

/** For SCRAM's server-first message; unknown users get a salt of their own, always the same, and verifiers nobody can meet. */
export interface ScramSecrets {
  readonly salt: Uint8Array
  readonly iterations: number
  /** One a password (the person's, each app password) that was made with this salt and count. */
  readonly verifiers: readonly ScramVerifier[]
}

/** What became of a SCRAM exchange: the index of the verifier that fitted, or a failure. */
export interface ScramOutcome {
  readonly attempt: ScramAttempt
  readonly matched: number | undefined
}

/** Where mail for an address goes. */
export interface DeliveryTarget {
  readonly account: AccountRef
  /** Canonical address of the account, for Delivered-To. */
  readonly address: string
  /** What stood behind the `+`, `undefined` without. */
  readonly detail: string | undefined
  /** Octets that the account may have, where there is a limit. */
  readonly limitBytes?: number
}

/** An address of another server that mail goes to. */
export interface OutsideTarget {
  /** Local part as written, domain in A-labels. */
  readonly address: string
  /** The alias or catch-all of ours that leads there, canonical; absent: the sender named the address. */
  readonly through?: string
}

/** Where mail for one address goes, each account and each address once; at least one of either. */
export interface Resolution {
  readonly local: readonly DeliveryTarget[]
  readonly outside: readonly OutsideTarget[]
}

/** Who asks where mail goes: our own people may send to other servers, others reach them by aliases alone. */
export type Asker = 'anyone' | 'own'

export type RecipientRefusal =
  /** Not one of our domains. */
  | { readonly kind: 'not-local' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'bad-address' }
  /** Aliases that lead back to themselves, or to more than 1,000 accounts and addresses. */
  | { readonly kind: 'alias-loop' }

/** How the person logged in sends. */
export interface SendingTerms {
  /** The account wants what it sends in its Sent mailbox. */
  readonly sentCopy: boolean
  /** `undefined`: as configured for all. */
  readonly language: PersonLanguage | undefined
  /** What may be sent within 24 hours; Infinity: no limit. */
  readonly messagesLeft: number
  readonly recipientsLeft: number
  /** Of 24 hours; 0: none. */
  readonly messagesLimit: number
  readonly recipientsLimit: number
  /** When it is more, ms since 1970. */
  readonly resumesAt: number
}

/** How many people a message is for. */
export interface SendingCount {
  readonly recipients: number
  /** Addresses on other servers. */
  readonly outside: number
}

export type SendingRefusal =
  | TooMuchSent
  /** Nobody is logged in, or the account is gone. */
  | { readonly kind: 'no-sender' }

export type QuotaRefusal =
  /** The person logged in may not ask for others. */
  { readonly kind: 'not-administrator' } | { readonly kind: 'no-such-account' } | { readonly kind: 'unavailable' }

/** Pushed to a session. */
export type SessionOrder =
  /**
   * Say goodbye and close: kicked by an administrator, account removed or password changed, server stopping, or its
   * place is needed while nobody has logged in on it.
   */
  | { readonly kind: 'close'; readonly why: 'kicked' | 'account' | 'stopping' | 'crowded' }
  /** Another login wants the maildrop: release it and close if nothing was heard for 60 s (design §4). */
  | { readonly kind: 'yield-maildrop' }

export interface Registry {
  /** Counts the connection; a refused one is told so and closed. Orders come to `listener` until {@link disconnect}. */
  connect(info: ConnectionInfo, listener: (order: SessionOrder) => void): Promise<Result<void, ConnectionRefusal>>
  /** For `session list`: from another thread it may wait a moment, but what is asked later comes later. */
  note(connection: ConnectionId, note: ConnectionNote): void
  /** Forgets the connection, frees what it held (its maildrop too). */
  disconnect(connection: ConnectionId): void

  /** Throttle, then cache, then hash. On success the connection belongs to the account. */
  login(attempt: PasswordAttempt): Promise<Result<Login, LoginRefusal>>
  scramStart(attempt: ScramAttempt): Promise<Result<ScramSecrets, LoginRefusal>>
  scramFinish(outcome: ScramOutcome): Promise<Result<Login, LoginRefusal>>

  /** Throttle, then the token's signature and claims; nothing of it is remembered. */
  loginByToken(attempt: TokenAttempt): Promise<Result<Login, LoginRefusal>>
  loginByCertificate(attempt: CertificateAttempt): Promise<Result<Login, LoginRefusal>>

  /**
   * Exclusive use of a mailbox as a maildrop until {@link disconnect} or {@link unlockMaildrop}. The account's login
   * delay counts from each time this succeeds.
   * @param mailbox INBOX, whatever its key, when not given.
   */
  lockMaildrop(
    account: AccountId,
    connection: ConnectionId,
    mailbox?: MailboxKey,
  ): Promise<Result<Pop3Terms, MaildropRefusal>>
  unlockMaildrop(account: AccountId, connection: ConnectionId): void
  pop3Announcement(): Promise<Pop3Announcement>

  /**
   * For administrators: the account of that address, after its limits were put in place of all it had.
   * @param limits `undefined`: nothing is changed.
   */
  quotaOf(
    connection: ConnectionId,
    address: string,
    limits: QuotaLimits | undefined,
  ): Promise<Result<AccountRef, QuotaRefusal>>

  /** Canonical addresses of accounts, in their order; `undefined` where there is none. */
  addressesOf(accounts: readonly AccountId[]): Promise<readonly (string | undefined)[]>

  /** `undefined`: nobody is logged in, or the account is gone. */
  sendingTerms(connection: ConnectionId): Promise<SendingTerms | undefined>

  /**
   * Counts a message of the person logged in, about to be kept.
   * @returns why it is to be held in the queue; `undefined`: it is not.
   */
  countSending(connection: ConnectionId, message: SendingCount): Promise<Result<HoldReason | undefined, SendingRefusal>>

  /** Takes back what {@link Registry.countSending} has counted: nothing of the message was kept. */
  uncountSending(connection: ConnectionId, message: SendingCount): Promise<void>

  /**
   * Which of these addresses lead to the account of the connection (itself, aliases, details behind `+`), or with `domain`
   * are of its domain. None where nobody is logged in.
   */
  ownAddresses(
    connection: ConnectionId,
    addresses: readonly string[],
    within: 'own' | 'domain',
  ): Promise<readonly boolean[]>

  /**
   * Aliases, catch-all and plus-addressing resolved; each account once.
   * @param asker `own`: an address of another server is itself where mail goes. Default `anyone`.
   */
  resolve(address: string, asker?: Asker): Promise<Result<Resolution, RecipientRefusal>>
}
