/** What is known of the mailbox that is selected, kept by what the server tells (RFC 9051 §7.3, §7.4, RFC 7162 §6). @module */
import type { Modseq, Uid } from '#mail/ids.ts'
import { normaliseUidSet, type UidSet, uidSetSize, uidsOf } from '#mail/uid-set.ts'
import type { FetchValue } from '#wire/imap/fetch-values.ts'
import type { ConditionResponse, Response, VanishedResponse } from '#wire/imap/responses.ts'
import { ProtocolError } from '../errors.ts'
import type { MailboxEvent } from './events.ts'
import { NUMBERS } from './limits.ts'
import { UidList } from './uid-list.ts'

/**
 * What is kept of each message besides their number: nothing, UIDs (and message numbers to them), or flags too.
 * With flags, a server without CONDSTORE can be compared with after a lost connection.
 */
export type Tracking = 'none' | 'uids' | 'flags'

/** See the module. Read only for who has it: commands and the server change it. */
export class SelectedMailbox {
  readonly name: string
  readonly tracking: Tracking
  /** Opened by EXAMINE, or the server allows no more. */
  readOnly = false
  exists = 0
  /** Only of IMAP4rev1. */
  recent = 0
  uidValidity = 0
  /** `undefined` where the server did not say. */
  uidNext: number | undefined
  /** Up to here everything was heard; `undefined`: the mailbox has none (NOMODSEQ), or the server knows none. */
  highestModseq: Modseq | undefined
  /** Flags that are in use. */
  flags: readonly string[] = []
  /** Flags that can be changed for good; with `\*` also new ones. */
  permanentFlags: readonly string[] = []
  /** RFC 8474. */
  mailboxId: string | undefined
  /** UIDs do not outlive the session. */
  uidNotSticky = false
  readonly #uids: UidList | undefined
  readonly #flags: Map<number, readonly string[]> | undefined
  #saidModseq: Modseq | undefined
  #seenModseq = 0

  constructor(name: string, tracking: Tracking) {
    this.name = name
    this.tracking = tracking
    if (tracking !== 'none') this.#uids = new UidList()
    if (tracking === 'flags') this.#flags = new Map()
  }

  /** The UID of a message number, where UIDs are kept. */
  uidOf(number: number): Uid | undefined {
    return this.#uids?.uidOf(number)
  }

  /** The message number of a UID, where UIDs are kept. */
  numberOf(uid: number): number | undefined {
    return this.#uids?.numberOf(uid)
  }

  /** Flags of a message, where they are kept. */
  flagsOf(uid: number): readonly string[] | undefined {
    return this.#flags?.get(uid)
  }

  /** The UIDs that are known, in the order of their numbers; empty where they are not kept. */
  uids(): Iterable<Uid> {
    return this.#uids?.known() ?? []
  }

  /** Number of the first message of which only its being there is known. */
  get firstUnknown(): number | undefined {
    return this.#uids?.firstUnknown
  }

  /** All UIDs as a SEARCH gave them. */
  learnUids(uids: UidSet): void {
    this.#count(uidSetSize(uids))
    this.#uids?.replace(uidsOf(uids))
  }

  /** What SELECT says before its end; `false`: it is not about the mailbox. */
  opening(response: Response): boolean {
    switch (response.kind) {
      case 'FLAGS':
        this.flags = response.flags
        return true
      case 'EXISTS':
        this.exists = this.#count(response.number)
        return true
      case 'RECENT':
        this.recent = response.number
        return true
      case 'CONDITION':
        this.#code(response)
        return true
      default:
        return false
    }
  }

  /** The end of SELECT; `readOnly` as asked for. */
  opened(done: ConditionResponse, readOnly: boolean): void {
    this.#code(done)
    this.readOnly = done.code?.kind === 'READ-ONLY' || (readOnly && done.code?.kind !== 'READ-WRITE')
    if (this.permanentFlags.length === 0) this.permanentFlags = this.flags
    this.settled(done)
  }

  /**
   * Something the server tells.
   * @param answered It was the answer to a command.
   */
  hear(response: Response, answered: boolean): MailboxEvent | undefined {
    switch (response.kind) {
      case 'EXISTS': {
        const added = response.number - this.exists
        // only EXPUNGE may make it smaller (RFC 9051 §7.4.1); one that is told twice is nothing new
        if (added <= 0) return undefined
        this.exists = this.#count(response.number)
        this.#uids?.grow(this.exists)
        return { kind: 'exists', exists: this.exists, added }
      }
      case 'EXPUNGE':
        return this.#expunge(response.number)
      case 'VANISHED':
        return this.#vanish(response)
      case 'FETCH':
        return this.#fetched(response.number, response.values, answered)
      case 'FLAGS':
        this.flags = response.flags
        return undefined
      case 'RECENT':
        this.recent = response.number
        return undefined
      case 'CONDITION':
        this.#code(response)
        return undefined
      default:
        return undefined
    }
  }

  /** Nothing is under way: what was told may count as heard (RFC 7162 §6). */
  settled(done: ConditionResponse): void {
    if (done.code?.kind === 'HIGHESTMODSEQ') this.#saidModseq = done.code.modseq
    const known = this.highestModseq
    if (known !== undefined) {
      this.highestModseq = this.#saidModseq ?? (Math.max(known, this.#seenModseq) as Modseq)
    } else if (this.#saidModseq !== undefined) this.highestModseq = this.#saidModseq
    this.#saidModseq = undefined
    this.#seenModseq = 0
  }

  #count(exists: number): number {
    if (this.#uids !== undefined && exists > NUMBERS) throw new ProtocolError(`The server counts ${exists} messages`)
    return exists
  }

  #expunge(number: number): MailboxEvent {
    if (number < 1 || number > this.exists) {
      throw new ProtocolError(`The server expunges message ${number} of ${this.exists}`)
    }
    this.exists -= 1
    const uid = this.#uids?.remove(number)
    if (uid !== undefined) this.#flags?.delete(uid)
    return { kind: 'expunged', number, uid }
  }

  #vanish({ uids: ranges, earlier }: VanishedResponse): MailboxEvent {
    const uids = normaliseUidSet(ranges)
    const removed = this.#uids?.removeUids(uids)
    if (this.#flags !== undefined)
      for (const uid of this.#flags.keys()) if (this.numberOf(uid) === undefined) this.#flags.delete(uid)
    // EARLIER names messages that are not counted any more, and others that never were here (RFC 7162 §3.2.10)
    if (!earlier) this.exists = Math.max(0, this.exists - (removed ?? uidSetSize(uids)))
    return { kind: 'vanished', uids, earlier }
  }

  #fetched(number: number, values: readonly FetchValue[], answered: boolean): MailboxEvent | undefined {
    let uid = this.uidOf(number)
    let flags: readonly string[] | undefined
    let modseq: Modseq | undefined
    for (const value of values) {
      if (value.kind === 'UID') uid = value.uid
      else if (value.kind === 'FLAGS') flags = value.flags
      else if (value.kind === 'MODSEQ') modseq = value.modseq
    }
    if (uid !== undefined) {
      this.#uids?.set(number, uid)
      if (this.uidNext !== undefined && uid >= this.uidNext) this.uidNext = uid + 1
      if (flags !== undefined) this.#flags?.set(uid, flags)
    }
    if (answered) return undefined
    if (modseq !== undefined && modseq > this.#seenModseq) this.#seenModseq = modseq
    return flags === undefined ? undefined : { kind: 'flags', number, uid, flags, modseq }
  }

  #code({ code }: ConditionResponse): void {
    switch (code?.kind) {
      case 'UIDVALIDITY':
        this.uidValidity = code.value
        return
      case 'UIDNEXT':
        this.uidNext = code.value
        return
      case 'PERMANENTFLAGS':
        this.permanentFlags = code.flags
        return
      case 'HIGHESTMODSEQ':
        this.#saidModseq = code.modseq
        return
      case 'NOMODSEQ':
        this.highestModseq = undefined
        return
      case 'MAILBOXID':
        this.mailboxId = code.id
        return
      case 'UIDNOTSTICKY':
        this.uidNotSticky = true
        return
      default:
    }
  }
}
