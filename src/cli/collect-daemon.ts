/**
 * `malle collect` that stays: each account from time to time, or whenever its server says that something came. What
 * fails is tried again; only a signal ends it. @module
 */
import { setTimeout as pause } from 'node:timers/promises'
import { formatSourceUrl } from '#transfer/source-url.ts'
import type { CollectAccount } from './collect-accounts.ts'
import { serverOf } from './collect-run.ts'
import type { Signals } from './signals.ts'

export interface DaemonRequest {
  readonly accounts: readonly CollectAccount[]
  /** Reads them again, at SIGHUP. */
  readonly reread: () => Promise<readonly CollectAccount[]>
  /** Fetches one; says what came of it, and does not throw. */
  readonly round: (account: CollectAccount, signal: AbortSignal) => Promise<void>
  readonly everyMs: number
  /** Watch those that can tell (IMAP). */
  readonly push: boolean
  readonly signals: Signals
  /** Says what is no account's. */
  readonly complain: (text: string) => void
}

/** The first pause after a server was lost; it doubles up to `everyMs`. */
const FIRST_PAUSE_MS = 2_000

/** See the module. */
export class CollectDaemon {
  readonly #request: DaemonRequest
  /** The records have one writer, and two accounts may have one place: one account at a time. */
  #turn: Promise<void> = Promise.resolve()

  constructor(request: DaemonRequest) {
    this.#request = request
  }

  /** Until SIGTERM; the batch at hand ends well. */
  async run(): Promise<void> {
    const { signals, reread, complain } = this.#request
    const ended = new AbortController()
    void signals.stop.then(() => ended.abort())
    let { accounts } = this.#request
    while (!ended.signal.aborted) {
      const again = new AbortController()
      signals.onHangup(() => again.abort())
      const signal = AbortSignal.any([ended.signal, again.signal])
      await Promise.all(accounts.map((account) => this.#keep(account, signal)))
      if (ended.signal.aborted) break
      try {
        accounts = await reread()
      } catch (error) {
        complain(await textOf(error))
      }
    }
  }

  async #keep(account: CollectAccount, signal: AbortSignal): Promise<void> {
    const { everyMs, push } = this.#request
    if (push && account.from.protocol === 'imap') return this.#watch(account, signal)
    do await this.#round(account, signal)
    while (await waited(everyMs, signal))
  }

  /** At each sign of something new; a server that is gone is looked for again and again. */
  async #watch(account: CollectAccount, signal: AbortSignal): Promise<void> {
    const { everyMs, complain } = this.#request
    const { arrivals } = await import('#transfer/collect/imap-source.ts')
    let failures = 0
    do {
      try {
        for await (const _ of arrivals(await serverOf(account), account.from.mailbox ?? 'INBOX', signal)) {
          failures = 0
          await this.#round(account, signal)
        }
      } catch (error) {
        if (signal.aborted) return
        // the same again and again tells nothing new
        if (failures === 0) complain(`${formatSourceUrl(account.from)}: ${await textOf(error)}`)
        failures += 1
      }
    } while (await waited(Math.min(everyMs, FIRST_PAUSE_MS * 2 ** Math.min(failures, 20)), signal))
  }

  #round(account: CollectAccount, signal: AbortSignal): Promise<void> {
    const mine = this.#turn.then(async () => {
      if (!signal.aborted) await this.#request.round(account, signal)
    })
    this.#turn = mine
    return mine
  }
}

/** Waits; `false` when it is time to end. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  await pause(ms, undefined, { signal }).catch(() => undefined)
  return !signal.aborted
}

async function textOf(error: unknown): Promise<string> {
  // it knows every part of Malle
  const { failureOf } = await import('./failure.ts')
  return failureOf(error).text
}
