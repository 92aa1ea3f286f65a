/** From the start of the process until a client is greeted, and what a server takes when nobody is there. @module */
import { setTimeout as delay } from 'node:timers/promises'
import type { Variant } from '../contestant.ts'
import { DriverImap } from '../imap-driver.ts'
import { proportionalSetSize } from '../process-tree.ts'
import type { Scenario } from '../scenario.ts'

const REST_MS = 5_000
const OCTETS_PER_MEGABYTE = 1_048_576

export const start: readonly Scenario[] = [
  starting('ready', 'start until the greeting', {}),
  {
    ...starting('cold-code', 'start until the greeting, the very first one', { coldCode: true }),
    only: 'malle',
    ratioTo: 'start/ready',
    after: (server) => server.restart({}),
  },
  {
    name: 'start/rest',
    title: 'memory at rest',
    unit: 'MB',
    more: false,
    bound: 150,
    rounds: 1,
    before: (server) => server.restart({}),
    async round(server, watch) {
      const { value } = await watch(async () => {
        await delay(REST_MS)
        return proportionalSetSize(server.pid)
      })
      return { figure: value / OCTETS_PER_MEGABYTE, answers: 1 }
    },
  },
]

function starting(name: string, title: string, variant: Variant): Scenario {
  return {
    name: `start/${name}`,
    title,
    unit: 'ms',
    more: false,
    async round(server, watch) {
      let begun = 0
      const { value } = await watch(async () => {
        await server.restart(variant, async () => {
          begun = performance.now()
        })
        const imap = await DriverImap.connect(server)
        const greeted = performance.now()
        imap.close()
        return greeted - begun
      })
      return { figure: value, answers: 1 }
    },
  }
}
