/** A client opens a mailbox and looks at all flags: after a restart, for the first time, again, and with QRESYNC. @module */
import { setTimeout as pause } from 'node:timers/promises'
import type { Contestant } from '../contestant.ts'
import { DriverImap } from '../imap-driver.ts'
import { fillLarge, LARGE_ACCOUNT, LARGE_ADDRESS, LARGE_MESSAGES, mailboxOf, SMALLER } from '../large-mailbox.ts'
import type { Scenario } from '../scenario.ts'

type Before = 'cold' | 'first' | 'warm'

const SIZES = [...SMALLER, LARGE_MESSAGES]
const GOALS: Readonly<Record<Before, number>> = { cold: 1.5, first: 1.5, warm: 2 }
/** Openings of one round when nothing has to be done before each. */
const WARM_MESSAGES = 1_500_000
const MOST_WARM = 300
const REOPENINGS = 100
const CHANGES = 10
/** A server that has been up for two seconds, and whom nobody has asked anything. */
const SETTLED_MS = 2_000

export const open: readonly Scenario[] = [
  ...SIZES.flatMap((messages) => (['cold', 'first', 'warm'] as const).map((before) => opening(messages, before))),
  reopening(),
]

function opening(messages: number, before: Before): Scenario {
  const times = before === 'warm' ? Math.min(MOST_WARM, WARM_MESSAGES / messages) : 1
  return {
    name: `open/${messages}-${before}`,
    title: `SELECT + UID FETCH 1:* (UID FLAGS), ${messages.toLocaleString('en')} messages, ${before}`,
    unit: 'ms',
    more: false,
    ...(messages === LARGE_MESSAGES ? { goal: GOALS[before] } : {}),
    accounts: [LARGE_ACCOUNT],
    prepare: fillLarge,
    async before(server) {
      if (before === 'warm') return openOnce(server, messages)
      await server.restart()
      await pause(SETTLED_MS)
      // a server that has been at work, though not on this mailbox
      if (before === 'first') for (let time = 0; time < 3; time += 1) await openOnce(server, otherThan(messages))
    },
    async round(server, watch) {
      const imap = await DriverImap.login(server, LARGE_ADDRESS)
      const waits: number[] = []
      let answers = 0
      await watch(async () => {
        for (let time = 0; time < times; time += 1) {
          const begun = performance.now()
          await imap.ok(`SELECT ${mailboxOf(messages)}`)
          const { count } = await imap.ok('UID FETCH 1:* (UID FLAGS)', ' FETCH (')
          waits.push(performance.now() - begun)
          answers += count
        }
      })
      imap.close()
      const sum = waits.reduce((total, wait) => total + wait, 0)
      return { figure: sum / times, waits, answers, errors: answers === times * messages ? 0 : 1 }
    },
  }
}

function reopening(): Scenario {
  let since = ''
  return {
    name: 'open/qresync',
    title: `SELECT (QRESYNC …), ${CHANGES} changes among ${LARGE_MESSAGES.toLocaleString('en')} messages`,
    unit: 'ms',
    more: false,
    goal: 2,
    accounts: [LARGE_ACCOUNT],
    prepare: fillLarge,
    async before(server) {
      // the client has been here, then another one changes flags
      const imap = await DriverImap.login(server, LARGE_ADDRESS)
      await imap.ok('ENABLE QRESYNC')
      const { tail } = await imap.ok('SELECT INBOX')
      since = `${codeOf(tail, 'UIDVALIDITY')} ${codeOf(tail, 'HIGHESTMODSEQ')}`
      for (let change = 1; change <= CHANGES; change += 1) {
        await imap.ok(`UID STORE ${change * 9_000} +FLAGS.SILENT (\\Flagged)`)
        await imap.ok(`UID STORE ${change * 9_000} -FLAGS.SILENT (\\Flagged)`)
      }
      imap.close()
    },
    async round(server, watch) {
      const waits: number[] = []
      let answers = 0
      await watch(async () => {
        for (let time = 0; time < REOPENINGS; time += 1) {
          const imap = await DriverImap.login(server, LARGE_ADDRESS)
          await imap.ok('ENABLE QRESYNC')
          const begun = performance.now()
          const { count } = await imap.ok(`SELECT INBOX (QRESYNC (${since}))`, ' FETCH (')
          waits.push(performance.now() - begun)
          answers += count
          imap.close()
        }
      })
      const sum = waits.reduce((total, wait) => total + wait, 0)
      return { figure: sum / REOPENINGS, waits, answers, errors: answers === REOPENINGS * CHANGES ? 0 : 1 }
    },
  }
}

async function openOnce(server: Contestant, messages: number): Promise<void> {
  const imap = await DriverImap.login(server, LARGE_ADDRESS)
  await imap.ok(`SELECT ${mailboxOf(messages)}`)
  await imap.ok('UID FETCH 1:* (UID FLAGS)')
  imap.close()
}

/** A mailbox with enough in it to keep a server at work. */
function otherThan(messages: number): number {
  return messages === 10_000 ? LARGE_MESSAGES : 10_000
}

function codeOf(answer: string, name: string): string {
  const value = new RegExp(`\\[${name} (\\d+)\\]`).exec(answer)?.[1]
  if (value === undefined) throw new Error(`SELECT did not tell ${name}`)
  return value
}
