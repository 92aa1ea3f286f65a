import type { ConnectionNote, Login } from '#services/registry.ts'
import type { SessionDeps } from '#services/session-deps.ts'
import type { SessionState } from './command.ts'
import type { Connection } from './connection.ts'
import type { AnnotationWatch } from './notify/annotation-watch.ts'
import type { Notifier } from './notify/notifier.ts'
import type { View } from './view.ts'

/** What commands may do to their session. Commands on messages need none of it. */
export interface SessionControl {
  readonly deps: SessionDeps
  readonly connection: Connection
  readonly state: SessionState
  /** TLS is on. */
  readonly secure: boolean
  /** The selected mailbox, `undefined` without. */
  readonly selected: View | undefined
  /** What the client wants to hear unasked, `undefined` until it says so (RFC 5465). */
  readonly notifier: Notifier | undefined
  /** From now on that one; the one before is closed. */
  notify(notifier: Notifier | undefined): void
  /** After ENABLE METADATA (RFC 5464 §4.1). */
  readonly annotations: AnnotationWatch | undefined
  /** From now on that one; the one before is closed. */
  watchAnnotations(watch: AnnotationWatch | undefined): void
  /** The person logged in has shown who they are. */
  loggedIn(login: Login): void
  /**
   * Forgets who was logged in and all that they set (RFC 8437 §4.1): whatever a command changes in the session, and
   * everyone else must not see, goes back to what it was at the greeting.
   */
  loggedOut(): Promise<void>
  /** A login was refused; too many of them end the connection. */
  loginFailed(): void
  /** Selects the mailbox of a view, or none; the view before is closed. */
  select(view: View | undefined): void
  /** For `session list`. */
  note(note: ConnectionNote): void
  /** Ends the session once the tagged answer is out; the command has written its BYE. */
  end(): void
}
