/** The keeper of certificates with the real parts: files, DNS, and a thread for each order. @module */
import type { Config } from '#config/config.ts'
import { systemClock } from '#lib/clock.ts'
import type { Resolver } from '#services/resolver.ts'
import type { Log } from '#services/session-deps.ts'
import type { Directory } from '#store/directory.ts'
import type { Challenges } from './challenges.ts'
import { AcmeFiles } from './files.ts'
import { AcmeKeeper } from './keeper.ts'
import { leadsHere } from './leads-here.ts'
import { orderInThread } from './order.ts'

interface Surroundings {
  readonly directory: Directory
  /** What the authority asks to be shown comes here. */
  readonly challenges: Challenges
  readonly log: Log
  /** New certificates are there to be shown. */
  readonly changed: () => Promise<void>
}

/** Does nothing before it is started, and nothing where no authority is configured. */
export function keepCertificates(config: Config, { directory, challenges, log, changed }: Surroundings): AcmeKeeper {
  let resolver: Resolver | undefined
  return new AcmeKeeper(config, {
    files: new AcmeFiles(config.data),
    clock: systemClock,
    log,
    domains: async () => (await directory.domains()).map(({ name }) => name),
    async leadsHere(name, { hostname, public: { addresses } }) {
      // most servers never ask
      const { openResolver } = await import('#adapters/dns/dns-resolver.ts')
      resolver ??= openResolver(config.dns)
      return leadsHere(resolver, name, { hostname, addresses })
    },
    order: orderInThread(challenges),
    changed,
  })
}
