/** What a command is: facts as data, grammar, meaning (style: one command, one file). @module */
import type { Clock } from '#lib/clock.ts'
import type { ConnectionId } from '#services/registry.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { SearchIndex } from '#store/search-index.ts'
import type { AccountRef } from '#store/types.ts'
import type { LiteralAnnounced } from '#wire/imap/frame-events.ts'
import type { CommandReader } from '#wire/imap/reader.ts'
import type { Output } from './output.ts'
import type { SessionControl } from './session-control.ts'
import type { View } from './view.ts'

/** States of a session (RFC 9051 §3); after LOGOUT no command is read. */
export type SessionState = 'not-authenticated' | 'authenticated' | 'selected'

/** For commands that are valid in every state. */
export const ANY_STATE: readonly SessionState[] = ['not-authenticated', 'authenticated', 'selected']

/** For commands that need a login and no mailbox. */
export const LOGGED_IN: readonly SessionState[] = ['authenticated', 'selected']

/** What the client switched on; the session changes it, everyone reads it. Only UNAUTHENTICATE switches it off. */
export interface Enabled {
  /** ENABLE CONDSTORE, or any command that implies it (RFC 7162 §3.1). */
  condstore: boolean
  /** Implies `condstore`: VANISHED instead of EXPUNGE (RFC 7162 §3.2.10). */
  qresync: boolean
  /** UTF8=ACCEPT, or implied by `rev2` (RFC 9051 §5.1). */
  utf8: boolean
  /** IMAP4rev2 (RFC 9051 §6.3.1). */
  rev2: boolean
  /** No message numbers, in either direction: UIDFETCH for FETCH, VANISHED for EXPUNGE (RFC 9586 §3). */
  uidOnly: boolean
}

/** As at the greeting. */
export function nothingEnabled(): Enabled {
  return { condstore: false, qresync: false, utf8: false, rev2: false, uidOnly: false }
}

/** How a command ends; the session writes it behind the tag. */
export interface Completion {
  readonly status: 'OK' | 'NO' | 'BAD'
  /** Response code without brackets. */
  readonly code?: string
  /** One line of Unicode; nothing that the client sent goes in. */
  readonly text: string
  /** Done once the answer is written. */
  readonly after?: () => Promise<void>
}

/** What a command works with. One object a session; `account` and `view` are there in the states that have them. */
export interface Context {
  /** For the log. */
  readonly id: ConnectionId
  /** Who asks, for the `by` of every write (`store/actor.ts`). */
  readonly actor: string
  /** Of the command at work, for ESEARCH (RFC 9051 §7.3.4). */
  readonly tag: string
  readonly account: AccountRef
  /** Canonical address of the person, in the states that have an `account`. */
  readonly address: string
  /** The selected mailbox; ask only in state `selected`. */
  readonly view: View
  readonly store: MailStore
  readonly searchIndex: SearchIndex | undefined
  readonly enabled: Enabled
  readonly out: Output
  /** Aborted when the peer is gone or the session must end. */
  readonly signal: AbortSignal
  readonly clock: Clock
  /** For the commands that change the session itself. */
  readonly session: SessionControl
}

/** Whether numbers of the client are message numbers or UIDs: `FETCH` or `UID FETCH`. */
export type By = 'number' | 'uid'

/** One command: give it to {@link command}. */
export interface CommandSpec<Args> {
  /** Upper case. */
  readonly name: string
  readonly states: readonly SessionState[]
  /** `UID NAME` is a command too; default `false`. */
  readonly uidForm?: boolean
  /** Message numbers must not change while it answers (RFC 9051 §7.5.1); never true of the UID form. Default `false`. */
  readonly holdsExpunge?: boolean
  /** The form without UID speaks of message numbers; default where there are both forms. */
  readonly byNumber?: boolean
  /** Reads the arguments, from the space behind the name to the end. Pure; throws SyntaxFault. */
  parse(r: CommandReader): Args
  run(args: Args, by: By, context: Context): Promise<Completion>
  /**
   * What two of the UID form, the second of which came while the first had not begun, are as one; `undefined` where they
   * are not. Both get the answer of the one.
   */
  joined?(first: Args, second: Args, context: Context): Args | undefined
  /** See {@link Command.upload}. */
  readonly upload?: Upload
}

/**
 * Asked for each literal before its bytes come: the command takes it itself, to the end of the command, or gives
 * `undefined` and gets it in memory. `r` stands behind the name. Throws no SyntaxFault.
 */
export type Upload = (
  announced: LiteralAnnounced,
  r: CommandReader,
  by: By,
) => ((context: Context) => Promise<Completion>) | undefined

/** A command whose arguments were read. */
export interface Ready {
  run(by: By, context: Context): Promise<Completion>
  /** Both as one, see {@link CommandSpec.joined}. */
  join(next: Ready, context: Context): Ready | undefined
}

/** A command as the session knows it. */
export interface Command {
  readonly name: string
  readonly states: readonly SessionState[]
  readonly uidForm: boolean
  readonly holdsExpunge: boolean
  readonly byNumber: boolean
  /** {@link Ready.join} may give something. */
  readonly joins: boolean
  /** Reads the arguments and answers what is left to do. */
  read(r: CommandReader): Ready
  /** Only where literals are too large for memory. */
  readonly upload: Upload | undefined
}

/** Makes a {@link Command} from its parts. */
export function command<Args>(spec: CommandSpec<Args>): Command {
  return {
    name: spec.name,
    states: spec.states,
    uidForm: spec.uidForm ?? false,
    holdsExpunge: spec.holdsExpunge ?? false,
    byNumber: spec.byNumber ?? spec.uidForm ?? false,
    upload: spec.upload,
    joins: spec.joined !== undefined,
    read: (r) => new ReadyCommand(spec, spec.parse(r)),
  }
}

class ReadyCommand<Args> implements Ready {
  readonly #spec: CommandSpec<Args>
  readonly #args: Args

  constructor(spec: CommandSpec<Args>, args: Args) {
    this.#spec = spec
    this.#args = args
  }

  run(by: By, context: Context): Promise<Completion> {
    return this.#spec.run(this.#args, by, context)
  }

  join(next: Ready, context: Context): Ready | undefined {
    if (!(next instanceof ReadyCommand) || next.#spec !== this.#spec) return undefined
    // of the same command, so its arguments are such, too
    const args = this.#spec.joined?.(this.#args, next.#args as Args, context)
    return args === undefined ? undefined : new ReadyCommand(this.#spec, args)
  }
}
