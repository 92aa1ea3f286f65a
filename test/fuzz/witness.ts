/** An innocent client beside the attackers: what it sees must stay the same, and it must not wait for it. @module */
import { setTimeout as pause } from 'node:timers/promises'
import { RawImap } from '../crash/connection.ts'
import type { Login, ServerProcess } from '../crash/server-process.ts'

/** How long round trips took. */
export interface Latency {
  readonly count: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly slowestMs: number
}

const STEPS = ['LOGIN', 'SELECT', 'FETCH', 'NOOP'] as const
type Step = (typeof STEPS)[number]

/** Logs in, selects, fetches everything, asks for news, leaves; again and again. */
export class Witness {
  readonly #times: Record<Step, number[]> = { LOGIN: [], SELECT: [], FETCH: [], NOOP: [] }
  readonly #server: ServerProcess
  readonly #login: Login
  #seen: string | undefined

  constructor(server: ServerProcess, login: Login) {
    this.#server = server
    this.#login = login
  }

  /** One visit. @returns what was another than at the first one. @throws when an answer is not OK, or none comes. */
  async visit(): Promise<string | undefined> {
    const { address, password } = this.#login
    const client = await RawImap.connect(this.#server.endpoint('imap'))
    try {
      await this.#timed('LOGIN', () => client.ok(`LOGIN "${address}" "${password}"`))
      const selected = await this.#timed('SELECT', () => client.ok('SELECT INBOX'))
      const { untagged } = await this.#timed('FETCH', () =>
        client.ok('UID FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE BODY.PEEK[])'),
      )
      const news = await this.#timed('NOOP', () => client.ok('NOOP'))
      const seen = JSON.stringify([selected.untagged, untagged, news.untagged])
      this.#seen ??= seen
      return seen === this.#seen ? undefined : seen
    } finally {
      client.close()
      await pause(20)
    }
  }

  /** Forgets the times so far. */
  reset(): void {
    for (const step of STEPS) this.#times[step] = []
  }

  get latency(): Latency {
    const all = STEPS.flatMap((step) => this.#times[step]).toSorted((a, b) => a - b)
    const at = (share: number): number => all[Math.min(all.length - 1, Math.floor(all.length * share))] ?? 0
    return { count: all.length, p50Ms: at(0.5), p99Ms: at(0.99), slowestMs: at(1) }
  }

  async #timed<T>(step: Step, work: () => Promise<T>): Promise<T> {
    const started = performance.now()
    const result = await work()
    this.#times[step].push(performance.now() - started)
    return result
  }
}
