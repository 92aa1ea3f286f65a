/** What every protocol's sessions are given, by whoever composes the server. @module */
import type { SecureContext } from 'node:tls'
import type { Clock } from '#lib/clock.ts'
import type { Log } from '#lib/log.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { ConnectionId, Registry } from './registry.ts'

/** The part of the configuration that sessions obey; derived from `config`, which sessions do not know. */
export interface SessionLimits {
  /** Passwords in the clear without TLS (LOGIN, USER/PASS, PLAIN): loopback demo and benches only. */
  readonly allowPlaintext: boolean
  /** Octets of one message that comes in. */
  readonly messageBytes: number
  /** Octets of one command line. */
  readonly lineBytes: number
  /** Silence after which a logged-in session ends; protocols raise it to what their RFC demands. */
  readonly idleMs: number
}

/**
 * The TLS context for the name the client asked for by SNI, or the usual one. Asked at every handshake, so that new
 * certificates count at once; it carries the ticket keys all threads share (design §5).
 */
export type TlsContext = (serverName: string | undefined) => SecureContext

/** Counts for `/metrics`. */
export interface SessionMeter {
  /** `outcome` is of a small, fixed set: `OK`, `NO`, `BAD`, `-ERR` … */
  command(protocol: string, command: string, outcome: string, ms: number): void
  bytes(protocol: string, received: number, sent: number): void
}

export interface SessionDeps {
  readonly store: MailStore
  readonly registry: Registry
  readonly limits: SessionLimits
  /** As greetings show it. */
  readonly hostname: string
  /** `undefined`: no STARTTLS, no STLS. */
  readonly tlsContext: TlsContext | undefined
  readonly log: Log
  readonly clock: Clock
  /** Unique in the installation's run, across threads. */
  readonly newConnectionId: () => ConnectionId
  readonly meter?: SessionMeter
}
