/** From the acknowledgement of a delivery until a client that idles hears of it. @module */
import { setTimeout as delay } from 'node:timers/promises'
import { deliver, openLmtp, percentile } from '../../kit.ts'
import { person } from '../contestant.ts'
import { DriverImap, meet } from '../imap-driver.ts'
import { plainMessage } from '../mail.ts'
import type { Scenario } from '../scenario.ts'

const IDLERS = 10
const OCTETS = 4_000
/** Who is always told before the acknowledgement has waited for nothing, and nothing has no ratio. */
const LEAST_MS = 0.01
/** Dovecot sends who idles to sleep after one second. */
const ASLEEP_MS = 1_500

export const exists: readonly Scenario[] = [scenario(false, 25), scenario(true, 10)]

function scenario(hibernate: boolean, deliveries: number): Scenario {
  return {
    name: `exists/${hibernate ? 'hibernated' : 'idling'}`,
    title: `from LMTP's 250 to EXISTS, p99${hibernate ? ', Dovecot hibernates' : ''}`,
    unit: 'ms',
    more: false,
    rounds: 1,
    bound: 10,
    before: async (server) => {
      if (hibernate) await server.restart({ hibernate })
      await meet(
        server,
        Array.from({ length: IDLERS }, (_, number) => person(number)),
      )
    },
    async round(server, watch) {
      const lmtp = await openLmtp(server.endpoint('lmtp'))
      // one delivery at a time: its way is measured, not how many there are
      let last: Promise<void> = Promise.resolve()
      const one = async (number: number): Promise<readonly number[]> => {
        const imap = await DriverImap.login(server, person(number))
        await imap.ok('SELECT INBOX')
        await imap.wire.askTimes('z IDLE\r\n', '+ ', 1)
        const waits: number[] = []
        for (let nth = 0; nth < deliveries; nth += 1) {
          if (hibernate) await delay(ASLEEP_MS)
          const heard = imap.wire.askTimes('', ' EXISTS', 1).then(() => performance.now())
          const delivery = last.then(() => deliver(lmtp, person(number), plainMessage(nth, OCTETS)))
          last = delivery
          await delivery
          const acknowledged = performance.now()
          // who was told before the acknowledgement did not wait
          waits.push(Math.max(0, (await heard) - acknowledged))
        }
        imap.close()
        return waits
      }
      const { value } = await watch(() => Promise.all(Array.from({ length: IDLERS }, (_, number) => one(number))))
      lmtp.close()
      const waits = value.flat()
      return { figure: Math.max(LEAST_MS, percentile(waits, 0.99)), waits, answers: waits.length }
    },
    after: async (server) => {
      if (hibernate) await server.restart({})
    },
  }
}
