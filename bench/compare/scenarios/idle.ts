/**
 * Memory of a connection that is logged in, has INBOX selected and idles: what N of them add to the server, by N.
 *
 * The server is fresh: what earlier scenarios left behind would hide what connections take. Twenty people who came
 * and went have warmed it. Before it is measured it rests for as long as it takes to let go of what it does not need. A
 * scenario that wants more of the same goes on with the connections of the one before.
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { type Contestant, DOMAIN } from '../contestant.ts'
import { DriverImap } from '../imap-driver.ts'
import { fillAtEase } from '../large-mailbox.ts'
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
/** Malle's collector notices after 20 s that nothing happens, and has given back in this time; DEFLATE is let go of in ten. */
const MALLE_RESTS_MS = 42_000
const DOVECOT_RESTS_MS = 5_000
/** Who has rested is only looked at again. */
const RESTED_MS = 1_000
/** Dovecot takes one second to send a connection to sleep, and a little more to let its process go. */
const HIBERNATE_MS = 10_000
/** After this time Malle lets go of a large mailbox in which nothing happens. */
const LARGE_RESTS_MS = 65_000
const TITLES: Readonly<Record<Kind, string>> = { plain: '', tls: ', TLS', deflate: ', COMPRESS=DEFLATE' }
const SYNC_FLUSH = '\0\0\xff\xff'

/** Connections that were opened on a server and stay. */
interface Open {
  readonly idlers: Idlers
  readonly pid: number
  readonly sessions: DriverImap[]
  /** Octets of the server with the first few. */
  few?: number
}

const open = new WeakMap<Contestant, Open>()

const KINDS: readonly Idlers[] = [
  { kind: 'plain', connections: 1_000, messages: 10 },
  { kind: 'plain', connections: 1_000, messages: 10, hibernate: true },
  // a process for each connection costs the same however many there are, and 10,000 take minutes to begin: Dovecot shows
  // it with the least
  { kind: 'plain', connections: 5_000, messages: 10, only: 'malle' },
  { kind: 'plain', connections: 10_000, messages: 10, bound: 12, only: 'malle' },
  { kind: 'tls', connections: 1_000, messages: 10 },
  { kind: 'tls', connections: 10_000, messages: 10, bound: 50, only: 'malle' },
  { kind: 'deflate', connections: 1_000, messages: 10 },
  { kind: 'deflate', connections: 10_000, messages: 10, only: 'malle' },
  // Dovecot takes a minute and more for a thousand of these, and no more memory than for those above; of fewer of
  // Malle's, some megabytes of garbage would be a third
  { kind: 'plain', connections: 3_000, messages: LARGE_INBOX, bound: 22, only: 'malle' },
]

export const idle: readonly Scenario[] = KINDS.map(scenario)

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
      await once(server, `idle ${messages}`, () => (large ? fillLargeInboxes(server) : fillInboxes(server)))
    },
    async before(server) {
      if (goesOn(open.get(server), idlers, server)) return
      await server.restart({ hibernate, deflate: kind === 'deflate' })
      open.set(server, { idlers, pid: server.pid, sessions: [] })
    },
    async round(server, watch) {
      const here = open.get(server)
      if (here === undefined) throw new Error('There is no server with idle connections')
      const { sessions } = here
      if (here.few === undefined) {
        await openIdlers(sessions, WARM_UP, server, idlers)
        for (const session of sessions.splice(0)) session.close()
        await openIdlers(sessions, FEW, server, idlers)
        await delay(restMs(server, idlers))
        here.few = await proportionalSetSize(server.pid)
      }
      const { value: many } = await watch(async () => {
        const opened = sessions.length < connections
        await openIdlers(sessions, connections, server, idlers)
        await delay(opened ? restMs(server, idlers) : RESTED_MS)
        return proportionalSetSize(server.pid)
      })
      const gone = sessions.filter(({ wire }) => wire.socket.destroyed).length
      return { figure: (many - here.few) / (connections - FEW) / 1_024, answers: sessions.length, errors: gone }
    },
    async after(server, next) {
      const here = open.get(server)
      const then = KINDS[idle.findIndex(({ name }) => name === next?.name)]
      if (here === undefined || (then !== undefined && goesOn(here, then, server))) return
      open.delete(server)
      for (const session of here.sessions) session.close()
      if (hibernate || kind === 'deflate') await server.restart({})
    },
  }
}

/** Whether connections that are open are some of those that are wanted next. */
function goesOn(here: Open | undefined, next: Idlers, server: Contestant): boolean {
  if (here === undefined || here.pid !== server.pid || here.sessions.length > next.connections) return false
  const { kind, messages, hibernate = false } = here.idlers
  const asDovecot = server.name === 'malle' || hibernate === (next.hibernate ?? false)
  return kind === next.kind && messages === next.messages && asDovecot
}

function restMs(server: Contestant, { messages, hibernate = false }: Idlers): number {
  if (server.name === 'malle') return messages > 10 ? LARGE_RESTS_MS : MALLE_RESTS_MS
  return hibernate ? HIBERNATE_MS : DOVECOT_RESTS_MS
}

async function fillInboxes(server: Contestant): Promise<void> {
  for (const address of peopleWith(10))
    await fill(server, address, 'INBOX', 10, (number) => plainMessage(number, OCTETS))
}

/** An eighth comes by APPEND and is copied, doubled three times. */
function fillLargeInboxes(server: Contestant): Promise<void> {
  return fillAtEase(server, async () => {
    await Promise.all(peopleWith(LARGE_INBOX).map((address) => fillLargeInbox(server, address)))
  })
}

async function fillLargeInbox(server: Contestant, address: string): Promise<void> {
  await fill(server, address, 'INBOX', LARGE_INBOX / 8, (number) => plainMessage(number, OCTETS))
  const imap = await DriverImap.login(server, address)
  await imap.ok('SELECT INBOX')
  for (let doubled = 0; doubled < 3; doubled += 1) await imap.ok('COPY 1:* INBOX')
  imap.close()
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
