/** What a comparison needs of a server; `malle.ts` and `dovecot.ts` are two of them. @module */
import type { Endpoint } from '../raw.ts'

/** `http` is Malle's alone. */
export type Listener = 'imap' | 'imaps' | 'pop3' | 'pop3s' | 'lmtp' | 'http'

/** What a scenario wants other than the plain server. */
export interface Variant {
  /** Protocol threads of Malle, 1 unless told; with more, the server has all cores. */
  readonly workers?: number
  /** The server has the driver's core, too. */
  readonly allCores?: boolean
  /** Malle without compiled code of earlier runs. */
  readonly coldCode?: boolean
  /** Dovecot's `imap_hibernate_timeout`. */
  readonly hibernate?: boolean
  /** Dovecot with its plugins for COMPRESS=DEFLATE. */
  readonly deflate?: boolean
  /** Dovecot with Debian's `dovecot-fts-xapian`. */
  readonly fullTextIndex?: boolean
  /** Nothing is synced, and all cores are the server's: only to fill mailboxes. */
  readonly atEase?: boolean
}

/** A server that runs, pinned to the servers' core. */
export interface Contestant extends AsyncDisposable {
  readonly name: 'malle' | 'dovecot'
  /** The process whose tree is the server. */
  readonly pid: number
  /** Where its mail and indexes are. */
  readonly mail: string
  endpoint(listener: Listener): Endpoint
  /** Stops it and starts it again with the mail it had; `meanwhile` is done while it stands still. */
  restart(variant?: Variant, meanwhile?: () => Promise<void>): Promise<void>
  /** Resolves when it has done what it does beside serving: Malle's search index is up to date. */
  settled?(): Promise<void>
  /** Starts again without the full-text index of any mailbox; what makes Malle one anew is a search, or a change. */
  removeIndexes?(): Promise<void>
  /** Makes the full-text index of an INBOX that has none, on the server's core. */
  index?(address: string): Promise<void>
  /** A verb of Malle's command line; what it printed. */
  verb?(...words: readonly string[]): Promise<string>
  /** Takes an mbox file into an INBOX with the command that the server has for it, on the servers' core. */
  importMbox(address: string, file: string): Promise<void>
  /** Another server of the kind, in a folder beside its own, with nothing but these accounts. */
  fresh(folder: string, cast: Cast): Promise<Contestant>
  /** Stands still and gives back what disk space it can. */
  compact(): Promise<void>
}

/** Mailboxes that are made for a comparison: the same names and password on every server. */
export interface Cast {
  readonly names: readonly string[]
  readonly password: string
}

/** Everybody has one password; none of them is ever wrong. */
export const PASSWORD = 'correct horse battery'
export const DOMAIN = 'example.org'

/** `u7@example.org`, one of a hundred people who have an empty INBOX at the beginning. */
export function person(number: number): string {
  return `u${number}@${DOMAIN}`
}

export const PEOPLE = 100
