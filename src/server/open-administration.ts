/** Whoever carries out administrative verbs: the running server, or this process while the server is stopped. @module */
import type { Config } from '#config/config.ts'
import { askControl, ControlError, ServerGone } from './control.ts'
import { type Administration, type Verb, type VerbRefusal, VerbRefused, type Verbs } from './verbs.ts'

/**
 * The running server's administration, or this process's own on the data directory while no server runs.
 * @throws {DataInUse} while a server starts or stops.
 */
export async function openAdministration(config: Config): Promise<Administration> {
  if ((await askControl(config.data, 'status', {})) !== undefined) return new RemoteAdministration(config.data)
  return openLocal(config)
}

/** The store and all that stands on it is loaded by those who need it: most verbs are asked of a running server. */
async function openLocal(config: Config): Promise<Administration> {
  const [{ RunningAdministration }, { openInstallation }, { createLog }, { LocalQueueDesk, queueStart }] =
    await Promise.all([
      import('./administration.ts'),
      import('./installation.ts'),
      import('./log.ts'),
      import('./queue-desk.ts'),
    ])
  const parts = await openInstallation(config, createLog('warn'))
  const queue = new LocalQueueDesk(queueStart(config))
  const local = new RunningAdministration(parts, queue, undefined)
  return {
    ask: (verb, args, progress, signal) => local.ask(verb, args, progress, signal),
    async [Symbol.asyncDispose]() {
      await queue[Symbol.asyncDispose]()
      await parts[Symbol.asyncDispose]()
    },
  }
}

/** The verbs of the server that runs. */
class RemoteAdministration implements Administration {
  readonly #data: string

  constructor(data: string) {
    this.#data = data
  }

  async ask<V extends Verb>(
    verb: V,
    args: Verbs[V]['args'],
    progress?: (value: unknown) => void,
    signal?: AbortSignal,
  ): Promise<Verbs[V]['value']> {
    try {
      const answer = await askControl(this.#data, verb, args, progress, signal)
      if (answer === undefined) throw new ServerGone()
      return answer.value as Verbs[V]['value']
    } catch (error) {
      if (error instanceof ControlError && error.refusal !== undefined)
        throw new VerbRefused(error.refusal as VerbRefusal)
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
