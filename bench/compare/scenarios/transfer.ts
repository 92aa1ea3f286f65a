/** COPY, MOVE and EXPUNGE of 10,000 messages in one command. @module */
import { type Contestant, DOMAIN } from '../contestant.ts'
import { DriverImap } from '../imap-driver.ts'
import { fillLarge, LARGE, TARGET, TEN_THOUSAND } from '../mailboxes.ts'
import type { Round, Scenario, Watch } from '../scenario.ts'

const ADDRESS = `${LARGE}@${DOMAIN}`
const EXPUNGED = ' EXPUNGE\r\n'

export const transfer: readonly Scenario[] = [
  scenario('copy', 'COPY', async (imap, watch) => {
    await imap.ok('SELECT INBOX')
    const { seconds } = await watch(() => imap.ok(`UID COPY 1:* ${TARGET}`))
    // every server says so when they are all there
    const { count } = await imap.ok(`STATUS ${TARGET} (MESSAGES)`, `(MESSAGES ${TEN_THOUSAND})`)
    await renew(imap)
    return { figure: seconds * 1_000, answers: count * TEN_THOUSAND }
  }),
  scenario('move', 'MOVE', async (imap, watch) => {
    await imap.ok('SELECT INBOX')
    const { seconds, value } = await watch(() => imap.ok(`UID MOVE 1:* ${TARGET}`, EXPUNGED))
    await imap.ok(`SELECT ${TARGET}`)
    await imap.ok('UID MOVE 1:* INBOX')
    return { figure: seconds * 1_000, answers: value.count }
  }),
  scenario('expunge', 'EXPUNGE', async (imap, watch) => {
    await imap.ok('SELECT INBOX')
    await imap.ok(`UID COPY 1:* ${TARGET}`)
    await imap.ok(`SELECT ${TARGET}`)
    await imap.ok('UID STORE 1:* +FLAGS.SILENT (\\Deleted)')
    const { seconds, value } = await watch(() => imap.ok('EXPUNGE', EXPUNGED))
    await imap.ok('SELECT INBOX')
    await renew(imap)
    return { figure: seconds * 1_000, answers: value.count }
  }),
]

function scenario(name: string, command: string, work: (imap: DriverImap, watch: Watch) => Promise<Round>): Scenario {
  return {
    name: `transfer/${name}`,
    title: `${command}, 10,000 messages`,
    unit: 'ms',
    more: false,
    accounts: [LARGE],
    prepare: (server) => fillLarge(server, ADDRESS),
    async round(server: Contestant, watch) {
      const imap = await DriverImap.login(server, ADDRESS)
      const round = await work(imap, watch)
      imap.close()
      return { ...round, errors: TEN_THOUSAND - round.answers }
    },
  }
}

async function renew(imap: DriverImap): Promise<void> {
  await imap.ok(`DELETE ${TARGET}`)
  await imap.ok(`CREATE ${TARGET}`)
}
