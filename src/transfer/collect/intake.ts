/**
 * The way into an account of a store: messages wait in a mailbox of their own, durable and unseen by nobody but the
 * curious, and go to their place by MOVE, which a store does wholly or not at all. Whether one has arrived is told by
 * whether it still waits, whatever its owner did with it since. @module
 */
import { RefusedError } from '#client/errors.ts'
import type { NewMessage } from '#client/imap/commands/append.ts'
import type { ImapClient } from '#client/imap/imap-client.ts'
import { uidsOf } from '#mail/uid-set.ts'

/** Where a message waits. */
export interface Waiting {
  readonly uidValidity: number
  readonly uid: number
}

/** See the module. */
export class Intake {
  readonly #client: ImapClient
  readonly #waiting: string
  readonly #mailbox: string
  readonly #uidValidity: number

  private constructor(client: ImapClient, waiting: string, mailbox: string, uidValidity: number) {
    this.#client = client
    this.#waiting = waiting
    this.#mailbox = mailbox
    this.#uidValidity = uidValidity
  }

  /**
   * @param waiting Mailbox to wait in; made if it is not there.
   * @param mailbox Mailbox to go to; made too.
   */
  static async open(client: ImapClient, waiting: string, mailbox: string): Promise<Intake> {
    if (await makeMissing(client, mailbox)) await client.subscribe(mailbox)
    await makeMissing(client, waiting)
    const { uidValidity } = await client.select(waiting)
    return new Intake(client, waiting, mailbox, uidValidity)
  }

  /** Adds messages; where one is refused, why. All are on disk when it settles. */
  async add(messages: readonly NewMessage[]): Promise<readonly (Waiting | string)[]> {
    try {
      return (await this.#client.appendAll(this.#waiting, messages)).map(waitingAt)
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error
      if (messages.length <= 1) return [error.text]
    }
    // one of them was refused, and so all were (RFC 3502 §6.3.11)
    const answers: (Waiting | string)[] = []
    for (const message of messages) answers.push(...(await this.add([message])))
    return answers
  }

  /** Those of the messages that still wait; `undefined`: the mailbox is another one, and nobody knows. */
  async stillWaiting(messages: readonly Waiting[]): Promise<ReadonlySet<number> | undefined> {
    if (messages.some(({ uidValidity }) => uidValidity !== this.#uidValidity)) return undefined
    const there = new Set<number>(uidsOf((await this.#client.search({})).uids))
    return new Set(messages.map(({ uid }) => uid).filter((uid) => there.has(uid)))
  }

  /** Sends messages to their place, in their order. @returns Those that were there to be sent. */
  async release(uids: readonly number[]): Promise<ReadonlySet<number>> {
    if (uids.length === 0) return new Set()
    const moved = await this.#client.move(uids, this.#mailbox)
    return new Set<number>(moved === undefined ? [] : uidsOf(moved.from))
  }

  /** Takes away what waits: nobody knows of it any more, and its source still has it. */
  async clear(): Promise<void> {
    const { count } = await this.#client.search({})
    if (count === 0) return
    await this.#client.store('1:*', { add: ['\\Deleted'] })
    await this.#client.expunge()
  }

  /** Goes, and leaves what waits where it is. */
  leave(): Promise<void> {
    return this.#client.logout()
  }

  /** Leaves nothing behind. */
  async close(): Promise<void> {
    await this.clear()
    await this.#client.unselect()
    await this.#client.delete(this.#waiting)
    await this.#client.logout()
  }
}

function waitingAt(appended: Waiting | undefined): Waiting {
  if (appended === undefined) throw new Error('The store does not say where it put a message')
  return { uidValidity: appended.uidValidity, uid: appended.uid }
}

/** @returns Whether it was missing. */
async function makeMissing(client: ImapClient, mailbox: string): Promise<boolean> {
  if (mailbox.toUpperCase() === 'INBOX') return false
  try {
    await client.create(mailbox)
    return true
  } catch (error) {
    if (error instanceof RefusedError && error.code === 'ALREADYEXISTS') return false
    throw error
  }
}
