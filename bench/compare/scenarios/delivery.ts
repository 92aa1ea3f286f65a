/** Mail in over LMTP: settled when every recipient's 250 is there. @module */
import { type Contestant, PEOPLE, person } from '../contestant.ts'
import { DriverLmtp, forLmtp } from '../lmtp-driver.ts'
import { empty, newMessages } from '../mailboxes.ts'
import type { Scenario } from '../scenario.ts'

interface Delivery {
  readonly name: string
  readonly title: string
  readonly octets: number
  readonly connections: number
  /** The first so many people get them in turn. */
  readonly people: number
  readonly transactions: number
  /** Of one transaction. */
  readonly recipients?: number
  readonly goal?: number
}

const DELIVERIES: readonly Delivery[] = [
  {
    name: '10k-20-many',
    title: '10 KB, 20 connections, 100 users',
    octets: 10_000,
    connections: 20,
    people: PEOPLE,
    transactions: 2_000,
    goal: 4,
  },
  {
    name: '10k-20-one',
    title: '10 KB, 20 connections, one user',
    octets: 10_000,
    connections: 20,
    people: 1,
    transactions: 2_000,
    goal: 5,
  },
  {
    name: '10k-1-many',
    title: '10 KB, 1 connection, 100 users',
    octets: 10_000,
    connections: 1,
    people: PEOPLE,
    transactions: 500,
  },
  {
    name: '10k-100-many',
    title: '10 KB, 100 connections, 100 users',
    octets: 10_000,
    connections: 100,
    people: PEOPLE,
    transactions: 2_000,
  },
  {
    name: '100k-20-many',
    title: '100 KB, 20 connections, 100 users',
    octets: 100_000,
    connections: 20,
    people: PEOPLE,
    transactions: 400,
  },
  {
    name: '100k-20-one',
    title: '100 KB, 20 connections, one user',
    octets: 100_000,
    connections: 20,
    people: 1,
    transactions: 400,
  },
  {
    name: '10k-to-20',
    title: '10 KB to 20 recipients each, 20 connections',
    octets: 10_000,
    connections: 20,
    people: PEOPLE,
    transactions: 200,
    recipients: 20,
  },
]

/**
 * Deliveries before the first row: what is measured is a server that has been at work, and its code compiled. With 500, the
 * first round is half as fast as the third.
 */
const WARM_UP = 2_000
const WARM_UP_CONNECTIONS = 10

const warm = new WeakSet<Contestant>()

async function warmUp(server: Contestant): Promise<void> {
  if (warm.has(server)) return
  warm.add(server)
  const messages = newMessages(server, WARM_UP, 10_000).map(forLmtp)
  let next = 0
  const send = async (lmtp: DriverLmtp): Promise<void> => {
    for (let number = next++; number < WARM_UP; number = next++)
      await lmtp.deliver([person(number % PEOPLE)], messages[number] as Buffer)
    lmtp.close()
  }
  const lines = await Promise.all(Array.from({ length: WARM_UP_CONNECTIONS }, () => DriverLmtp.open(server)))
  await Promise.all(lines.map(send))
  await empty(
    server,
    Array.from({ length: PEOPLE }, (_, number) => person(number)),
  )
}

export const delivery: readonly Scenario[] = DELIVERIES.map(scenario)

function scenario({
  name,
  title,
  octets,
  connections,
  people,
  transactions,
  recipients = 1,
  goal,
}: Delivery): Scenario {
  const prepared = new Map<Contestant, readonly Buffer[]>()
  const addresses = Array.from({ length: people }, (_, number) => person(number))
  return {
    name: `delivery/${name}`,
    title: `LMTP, ${title}`,
    unit: 'per second',
    more: true,
    ...(goal === undefined ? {} : { goal }),
    prepare: warmUp,
    async before(server) {
      await empty(server, addresses)
      prepared.set(server, newMessages(server, transactions, octets).map(forLmtp))
    },
    async round(server, watch) {
      const messages = prepared.get(server) ?? []
      const lines = await Promise.all(Array.from({ length: connections }, () => DriverLmtp.open(server)))
      const waits: number[] = []
      let next = 0
      const send = async (lmtp: DriverLmtp): Promise<void> => {
        for (let number = next++; number < transactions; number = next++) {
          const to = Array.from({ length: recipients }, (_, at) => person((number * recipients + at) % people))
          const begun = performance.now()
          await lmtp.deliver(to, messages[number] as Buffer)
          waits.push(performance.now() - begun)
        }
      }
      const { seconds } = await watch(() => Promise.all(lines.map(send)))
      for (const lmtp of lines) lmtp.close()
      return { figure: (transactions * recipients) / seconds, waits, answers: waits.length * recipients }
    },
    async after(server) {
      prepared.delete(server)
      await empty(server, addresses)
    },
  }
}
