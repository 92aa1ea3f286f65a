/** POP3: drains of a maildrop, and polls that find nothing new. @module */
import { type Contestant, DOMAIN } from '../contestant.ts'
import { loginPop3 } from '../imap-driver.ts'
import { fill, plainMessage } from '../mail.ts'
import type { Scenario } from '../scenario.ts'

const USERS = 20
const OCTETS = 10_000
/** The texts are a little shorter than asked for. */
const WHOLE_OCTETS = 9_500
const MESSAGES_OF_ONE = 2_000
const MESSAGES_OF_EACH = 200
const ACCOUNTS = Array.from({ length: USERS }, (_, user) => `drop${user}`)
/** Of one round. */
const POLLS = 1_000
const POLLED_MESSAGES = 1_000
const POLLED = 'polled'
/** Ends a message. */
const END = '\r\n.\r\n'

export const pop3: readonly Scenario[] = [
  drain(USERS, 'one by one', 2),
  drain(USERS, 'pipelined', 1.5),
  drain(1, 'one by one'),
  drain(1, 'pipelined'),
  poll(),
]

function drain(users: number, how: 'one by one' | 'pipelined', goal?: number): Scenario {
  const each = users === 1 ? MESSAGES_OF_ONE : MESSAGES_OF_EACH
  const accounts = ACCOUNTS.slice(0, users)
  return {
    name: `pop3/drain-${users}${how === 'pipelined' ? '-pipelined' : ''}`,
    title: `POP3 drain of 10 KB messages, ${users} user${users === 1 ? '' : 's'}, ${how}`,
    unit: 'per second',
    more: true,
    ...(goal === undefined ? {} : { goal }),
    accounts,
    async before(server) {
      for (const account of accounts)
        await fill(server, `${account}@${DOMAIN}`, 'INBOX', each, (number) => plainMessage(number, OCTETS))
    },
    async round(server, watch) {
      const drained = how === 'pipelined' ? drainPipelined : drainOneByOne
      const { seconds, value } = await watch(() =>
        Promise.all(accounts.map((account) => drained(server, `${account}@${DOMAIN}`, each))),
      )
      const answers = value.reduce((sum, messages) => sum + messages, 0)
      return { figure: answers / seconds, answers, errors: answers === users * each ? 0 : 1 }
    },
  }
}

/** @returns how many messages came. */
async function drainOneByOne(server: Contestant, address: string, messages: number): Promise<number> {
  const wire = await loginPop3(server, address)
  let whole = 0
  for (let message = 1; message <= messages; message += 1) {
    const { octets } = await wire.ask(`RETR ${message}\r\n`, '.')
    if (octets > WHOLE_OCTETS) whole += 1
    await wire.ask(`DELE ${message}\r\n`, '+OK')
  }
  await wire.ask('QUIT\r\n', '+OK')
  wire.close()
  return whole
}

async function drainPipelined(server: Contestant, address: string, messages: number): Promise<number> {
  const wire = await loginPop3(server, address)
  const commands = Array.from({ length: messages }, (_, at) => `${at === 0 ? '' : `DELE ${at}\r\n`}RETR ${at + 1}\r\n`)
  const { count } = await wire.askTimes(commands.join(''), END, messages)
  await wire.askTimes(`DELE ${messages}\r\nQUIT\r\n`, '+OK', 2)
  wire.close()
  return count
}

function poll(): Scenario {
  return {
    name: 'pop3/poll',
    title: `POP3 login, UIDL of ${POLLED_MESSAGES.toLocaleString('en')} messages, QUIT; one after the other`,
    unit: 'per second',
    more: true,
    accounts: [POLLED],
    prepare: (server) =>
      fill(server, `${POLLED}@${DOMAIN}`, 'INBOX', POLLED_MESSAGES, (number) => plainMessage(number, OCTETS)),
    async round(server, watch) {
      const waits: number[] = []
      let answers = 0
      const { seconds } = await watch(async () => {
        for (let time = 0; time < POLLS; time += 1) {
          const begun = performance.now()
          const wire = await loginPop3(server, `${POLLED}@${DOMAIN}`)
          // the first line and one for each message, then the dot
          const { count } = await wire.ask('UIDL\r\n', '.', '\r\n')
          await wire.ask('QUIT\r\n', '+OK')
          wire.close()
          answers += count - 2
          waits.push(performance.now() - begun)
        }
      })
      return { figure: POLLS / seconds, waits, answers, errors: answers === POLLS * POLLED_MESSAGES ? 0 : 1 }
    },
  }
}
