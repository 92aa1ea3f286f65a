/**
 * Counters of one thread for `/metrics`, in the form in which prom-client adds threads up. Counting is all that happens
 * while nobody asks: prom-client itself is loaded by who answers the question.
 * @module
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { SessionMeter } from '#services/session-deps.ts'

/** How often the loop is looked at. */
const LOOP_SAMPLE_MS = 10
/** Upper ends of the histogram's buckets. */
const BUCKETS_SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10] as const

/** Durations of one protocol's commands. */
class Durations {
  /** One for each bucket, and one for what is longer. */
  readonly counts: number[] = Array.from({ length: BUCKETS_SECONDS.length + 1 }, () => 0)
  sum = 0

  add(seconds: number): void {
    this.sum += seconds
    let bucket = 0
    while (seconds > (BUCKETS_SECONDS[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1
  }
}

interface Metric {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly aggregator: 'sum' | 'max'
  readonly values: readonly {
    readonly value: number
    readonly labels: Readonly<Record<string, string | number>>
    /** Of histograms: each value has a name of its own. */
    readonly metricName?: string
  }[]
}

/** What a thread counts. */
export class ThreadMeter implements SessionMeter {
  /** By protocol, command and outcome. */
  readonly #commands = new Map<string, Map<string, Map<string, number>>>()
  readonly #seconds = new Map<string, Durations>()
  readonly #received = new Map<string, number>()
  readonly #sent = new Map<string, number>()
  readonly #loop: ReturnType<typeof monitorEventLoopDelay>

  constructor() {
    this.#loop = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS })
    this.#loop.enable()
  }

  command(protocol: string, command: string, outcome: string, ms: number): void {
    const commands = within(this.#commands, protocol, () => new Map<string, Map<string, number>>())
    const outcomes = within(commands, command, () => new Map<string, number>())
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    within(this.#seconds, protocol, () => new Durations()).add(ms / 1000)
  }

  bytes(protocol: string, received: number, sent: number): void {
    if (received > 0) this.#received.set(protocol, (this.#received.get(protocol) ?? 0) + received)
    if (sent > 0) this.#sent.set(protocol, (this.#sent.get(protocol) ?? 0) + sent)
  }

  /** As the main thread gathers it. How late the loop was counts since the last time. */
  async json(): Promise<Metric[]> {
    const commands: Metric['values'][number][] = []
    for (const [protocol, names] of this.#commands)
      for (const [command, outcomes] of names)
        for (const [outcome, value] of outcomes) commands.push({ value, labels: { protocol, command, outcome } })
    return [
      {
        name: 'malle_commands_total',
        help: 'Commands answered, by protocol, command and outcome',
        type: 'counter',
        aggregator: 'sum',
        values: commands,
      },
      {
        name: 'malle_command_seconds',
        help: 'Time from a command to its answer, by protocol',
        type: 'histogram',
        aggregator: 'sum',
        values: [...this.#seconds].flatMap(([protocol, durations]) => histogram(protocol, durations)),
      },
      {
        name: 'malle_bytes_total',
        help: 'Octets received and sent, by protocol',
        type: 'counter',
        aggregator: 'sum',
        values: [
          ...Array.from(this.#received, ([protocol, value]) => ({
            value,
            labels: { protocol, direction: 'received' },
          })),
          ...Array.from(this.#sent, ([protocol, value]) => ({ value, labels: { protocol, direction: 'sent' } })),
        ],
      },
      {
        name: 'malle_loop_delay_p99_seconds',
        help: 'Delay of the event loop of protocol threads since the last scrape, 99th percentile, the worst thread',
        type: 'gauge',
        aggregator: 'max',
        values: [{ value: this.#loopDelaySeconds(), labels: {} }],
      },
    ]
  }

  #loopDelaySeconds(): number {
    // What the runtime measures is the whole time between two samples.
    const seconds = Math.max(0, this.#loop.percentile(99) / 1e6 - LOOP_SAMPLE_MS) / 1000
    this.#loop.reset()
    return seconds
  }
}

/** Buckets count what is below their end, all of it. */
function histogram(protocol: string, { counts, sum }: Durations): Metric['values'] {
  let total = 0
  const buckets = counts.map((count, index) => {
    total += count
    const le = BUCKETS_SECONDS[index] ?? '+Inf'
    return { value: total, labels: { le, protocol }, metricName: 'malle_command_seconds_bucket' }
  })
  return [
    ...buckets,
    { value: sum, labels: { protocol }, metricName: 'malle_command_seconds_sum' },
    { value: total, labels: { protocol }, metricName: 'malle_command_seconds_count' },
  ]
}

/** What a map has under a key, made where there is nothing yet. */
function within<T>(map: Map<string, T>, key: string, make: () => T): T {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
