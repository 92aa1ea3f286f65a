/** What commands may do to their session. Commands on messages need none of it. */
export interface SessionControl {
  /** Ends the session once the tagged answer is out; the command has written its BYE. */
  end(): void
}
