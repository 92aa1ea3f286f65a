/**
 * A session after NOTIFY (RFC 5465): says what its client asked for while it waits for the next command, and in IDLE
 * (§4). It sleeps on hints of the store and of the selected view; nothing is polled. Whatever comes while it speaks, or
 * while a command runs, is told together when that is over: a slow reader costs one entry a mailbox.
 * @module
 */
import type { FrameEvent } from '#wire/imap/frame-events.ts'
import type { Context } from '../command.ts'
import { MAILBOX_GONE } from '../completion.ts'
import { Farewell } from '../connection.ts'
import { REST_MS } from '../limits.ts'
import type { View } from '../view.ts'
import { NOTHING, type Registration, type SelectedEvents } from './registration.ts'
import { WatchedMailboxes } from './watched-mailboxes.ts'

/** See the module. */
export class Notifier {
  /** What the view of the selected mailbox tells unasked. */
  selected: SelectedEvents
  readonly #context: Context
  #watched: WatchedMailboxes | undefined
  #stop: (() => void) | undefined
  #viewNews = false

  /** @param registration `undefined`: NOTIFY NONE. */
  constructor(context: Context, registration: Registration | undefined) {
    this.#context = context
    this.selected = registration?.selected ?? NOTHING
    if (registration !== undefined && registration.any !== 0)
      this.#watched = new WatchedMailboxes(context, registration)
  }

  /**
   * Begins to listen.
   * @param status See {@link WatchedMailboxes.begin}.
   * @returns `false` when it would be too much.
   */
  async begin(status: boolean): Promise<boolean> {
    const watched = this.#watched
    if (watched === undefined) return true
    const { store, account, session } = this.#context
    this.#stop = store.watch(account.id, (change) => {
      watched.hear(change)
      if (watched.pending) session.connection.wake()
    })
    return watched.begin(status)
  }

  /** The next event of the client; until it comes, everything asked for is told. */
  async next(): Promise<FrameEvent> {
    const { session, clock } = this.#context
    const { connection } = session
    // Nothing is asked for, and who waits in the middle of a command is not disturbed.
    if (!this.#listens || connection.framer.midCommand) return connection.next()
    this.listen()
    // What came during the last command, or was held back by it, goes out before the wait.
    connection.wake()
    // A large mailbox in which nothing happens is let go of.
    connection.wakeAt = clock.now() + REST_MS
    try {
      for (;;) {
        const event = await connection.nextOrWake()
        if (event !== undefined) return event
        if (clock.now() >= connection.wakeAt) {
          connection.wakeAt = Number.POSITIVE_INFINITY
          this.#viewNews = true
        }
        if (!connection.framer.midCommand) await this.tell(this.selected.delayed)
      }
    } finally {
      connection.wakeAt = Number.POSITIVE_INFINITY
      await this.#rest()
    }
  }

  /** From now on changes of the selected mailbox wake the connection. */
  listen(): void {
    const { session } = this.#context
    this.#viewNews = true
    session.selected?.whenChanged(() => {
      this.#viewNews = true
      session.connection.wake()
    })
  }

  /** No longer: a command is about to speak of messages. */
  async #rest(): Promise<void> {
    const { session, out } = this.#context
    const view = session.selected
    view?.whenChanged(undefined)
    if (view?.resting === true && !session.connection.gone) await view.sync(out, { holdExpunge: true })
  }

  /**
   * Writes what is new.
   * @param holdExpunge Message numbers must stay.
   * @throws {Farewell} when the selected mailbox is gone
   */
  async tell(holdExpunge: boolean): Promise<void> {
    const { session, out } = this.#context
    const view = session.selected
    if (this.#viewNews && view !== undefined) {
      this.#viewNews = false
      if (!(await view.sync(out, { holdExpunge }))) throw new Farewell(MAILBOX_GONE)
    }
    if (this.#watched?.pending !== true || (await this.#watched.tell())) return
    // As if NOTIFY NONE had come (RFC 5465 §5.8).
    this.close()
    this.selected = NOTHING
    out.text('* OK [NOTIFICATIONOVERFLOW] ').line('Too much happens at once, nothing is told any more')
  }

  /** The mailbox of the view is no longer selected. */
  left({ mailbox, told }: View): void {
    this.#watched?.left(mailbox, told)
  }

  /** Hears no more. */
  close(): void {
    this.#stop?.()
    this.#stop = undefined
    this.#watched = undefined
  }

  get #listens(): boolean {
    return this.#watched !== undefined || this.selected.messages
  }
}
