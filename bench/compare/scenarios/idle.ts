/**
 * Memory of a connection that is logged in, has INBOX selected and idles: what N of them add to the server, by N.
 *
 * The server is fresh: what earlier scenarios left behind would hide what connections take. Twenty people who came
 * and went have warmed it.
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { type Contestant, DOMAIN } from '../contestant.ts'
import { DriverImap } from '../imap-driver.ts'
import { fill, plainMessage } from '../mail.ts'
import { once } from '../once.ts'
import { proportionalSetSize } from '../process-tree.ts'
import type { Scenario } from '../scenario.ts'

type Kind = 'plain' | 'tls' | 'deflate'

interface Idlers {
  readonly kind: Kind
  readonly connections: number
  readonly messages: number
  /** Of Dovecot. */
  readonly hibernate?: boolean
  /** In KB a connection. */
  readonly bound?: number
  readonly only?: 'malle'
}

const PEOPLE = 50
const OCTETS = 600
const LARGE_INBOX = 5_000
/** People whose INBOX is large. */
const LARGE_PEOPLE = 10
/** With so many, the server is measured before. */
const FEW = 10
const WARM_UP = 20
/** Logins under way at once. */
const AT_ONCE = 20
/** Until both servers have let go of what idling connections do not need: compression waits the longest. */
const SETTLE_MS: Readonly<Record<Kind, number>> = { plain: 5_000, tls: 5_000, deflate: 13_000 }
/** Dovecot takes one second to send a connection to sleep, and a little more to let its process go. */
const HIBERNATE_MS = 10_000
/** After this time Malle lets go of a large mailbox in which nothing happens. */
const REST_MS = 65_000
const TITLES: Readonly<Record<Kind, string>> = { plain: '', tls: ', TLS', deflate: ', COMPRESS=DEFLATE' }
const SYNC_FLUSH = '\0\0\xff\xff'

// a process for each connection costs the same however many there are, and 10,000 take minutes to begin: Dovecot shows it
// with the least
export const idle: readonly Scenario[] = [
  scenario({ kind: 'plain', connections: 1_000, messages: 10 }),
  scenario({ kind: 'plain', connections: 5_000, messages: 10, only: 'malle' }),
  scenario({ kind: 'plain', connections: 10_000, messages: 10, bound: 12, only: 'malle' }),
  scenario({ kind: 'plain', connections: 1_000, messages: 10, hibernate: true }),
  scenario({ kind: 'tls', connections: 1_000, messages: 10 }),
  scenario({ kind: 'tls', connections: 10_000, messages: 10, bound: 50, only: 'malle' }),
  scenario({ kind: 'deflate', connections: 1_000, messages: 10 }),
  scenario({ kind: 'deflate', connections: 10_000, messages: 10, only: 'malle' }),
  scenario({ kind: 'plain', connections: 1_000, messages: LARGE_INBOX, bound: 22 }),
]

function scenario(idlers: Idlers): Scenario {
  const { kind, connections, messages, hibernate = false, bound, only } = idlers
  const large = messages > 10
  return {
    name: `idle/${kind}-${connections}${large ? '-large' : ''}${hibernate ? '-hibernated' : ''}`,
    title: `memory of one of ${connections} idle connections${TITLES[kind]}${large ? `, INBOX of ${messages}` : ''}${hibernate ? ', Dovecot hibernates' : ''}`,
    unit: 'KB',
    more: false,
    rounds: 1,
    accounts: large ? names('large', LARGE_PEOPLE) : names('idle', PEOPLE),
    ...(bound === undefined ? {} : { bound }),
    ...(only === undefined ? {} : { only }),
    async prepare(server) {
      await once(server, `idle ${messages}`, async () => {
        for (const address of peopleWith(messages))
          await fill(server, address, 'INBOX', messages, (number) => plainMessage(number, OCTETS))
      })
    },
    before: (server) => server.restart({ hibernate, deflate: kind === 'deflate' }),
    async round(server, watch) {
      const sessions: DriverImap[] = []
      const settleMs = settleOf(server, idlers)
      const open = (count: number): Promise<void> => openIdlers(sessions, count, server, idlers)
      try {
        await open(WARM_UP)
        for (const session of sessions.splice(0)) session.close()
        await open(FEW)
        await delay(SETTLE_MS[kind])
        const few = await proportionalSetSize(server.pid)
        const { value: many } = await watch(async () => {
          await open(connections)
          await delay(settleMs)
          return proportionalSetSize(server.pid)
        })
        const gone = sessions.filter(({ wire }) => wire.socket.destroyed).length
        return { figure: (many - few) / (connections - FEW) / 1_024, answers: sessions.length, errors: gone }
      } finally {
        for (const session of sessions) session.close()
      }
    },
    after: async (server) => {
      if (hibernate || kind === 'deflate') await server.restart({})
    },
  }
}

function settleOf(server: Contestant, { kind, messages, hibernate = false }: Idlers): number {
  if (server.name === 'malle') return messages > 10 ? REST_MS : SETTLE_MS[kind]
  return hibernate ? HIBERNATE_MS : SETTLE_MS[kind]
}

/** Opens until there are so many. */
async function openIdlers(
  sessions: DriverImap[],
  count: number,
  server: Contestant,
  { kind, messages }: Idlers,
): Promise<void> {
  const people = peopleWith(messages)
  let next = sessions.length
  const one = async (): Promise<void> => {
    while (next < count) {
      const address = people[next++ % people.length] ?? ''
      const imap = await DriverImap.login(server, address, { tls: kind === 'tls' })
      await imap.ok('SELECT INBOX')
      if (kind === 'deflate') await idleDeflated(imap)
      else await imap.wire.askTimes('z IDLE\r\n', '+ ', 1)
      sessions.push(imap)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
}

async function idleDeflated(imap: DriverImap): Promise<void> {
  await imap.ok('COMPRESS DEFLATE')
  const deflated = deflateRawSync('z IDLE\r\n', { finishFlush: constants.Z_SYNC_FLUSH })
  const { line } = await imap.wire.askUntil(deflated, SYNC_FLUSH)
  const answer = inflateRawSync(Buffer.from(line, 'latin1'), { finishFlush: constants.Z_SYNC_FLUSH }).toString()
  if (!answer.startsWith('+ ')) throw new Error(`IDLE was answered ${answer}`)
}

function peopleWith(messages: number): readonly string[] {
  const all = messages > 10 ? names('large', LARGE_PEOPLE) : names('idle', PEOPLE)
  return all.map((name) => `${name}@${DOMAIN}`)
}

function names(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, number) => `${prefix}${number}`)
}
