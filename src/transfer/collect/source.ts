/** Where mail is collected from: a maildrop of POP3, a mailbox of IMAP. @module */

/** A message as the source lists it. */
export interface Listed {
  /** The same for the same message at every run; unique in a listing. */
  readonly id: string
  /** Octets, as the server says: a guess for progress and batches, never relied upon. */
  readonly octets: number
}

/** A message that was asked for: its bytes, which must be read to their end in turn, or the server's refusal. */
export type Fetched =
  | { readonly message: Listed; readonly body: AsyncIterable<Uint8Array>; readonly refusal?: never }
  | { readonly message: Listed; readonly body?: never; readonly refusal: string }

/** An open session. Nothing is deleted but by {@link remove}, at the latest by {@link finish}. */
export interface CollectSource extends AsyncDisposable {
  /** Names the mailbox for the records: two sources with one name are the same mailbox, whatever the way to it. */
  readonly name: string
  /** Whether ids last from run to run; without, a message can only be taken and deleted at once. */
  readonly lastingIds: boolean
  /** All messages, in order of arrival. */
  list(): Promise<readonly Listed[]>
  /** The named messages, in this order. */
  fetch(messages: readonly Listed[]): AsyncIterable<Fetched>
  /** Has them deleted, now or when the session ends well. */
  remove(messages: readonly Listed[]): Promise<void>
  /**
   * Makes deletions real.
   * @throws where the server did not confirm; some of them may have been done then.
   */
  finish(): Promise<void>
}
