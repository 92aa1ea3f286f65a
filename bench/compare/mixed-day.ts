/**
 * What people do with their mail on a day: twenty clients open INBOX, look what is new, read, mark, file and search,
 * while mail comes in. The same commands on the same messages for every server.
 * @module
 */
import { deliver, openLmtp } from '../kit.ts'
import { type Contestant, DOMAIN } from './contestant.ts'
import { DriverImap } from './imap-driver.ts'
import { fill, plainMessage, randomFrom, SUBJECT_WORD } from './mail.ts'
import { once } from './once.ts'

const CLIENTS = 20
const VISITS = 25
/** Messages in each INBOX; the first of them are filed away, a few on each day, the others stay. */
const MESSAGES = 800
const STAYS_FROM = 401
const OCTETS = 4_000
const READ_AT_ONCE = 5
const LISTED_AT_ONCE = 20
const LMTP_CONNECTIONS = 2

/** For `accounts` of a scenario. */
export const MIXED_ACCOUNTS: readonly string[] = Array.from({ length: CLIENTS }, (_, number) => `mixed${number}`)

export interface Day {
  readonly commands: number
  /** Milliseconds of each. */
  readonly waits: readonly number[]
  /** Messages read and delivered. */
  readonly messages: number
}

/** Days that were, of each server. */
const days = new WeakMap<Contestant, number>()

/** Fills the mailboxes, once for each server. */
export function prepareMixedDay(server: Contestant): Promise<void> {
  return once(server, 'mixed day', async () => {
    for (const name of MIXED_ACCOUNTS) {
      await fill(server, `${name}@${DOMAIN}`, 'INBOX', MESSAGES, (number) => plainMessage(number, OCTETS))
      const imap = await DriverImap.login(server, `${name}@${DOMAIN}`)
      await imap.ok('CREATE Filed')
      await imap.ok('CREATE Copies')
      imap.close()
    }
  })
}

/** Lets everybody log in, and gives what they then do. */
export async function mixedDay(server: Contestant): Promise<() => Promise<Day>> {
  const day = days.get(server) ?? 0
  days.set(server, day + 1)
  const lmtps = await Promise.all(Array.from({ length: LMTP_CONNECTIONS }, () => openLmtp(server.endpoint('lmtp'))))
  const clients = await Promise.all(
    MIXED_ACCOUNTS.map(async (name, number) => {
      const address = `${name}@${DOMAIN}`
      return new Client(await DriverImap.login(server, address), day, number)
    }),
  )
  return async () => {
    const deliveries: Promise<void>[] = lmtps.map(() => Promise.resolve())
    let delivered = 0
    const oneMore = (name: string): void => {
      const number = delivered++
      const at = number % lmtps.length
      const [lmtp, last] = [lmtps[at], deliveries[at]]
      if (lmtp === undefined || last === undefined) throw new Error('There is no connection for LMTP')
      deliveries[at] = last.then(() => deliver(lmtp, `${name}@${DOMAIN}`, plainMessage(number, OCTETS)))
    }
    await Promise.all(
      clients.map(async (client, number) => {
        for (let visit = 0; visit < VISITS; visit += 1) {
          oneMore(MIXED_ACCOUNTS[number] ?? '')
          await client.visit(visit)
        }
      }),
    )
    await Promise.all(deliveries)
    for (const lmtp of lmtps) lmtp.close()
    for (const client of clients) client.close()
    const waits = clients.flatMap((client) => client.waits)
    return {
      commands: waits.length,
      waits,
      messages: delivered + clients.reduce((sum, { read }) => sum + read, 0),
    }
  }
}

class Client {
  readonly waits: number[] = []
  read = 0
  readonly #imap: DriverImap
  readonly #day: number
  readonly #number: number
  readonly #random: () => number

  constructor(imap: DriverImap, day: number, number: number) {
    this.#imap = imap
    this.#day = day
    this.#number = number
    this.#random = randomFrom(day * CLIENTS + number)
  }

  /** One look at the mailbox. */
  async visit(visit: number): Promise<void> {
    await this.#ask('SELECT INBOX')
    await this.#ask('UID FETCH 1:* (FLAGS)')
    await this.#ask('STATUS Copies (MESSAGES UNSEEN UIDNEXT)')
    const from = this.#any(LISTED_AT_ONCE)
    await this.#ask(`UID FETCH ${from}:${from + LISTED_AT_ONCE - 1} (FLAGS ENVELOPE BODYSTRUCTURE)`)
    const first = this.#any(READ_AT_ONCE)
    const { count } = await this.#ask(`UID FETCH ${first}:${first + READ_AT_ONCE - 1} (BODY.PEEK[])`, ' FETCH (')
    this.read += count
    await this.#ask(`UID STORE ${first}:${first + READ_AT_ONCE - 1} +FLAGS (\\Seen)`)
    await this.#ask('NOOP')
    await this.#ask(`UID STORE ${this.#any(1)} ${visit % 2 === 0 ? '+' : '-'}FLAGS (\\Flagged)`)
    const message = plainMessage(visit * CLIENTS + this.#number, OCTETS)
    await this.#ask(Buffer.concat([Buffer.from(`APPEND Copies (\\Seen) {${message.length}+}\r\n`), message]))
    await this.#ask(`UID MOVE ${1 + this.#day * VISITS + visit} Filed`)
    await this.#ask(visit % 3 === 0 ? `UID SEARCH SUBJECT ${SUBJECT_WORD}` : 'UID SEARCH UNSEEN')
    await this.#ask('LIST "" *')
    await this.#ask('NOOP')
    await this.#idle()
    await this.#ask('NOOP')
  }

  close(): void {
    this.#imap.close()
  }

  /** The first UID of so many messages that stay. */
  #any(count: number): number {
    return STAYS_FROM + Math.floor(this.#random() * (MESSAGES - STAYS_FROM - count))
  }

  async #ask(command: string | Uint8Array, counted?: string) {
    const begun = performance.now()
    const answer = await this.#imap.ok(command, counted)
    this.waits.push(performance.now() - begun)
    return answer
  }

  async #idle(): Promise<void> {
    const begun = performance.now()
    // news may come right behind the `+`
    await this.#imap.wire.askTimes('z IDLE\r\n', '+ ', 1)
    await this.#imap.wire.ask('DONE\r\n', 'z OK')
    this.waits.push(performance.now() - begun)
  }
}
