/** What a command is: facts as data, and meaning; its grammar is in `wire/pop3/commands.ts`, for both ends. @module */
import type { ConnectionId, Login, Pop3Announcement, Pop3Terms } from '#services/registry.ts'
import type { RegistryAuthority } from '#services/sasl-authority.ts'
import type { Log } from '#services/session-deps.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { CommandName, Pop3Command } from '#wire/pop3/commands.ts'
import type { SaslMechanism } from '#wire/sasl/mechanism.ts'
import type { Connection } from './connection.ts'
import type { Maildrop } from './maildrop.ts'
import type { Pop3Options } from './options.ts'
import type { RowsAhead } from './rows-ahead.ts'
import type { Language, Words } from './words.ts'

/** States of a session (RFC 1939 §3). In UPDATE no command is read any more. */
export type SessionState = 'authorization' | 'transaction' | 'update'

/** How a command ends: a status line for the session to write. */
export interface Completion {
  readonly status: '+OK' | '-ERR'
  /** Response code without brackets: `IN-USE`, `AUTH`, `SYS/TEMP`, `SYS/PERM`. */
  readonly code?: string
  /** Nothing that the client sent goes in. */
  readonly text: Words
}

/** The command has written its whole answer itself. */
export const ANSWERED = 'answered'

/** What a command works with; one object a session. */
export interface Context {
  /** For the log. */
  readonly id: ConnectionId
  /** Who asks, for the `by` of every write (`store/actor.ts`). */
  readonly actor: string
  readonly state: SessionState
  readonly connection: Connection
  readonly store: MailStore
  readonly log: Log
  /** Ask only in state `transaction`. */
  readonly maildrop: Maildrop
  /** Of the maildrop's messages. */
  readonly rows: RowsAhead
  /** What the maildrop is to its account; ask only in state `transaction`. */
  readonly terms: Pop3Terms
  readonly options: Pop3Options
  /** What CAPA says before the login. */
  announcement(): Promise<Pop3Announcement>
  /** UTF8 was asked for (RFC 6856 §2.1). */
  utf8: boolean
  /** `undefined`: LANG was not asked for, so English in ASCII. */
  language: Language | undefined
  /** Words in the client's language, one character an octet. */
  say(words: Words): string
  /** What USER named; PASS and STLS forget it. */
  user: string | undefined
  /** Whether passwords may be sent as they are: over TLS, or because the configuration says so. */
  readonly plaintext: boolean
  /** SASL mechanisms that are done now, strongest first … */
  readonly mechanisms: readonly SaslMechanism[]
  /** … and those of them that CAPA names. */
  readonly listedMechanisms: readonly SaslMechanism[]
  readonly authority: RegistryAuthority
  /** There is a certificate, and TLS is not active yet. */
  readonly canStartTls: boolean
  /** Locks and opens the maildrop of somebody who has shown who they are. */
  enter(login: Login): Promise<Completion>
  /** Lets the maildrop go: the session is in state `update`, and ends after this command. */
  leave(): void
  /** Says +OK and does the handshake; everything known of the client is forgotten. */
  startTls(): Promise<void>
}

/** One command, by the name of its grammar: give it to {@link command}. */
export interface CommandSpec<Name extends CommandName> {
  readonly name: Name
  readonly states: readonly SessionState[]
  run(args: Extract<Pop3Command, { readonly name: Name }>, context: Context): Answer | Promise<Answer>
}

/** What a command answers. */
export type Answer = Completion | typeof ANSWERED

/** A command as the session knows it. */
export interface Command {
  readonly name: CommandName
  readonly states: readonly SessionState[]
  /** @param args Of this command's name. */
  run(args: Pop3Command, context: Context): Answer | Promise<Answer>
}

/** Makes a {@link Command} from its parts. */
export function command<Name extends CommandName>(spec: CommandSpec<Name>): Command {
  return {
    name: spec.name,
    states: spec.states,
    run: (args, context) => spec.run(args as Extract<Pop3Command, { readonly name: Name }>, context),
  }
}

/** `+OK` with words for people. */
export function ok(text: Words): Completion {
  return { status: '+OK', text }
}

/** `-ERR` with words for people. */
export function err(text: Words, code?: string): Completion {
  return code === undefined ? { status: '-ERR', text } : { status: '-ERR', code, text }
}
