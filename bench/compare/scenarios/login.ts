/** Connect, log in, log out: plain, over TLS with a full handshake, and with a resumed session. @module */
import { type Contestant, person } from '../contestant.ts'
import { DriverImap, meet } from '../imap-driver.ts'
import type { Scenario } from '../scenario.ts'
import type { Openness } from '../wire.ts'

type Protection = 'plain' | 'tls' | 'resumed'

const GOALS: Readonly<Record<Protection, number>> = { plain: 1.5, tls: 1, resumed: 3 }
/** Who logs in again and again. */
const USERS = 10
const LOGINS: Readonly<Record<Protection, number>> = { plain: 3_000, tls: 1_000, resumed: 2_000 }

export const login: readonly Scenario[] = (['plain', 'tls', 'resumed'] as const).flatMap((protection) =>
  [1, 10, 50].map((atOnce) => scenario(protection, atOnce)),
)

function scenario(protection: Protection, atOnce: number): Scenario {
  const goal = atOnce === 10 ? GOALS[protection] : undefined
  return {
    name: `login/${protection}-${atOnce}`,
    title: `login, ${protection === 'plain' ? 'plain' : protection === 'tls' ? 'TLS' : 'TLS resumed'}, ${atOnce} at once`,
    unit: 'per second',
    more: true,
    ...(goal === undefined ? {} : { goal }),
    ...(protection === 'resumed' ? { ratioTo: `login/tls-${atOnce}` } : {}),
    // each login process of Dovecot has ticket keys of its own: which one a client meets is chance
    ...(protection === 'resumed' ? { only: 'malle' as const } : {}),
    before: (server) =>
      meet(
        server,
        Array.from({ length: USERS }, (_, number) => person(number)),
      ),
    async round(server, watch) {
      const openness = await opennessOf(protection, server)
      const logins = atOnce === 1 ? LOGINS[protection] / 2 : LOGINS[protection]
      const waits: number[] = []
      let resumed = 0
      let next = 0
      const one = async (): Promise<void> => {
        while (next < logins) {
          const begun = performance.now()
          const number = next++
          const imap = await DriverImap.login(server, person(number % USERS), openness)
          if (imap.wire.resumed) resumed += 1
          await imap.logout()
          waits.push(performance.now() - begun)
        }
      }
      const { seconds } = await watch(() => Promise.all(Array.from({ length: atOnce }, one)))
      const errors = protection === 'resumed' ? logins - resumed : 0
      return { figure: logins / seconds, waits, answers: waits.length, errors }
    },
  }
}

async function opennessOf(protection: Protection, server: Contestant): Promise<Openness> {
  if (protection === 'plain') return {}
  if (protection === 'tls') return { tls: true }
  // the ticket of TLS 1.3 comes behind the handshake: by the answer to LOGIN it is there
  const first = await DriverImap.login(server, person(0), { tls: true })
  const session = first.wire.session
  first.close()
  return { tls: true, ...(session === undefined ? {} : { session }) }
}
