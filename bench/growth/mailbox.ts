/** One mailbox with ever more messages. @module */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { DOMAIN } from '../compare/contestant.ts'
import { DriverImap, loginPop3 } from '../compare/imap-driver.ts'
import { fill, plainMessage, RARE_WORD, SUBJECT_WORD } from '../compare/mail.ts'
import { deliver, openLmtp, percentile } from '../kit.ts'
import { Installation, type ServerProcess } from '../raw.ts'
import { accountsFile, cpuOf, memoryOf, started, syncMs } from './installations.ts'
import { clocked, Figures, type Manner, type Measure, type Point } from './measures.ts'

export const MAILBOX_MEASURES: readonly Measure[] = [
  { name: 'start-up', unit: 'ms', rule: 'flat' },
  { name: 'open, first since the start', unit: 'ms', rule: 'with-size' },
  { name: 'open and fetch what is new', unit: 'ms', rule: 'flat' },
  { name: 'open with QRESYNC', unit: 'ms', rule: 'flat' },
  { name: 'all flags', unit: 'ms', rule: 'with-size' },
  { name: 'delivery', unit: 'ms', rule: 'flat' },
  { name: 'delivery, CPU of the server', unit: 'ms', rule: 'flat' },
  { name: 'NOOP', unit: 'ms', rule: 'flat' },
  { name: 'STATUS', unit: 'ms', rule: 'flat' },
  { name: 'STORE of one flag', unit: 'ms', rule: 'flat' },
  { name: 'EXPUNGE of 100', unit: 'ms', rule: 'with-size' },
  { name: 'EXPUNGE of 100, CPU of the server', unit: 'ms', rule: 'with-size' },
  { name: 'POP3 login', unit: 'ms', rule: 'with-size' },
  { name: 'POP3 UIDL', unit: 'ms', rule: 'with-size' },
  { name: 'SEARCH SUBJECT', unit: 'ms', rule: 'with-size' },
  { name: 'SEARCH TEXT', unit: 'ms', rule: 'with-size' },
  { name: 'longest turn while it is opened', unit: 'ms', rule: 'none' },
  { name: 'a sync of the disk alone', unit: 'ms', rule: 'none' },
  { name: 'at rest', unit: 'MB', rule: 'flat' },
  { name: 'one has it open', unit: 'MB', rule: 'with-size' },
  { name: 'after all of this', unit: 'MB', rule: 'with-size' },
]

const ADDRESS = `someone@${DOMAIN}`
/** Its small mailbox is measured first, and forgotten: code that never ran is not what is measured. */
const WARM_UP = `warm@${DOMAIN}`
const WARM_UP_MESSAGES = 1_000
const MESSAGE_OCTETS = 1_000
const OFTEN = 100
const SELDOM = 3
const EXPUNGES = 5
const EXPUNGED = 100
const INDEX_LOOK_MS = 500
/** prom-client's monitor ticks every 10 ms and counts the tick itself. */
const TICK_MS = 10

/** Fills a mailbox in `folder`, unless it is there from last time, and measures. */
export async function measureMailbox(
  folder: string,
  messages: number,
  { nodeArguments, patience }: Manner,
): Promise<Point> {
  console.log(`${messages.toLocaleString('en')} messages`)
  const installation = await Installation.make(folder)
  const filled = path.join(folder, 'filled')
  if (!existsSync(filled)) {
    await installation.verb('domain', 'add', DOMAIN)
    await installation.verb('account', 'add', '--from', await accountsFile(folder, ['someone', 'warm']))
    await fillMailbox(installation, WARM_UP, WARM_UP_MESSAGES)
    await fillMailbox(installation, ADDRESS, messages)
    await writeFile(filled, '')
  }
  const taken = new Figures(MAILBOX_MEASURES)
  const rests: number[] = []
  const opens: number[] = []
  const turns: number[] = []
  const { server, startMs } = await started(installation, nodeArguments, async (fresh) => {
    await delay(1_000)
    rests.push(await memoryOf(fresh))
    const { ms, turn } = await firstOpen(fresh)
    opens.push(ms)
    turns.push(turn)
  })
  taken.set('start-up', startMs)
  taken.set('at rest', percentile(rests, 0.5))
  taken.set('open, first since the start', percentile(opens, 0.5))
  // what else the machine does makes a turn longer, never shorter
  taken.set('longest turn while it is opened', Math.min(...turns))
  taken.set('a sync of the disk alone', await syncMs(folder))
  const searchable = await indexed(server, patience)
  if (!searchable) console.log('  the search index is not made yet: searches are not measured')
  await everything({ server, address: WARM_UP, taken: new Figures(MAILBOX_MEASURES, 'quietly'), searchable })
  await everything({ server, address: ADDRESS, taken, searchable })
  taken.set('after all of this', await memoryOf(server))
  await server.stop()
  return { size: messages, figures: taken.figures }
}

interface Subject {
  readonly server: ServerProcess
  readonly address: string
  readonly taken: Figures
  /** Whether its text is in the search index. */
  readonly searchable: boolean
}

async function everything(subject: Subject): Promise<void> {
  await opening(subject)
  await polling(subject)
  await changing(subject)
  await pop3(subject)
  await searching(subject)
}

async function fillMailbox(installation: Installation, address: string, messages: number): Promise<void> {
  const server = await installation.serve()
  const ms = await clocked(() => fill(server, address, 'INBOX', messages, (n) => plainMessage(n, MESSAGE_OCTETS)))
  await server.stop()
  console.log(`  filled in ${(ms / 1_000).toFixed(1)} s, ${Math.round((messages / ms) * 1_000)}/s`)
}

/** Opens the mailbox when nobody has since the start; its own code has run before, on the small one. */
async function firstOpen(server: ServerProcess): Promise<{ readonly ms: number; readonly turn: number }> {
  const warm = await DriverImap.login(server, WARM_UP)
  for (let round = 0; round < OFTEN; round += 1) await warm.ok('SELECT INBOX')
  warm.close()
  const imap = await DriverImap.login(server, ADDRESS)
  await server.metric('nodejs_eventloop_lag_max_seconds')
  const ms = await clocked(() => imap.ok('SELECT INBOX'))
  const lag = await server.metric('nodejs_eventloop_lag_max_seconds')
  imap.close()
  return { ms, turn: Math.max(0, lag * 1_000 - TICK_MS) }
}

async function opening(subject: Subject): Promise<void> {
  const { server, address, taken } = subject
  const first = await DriverImap.login(server, address)
  const messages = await total(first)
  await first.ok('SELECT INBOX')
  await delay(1_000)
  taken.set('one has it open', await memoryOf(server))
  await taken.time('all flags', SELDOM, async () => {
    const { count } = await first.ok('UID FETCH 1:* (FLAGS)', ' FETCH (')
    if (count !== messages) throw new Error(`${count} messages have flags, and there are ${messages}`)
  })
  first.close()
  await afterDeliveries(subject, 'open and fetch what is new', async (imap, { uidNext }) => {
    await imap.ok('SELECT INBOX')
    return imap.ok(`UID FETCH ${uidNext}:* (FLAGS ENVELOPE)`, ' FETCH (')
  })
  await afterDeliveries(subject, 'open with QRESYNC', (imap, { uidValidity, modseq }) =>
    imap.ok(`SELECT INBOX (QRESYNC (${uidValidity} ${modseq}))`, ' FETCH ('),
  )
}

interface Known {
  readonly uidNext: string
  readonly uidValidity: string
  readonly modseq: string
}

/** Another message comes, and a client that knows all the others opens the mailbox. */
async function afterDeliveries(
  { server, address, taken }: Subject,
  name: string,
  open: (imap: DriverImap, known: Known) => Promise<{ readonly count: number }>,
): Promise<void> {
  const lmtp = await openLmtp(server.endpoint('lmtp'))
  const waits: number[] = []
  for (let round = 0; round < OFTEN; round += 1) {
    const imap = await DriverImap.login(server, address)
    await imap.ok('ENABLE QRESYNC')
    const known = await status(imap)
    await deliver(lmtp, address, plainMessage(round, MESSAGE_OCTETS))
    waits.push(
      await clocked(async () => {
        const { count } = await open(imap, known)
        if (count !== 1) throw new Error(`${count} messages are new, not 1`)
      }),
    )
    imap.close()
  }
  await lmtp.ok('QUIT')
  taken.set(name, percentile(waits, 0.5))
}

async function polling({ server, address, taken }: Subject): Promise<void> {
  const lmtp = await openLmtp(server.endpoint('lmtp'))
  const cpu = await cpuOf(server, 3 * OFTEN, () =>
    taken.time('delivery', 3 * OFTEN, () => deliver(lmtp, address, plainMessage(7, MESSAGE_OCTETS))),
  )
  taken.set('delivery, CPU of the server', cpu)
  await lmtp.ok('QUIT')
  const imap = await DriverImap.login(server, address)
  await taken.time('STATUS', OFTEN, () => status(imap))
  await imap.ok('SELECT INBOX')
  await taken.time('NOOP', OFTEN, () => imap.ok('NOOP'))
  imap.close()
}

async function changing({ server, address, taken }: Subject): Promise<void> {
  const imap = await DriverImap.login(server, address)
  await imap.ok('SELECT INBOX')
  const messages = await total(imap)
  const middle = Math.ceil(messages / 2)
  let flagged = false
  await taken.time('STORE of one flag', OFTEN, () => {
    flagged = !flagged
    return imap.ok(`STORE ${middle} ${flagged ? '+' : '-'}FLAGS.SILENT (\\Flagged)`)
  })
  const waits: number[] = []
  let cpu = 0
  for (let round = 0; round < EXPUNGES; round += 1) {
    // from all over the mailbox
    const step = Math.max(1, Math.floor(messages / 2 / EXPUNGED))
    const numbers = Array.from({ length: EXPUNGED }, (_, index) => 1 + round + index * step)
    await imap.ok(`STORE ${numbers.join(',')} +FLAGS.SILENT (\\Deleted)`)
    cpu += await cpuOf(server, EXPUNGES, async () => {
      waits.push(
        await clocked(async () => {
          const { count } = await imap.ok('EXPUNGE', ' EXPUNGE\r\n')
          if (count !== EXPUNGED) throw new Error(`${count} messages were expunged, not ${EXPUNGED}`)
        }),
      )
    })
  }
  taken.set('EXPUNGE of 100, CPU of the server', cpu)
  taken.set('EXPUNGE of 100', percentile(waits, 0.5))
  imap.close()
}

async function pop3({ server, address, taken }: Subject): Promise<void> {
  const imap = await DriverImap.login(server, address)
  const messages = await total(imap)
  imap.close()
  const logins: number[] = []
  const listings: number[] = []
  for (let round = 0; round < SELDOM; round += 1) {
    const begun = performance.now()
    const wire = await loginPop3(server, address)
    logins.push(performance.now() - begun)
    listings.push(
      await clocked(async () => {
        const { count } = await wire.ask('UIDL\r\n', '.', '\r\n')
        if (count !== messages + 2) throw new Error(`UIDL has ${count} lines, and there are ${messages} messages`)
      }),
    )
    await wire.ask('QUIT\r\n', '+OK')
    wire.close()
  }
  taken.set('POP3 login', percentile(logins, 0.5))
  taken.set('POP3 UIDL', percentile(listings, 0.5))
}

async function searching({ server, address, taken, searchable }: Subject): Promise<void> {
  if (!searchable) return
  const imap = await DriverImap.login(server, address)
  await imap.ok('SELECT INBOX')
  await taken.time('SEARCH SUBJECT', SELDOM, () => imap.ok(`UID SEARCH SUBJECT ${SUBJECT_WORD}`))
  await taken.time('SEARCH TEXT', SELDOM, () => imap.ok(`UID SEARCH TEXT ${RARE_WORD}`))
  imap.close()
}

/** Has the search index made, which works beside everything else, and waits for it. @returns whether it is whole. */
async function indexed(server: ServerProcess, patience: number): Promise<boolean> {
  const until = performance.now() + patience * 1_000
  for (const address of [WARM_UP, ADDRESS]) {
    const imap = await DriverImap.login(server, address)
    await imap.ok('SELECT INBOX')
    // what is not in the index is read: the first search of a large mailbox takes long, and begins the index
    await imap.ok(`UID SEARCH TEXT ${RARE_WORD}`)
    imap.close()
  }
  while ((await server.metric('malle_search_index_backlog')) > 0) {
    if (performance.now() > until) return false
    await delay(INDEX_LOOK_MS)
  }
  return true
}

async function status(imap: DriverImap): Promise<Known> {
  const { tail } = await imap.ok('STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ)')
  const value = (name: string): string => new RegExp(`${name} (\\d+)`).exec(tail)?.[1] ?? ''
  return { uidNext: value('UIDNEXT'), uidValidity: value('UIDVALIDITY'), modseq: value('HIGHESTMODSEQ') }
}

async function total(imap: DriverImap): Promise<number> {
  const { tail } = await imap.ok('STATUS INBOX (MESSAGES)')
  return Number(/MESSAGES (\d+)/.exec(tail)?.[1])
}
