/** The mixed day, alone and beside a search over a large mailbox. @module */
import type { Contestant } from '../contestant.ts'
import { DriverImap } from '../imap-driver.ts'
import { fillLarge, LARGE_ACCOUNT, LARGE_ADDRESS } from '../large-mailbox.ts'
import { RARE_WORD } from '../mail.ts'
import { MIXED_ACCOUNTS, mixedDay, prepareMixedDay } from '../mixed-day.ts'
import { calm } from '../process-tree.ts'
import type { Round, Scenario, Watch } from '../scenario.ts'

/** After so many days the engine has compiled what a day needs. */
const WARM_UP = 2

export const mixed: readonly Scenario[] = [
  {
    name: 'mixed/day',
    title: 'mixed day, 20 clients',
    unit: 'per second',
    more: true,
    goal: 2,
    accounts: MIXED_ACCOUNTS,
    warmUp: WARM_UP,
    prepare: prepareMixedDay,
    before: ({ pid }) => calm(pid),
    round: playDay,
  },
  {
    name: 'mixed/search',
    title: 'mixed day beside a search over 100,000 messages',
    unit: 'per second',
    more: true,
    rounds: 1,
    accounts: [...MIXED_ACCOUNTS, LARGE_ACCOUNT],
    prepare: prepareBoth,
    round: (server, watch) => besideSearch(server, () => playDay(server, watch)),
  },
  {
    name: 'mixed/loop-delay',
    title: 'loop delay p99 on that day, the worst thread that speaks with clients',
    unit: 'ms',
    more: false,
    bound: 20,
    only: 'malle',
    warmUp: 1,
    accounts: [...MIXED_ACCOUNTS, LARGE_ACCOUNT],
    prepare: prepareBoth,
    round: delayOfDay,
  },
  {
    name: 'mixed/loop-delay-anew',
    title: 'the same while the index of the searched mailbox is made anew',
    unit: 'ms',
    more: false,
    only: 'malle',
    rounds: 1,
    accounts: [...MIXED_ACCOUNTS, LARGE_ACCOUNT],
    prepare: prepareBoth,
    async before(server) {
      await server.removeIndexes?.()
      const day = await mixedDay(server)
      await day()
    },
    round: delayOfDay,
  },
]

/** A day, as the round of a scenario. */
export async function playDay(server: Contestant, watch: Watch): Promise<Round> {
  const day = await mixedDay(server)
  const { seconds, value } = await watch(day)
  return { figure: value.commands / seconds, waits: value.waits, answers: value.commands + value.messages }
}

/** How late a loop was on a day beside a search. */
async function delayOfDay(server: Contestant, watch: Watch): Promise<Round> {
  await loopDelayMs(server)
  const day = await besideSearch(server, () => playDay(server, watch))
  return { ...day, figure: await loopDelayMs(server) }
}

async function prepareBoth(server: Contestant): Promise<void> {
  await prepareMixedDay(server)
  await fillLarge(server)
}

/** Works while somebody searches without a pause; at least one search is under way all the time. */
async function besideSearch(server: Contestant, work: () => Promise<Round>): Promise<Round> {
  const imap = await DriverImap.login(server, LARGE_ADDRESS)
  await imap.ok('SELECT INBOX')
  let over = false
  const searching = (async () => {
    while (!over) await imap.ok(`SEARCH TEXT ${RARE_WORD}`)
  })().catch((error: unknown) => {
    if (!over) throw error
  })
  try {
    return await Promise.race([work(), searching.then(() => Promise.reject(new Error('The search ended')))])
  } finally {
    over = true
    imap.close()
  }
}

/** Since it was asked last. */
async function loopDelayMs(server: Contestant): Promise<number> {
  const { host, port } = server.endpoint('http')
  const text = await (await fetch(`http://${host}:${port}/metrics`)).text()
  const seconds = /^malle_loop_delay_p99_seconds(?:\{[^}]*\})? (\S+)$/m.exec(text)?.[1]
  if (seconds === undefined) throw new Error('The server does not say how late its loop is')
  return Number(seconds) * 1_000
}
