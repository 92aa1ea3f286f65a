/** What every session of every protocol is given by the composition. @module */
import type { SecureContext } from 'node:tls'
import type { Clock } from '#lib/clock.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { Outbox } from '#store/queue.ts'
import type { SearchIndex } from '#store/search-index.ts'
import type { InboundChecks } from './inbound-checks.ts'
import type { OAuthOffer } from './oauth-tokens.ts'
import type { Registry } from './registry.ts'
import type { SubmissionPolicy } from './submission.ts'

/** Structured log: the shape of pino's methods, so that pino itself fits. Secrets and bodies never go in. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Limits that sessions keep to; from the configuration. */
export interface SessionLimits {
  /** Octets of one message, literal8 and DATA alike. */
  readonly messageBytes: number
  /** Octets of one line. */
  readonly lineBytes: number
  /** Autologout of a logged-in IMAP session. */
  readonly idleMs: number
  /** Messages that one IMAP command may be about; its own limits when `undefined`. */
  readonly messagesPerCommand?: number
}

/** Certificates as they are now; SIGHUP may change them, so sessions ask at each handshake. */
export interface TlsIdentity {
  /** `undefined`: no TLS here, STARTTLS and STLS are not offered. */
  context(serverName: string | undefined): SecureContext | undefined
  /** `false`: there is one certificate for all names. */
  readonly choosesByName?: boolean
  /** Client certificates are asked for at each handshake (`tls.client_ca`). */
  readonly requestsCertificate?: boolean
  /** Shared by all threads, so that sessions resume (design §5); 48 bytes. */
  readonly ticketKeys: Buffer
}

/** Counts for `/metrics`. */
export interface SessionMeter {
  /** `outcome` is one of a small, fixed set: `OK`, `NO`, `BAD`, `-ERR` … */
  command(protocol: string, command: string, outcome: string, ms: number): void
  bytes(protocol: string, received: number, sent: number): void
}

export interface SessionDeps {
  /** Our name in greetings and trace lines. */
  readonly hostname: string
  readonly store: MailStore
  /** Without one, searches read messages. */
  readonly searchIndex?: SearchIndex | undefined
  readonly registry: Registry
  /** Takes mail for other servers; without one, it is refused. */
  readonly outbox?: Outbox | undefined
  /** Envelope sender of what an alias forwards to another server (SRS); absent: it stays. */
  readonly forwardedSender?: ((sender: string, alias: string) => string) | undefined
  /** What people here may send; absent: anything. */
  readonly submission?: SubmissionPolicy | undefined
  readonly limits: SessionLimits
  /** Plaintext logins without TLS (design §3 `auth.allow_plaintext`). */
  readonly allowPlaintext: boolean
  /** SCRAM works with people's own passwords too, so it is listed (design §3 `auth.scram_for_passwords`). */
  readonly scramForPasswords: boolean
  /** IMAP's UNAUTHENTICATE, on unless `false` (`auth.unauthenticate`). */
  readonly unauthenticate?: boolean
  /** The issuer whose tokens the registry takes (`[auth.oauth]`), as clients are told of it; absent: no tokens. */
  readonly oauth?: OAuthOffer | undefined
  /** What mail from other servers goes through before it is kept; absent: everything is taken. */
  readonly checks?: InboundChecks | undefined
  readonly tls: TlsIdentity
  readonly clock: Clock
  readonly log: Log
  /** Makes the id of a connection: unique in this run, short. */
  readonly newConnectionId: () => string
  readonly meter?: SessionMeter
}
