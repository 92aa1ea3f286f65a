/** One run over as many sessions as it takes: deletions are made real every so often, and a lost connection is made anew. @module */
import { ConnectionError } from '#client/errors.ts'
import { type CollectReport, type CollectRequest, collect } from './collect.ts'
import type { CollectSource } from './source.ts'

/** Deletions that a lost connection can undo: POP3 makes them real at the end of a session. */
const SESSION_MESSAGES = 1_000
/** Connections in a row that were lost before anything was in its place. */
const MOST_LOST = 3

export interface SessionsRequest extends Omit<CollectRequest, 'source' | 'most'> {
  readonly open: () => Promise<CollectSource>
}

/** See the module. @throws what {@link collect} throws, and a `ConnectionError` when connecting anew does not help */
export async function collectInSessions({ open, ...request }: SessionsRequest): Promise<CollectReport> {
  const most = request.policy.kind === 'delete' ? SESSION_MESSAGES : Infinity
  let total: CollectReport | undefined
  let octets = 0
  let taken = 0
  let lost = 0
  for (;;) {
    let placedHere = 0
    const progress: CollectRequest['progress'] = (here) => {
      placedHere = here.placed
      request.progress?.({
        taken: taken + here.taken,
        placed: here.placed,
        octets: octets + here.octets,
        of: taken + here.of,
        ofOctets: octets + here.ofOctets,
      })
    }
    try {
      const source = await open()
      const report = await inOne(source, { ...request, most, progress })
      taken += report.taken
      octets += report.octets
      total = total === undefined ? report : sum(total, report)
      if (report.left === 0 || request.dryRun === true || request.signal?.aborted === true) return total
      lost = 0
    } catch (error) {
      if (!(error instanceof ConnectionError) || !WORTH_ANOTHER.has(error.trouble)) throw error
      lost = placedHere > 0 ? 0 : lost + 1
      if (lost === MOST_LOST || request.signal?.aborted === true) throw error
    }
  }
}

const WORTH_ANOTHER: ReadonlySet<ConnectionError['trouble']> = new Set(['closed', 'timeout'])

async function inOne(source: CollectSource, request: Omit<CollectRequest, 'source'>): Promise<CollectReport> {
  await using owned = source
  // awaited here: the source is disposed of when this function ends
  return await collect({ ...request, source: owned })
}

function sum(a: CollectReport, b: CollectReport): CollectReport {
  return {
    listed: a.listed,
    known: a.known,
    left: b.left,
    taken: a.taken + b.taken,
    octets: a.octets + b.octets,
    removed: a.removed + b.removed,
    refused: [...a.refused, ...b.refused],
    notes: [...a.notes, ...b.notes],
    maybeTwice: a.maybeTwice + b.maybeTwice,
  }
}
