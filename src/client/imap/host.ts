import type { ImapCommand } from './command.ts'
import type { SelectedMailbox } from './selected-mailbox.ts'
import type { ImapSession } from './session.ts'

/** What commands need of the client that runs them. */
export interface ImapHost {
  readonly mailbox: SelectedMailbox | undefined
  /** The session at work, where nothing has to be waited for: so commands go out in the order of their calls. */
  readonly now: ImapSession | undefined
  /**
   * The session at work; waits while a lost connection is made again.
   * @throws {ClientError} when there is none any more
   */
  ready(): Promise<ImapSession>
  /**
   * Runs a command, on another connection where the first was lost and nothing can have been done twice.
   * @param make Called for each try.
   * @param bound The mailbox that is meant; default: the one selected now.
   */
  run<T>(make: (session: ImapSession) => ImapCommand<T>, bound?: SelectedMailbox): Promise<T>
  /** Runs it once. */
  once<T>(session: ImapSession, command: ImapCommand<T>): Promise<T>
  /** @throws {MailboxChangedError} unless the mailbox selected is the same as then */
  need(bound: SelectedMailbox | undefined): void
  /** Whether a lost connection is made again. */
  readonly recovers: boolean
}
