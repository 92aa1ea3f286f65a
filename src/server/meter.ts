/** Counters of one thread for `/metrics`, in prom-client's registry of that thread. @module */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry as MetricsRegistry } from 'prom-client'
import type { SessionMeter } from '#services/session-deps.ts'

/** How often the loop is looked at. */
const LOOP_SAMPLE_MS = 10

/** What a thread counts. */
export class ThreadMeter implements SessionMeter {
  readonly registry: MetricsRegistry = new MetricsRegistry()
  readonly #commands: Counter
  readonly #seconds: Histogram
  readonly #bytes: Counter

  constructor() {
    const registers = [this.registry]
    this.#commands = new Counter({
      name: 'malle_commands_total',
      help: 'Commands answered, by protocol, command and outcome',
      labelNames: ['protocol', 'command', 'outcome'],
      registers,
    })
    this.#seconds = new Histogram({
      name: 'malle_command_seconds',
      help: 'Time from a command to its answer, by protocol',
      labelNames: ['protocol'],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    })
    this.#bytes = new Counter({
      name: 'malle_bytes_total',
      help: 'Octets received and sent, by protocol',
      labelNames: ['protocol', 'direction'],
      registers,
    })
    this.#watchLoop()
  }

  /** How late the loop is with the sessions of this thread; over threads the worst counts. */
  #watchLoop(): void {
    const delay = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS })
    delay.enable()
    new Gauge({
      name: 'malle_loop_delay_p99_seconds',
      help: 'Delay of the event loop of protocol threads since the last scrape, 99th percentile, the worst thread',
      aggregator: 'max',
      registers: [this.registry],
      collect() {
        // What the runtime measures is the whole time between two samples.
        this.set(Math.max(0, delay.percentile(99) / 1e6 - LOOP_SAMPLE_MS) / 1000)
        delay.reset()
      },
    })
  }

  command(protocol: string, command: string, outcome: string, ms: number): void {
    this.#commands.inc({ protocol, command, outcome })
    this.#seconds.observe({ protocol }, ms / 1000)
  }

  bytes(protocol: string, received: number, sent: number): void {
    if (received > 0) this.#bytes.inc({ protocol, direction: 'received' }, received)
    if (sent > 0) this.#bytes.inc({ protocol, direction: 'sent' }, sent)
  }

  /** As the main thread gathers it. */
  async json(): Promise<object[]> {
    return this.registry.getMetricsAsJSON()
  }
}
