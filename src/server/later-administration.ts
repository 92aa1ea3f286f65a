/** The verbs of a running server; what carries them out is loaded at the first of them. @module */
import type { AccountRef } from '#store/types.ts'
import type { RunningAdministration, RunningFacts } from './administration.ts'
import type { Installation } from './installation.ts'
import type { QueueDesk } from './queue-desk.ts'
import type { Administration, Verb, Verbs } from './verbs.ts'

/** See the module. */
export class LaterAdministration implements Administration {
  readonly #made: () => Promise<RunningAdministration>
  #loading: Promise<RunningAdministration> | undefined

  constructor(parts: Installation, queue: QueueDesk, facts: RunningFacts) {
    this.#made = async () => {
      const module = await import('./administration.ts')
      return new module.RunningAdministration(parts, queue, facts)
    }
  }

  async ask<V extends Verb>(
    verb: V,
    args: Verbs[V]['args'],
    progress?: (value: unknown) => void,
    signal?: AbortSignal,
  ): Promise<Verbs[V]['value']> {
    return (await this.load()).ask(verb, args, progress, signal)
  }

  /** From the control socket: the verb may be anything. */
  async askAnything(...asked: Parameters<RunningAdministration['askAnything']>): Promise<unknown> {
    return (await this.load()).askAnything(...asked)
  }

  async accountRef(address: string): Promise<AccountRef> {
    return (await this.load()).accountRef(address)
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Also for whoever has time for it, so that an update of the files does not meet a server that has yet to load some. */
  load(): Promise<RunningAdministration> {
    this.#loading ??= this.#made()
    return this.#loading
  }
}
