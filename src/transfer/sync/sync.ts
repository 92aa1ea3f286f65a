/** All mailboxes of two sides brought into line, several at a time. @module */
import { ConnectionError } from '#client/errors.ts'
import { type GoneMailbox, removeMailbox } from './gone-mailboxes.ts'
import { type MailboxNote, type MailboxPair, pairMailboxes } from './mailbox-pairs.ts'
import { type MailboxReport, MailboxRun } from './mailbox-run.ts'
import { NO_MESSAGES } from './no-messages.ts'
import { type OpenMailbox, type Side, type SideMailbox, SideRefusal } from './side.ts'
import type { SpeedLimit } from './speed-limit.ts'
import type { End, SettledEnd, SyncState } from './state.ts'
import { type Difference, type Thoroughness, verifyMailboxes } from './verify.ts'

export interface SyncRequest {
  /** Where messages come from; the other one is `right`. */
  readonly left: Side
  readonly right: Side
  readonly state: SyncState
  readonly twoWay: boolean
  /** Deletions are carried over too. */
  readonly deletions: boolean
  /** Mailboxes that are gone go from the other side too, with what was on both. */
  readonly mailboxDeletions?: boolean
  /** Also where all messages of a mailbox, or half of all mailboxes, are gone. */
  readonly emptyToo: boolean
  /**
   * Whether a message that is gone from the left is kept all the same. With this, flags that were changed on the right
   * are no difference at `verify`.
   * @param key At the left.
   * @param touched Its flags were changed on the right since the last run.
   */
  readonly keep?: (mailbox: SideMailbox, key: string, touched: boolean) => boolean
  readonly dryRun: boolean
  readonly verify: Thoroughness | undefined
  readonly wanted: (path: readonly string[]) => boolean
  readonly limit: SpeedLimit
  /** Mailboxes at a time. */
  readonly parallel: number
  readonly signal: AbortSignal
  readonly progress: (progress: Progress) => void
}

/** How far it is. `of` grows while mailboxes are compared. */
export interface Progress {
  readonly taken: number
  readonly octets: number
  readonly of: number
  readonly ofOctets: number
}

export interface SyncReport {
  readonly mailboxes: number
  readonly made: number
  readonly renamed: number
  readonly subscribed: number
  /** Mailboxes that went, as their partners were gone. */
  readonly removedMailboxes: number
  /** Mailboxes that did not, as half of all were gone. */
  readonly sparedMailboxes: number
  readonly copied: number
  readonly octets: number
  readonly matched: number
  readonly flagged: number
  readonly removed: number
  /** Deletions that were not carried over, as all of a mailbox was gone. */
  readonly spared: number
  /** Deletions that were not carried over as `keep` said. */
  readonly touched: number
  /** Mailboxes whose UIDs changed their meaning. */
  readonly renewed: readonly string[]
  /** The first 1,000. */
  readonly refused: readonly {
    readonly mailbox: string
    readonly from: End
    readonly key: string
    readonly why: string
  }[]
  readonly notes: readonly MailboxNote[]
  readonly verified:
    | { readonly compared: number; readonly differences: readonly (Difference & { readonly mailbox: string })[] }
    | undefined
  /** It was stopped before all was done. */
  readonly stopped: boolean
}

const MOST_REFUSED = 1_000
/** Connections lost in a row over one mailbox. */
const MOST_LOST = 3

/**
 * One run. An abort ends it after the batches at hand.
 * @throws {ClientError}, and what the sides throw; what is recorded stays so, and the next run goes on from there
 */
export async function synchronise(request: SyncRequest): Promise<SyncReport> {
  return new Run(request).run()
}

class Run {
  readonly #request: SyncRequest
  readonly #reports: MailboxReport[] = []
  readonly #notes: MailboxNote[] = []
  readonly #renewed: string[] = []
  readonly #refused: { mailbox: string; from: End; key: string; why: string }[] = []
  readonly #differences: (Difference & { mailbox: string })[] = []
  #compared = 0
  #taken = 0
  #octets = 0
  #of = 0
  #removed = 0
  #removedMailboxes = 0

  constructor(request: SyncRequest) {
    this.#request = request
  }

  async run(): Promise<SyncReport> {
    const { parallel, verify, signal } = this.#request
    const { pairs, notes, made, renamed, subscribed, gone, sparedMailboxes } = await pairMailboxes(this.#request)
    this.#notes.push(...notes)
    const waiting = [...pairs]
    const failed = new AbortController()
    const stop = AbortSignal.any([signal, failed.signal])
    const worker = async (): Promise<void> => {
      for (let pair = waiting.shift(); pair !== undefined && !stop.aborted; pair = waiting.shift()) {
        try {
          await this.#persist(pair, stop)
        } catch (error) {
          failed.abort()
          throw error
        }
      }
    }
    const ends = await Promise.allSettled(Array.from({ length: parallel }, worker))
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    for (const mailbox of gone) if (!stop.aborted) await this.#removeMailbox(mailbox)
    const sum = (count: (report: MailboxReport) => number): number =>
      this.#reports.reduce((total, report) => total + count(report), 0)
    return {
      mailboxes: pairs.length,
      made,
      renamed,
      subscribed,
      removedMailboxes: this.#removedMailboxes,
      sparedMailboxes,
      copied: sum(({ copied }) => copied),
      octets: sum(({ octets }) => octets),
      matched: sum(({ matched }) => matched),
      flagged: sum(({ flagged }) => flagged),
      removed: this.#removed + sum(({ removed }) => removed),
      spared: sum(({ spared }) => spared),
      touched: sum(({ touched }) => touched),
      renewed: this.#renewed,
      refused: this.#refused,
      notes: this.#notes,
      verified: verify === undefined ? undefined : { compared: this.#compared, differences: this.#differences },
      stopped: signal.aborted,
    }
  }

  /** Goes on with new connections when one is lost. */
  async #persist(pair: MailboxPair, stop: AbortSignal): Promise<void> {
    for (let lost = 0; ; ) {
      const before = this.#taken
      try {
        return await this.#one(this.#asRecorded(pair), stop)
      } catch (error) {
        if (error instanceof SideRefusal) {
          const side = error.cause === pair.left ? 'left' : 'right'
          this.#notes.push({ kind: 'refused', mailbox: nameOf(pair), side, why: error.message })
          return
        }
        if (!(error instanceof ConnectionError) || !WORTH_ANOTHER.has(error.trouble)) throw error
        lost = this.#taken > before ? 1 : lost + 1
        if (lost === MOST_LOST || stop.aborted) throw error
      }
    }
  }

  async #removeMailbox(gone: GoneMailbox): Promise<void> {
    const { state, dryRun } = this.#request
    const removal = await removeMailbox(gone, this.#request[gone.end], state, dryRun)
    if ('removed' in removal) {
      this.#removedMailboxes += 1
      this.#removed += removal.removed
      return
    }
    const side = gone.end === 'left' ? 'right' : 'left'
    const { name: mailbox } = gone.mailbox
    if (removal.kept !== 'refused') this.#notes.push({ kind: removal.kept, mailbox, side })
    else this.#notes.push({ kind: 'refused', mailbox, side: gone.end, why: removal.why })
  }

  /** With what was asked for: another wish may find something to do where this one does not. */
  #mark(mark: string | undefined): string | undefined {
    const { twoWay, deletions } = this.#request
    return mark === undefined ? undefined : `${twoWay ? 2 : 1}${deletions ? 'd' : ''} ${mark}`
  }

  /** What was recorded since, when it is tried again. */
  #asRecorded(pair: MailboxPair): MailboxPair {
    if (this.#request.dryRun) return pair
    return { ...pair, record: this.#request.state.mailboxes().find(({ id }) => id === pair.record.id) ?? pair.record }
  }

  async #one(pair: MailboxPair, stop: AbortSignal): Promise<void> {
    const { left, right, state, twoWay, deletions, emptyToo, keep, dryRun, verify, limit } = this.#request
    const { record } = pair
    const isKnown = (end: End): boolean => {
      const mark = this.#mark(pair[end]?.mark)
      return mark !== undefined && record[end].mark === mark
    }
    const unchanged = isKnown('left') && isKnown('right')
    if (unchanged && verify === undefined) return
    await using leftOpen = await open(left, pair.left, !twoWay || dryRun)
    await using rightOpen = await open(right, pair.right, dryRun)
    const tell = (what: { found?: number; copied?: number; octets?: number }): void => {
      this.#of += what.found ?? 0
      this.#taken += what.copied ?? 0
      this.#octets += what.octets ?? 0
      this.#request.progress({ taken: this.#taken, octets: this.#octets, of: this.#of, ofOctets: 0 })
    }
    const run = new MailboxRun({
      record,
      left: leftOpen,
      right: rightOpen,
      state,
      twoWay,
      deletions,
      emptyToo,
      keep: keep === undefined ? undefined : (key, touched) => pair.left !== undefined && keep(pair.left, key, touched),
      dryRun,
      limit,
      tell,
      signal: stop,
    })
    // what was done before a lost connection counts too
    this.#reports.push(run.report)
    const report = await run.run()
    const mailbox = nameOf(pair)
    if (report.renewed) this.#renewed.push(mailbox)
    for (const each of report.refused) if (this.#refused.length < MOST_REFUSED) this.#refused.push({ mailbox, ...each })
    if (stop.aborted || dryRun) return
    const done = report.refused.length === 0 && report.spared === 0
    const settled = async (end: End): Promise<SettledEnd> => {
      const { mark, ...more } = await run.settled(end, pair[end]?.mark)
      return { ...more, mark: done ? this.#mark(mark) : undefined }
    }
    state.settle(record.id, await settled('left'), await settled('right'))
    if (verify === undefined) return
    const { compared, differences } = await verifyMailboxes(leftOpen, rightOpen, state.pairs(record.id), verify, {
      copiedBack: twoWay,
      touched: keep !== undefined,
    })
    this.#compared += compared
    this.#differences.push(...differences.map((each) => ({ mailbox, ...each })))
  }
}

const WORTH_ANOTHER: ReadonlySet<ConnectionError['trouble']> = new Set(['closed', 'timeout'])

async function open(side: Side, mailbox: SideMailbox | undefined, readOnly: boolean): Promise<OpenMailbox> {
  if (mailbox === undefined) return NO_MESSAGES
  try {
    return await side.open(mailbox, readOnly)
  } catch (error) {
    // so that it can be told which side it was
    if (error instanceof SideRefusal) throw new SideRefusal(error.message, { cause: mailbox })
    throw error
  }
}

function nameOf({ left, right }: MailboxPair): string {
  return (left ?? right)?.path.join('/') ?? ''
}
