/** A command as the session sends it. Who makes one makes a new one for each try: it keeps what was answered. @module */
import type { CommandWriter } from '#wire/imap/command-writer.ts'
import type { LiteralAnnounced } from '#wire/imap/frame-events.ts'
import type { ConditionResponse, Response } from '#wire/imap/responses.ts'

/** Takes the bytes of a literal as they come. */
export interface LiteralSink {
  /** A promise while its reader is busy. */
  push(bytes: Uint8Array, last: boolean): Promise<void> | undefined
}

/** A command and how its answer becomes a value. */
export interface ImapCommand<T> {
  /** For people: `UID FETCH`. */
  readonly name: string
  /** Nothing else is under way while this is. */
  readonly alone?: boolean
  /** Nothing changes on the server when it is sent twice. */
  readonly repeatable?: boolean
  /** It names messages of the selected mailbox. */
  readonly selected?: boolean
  /** No deadline for its answer. */
  readonly patient?: boolean
  /** The reader stops right behind its tagged OK (see `ImapSession.between`). */
  readonly holds?: boolean
  /** Commands that belong together do not hurry each other. */
  readonly group?: object
  /** Literals are only announced and wait for the server's word, even where it would take them unasked. */
  readonly asks?: boolean
  /** Everything after the tag and its space. */
  write(w: CommandWriter): void
  /** The bytes of the nth literal that was only announced. */
  follow?(n: number): AsyncIterable<Uint8Array>
  /** A `+` that no literal waits for: gives the line to send. */
  continued?(text: string): Promise<string | undefined>
  /**
   * An untagged response, first to the command that was sent first. Servers answer some commands in another order, or
   * several at once: it is taken only by the command that it fits.
   * @param tag The command's.
   * @returns Whether it answers this command.
   */
  take?(response: Response, tag: string): boolean
  /** A large literal within a response; `undefined`: it is not for this command. */
  literal?(announced: LiteralAnnounced): LiteralSink | undefined
  /** After {@link take}: a promise while the reader has enough. */
  room?(): Promise<void> | undefined
  /** Other commands wait behind this one, so that its reader may wait for them. */
  hurry?(): void
  /** The value, at OK. */
  finish(done: ConditionResponse): T
  /** The value at NO, where that is one. */
  refuse?(done: ConditionResponse): T | undefined
  /** It ends without an answer, or with a refusal: who reads its parts must hear it. */
  fail?(error: unknown): void
}

/** A command without an answer of its own. */
export function plainCommand(
  name: string,
  write: (w: CommandWriter) => void,
  facts: Pick<ImapCommand<void>, 'alone' | 'repeatable' | 'selected'> = {},
): ImapCommand<void> {
  return {
    name,
    ...facts,
    write(w) {
      w.text(name)
      write(w)
    },
    finish: () => undefined,
  }
}
