/**
 * A session after NOTIFY (RFC 5465): says what its client asked for while it waits for the next command, and in IDLE
 * (§4). It sleeps on hints of the store and of the selected view; nothing is polled. Whatever comes while it speaks, or
 * while a command runs, is told together when that is over: a slow reader costs one entry a mailbox.
 * @module
 */
import { ANYONE } from '#store/acl.ts'
import type { AccountRef } from '#store/types.ts'
import type { FrameEvent } from '#wire/imap/frame-events.ts'
import type { Context } from '../command.ts'
import { MAILBOX_GONE } from '../completion.ts'
import { Farewell } from '../connection.ts'
import { NOTIFY_SHARERS, REST_MS } from '../limits.ts'
import { mailboxesOfOthers } from '../resolve.ts'
import type { View } from '../view.ts'
import { NOTHING, type Registration, type SelectedEvents } from './registration.ts'
import { WatchedMailboxes } from './watched-mailboxes.ts'

/** See the module. */
export class Notifier {
  /** What the view of the selected mailbox tells unasked. */
  selected: SelectedEvents
  readonly #context: Context
  readonly #registration: Registration | undefined
  /** The person's own mailboxes, and those of each who shares some. */
  #watched: readonly WatchedMailboxes[] = []
  #stops: (() => void)[] = []
  #viewNews = false
  /** Somebody who had shared nothing has given the person rights. */
  #sharerNews = false

  /** @param registration `undefined`: NOTIFY NONE. */
  constructor(context: Context, registration: Registration | undefined) {
    this.#context = context
    this.selected = registration?.selected ?? NOTHING
    this.#registration = registration
  }

  /**
   * Begins to listen.
   * @param status See {@link WatchedMailboxes.begin}.
   * @returns `false` when it would be too much.
   */
  async begin(status: boolean): Promise<boolean> {
    const registration = this.#registration
    if (registration === undefined || registration.any === 0) return true
    const { store, account, address, session } = this.#context
    // before it is read who they are, so that nobody is missed
    if (registration.others)
      for (const identifier of [address, ANYONE])
        this.#stops.push(
          store.watchRights(identifier, (change) => {
            if (this.#watched.some((watched) => watched.account.id === change.account)) return
            this.#sharerNews = true
            session.connection.wake()
          }),
        )
    const accounts = [account, ...(registration.others ? await sharers(this.#context) : [])]
    if (accounts.length > NOTIFY_SHARERS) return false
    for (const watched of accounts.map((of) => this.#watch(registration, of)))
      if (!(await watched.begin(status))) return false
    return true
  }

  #watch(registration: Registration, of: AccountRef): WatchedMailboxes {
    const { store, account, session } = this.#context
    const watched = new WatchedMailboxes(this.#context, registration, of)
    this.#watched = [...this.#watched, watched]
    this.#stops.push(
      store.watch(of.id, (change) => {
        watched.hear(change)
        if (change.mailbox === undefined && of.id === account.id)
          for (const other of this.#watched) if (other !== watched) other.look()
        if (watched.pending) session.connection.wake()
      }),
    )
    return watched
  }

  /** Watches who has begun to share. @returns `false` when these are too many. */
  async #lookForSharers(): Promise<boolean> {
    const registration = this.#registration
    if (!this.#sharerNews || registration === undefined) return true
    this.#sharerNews = false
    const known = new Set(this.#watched.map((watched) => watched.account.id))
    const others = (await sharers(this.#context)).filter(({ id }) => !known.has(id))
    if (known.size + others.length > NOTIFY_SHARERS) return false
    for (const of of others) this.#watch(registration, of).beginWithNothing()
    return true
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
    let whole = await this.#lookForSharers()
    for (const watched of this.#watched) if (watched.pending && !(await watched.tell())) whole = false
    if (whole) return
    // As if NOTIFY NONE had come (RFC 5465 §5.8).
    this.close()
    this.selected = NOTHING
    out.text('* OK [NOTIFICATIONOVERFLOW] ').line('Too much happens at once, nothing is told any more')
  }

  /** The mailbox of the view is no longer selected. */
  left({ account, mailbox, told }: View): void {
    for (const watched of this.#watched) if (watched.account.id === account.id) watched.left(mailbox, told)
  }

  /** Hears no more. */
  close(): void {
    for (const stop of this.#stops) stop()
    this.#stops = []
    this.#watched = []
  }

  get #listens(): boolean {
    return this.#watched.length > 0 || this.selected.messages
  }
}

/** Whose mailboxes the person may know of. */
async function sharers(context: Context): Promise<AccountRef[]> {
  const found = new Map((await mailboxesOfOthers(context)).map(({ account }) => [account.id, account]))
  return [...found.values()]
}
