/** Round trips of one line: the cost of a command as such. @module */
import { person } from '../contestant.ts'
import { DriverImap } from '../imap-driver.ts'
import type { Scenario } from '../scenario.ts'

const CONNECTIONS = 20
const ROUND_TRIPS = 40_000

export const noop: readonly Scenario[] = [false, true].map((tls) => ({
  name: `noop/${tls ? 'tls' : 'plain'}`,
  title: `NOOP, ${CONNECTIONS} connections${tls ? ', TLS' : ''}`,
  unit: 'per second',
  more: true,
  async round(server, watch) {
    const sessions = await Promise.all(
      Array.from({ length: CONNECTIONS }, (_, number) => DriverImap.login(server, person(number), { tls })),
    )
    let left = ROUND_TRIPS
    const { seconds } = await watch(() =>
      Promise.all(
        sessions.map(async (session) => {
          while (left-- > 0) await session.ok('NOOP')
        }),
      ),
    )
    for (const session of sessions) session.close()
    return { figure: ROUND_TRIPS / seconds, answers: ROUND_TRIPS }
  },
}))
