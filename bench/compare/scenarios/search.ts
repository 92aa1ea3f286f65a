/** SEARCH, SORT and THREAD over 100,000 messages, and over an index of the full text on both sides. @module */
import type { Contestant, Variant } from '../contestant.ts'
import { DriverImap } from '../imap-driver.ts'
import { fillAtEase, fillLarge, LARGE_ACCOUNT, LARGE_ADDRESS, largeMessage } from '../large-mailbox.ts'
import { COMMON_WORD, fill, RARE_WORD, SUBJECT_WORD } from '../mail.ts'
import { once } from '../once.ts'
import type { Scenario } from '../scenario.ts'

interface Asked {
  readonly name: string
  readonly title: string
  readonly command: string
  readonly goal?: number
  /** How often in one round, so that it takes long enough to be measured; once where it is slow in Dovecot. */
  readonly times?: number
  readonly rounds?: number
}

const ASKED: readonly Asked[] = [
  { name: 'unseen', title: 'UNSEEN', command: 'UID SEARCH UNSEEN', times: 10 },
  { name: 'since', title: 'SINCE', command: 'UID SEARCH SINCE 1-Dec-2025', times: 10 },
  { name: 'sent-since', title: 'SENTSINCE', command: 'UID SEARCH SENTSINCE 1-Dec-2025', times: 10 },
  { name: 'subject', title: 'SUBJECT', command: `UID SEARCH SUBJECT ${SUBJECT_WORD}`, goal: 10, times: 5 },
  { name: 'from', title: 'FROM', command: 'UID SEARCH FROM c77@', times: 5 },
  { name: 'text-rare', title: 'TEXT, rare', command: `UID SEARCH TEXT ${RARE_WORD}`, goal: 100, rounds: 2 },
  { name: 'text-common', title: 'TEXT, common', command: `UID SEARCH TEXT ${COMMON_WORD}`, rounds: 2 },
  {
    name: 'body-rare',
    title: 'BODY, rare, within a word',
    command: `UID SEARCH BODY ${RARE_WORD.slice(2, -2)}`,
    goal: 100,
    rounds: 2,
  },
  { name: 'sort', title: 'SORT (REVERSE DATE)', command: 'UID SORT (REVERSE DATE) UTF-8 ALL', rounds: 2 },
  { name: 'sort-subject', title: 'SORT (SUBJECT)', command: 'UID SORT (SUBJECT) UTF-8 ALL', rounds: 2 },
  { name: 'thread', title: 'THREAD REFERENCES', command: 'UID THREAD REFERENCES UTF-8 ALL', rounds: 2 },
]

/** The first search after a start. */
const COLD: Asked = {
  name: 'text-rare-cold',
  title: 'TEXT, rare, cold',
  command: `UID SEARCH TEXT ${RARE_WORD}`,
  rounds: 1,
}

const INDEXED_ACCOUNT = 'indexed'
const INDEXED_ADDRESS = `${INDEXED_ACCOUNT}@example.org`
const INDEXED_MESSAGES = 3_000
const FULL_TEXT: Variant = { fullTextIndex: true }

const INDEXED: readonly Asked[] = [
  { name: 'indexed-rare', title: 'TEXT, rare', command: `UID SEARCH TEXT ${RARE_WORD}`, goal: 1, times: 50 },
  { name: 'indexed-common', title: 'TEXT, common', command: `UID SEARCH TEXT ${COMMON_WORD}`, goal: 1, times: 20 },
]

export const search: readonly Scenario[] = [...ASKED.map((asked) => warm(asked)), cold(COLD)]

/** Malle's index of every mailbox is gone afterwards: they come when no row wants it any more. */
export const indexedSearch: readonly Scenario[] = INDEXED.map((asked, at) => indexed(asked, at === INDEXED.length - 1))

function warm(asked: Asked): Scenario {
  return {
    ...scenario(asked, '100,000 messages'),
    accounts: [LARGE_ACCOUNT],
    async prepare(server) {
      await fillLarge(server)
      await once(server, asked.command, () => ask(server, LARGE_ADDRESS, asked.command))
    },
    round: (server, watch) => measured(server, LARGE_ADDRESS, asked, watch),
  }
}

function cold(asked: Asked): Scenario {
  return {
    ...scenario(asked, '100,000 messages'),
    accounts: [LARGE_ACCOUNT],
    prepare: fillLarge,
    before: (server) => server.restart(),
    round: (server, watch) => measured(server, LARGE_ADDRESS, asked, watch),
  }
}

/** Dovecot with fts-xapian; how long it indexes is printed and belongs to no figure. */
function indexed(asked: Asked, last: boolean): Scenario {
  return {
    ...scenario(asked, `${INDEXED_MESSAGES.toLocaleString('en')} messages, full-text index`),
    accounts: [INDEXED_ACCOUNT],
    async prepare(server) {
      await once(server, INDEXED_ACCOUNT, () => makeIndex(server))
      await ask(server, INDEXED_ADDRESS, asked.command)
    },
    round: (server, watch) => measured(server, INDEXED_ADDRESS, asked, watch),
    ...(last ? { after: (server: Contestant) => server.restart() } : {}),
  }
}

async function makeIndex(server: Contestant): Promise<void> {
  await fillAtEase(server, () => fill(server, INDEXED_ADDRESS, 'INBOX', INDEXED_MESSAGES, largeMessage))
  await server.restart(FULL_TEXT)
  const begun = performance.now()
  await server.index?.(INDEXED_ADDRESS)
  console.error(`${server.name}: ${INDEXED_MESSAGES} messages indexed in ${Math.round(performance.now() - begun)} ms`)
}

function scenario({ name, title, goal, rounds }: Asked, over: string): Omit<Scenario, 'round'> {
  return {
    name: `search/${name}`,
    title: `${/^(SORT|THREAD)/.test(title) ? '' : 'SEARCH '}${title}, ${over}`,
    unit: 'ms',
    more: false,
    ...(goal === undefined ? {} : { goal }),
    ...(rounds === undefined ? {} : { rounds }),
  }
}

async function ask(server: Contestant, address: string, command: string): Promise<void> {
  const imap = await opened(server, address)
  await imap.ok(command)
  imap.close()
}

async function measured(
  server: Contestant,
  address: string,
  { command, times = 1 }: Asked,
  watch: Parameters<Scenario['round']>[1],
): ReturnType<Scenario['round']> {
  const imap = await opened(server, address)
  let answers = 0
  const { seconds } = await watch(async () => {
    for (let time = 0; time < times; time += 1) answers += await results(imap, command)
  })
  imap.close()
  return { figure: (seconds * 1_000) / times, answers }
}

/** How many UIDs came, each behind a space, or conversations, each behind a parenthesis. */
async function results(imap: DriverImap, command: string): Promise<number> {
  const before = command.includes('THREAD') ? '(' : ' '
  const { line, count } = await imap.ok(command, before)
  return count - (line.split(before).length - 1)
}

async function opened(server: Contestant, address: string): Promise<DriverImap> {
  const imap = await DriverImap.login(server, address)
  await imap.ok('SELECT INBOX')
  return imap
}
