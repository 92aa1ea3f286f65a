/**
 * What a second protocol thread gives Malle. Both variants have all cores, the driver's too, and have done the same work
 * before, so that each thread has compiled it: with two cores the gain is what the driver and the writer leave of the second.
 * @module
 */
import { type Contestant, DOMAIN, person } from '../contestant.ts'
import { DriverImap, meet } from '../imap-driver.ts'
import { fill, plainMessage } from '../mail.ts'
import { MIXED_ACCOUNTS, prepareMixedDay } from '../mixed-day.ts'
import { once } from '../once.ts'
import type { Round, Scenario, Watch } from '../scenario.ts'
import { playDay } from './mixed.ts'

const ACCOUNT = 'threads'
const MESSAGES = 1_000
const OCTETS = 8_000
const CONNECTIONS = 20
const FETCHES = 100
const LOGINS = 1_000
/** Each thread compiles for itself what it does often. */
const WARM_UP = 2
const ROUNDS = 2
const PEOPLE = Array.from({ length: 10 }, (_, number) => person(number))

type Work = Pick<Scenario, 'title' | 'accounts' | 'prepare' | 'round'>

const login: Work = {
  title: 'login, TLS',
  async round(server, watch) {
    let next = 0
    const one = async (): Promise<void> => {
      while (next < LOGINS) {
        const imap = await DriverImap.login(server, PEOPLE[next++ % PEOPLE.length] ?? '', { tls: true })
        await imap.logout()
      }
    }
    const { seconds } = await watch(() => Promise.all(Array.from({ length: CONNECTIONS }, one)))
    return { figure: LOGINS / seconds, answers: LOGINS }
  },
}

const fetchThousand: Work = {
  title: `FETCH of flags and bodies of ${MESSAGES.toLocaleString('en')} messages`,
  accounts: [ACCOUNT],
  prepare: (server) =>
    once(server, 'threads', () =>
      fill(server, `${ACCOUNT}@${DOMAIN}`, 'INBOX', MESSAGES, (number) => plainMessage(number, OCTETS)),
    ),
  round: fetchBodies,
}

const mixedDay: Work = { title: 'mixed day', accounts: MIXED_ACCOUNTS, prepare: prepareMixedDay, round: playDay }

export const threads: readonly Scenario[] = Object.entries({ login, fetch: fetchThousand, mixed: mixedDay }).flatMap(
  ([name, work]) => [1, 2].map((count) => scenario(name, work, count)),
)

function scenario(name: string, work: Work, count: number): Scenario {
  return {
    ...work,
    name: `threads/${name}-${count}`,
    title: `${work.title}, ${count === 1 ? 'one protocol thread' : `${count} protocol threads`}`,
    unit: 'per second',
    more: true,
    only: 'malle',
    warmUp: WARM_UP,
    rounds: ROUNDS,
    ...(count === 1 ? {} : { ratioTo: `threads/${name}-1` }),
    prepare: async (server) => {
      await work.prepare?.(server)
      await server.restart({ workers: count, allCores: true })
      await meet(server, PEOPLE)
    },
    after: (server) => server.restart({}),
  }
}

async function fetchBodies(server: Contestant, watch: Watch): Promise<Round> {
  const sessions = await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const imap = await DriverImap.login(server, `${ACCOUNT}@${DOMAIN}`)
      await imap.ok('SELECT INBOX')
      return imap
    }),
  )
  let left = FETCHES
  let answers = 0
  const { seconds } = await watch(() =>
    Promise.all(
      sessions.map(async (imap) => {
        while (left-- > 0) {
          const { count } = await imap.ok('FETCH 1:* (FLAGS BODY.PEEK[])', ' FETCH (')
          answers += count
        }
      }),
    ),
  )
  for (const imap of sessions) imap.close()
  return { figure: answers / seconds, answers }
}
