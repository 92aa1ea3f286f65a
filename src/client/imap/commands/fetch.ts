/**
 * FETCH (RFC 9051 §6.4.5) of any number of messages. Bodies are asked for in windows of a few megabytes, the next one
 * while the last is read, so that other commands get their turn between them and little has to be kept when one does.
 * @module
 */
import { normaliseUidSet, uidSetOf } from '#mail/uid-set.ts'
import { subtractUidSets } from '#mail/uid-set-arithmetic.ts'
import { formatMessageSet, type MessageSet } from '#wire/imap/message-set.ts'
import { ConnectionError } from '../../errors.ts'
import type { AnyFetched, FetchedMessage, FetchOptions, FetchQuery } from '../fetch-query.ts'
import { wantsBodies } from '../fetch-query.ts'
import type { ImapHost } from '../host.ts'
import { WINDOW_BYTES, WINDOW_MESSAGES } from '../limits.ts'
import { remainder } from '../message-limit.ts'
import { isEmpty, isSingle, messageSet, splitSet, type Uids } from '../message-sets.ts'
import type { SelectedMailbox } from '../selected-mailbox.ts'
import { FetchRun } from './fetch-run.ts'

/** Messages to be asked for together. */
interface Window {
  readonly set: MessageSet
  /** Octets of their bodies, 0 where nobody asked. */
  readonly bytes: number
}

interface Active {
  set: MessageSet
  readonly bytes: number
  run: FetchRun
  /** How far the server had come the time before. */
  stoppedAt: number
  readonly given: number[]
  tries: number
}

/** See the module. */
export class FetchStream<Q extends FetchQuery> implements AsyncIterableIterator<FetchedMessage<Q>> {
  readonly #host: ImapHost
  readonly #set: MessageSet
  readonly #query: Q
  readonly #options: FetchOptions
  readonly #bound: SelectedMailbox | undefined
  #plan: Window[] | undefined
  readonly #active: Active[] = []
  #last: AnyFetched | undefined
  #over = false

  constructor(host: ImapHost, uids: Uids, query: Q, options: FetchOptions) {
    this.#host = host
    this.#bound = host.mailbox
    this.#set = messageSet(uids)
    this.#query = query
    this.#options = options
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<FetchedMessage<Q>, undefined>> {
    this.#leaveLast()
    while (!this.#over) {
      this.#plan ??= this.#plainPlan() ?? (await this.#windows())
      const [active] = this.#active
      if (active === undefined) {
        if (!(await this.#startNext())) break
        continue
      }
      const message = active.run.shift()
      if (message !== undefined) {
        active.given.push(message.uid)
        this.#last = message
        if (this.#active.length === 1 && this.#mayLookAhead(active)) await this.#startNext()
        // the query says what is there
        return { done: false, value: message as unknown as FetchedMessage<Q> }
      }
      if (!active.run.ended) await active.run.news()
      else if (active.run.failure === undefined) await this.#goOn(active)
      else await this.#again(active)
    }
    this.#over = true
    return { done: true, value: undefined }
  }

  return(): Promise<IteratorResult<FetchedMessage<Q>, undefined>> {
    this.#over = true
    this.#leaveLast()
    for (const { run } of this.#active) run.cancel()
    return Promise.resolve({ done: true, value: undefined })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #leaveLast(): void {
    this.#last?.body?.leave()
    this.#last = undefined
  }

  /** What needs no windows. */
  #plainPlan(): Window[] | undefined {
    const set = this.#set
    if (isEmpty(set)) return []
    const inWindows = wantsBodies(this.#query) && this.#options.byNumber !== true && !isSingle(set)
    return inWindows ? undefined : splitSet(set).map((part) => ({ set: part, bytes: 0 }))
  }

  async #windows(): Promise<Window[]> {
    const set = this.#set
    const { changedSince } = this.#options
    const options = changedSince === undefined ? {} : { changedSince }
    const sized: { uid: number; size: number }[] = []
    for await (const { uid, size } of new FetchStream(this.#host, formatMessageSet(set), { size: true }, options))
      sized.push({ uid, size })
    // a server with a limit tells of the highest first
    sized.sort((a, b) => a.uid - b.uid)
    const { capabilities } = this.#host.now ?? (await this.#host.ready())
    return windows(sized, Math.min(WINDOW_MESSAGES, capabilities.messageLimit ?? WINDOW_MESSAGES))
  }

  #mayLookAhead({ bytes }: Window): boolean {
    const next = this.#plan?.[0]
    return next !== undefined && bytes + next.bytes <= 2 * WINDOW_BYTES
  }

  async #startNext(): Promise<boolean> {
    const window = this.#plan?.shift()
    if (window === undefined) return false
    this.#active.push({
      ...window,
      run: await this.#start(window.set),
      given: [],
      tries: 1,
      stoppedAt: Number.POSITIVE_INFINITY,
    })
    return true
  }

  async #start(set: MessageSet): Promise<FetchRun> {
    const host = this.#host
    const session = host.now ?? (await host.ready())
    host.need(this.#bound)
    const run = new FetchRun(set, this.#query, this.#options, this, {
      capabilities: session.capabilities,
      utf8: session.utf8,
      othersWait: () => session.othersWait(this),
      uidOf: (number) => host.mailbox?.uidOf(number),
    })
    // it tells of its end itself
    host.once(session, run).catch((error: unknown) => run.fail(error))
    return run
  }

  /** The next window; before it what the server left out, having told of as many as it does at once. */
  async #goOn(active: Active): Promise<void> {
    const { stoppedAt } = active.run
    const rest = stoppedAt === undefined ? [] : remainder(active.set, stoppedAt, active.stoppedAt)
    if (stoppedAt === undefined || isEmpty(rest)) {
      this.#active.shift()
      return
    }
    active.set = rest
    active.stoppedAt = stoppedAt
    active.run = await this.#start(rest)
  }

  /** Asks again for what did not come, on another connection. */
  async #again(active: Active): Promise<void> {
    const { run, set, given, tries } = active
    const explicit = set !== '$' && numbered(set).length === set.length && this.#options.byNumber !== true
    const mayAgain = explicit || run.repeatable
    if (!(run.failure instanceof ConnectionError) || !this.#host.recovers || tries === 3 || !mayAgain) {
      this.#over = true
      throw run.failure
    }
    const rest = explicit
      ? subtractUidSets(normaliseUidSet(numbered(set)), uidSetOf(given.toSorted((a, b) => a - b)))
      : set
    if (isEmpty(rest)) this.#active.shift()
    else {
      active.run = await this.#start(rest)
      active.tries += 1
    }
  }
}

function numbered(set: MessageSet): (readonly [number, number])[] {
  const ranges: (readonly [number, number])[] = []
  for (const [first, last] of set === '$' ? [] : set)
    if (first !== '*' && last !== '*') ranges.push([Math.min(first, last), Math.max(first, last)])
  return ranges
}

/**
 * Cuts what is to be fetched so that each window is bearable in memory.
 * @param most Messages of one.
 */
function windows(sized: readonly { readonly uid: number; readonly size: number }[], most: number): Window[] {
  const cut: Window[] = []
  let uids: number[] = []
  let bytes = 0
  for (const { uid, size } of sized) {
    if (uids.length > 0 && (bytes + size > WINDOW_BYTES || uids.length === most)) {
      cut.push({ set: uidSetOf(uids), bytes })
      uids = []
      bytes = 0
    }
    uids.push(uid)
    bytes += size
  }
  if (uids.length > 0) cut.push({ set: uidSetOf(uids), bytes })
  return cut
}
