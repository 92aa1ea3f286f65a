/** Flags: UID STORE of one message by one, pipelined, from many people, and of a whole mailbox. @module */
import { DOMAIN, person } from '../contestant.ts'
import { DriverImap } from '../imap-driver.ts'
import { fill, plainMessage } from '../mail.ts'
import { fillLarge, LARGE, TEN_THOUSAND } from '../mailboxes.ts'
import type { Scenario } from '../scenario.ts'

const ADDRESS = `${LARGE}@${DOMAIN}`
const COMMANDS = 4_000
const PEOPLE = 20
const OF_ONE = 250
const OWN = 'Flags'
/** Of the whole mailbox, in both directions. */
const TIMES = 5
const UNFLAG_ALL = 'UID STORE 1:* -FLAGS.SILENT (\\Flagged)'

const flag = (uid: number): string => `UID STORE ${uid} +FLAGS (\\Flagged)`

const alone = {
  unit: 'per second',
  more: true,
  accounts: [LARGE],
  prepare: (server) => fillLarge(server, ADDRESS),
  async before(server) {
    const imap = await DriverImap.login(server, ADDRESS)
    await imap.ok('SELECT INBOX')
    await imap.ok(UNFLAG_ALL)
    imap.close()
  },
} satisfies Partial<Scenario>

export const store: readonly Scenario[] = [
  {
    ...alone,
    name: 'store/single-1',
    title: 'UID STORE, 1 connection, one by one',
    warmUp: 1,
    goal: 0.3,
    async round(server, watch) {
      const imap = await DriverImap.login(server, ADDRESS)
      await imap.ok('SELECT INBOX')
      const waits: number[] = []
      const { seconds, value } = await watch(() => flagOneByOne(imap, COMMANDS, waits))
      imap.close()
      return { figure: COMMANDS / seconds, waits, answers: value }
    },
  },
  {
    ...alone,
    name: 'store/pipelined-1',
    title: 'UID STORE, 1 connection, pipelined',
    goal: 1,
    async round(server, watch) {
      const imap = await DriverImap.login(server, ADDRESS)
      await imap.ok('SELECT INBOX')
      const commands = Array.from({ length: COMMANDS }, (_, number) => flag(number + 1))
      const { seconds, value } = await watch(() => imap.pipeline(commands))
      imap.close()
      return { figure: COMMANDS / seconds, answers: value.count }
    },
  },
  {
    name: 'store/single-20',
    title: `UID STORE, ${PEOPLE} connections, one by one`,
    warmUp: 1,
    unit: 'per second',
    more: true,
    async prepare(server) {
      for (let number = 0; number < PEOPLE; number += 1)
        await fill(server, person(number), OWN, OF_ONE, (message) => plainMessage(message, 1_000))
    },
    async round(server, watch) {
      const sessions = await Promise.all(
        Array.from({ length: PEOPLE }, async (_, number) => {
          const imap = await DriverImap.login(server, person(number))
          await imap.ok(`SELECT ${OWN}`)
          await imap.ok(UNFLAG_ALL)
          return imap
        }),
      )
      const waits: number[] = []
      const { seconds, value } = await watch(() =>
        Promise.all(sessions.map((imap) => flagOneByOne(imap, OF_ONE, waits))),
      )
      for (const imap of sessions) imap.close()
      const answers = value.reduce((sum, each) => sum + each, 0)
      return { figure: (PEOPLE * OF_ONE) / seconds, waits, answers }
    },
  },
  {
    ...alone,
    name: 'store/all',
    title: 'UID STORE 1:*, 10,000 messages',
    unit: 'ms',
    more: false,
    async round(server, watch) {
      const imap = await DriverImap.login(server, ADDRESS)
      await imap.ok('SELECT INBOX')
      const { seconds, value } = await watch(async () => {
        let answers = 0
        for (let time = 0; time < 2 * TIMES; time += 1)
          answers += (await imap.ok(`UID STORE 1:* ${time % 2 === 0 ? '+' : '-'}FLAGS (\\Flagged)`, ' FETCH (')).count
        return answers
      })
      imap.close()
      return { figure: (seconds * 1_000) / (2 * TIMES), answers: value, errors: 2 * TIMES * TEN_THOUSAND - value }
    },
  },
]

/** @returns how many changes were told. */
async function flagOneByOne(imap: DriverImap, count: number, waits: number[]): Promise<number> {
  let answers = 0
  for (let uid = 1; uid <= count; uid += 1) {
    const begun = performance.now()
    answers += (await imap.ok(flag(uid), ' FETCH (')).count
    waits.push(performance.now() - begun)
  }
  return answers
}
