/**
 * Collecting: every message that was not taken yet goes into the target and, where wished, off the server.
 *
 * Invariants: a message is in its place, on disk and recorded before the server hears that it may go. Before it is put
 * in its place, that is written down; a run that died in between is settled by the next one, by asking the target what
 * it did. So a message is delivered and recorded, or neither, whenever the process dies.
 * @module
 */
import { ClientError } from '#client/errors.ts'
import type { Clock } from '#lib/clock.ts'
import { countStreamed } from '#lib/young-buffers.ts'
import { NoLastingIds } from './errors.ts'
import type { CollectSource, Listed } from './source.ts'
import type { CollectState } from './state.ts'
import type { CollectTarget, Fate, Placing, Staged } from './target.ts'

/** What happens on the server to messages that were taken. */
export type Policy =
  | { readonly kind: 'keep' }
  | { readonly kind: 'delete' }
  /** Once they were taken so long ago. */
  | { readonly kind: 'delete-after'; readonly ms: number }

export interface CollectRequest {
  readonly source: CollectSource
  readonly target: CollectTarget
  readonly state: CollectState
  readonly policy: Policy
  readonly clock: Clock
  /** Messages of one session; what is left over is the next one's. */
  readonly most?: number
  /** Looks only. */
  readonly dryRun?: boolean
  readonly signal?: AbortSignal
  readonly progress?: (progress: Progress) => void
}

/** How far it is. */
export interface Progress {
  readonly taken: number
  /** Of those taken, in their place and recorded. */
  readonly placed: number
  readonly octets: number
  /** All that there is to take. */
  readonly of: number
  readonly ofOctets: number
}

export interface CollectReport {
  /** On the server when the run began. */
  readonly listed: number
  readonly taken: number
  /** Of those taken. */
  readonly octets: number
  /** Taken at a run before, and still there. */
  readonly known: number
  /** Still to be taken: `most` was reached, it was aborted, or it was a dry run. */
  readonly left: number
  readonly removed: number
  /** Neither taken nor lost: the server or the target said no. The first 1,000. */
  readonly refused: readonly { readonly id: string; readonly why: string }[]
  /** Taken, with something to be said of each. The first 1,000. */
  readonly notes: readonly { readonly id: string; readonly note: string }[]
  /** A run before died over them, and nobody can tell whether they were delivered: they are delivered now. */
  readonly maybeTwice: number
}

const BATCH_MESSAGES = 64
const BATCH_OCTETS = 8 * 1024 * 1024
const MOST_TOLD = 1_000

/**
 * One run. An abort ends it after the batch at hand, with what was taken recorded and the server told.
 * @throws {NoLastingIds}, {ClientError}, and what the target throws; everything recorded stays so
 */
export async function collect(request: CollectRequest): Promise<CollectReport> {
  return new Run(request).run()
}

class Run {
  readonly #request: CollectRequest
  readonly #refused: { id: string; why: string }[] = []
  readonly #notes: { id: string; note: string }[] = []
  #asked = 0
  #taken = 0
  #placed = 0
  #octets = 0
  #removed = 0

  constructor(request: CollectRequest) {
    this.#request = request
  }

  async run(): Promise<CollectReport> {
    const { source, target, state, policy, clock, most = Infinity, dryRun = false, signal, progress } = this.#request
    const maybeTwice = dryRun ? 0 : await this.#settle()
    const listed = await source.list()
    if (!source.lastingIds && policy.kind !== 'delete' && listed.length > 0) {
      throw new NoLastingIds('The server has no UIDL: its messages can only be taken and deleted')
    }
    // without lasting ids nothing of a run before can be recognised
    const placed = source.lastingIds ? state.placed(source.name) : new Map<string, number>()
    const fresh = listed.filter(({ id }) => !placed.has(id))
    const total = { of: fresh.length, ofOctets: fresh.reduce((sum, { octets }) => sum + octets, 0) }
    const report = (): Progress => ({
      taken: this.#taken,
      placed: this.#placed,
      octets: this.#octets,
      ...total,
    })
    const now = clock.now()
    const due = listed.filter(({ id }) => isDue(policy, placed.get(id), now))
    if (dryRun) return this.#report(listed, placed, 0)
    await this.#remove(due)
    progress?.(report())
    for (const batch of batches(fresh.slice(0, most), target.most ?? BATCH_MESSAGES)) {
      if (signal?.aborted === true) break
      this.#asked += batch.length
      const taken = await this.#take(batch, () => progress?.(report()))
      if (policy.kind === 'delete') await this.#remove(taken)
    }
    await source.finish()
    if (source.lastingIds) state.seen(source.name, new Set(listed.map(({ id }) => id)), clock.now())
    return this.#report(listed, placed, maybeTwice)
  }

  /** Finds out what a run before left unsaid. */
  async #settle(): Promise<number> {
    const { source, target, state, clock } = this.#request
    const placings = state.placings(source.name)
    if (placings.length === 0) return 0
    // what was begun in another place cannot be asked of this one
    const here = placings.flatMap(({ id, mark }) => {
      const own = ownMark(target, mark)
      return own === undefined ? [] : [{ id, mark: own }]
    })
    const fates = here.length === 0 ? new Map<string, Fate>() : await target.recover(here)
    const withFate = (fate: Fate): string[] =>
      placings.map(({ id }) => id).filter((id) => (fates.get(id) ?? 'unknown') === fate)
    state.done(source.name, withFate('placed'), clock.now())
    state.forget(source.name, [...withFate('not-placed'), ...withFate('unknown')])
    return withFate('unknown').length
  }

  /** Takes a batch, and gives those of it that are in their place and recorded. */
  async #take(batch: readonly Listed[], progress: () => void): Promise<readonly Listed[]> {
    const { source, target } = this.#request
    const staged: Staged[] = []
    try {
      for await (const { message, body, refusal } of source.fetch(batch)) {
        if (body === undefined) this.#refuse(message, refusal)
        else {
          const one = await target.stage(message, counted(body))
          staged.push(one)
          this.#taken += 1
          this.#octets += one.octets
          progress()
        }
      }
    } catch (error) {
      // what came before the connection broke need not come again
      if (error instanceof ClientError) await this.#place(staged)
      progress()
      throw error
    }
    return this.#place(staged)
  }

  /** Puts them in their place, and gives those that are there and recorded. */
  async #place(staged: readonly Staged[]): Promise<readonly Listed[]> {
    const { source, target, state, clock } = this.#request
    const placings = await target.prepare(staged)
    state.begin(
      source.name,
      placings.map((placing) => recorded(target, placing)),
    )
    const outcomes = await target.place(staged)
    const taken: Listed[] = []
    const back: string[] = []
    for (const placed of outcomes) {
      const { message, refusal } = placed
      if (refusal === undefined) {
        taken.push(message)
        if (placed.note !== undefined && this.#notes.length < MOST_TOLD)
          this.#notes.push({ id: message.id, note: placed.note })
      } else {
        this.#taken -= 1
        this.#refuse(message, refusal)
        if (placed.partly === undefined) back.push(message.id)
        else state.begin(source.name, [recorded(target, { id: message.id, mark: placed.partly })])
      }
    }
    state.done(
      source.name,
      taken.map(({ id }) => id),
      clock.now(),
    )
    if (back.length > 0) state.forget(source.name, back)
    this.#placed += taken.length
    return taken
  }

  #refuse({ id }: Listed, why: string): void {
    if (this.#refused.length < MOST_TOLD) this.#refused.push({ id, why })
  }

  async #remove(messages: readonly Listed[]): Promise<void> {
    if (messages.length === 0) return
    await this.#request.source.remove(messages)
    this.#removed += messages.length
  }

  #report(listed: readonly Listed[], placed: ReadonlyMap<string, number>, maybeTwice: number): CollectReport {
    const known = listed.filter(({ id }) => placed.has(id)).length
    return {
      listed: listed.length,
      taken: this.#taken,
      octets: this.#octets,
      known,
      left: listed.length - known - this.#asked,
      removed: this.#removed,
      refused: this.#refused,
      notes: this.#notes,
      maybeTwice,
    }
  }
}

/** Dead pieces are collected as they come, so that large messages need no more memory than small ones. */
async function* counted(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of body) {
    yield chunk
    countStreamed(chunk.length)
  }
}

/** With the name of the target, which alone can read it. */
function recorded({ name }: CollectTarget, { id, mark }: Placing): Placing {
  return { id, mark: JSON.stringify([name, mark]) }
}

/** What this target wrote down; `undefined`: it was another one. */
function ownMark(target: CollectTarget, mark: string): string | undefined {
  const parsed: unknown = mark.startsWith('[') ? JSON.parse(mark) : undefined
  const [name, own]: unknown[] = Array.isArray(parsed) ? parsed : []
  return name === target.name && typeof own === 'string' ? own : undefined
}

function isDue(policy: Policy, placedAt: number | undefined, now: number): boolean {
  if (placedAt === undefined || policy.kind === 'keep') return false
  return policy.kind === 'delete' || placedAt + policy.ms <= now
}

/** In order; a large message is alone in its batch. */
function* batches(messages: readonly Listed[], most: number): Generator<readonly Listed[], void, void> {
  let batch: Listed[] = []
  let octets = 0
  for (const message of messages) {
    if (batch.length > 0 && (batch.length === most || octets + message.octets > BATCH_OCTETS)) {
      yield batch
      batch = []
      octets = 0
    }
    batch.push(message)
    octets += message.octets
  }
  if (batch.length > 0) yield batch
}
