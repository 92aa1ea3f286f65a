/** One FETCH under way: messages come out while others still come in. @module */
import type { Uid } from '#mail/ids.ts'
import { normaliseUidSet } from '#mail/uid-set.ts'
import type { CommandWriter } from '#wire/imap/command-writer.ts'
import { type FetchItem, type Section, writeFetchRequest } from '#wire/imap/fetch-items.ts'
import type { FetchValue } from '#wire/imap/fetch-values.ts'
import type { LiteralAnnounced } from '#wire/imap/frame-events.ts'
import { formatMessageSet, type MessageSet } from '#wire/imap/message-set.ts'
import { parseResponse } from '#wire/imap/response-reader.ts'
import type { FetchResponse, Response } from '#wire/imap/responses.ts'
import { SyntaxFault } from '#wire/imap/syntax-fault.ts'
import { ProtocolError } from '../../errors.ts'
import type { Capabilities } from '../capabilities.ts'
import type { ImapCommand, LiteralSink } from '../command.ts'
import { type AnyFetched, type FetchOptions, type FetchQuery, fetchItems, wantsBodies } from '../fetch-query.ts'
import { FetchedBody, FetchedParts } from '../fetched-body.ts'
import { BODY_AHEAD_BYTES, FETCHED_AHEAD, FETCHED_AHEAD_MOST } from '../limits.ts'

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

  take(response: Response): boolean {
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

  finish(): void {
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

/** Whether only who asked is told of it: flags, and UIDs with them, come unasked. */
function isData({ kind }: FetchValue): boolean {
  return kind !== 'UID' && kind !== 'FLAGS' && kind !== 'MODSEQ'
}

function itemKey(item: FetchItem): string {
  if (item.kind === 'BODY[]') return sectionKey(item.section)
  return item.kind === 'BINARY[]' || item.kind === 'BINARY.SIZE[]' ? `${item.kind}${item.part.join('.')}` : item.kind
}

function valueKey(value: FetchValue): string {
  if (value.kind === 'BODY[]') return sectionKey(value.section)
  if (value.kind === 'BINARY[]' || value.kind === 'BINARY.SIZE[]') return `${value.kind}${value.part.join('.')}`
  return value.kind === 'OTHER' ? value.name : value.kind
}

function sectionKey({ part, text }: Section): string {
  return `BODY[]${part.join('.')} ${text ?? ''}`
}

function uidIn(values: readonly FetchValue[]): number | undefined {
  for (const value of values) if (value.kind === 'UID') return value.uid
  return undefined
}

function holds(set: MessageSet, number: number): boolean {
  if (set === '$') return true
  for (const [first, last] of set) {
    // `5:*` is also the last message where there are fewer
    if (first === '*' || last === '*') return true
    if (number >= first && number <= last) return true
  }
  return false
}

function mandatory(query: FetchQuery): readonly (keyof AnyFetched)[] {
  const items = ['flags', 'envelope', 'bodyStructure', 'internalDate', 'size'] as const
  return items.filter((item) => query[item] === true)
}

/** What was said before a literal, as a response of its own; the literal is its last value. */
function soFar(frame: LiteralAnnounced['frame'], utf8: boolean): FetchResponse | undefined {
  try {
    const response = parseResponse({ text: `${frame.text})`, literals: frame.literals }, { utf8 })
    return response.kind === 'FETCH' ? response : undefined
  } catch (error) {
    if (error instanceof SyntaxFault) return undefined
    throw error
  }
}

type BodyValue = Extract<FetchValue, { readonly kind: 'BODY[]' | 'BINARY[]' }>

function isBody(value: FetchValue): value is BodyValue {
  return value.kind === 'BODY[]' || value.kind === 'BINARY[]'
}

/** Whether it answers `headers` of the query. */
function isHeader({ section }: Extract<FetchValue, { readonly kind: 'BODY[]' }>, { headers }: FetchQuery): boolean {
  if (headers === undefined || headers === false || section.part.length > 0) return false
  return section.text === (headers === true ? 'HEADER' : 'HEADER.FIELDS')
}

/**
 * Fills in what values tell; bodies before the `done`th are there already.
 * @returns Whether anything was asked for.
 */
function fill(
  message: AnyFetched,
  values: readonly FetchValue[],
  parts: FetchedParts,
  query: FetchQuery,
  done: number,
): boolean {
  let bodies = 0
  let asked = false
  for (const value of values) {
    switch (value.kind) {
      case 'UID':
        message.uid = value.uid
        break
      case 'FLAGS':
        if (query.flags === true) {
          message.flags = value.flags
          asked = true
        }
        break
      case 'MODSEQ':
        if (query.modseq === true) message.modseq = value.modseq
        break
      case 'ENVELOPE':
        message.envelope = value.envelope
        asked = true
        break
      case 'BODYSTRUCTURE':
        message.bodyStructure = value.body
        asked = true
        break
      case 'INTERNALDATE':
        message.internalDate = value.date
        asked = true
        break
      case 'RFC822.SIZE':
        message.size = value.size
        asked = true
        break
      case 'EMAILID':
        message.emailId = value.id
        asked = true
        break
      case 'THREADID':
        message.threadId = value.id
        asked = true
        break
      case 'SAVEDATE':
        message.saveDate = value.date
        asked = true
        break
      case 'PREVIEW':
        message.preview = value.text
        asked = true
        break
      case 'BODY[]':
      case 'BINARY[]': {
        asked = true
        bodies += 1
        const { bytes } = value
        if (bodies <= done || (bytes !== undefined && !(bytes instanceof Uint8Array))) break
        if (value.kind === 'BODY[]' && isHeader(value, query)) message.headers = bytes
        else give(message, value, bytes === undefined ? undefined : FetchedBody.of(bytes), parts, query)
        break
      }
      default:
    }
  }
  return asked || onlyUids(query)
}

/** A query for nothing but UIDs: every FETCH with one answers it. */
function onlyUids(query: FetchQuery): boolean {
  return !Object.entries(query).some(
    ([name, value]) => name !== 'markSeen' && name !== 'modseq' && value !== undefined && value !== false,
  )
}

function give(
  message: AnyFetched,
  value: BodyValue,
  body: FetchedBody | undefined,
  parts: FetchedParts,
  query: FetchQuery,
): void {
  const whole = value.kind === 'BODY[]' && value.section.part.length === 0 && value.section.text === undefined
  if (whole && query.body !== undefined && query.body !== false) {
    message.body = body
    return
  }
  const part = value.kind === 'BODY[]' ? value.section.part : value.part
  const text = value.kind === 'BODY[]' ? value.section.text : undefined
  const known = text === 'HEADER' || text === 'TEXT' || text === 'MIME' ? text : undefined
  parts.add({ part, text: known, decoded: value.kind === 'BINARY[]', body })
}

function definedOf(message: AnyFetched): Partial<AnyFetched> {
  return Object.fromEntries(Object.entries(message).filter(([, value]) => value !== undefined && value !== 0))
}
