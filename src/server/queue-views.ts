/** The queue as verbs answer about it: what JSON can carry, times in ISO 8601. @module */
import type { QueueStatus } from './queue-desk.ts'
import type { OutcomeCounts } from './queue-protocol.ts'

export interface QueueStatusView {
  /** Recipients. */
  readonly waiting: number
  readonly held: number
  readonly messages: number
  readonly bytes: number
  /** When the oldest message came; `null`: there is none. */
  readonly oldest: string | null
  /** All of it is held, also what comes. */
  readonly paused: boolean
  /** Tries, by what came of them, since the server runs. */
  readonly outcomes: OutcomeCounts
}

export function queueStatusView({
  waiting,
  held,
  messages,
  bytes,
  oldest,
  paused,
  outcomes,
}: QueueStatus): QueueStatusView {
  return { waiting, held, messages, bytes, oldest: oldest === undefined ? null : isoTime(oldest), paused, outcomes }
}

function isoTime(at: number): string {
  return new Date(at).toISOString()
}
