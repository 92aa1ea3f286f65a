/**
 * Who watches hears of everything: by IDLE, for which other commands make room, by NOTIFY, which needs none, or by
 * asking from time to time where the server has neither.
 * @module
 */
import type { NotifyGroup } from '#wire/imap/notify-request.ts'
import type { StatusValues } from '#wire/imap/responses.ts'
import { ClientError, RefusedError } from '../errors.ts'
import { pause } from '../timers.ts'
import { Idle } from './commands/idle.ts'
import { list } from './commands/list.ts'
import { notify } from './commands/notify.ts'
import { noop } from './commands/session-commands.ts'
import { EventQueue } from './event-queue.ts'
import type { MailboxEvent } from './events.ts'
import type { Link } from './link.ts'
import type { ListedMailbox } from './listed-mailbox.ts'
import { sameMailbox } from './listed-mailbox.ts'
import type { ImapSession } from './session.ts'

/** See the module. */
export class Watching {
  readonly #link: Link
  readonly #pollMs: number
  readonly #queues = new Set<EventQueue>()
  /** Who watches the selected mailbox. */
  readonly #idlers = new Set<EventQueue>()
  #idling = false
  #idle: Idle | undefined
  #stopPolling: AbortController | undefined
  /** What NOTIFY was asked for, and for whom. */
  #notified: { readonly queue: EventQueue; readonly groups: readonly NotifyGroup[] } | undefined

  constructor(link: Link, pollMs: number) {
    this.#link = link
    this.#pollMs = pollMs
  }

  tell(event: MailboxEvent): void {
    for (const queue of this.#queues) queue.push(event)
  }

  end(error: ClientError): void {
    for (const queue of this.#queues) queue.end(error)
  }

  /** What was asked for holds on a new connection too. */
  async renew(session: ImapSession): Promise<void> {
    if (this.#notified !== undefined && session.capabilities.has('NOTIFY'))
      await session.run(notify(this.#notified.groups))
  }

  watch(signal: AbortSignal | undefined): EventQueue {
    const queue = this.#open(signal)
    this.#idlers.add(queue)
    if (!this.#idling)
      this.#keepIdling().catch((error: unknown) => {
        for (const each of this.#idlers) each.end(error)
      })
    return queue
  }

  async notify(groups: readonly NotifyGroup[], signal: AbortSignal | undefined): Promise<EventQueue> {
    const { capabilities } = await this.#link.ready()
    if (!capabilities.has('NOTIFY')) {
      const queue = this.watch(signal)
      this.#poll(groups, queue).catch((error: unknown) => queue.end(error))
      return queue
    }
    this.#notified?.queue.end()
    await this.#link.run(() => notify(groups))
    const queue = this.#open(signal)
    this.#notified = { queue, groups }
    return queue
  }

  #open(signal: AbortSignal | undefined): EventQueue {
    const abort = (): void => queue.end()
    const queue = new EventQueue(() => {
      signal?.removeEventListener('abort', abort)
      this.#forget(queue)
    })
    if (signal?.aborted === true) queue.end()
    else this.#queues.add(queue)
    signal?.addEventListener('abort', abort)
    return queue
  }

  #forget(queue: EventQueue): void {
    this.#queues.delete(queue)
    this.#idlers.delete(queue)
    if (this.#idlers.size === 0) {
      this.#idle?.end()
      this.#stopPolling?.abort()
    }
    if (this.#notified?.queue !== queue) return
    this.#notified = undefined
    this.#link.run(() => notify(undefined)).catch(() => undefined)
  }

  /** Idles, or asks, as long as somebody watches. */
  async #keepIdling(): Promise<void> {
    this.#idling = true
    try {
      await this.#idleOn()
    } finally {
      this.#idling = false
    }
  }

  async #idleOn(): Promise<void> {
    let idles = true
    while (this.#idlers.size > 0) {
      try {
        const session = await this.#link.ready()
        if (idles && session.capabilities.has('IDLE')) {
          const idle = new Idle(this.#link.timers, (line) => {
            // its failure is the connection's, which is heard elsewhere
            session.sendLine(line).catch(() => undefined)
          })
          this.#idle = idle
          await session.run(idle)
        } else {
          this.#stopPolling = new AbortController()
          await pause(this.#link.timers, this.#pollMs, this.#stopPolling.signal).catch(() => undefined)
          if (this.#idlers.size > 0) await this.#link.run(() => noop())
        }
      } catch (error) {
        if (error instanceof RefusedError) idles = false
        else if (!(error instanceof ClientError)) throw error
        // over for good: the queues are ended with the reason; else it is there again when `ready` says so
        if (this.#link.signal.aborted) return
      } finally {
        this.#idle = undefined
      }
    }
  }

  /** Figures of mailboxes that are not selected, from time to time. */
  async #poll(groups: readonly NotifyGroup[], queue: EventQueue): Promise<void> {
    const known = new Map<string, StatusValues | undefined>()
    for (let first = true; this.#queues.has(queue); first = false) {
      const listed = (await list(this.#link, { status: true })).filter((mailbox) => isMeant(mailbox, groups))
      for (const { name, status } of listed) {
        const before = known.get(name)
        known.set(name, status)
        const selected = this.#link.mailbox?.name
        if (first || status === undefined || (selected !== undefined && sameMailbox(selected, name))) continue
        if (JSON.stringify(before) !== JSON.stringify(status))
          queue.push({ kind: 'status', mailbox: name, values: status })
      }
      await pause(this.#link.timers, this.#pollMs)
    }
  }
}

function isMeant({ name, delimiter, subscribed }: ListedMailbox, groups: readonly NotifyGroup[]): boolean {
  return groups.some(({ filter }) => {
    switch (filter.kind) {
      case 'selected':
      case 'selected-delayed':
        return false
      case 'inboxes':
        return sameMailbox(name, 'INBOX')
      case 'personal':
        return true
      case 'subscribed':
        return subscribed
      case 'mailboxes':
        return filter.names.some((each) => sameMailbox(each, name))
      case 'subtree':
        return filter.names.some((each) => sameMailbox(each, name) || name.startsWith(`${each}${delimiter ?? '\0'}`))
    }
  })
}
