/** One FETCH under way: messages come out while others still come in. @module */
import type { Uid } from '#mail/ids.ts'
import { normaliseUidSet } from '#mail/uid-set.ts'
import type { CommandWriter } from '#wire/imap/command-writer.ts'
import { writeFetchRequest } from '#wire/imap/fetch-items.ts'
import type { LiteralAnnounced } from '#wire/imap/frame-events.ts'
import { formatMessageSet, type MessageSet } from '#wire/imap/message-set.ts'
import type { ConditionResponse, FetchResponse, Response } from '#wire/imap/responses.ts'
import { ProtocolError } from '../../errors.ts'
import type { Capabilities } from '../capabilities.ts'
import type { ImapCommand, LiteralSink } from '../command.ts'
import { type AnyFetched, type FetchOptions, type FetchQuery, fetchItems, wantsBodies } from '../fetch-query.ts'
import { FetchedBody, FetchedParts } from '../fetched-body.ts'
import { BODY_AHEAD_BYTES, FETCHED_AHEAD, FETCHED_AHEAD_MOST } from '../limits.ts'
import { lastOf } from '../message-limit.ts'
import {
  definedOf,
  fill,
  give,
  holds,
  isBody,
  isData,
  isHeader,
  itemKey,
  mandatory,
  soFar,
  uidIn,
  valueKey,
} from './fetch-answers.ts'

/** What a run needs to know of its session. */
export interface FetchSurroundings {
  readonly capabilities: Capabilities
  readonly utf8: boolean
  /** Whether commands other than this FETCH wait. */
  othersWait(): boolean
  /** The UID of a message number, where it is known. */
  uidOf(number: number): Uid | undefined
}

/** A message whose response has not ended. */
interface Open {
  readonly number: number
  readonly message: AnyFetched
  readonly parts: FetchedParts
  /** Bodies handed out while they came. */
  streamed: number
}

/** See the module. */
export class FetchRun implements ImapCommand<void> {
  readonly name: string
  readonly selected = true
  readonly group: object
  readonly #set: MessageSet
  readonly #query: FetchQuery
  readonly #options: FetchOptions
  readonly #around: FetchSurroundings
  readonly #bodies: boolean
  readonly #mandatory: readonly (keyof AnyFetched)[]
  /** What is asked for, named as responses name it. */
  readonly #wanted: ReadonlySet<string>
  /** UIDs, or message numbers, that were told of. */
  readonly #told = new Set<number>()
  #messages: AnyFetched[] = []
  #head = 0
  #given = 0
  #open: Open | undefined
  #streaming: FetchedBody | undefined
  /** Octets of bodies that came ahead of their reader. */
  readonly #kept = new Set<FetchedBody>()
  #incomplete: Map<number, AnyFetched> | undefined
  #over = false
  #last: Uid | undefined
  #cancelled = false
  #error: unknown
  #wake: (() => void) | undefined
  #proceed: (() => void) | undefined

  constructor(set: MessageSet, query: FetchQuery, options: FetchOptions, group: object, around: FetchSurroundings) {
    this.name = options.byNumber === true ? 'FETCH' : 'UID FETCH'
    this.group = group
    this.#set = set
    this.#query = query
    this.#options = options
    this.#around = around
    this.#bodies = wantsBodies(query)
    this.#mandatory = mandatory(query)
    this.#wanted = new Set(fetchItems(query, around.capabilities).map(itemKey))
  }

  /** As long as nothing was handed out. */
  get repeatable(): boolean {
    return this.#given === 0 && this.#query.markSeen !== true
  }

  /** Whether all that came was handed out and nothing more comes. */
  get ended(): boolean {
    return this.#over && this.#head === this.#messages.length
  }

  /** The next message that is there; `undefined`: wait with {@link news}, unless it {@link ended}. */
  shift(): AnyFetched | undefined {
    const message = this.#messages[this.#head]
    if (message === undefined) return undefined
    this.#head += 1
    this.#given += 1
    if (this.#head === this.#messages.length) {
      this.#messages = []
      this.#head = 0
    } else if (this.#head >= 4_096) {
      this.#messages = this.#messages.slice(this.#head)
      this.#head = 0
    }
    if (this.#messages.length - this.#head < FETCHED_AHEAD / 2) this.hurry()
    return message
  }

  /** Resolves when there is something new to see. */
  async news(): Promise<void> {
    if (this.#head < this.#messages.length || this.#over) return
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
  }

  /** Why it broke off. */
  get failure(): unknown {
    return this.#error
  }

  /** Nobody wants the rest. */
  cancel(): void {
    this.#cancelled = true
    this.#messages = []
    this.#head = 0
    for (const body of this.#kept) body.skip()
    this.hurry()
  }

  write(w: CommandWriter): void {
    const { changedSince, onVanished } = this.#options
    w.text(`${this.name} ${formatMessageSet(this.#set)} `)
    writeFetchRequest(w, {
      items: fetchItems(this.#query, this.#around.capabilities),
      changedSince,
      vanished: changedSince !== undefined && onVanished !== undefined,
      partial: undefined,
    })
  }

  /** How far the server came, where that is not all (RFC 9738). */
  get stoppedAt(): number | undefined {
    if (this.#last === undefined || this.#options.byNumber !== true) return this.#last
    return this.#told.size === 0 ? undefined : [...this.#told].reduce((a, b) => Math.min(a, b))
  }

  take(response: Response): boolean {
    if (response.kind === 'CONDITION') {
      this.#last = lastOf(response.code) ?? this.#last
      return lastOf(response.code) !== undefined
    }
    if (response.kind === 'VANISHED' && response.earlier) {
      this.#options.onVanished?.(normaliseUidSet(response.uids))
      return true
    }
    if (response.kind !== 'FETCH') return false
    const open = this.#open
    if (open?.number === response.number) {
      this.#open = undefined
      this.#streaming = undefined
      fill(open.message, response.values, open.parts, this.#query, open.streamed)
      open.parts.end()
      return true
    }
    return this.#isMine(response) && this.#whole(response)
  }

  literal({ frame, size }: LiteralAnnounced): LiteralSink | undefined {
    if (!this.#bodies) return undefined
    const response = soFar(frame, this.#around.utf8)
    if (response === undefined) return undefined
    const last = response.values.at(-1)
    if (last?.kind !== 'BODY[]' && last?.kind !== 'BINARY[]') return undefined
    if (last.kind === 'BODY[]' && isHeader(last, this.#query)) return undefined
    if (this.#open?.number !== response.number && !this.#isMine(response)) return undefined
    const before = response.values.slice(0, -1)
    let open = this.#open
    if (open?.number !== response.number) {
      const parts = new FetchedParts()
      const message: AnyFetched = { number: response.number, uid: 0 as Uid }
      if (this.#query.parts !== undefined) message.parts = parts
      fill(message, before, parts, this.#query, 0)
      const uid = message.uid > 0 ? message.uid : this.#around.uidOf(response.number)
      // who it is comes behind the body: it has to be kept until then
      if (uid === undefined || this.#mandatory.some((item) => message[item] === undefined)) return undefined
      message.uid = uid
      open = { number: response.number, message, parts, streamed: before.filter(isBody).length }
      this.#open = open
      this.#streaming = undefined
      const body = this.#stream(size)
      give(message, last, body, parts, this.#query)
      open.streamed += 1
      this.#add(message)
      return body
    }
    fill(open.message, before, open.parts, this.#query, open.streamed)
    const body = this.#stream(size)
    give(open.message, last, body, open.parts, this.#query)
    open.streamed = before.filter(isBody).length + 1
    return body
  }

  room(): Promise<void> | undefined {
    if (!this.#full()) return undefined
    return (async () => {
      while (this.#full()) {
        await new Promise<void>((resolve) => {
          this.#proceed = resolve
        })
      }
    })()
  }

  hurry(): void {
    const proceed = this.#proceed
    this.#proceed = undefined
    proceed?.()
    this.#streaming?.hurry()
  }

  finish({ code }: ConditionResponse): void {
    this.#last = lastOf(code) ?? this.#last
    this.#over = true
    this.#notify()
  }

  fail(error: unknown): void {
    this.#error = error
    this.#over = true
    for (const body of this.#kept) body.fail(error)
    this.#open?.parts.fail(error)
    this.#notify()
    this.hurry()
  }

  /** Whether a response can be an answer to this and not to another FETCH, or news of flags. */
  #isMine({ number, values }: FetchResponse): boolean {
    for (const value of values) if (isData(value) && !this.#wanted.has(valueKey(value))) return false
    const named = this.#options.byNumber === true ? number : uidIn(values)
    if (named === undefined) return true
    return !this.#told.has(named) && holds(this.#set, named)
  }

  #full(): boolean {
    if (this.#cancelled || this.#over) return false
    const waiting = this.#messages.length - this.#head
    if (waiting < FETCHED_AHEAD) return false
    if (!this.#around.othersWait()) return true
    if (waiting > FETCHED_AHEAD_MOST) {
      throw new ProtocolError(`${waiting} fetched messages wait to be read: read them before other commands are run`)
    }
    return false
  }

  /** Whether bodies may come ahead of their reader: not without need, and never without bound. */
  #mayWait(): boolean {
    if (!this.#around.othersWait()) return false
    let waiting = 0
    for (const body of this.#kept) {
      if (body.complete && body.waiting === 0) this.#kept.delete(body)
      waiting += body.waiting
    }
    if (waiting <= BODY_AHEAD_BYTES) return true
    throw new ProtocolError(
      `${waiting} octets of fetched bodies wait to be read: read or skip them before other commands are run`,
    )
  }

  #stream(size: number): FetchedBody {
    const body = new FetchedBody(size, () => this.#mayWait())
    if (this.#cancelled) body.skip()
    this.#kept.add(body)
    this.#streaming = body
    return body
  }

  /** A response that is here in full. */
  #whole(response: FetchResponse): boolean {
    const parts = new FetchedParts()
    let message: AnyFetched = { number: response.number, uid: 0 as Uid }
    if (this.#query.parts !== undefined) message.parts = parts
    if (!fill(message, response.values, parts, this.#query, 0)) return false
    if (message.uid === 0) message.uid = this.#around.uidOf(response.number) ?? message.uid
    const missing = message.uid === 0 || this.#mandatory.some((item) => message[item] === undefined)
    if (missing || this.#incomplete !== undefined) {
      // some servers tell of a message in several responses
      this.#incomplete ??= new Map()
      const before = this.#incomplete.get(response.number)
      if (before !== undefined) message = Object.assign(before, definedOf(message))
      const complete = message.uid > 0 && this.#mandatory.every((item) => message[item] !== undefined)
      if (!complete) {
        if (this.#incomplete.size > FETCHED_AHEAD_MOST)
          throw new ProtocolError('The server does not send what it was asked for')
        this.#incomplete.set(response.number, message)
        return response.values.some(
          (value) => value.kind !== 'FLAGS' && value.kind !== 'UID' && value.kind !== 'MODSEQ',
        )
      }
      this.#incomplete.delete(response.number)
    }
    parts.end()
    this.#add(message)
    return true
  }

  #add(message: AnyFetched): void {
    this.#told.add(this.#options.byNumber === true ? message.number : message.uid)
    if (this.#cancelled) return
    this.#messages.push(message)
    this.#notify()
  }

  #notify(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}
