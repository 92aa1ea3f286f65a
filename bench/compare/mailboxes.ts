/** Mailboxes before and after the rounds of scenarios that change them. @module */
import type { Contestant } from './contestant.ts'
import { DriverImap } from './imap-driver.ts'
import { fill, plainMessage } from './mail.ts'

/** Has {@link TEN_THOUSAND} messages in INBOX, and an empty {@link TARGET}; each scenario leaves it so. */
export const LARGE = 'changes'
export const TEN_THOUSAND = 10_000
export const TARGET = 'Target'
const SMALL_OCTETS = 2_000

const filled = new WeakMap<Contestant, Promise<void>>()

/** Fills the mailboxes of {@link LARGE}, once a server. */
export function fillLarge(server: Contestant, address: string): Promise<void> {
  const before = filled.get(server)
  if (before !== undefined) return before
  const filling = (async () => {
    await fill(server, address, 'INBOX', TEN_THOUSAND, (number) => plainMessage(number, SMALL_OCTETS))
    const imap = await DriverImap.login(server, address)
    await imap.ok(`CREATE ${TARGET}`)
    imap.close()
  })()
  filled.set(server, filling)
  return filling
}

/** Takes all messages out of INBOXes, so that every round begins as the first one did. */
export async function empty(server: Contestant, addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const imap = await DriverImap.login(server, address)
    await imap.ok('SELECT INBOX')
    await imap.ok('UID STORE 1:* +FLAGS.SILENT (\\Deleted)')
    await imap.ok('EXPUNGE')
    imap.close()
  }
}

const made = new Map<Contestant['name'], number>()
/** Numbers that no fill uses. */
const FIRST_NEW = 10_000_000

/** Messages that no mailbox has; all servers get the same ones in the same order. */
export function newMessages(server: Contestant, count: number, octets: number): readonly Buffer[] {
  const first = made.get(server.name) ?? FIRST_NEW
  made.set(server.name, first + count)
  return Array.from({ length: count }, (_, number) => plainMessage(first + number, octets))
}
