/** The mailbox of 100,000 messages that scenarios of reading and of searching share. @module */
import { spawnSync } from 'node:child_process'
import { type Contestant, DOMAIN } from './contestant.ts'
import { DriverImap } from './imap-driver.ts'
import { fill, plainMessage } from './mail.ts'

/** For `accounts` of a scenario. */
export const LARGE_ACCOUNT = 'large'
/** Its INBOX has them. */
export const LARGE_ADDRESS: string = `${LARGE_ACCOUNT}@${DOMAIN}`
export const LARGE_MESSAGES = 100_000
/** Besides, there are mailboxes of that name with the first of them. */
export const SMALLER: readonly number[] = [1_000, 10_000]

/** The mailbox of the large account that has so many messages. */
export function mailboxOf(messages: number): string {
  return messages === LARGE_MESSAGES ? 'INBOX' : `First${messages}`
}

const filled = new WeakMap<Contestant, Promise<void>>()

/** The message of that number, from 1, which is its UID: one and a half to three KB of plain text. */
export function largeMessage(number: number): Buffer {
  return plainMessage(number, 1_500 + ((number * 7_919) % 1_500))
}

/** Fills it, once for each server; the server is restarted. A server that has been asked nothing about it is `first`. */
export function fillLarge(server: Contestant): Promise<void> {
  let filling = filled.get(server)
  if (filling === undefined) {
    filling = fillAtEase(server, async () => {
      await fill(server, LARGE_ADDRESS, 'INBOX', LARGE_MESSAGES, largeMessage)
      await copySmaller(server)
    })
    filled.set(server, filling)
  }
  return filling
}

async function copySmaller(server: Contestant): Promise<void> {
  const imap = await DriverImap.login(server, LARGE_ADDRESS)
  await imap.ok('SELECT INBOX')
  for (const messages of SMALLER) {
    await imap.ok(`CREATE ${mailboxOf(messages)}`)
    await imap.ok(`UID COPY 1:${messages} ${mailboxOf(messages)}`)
  }
  imap.close()
}

/** Fills without syncs, on all cores; afterwards everything is on disk and the server is as before. */
export async function fillAtEase(server: Contestant, work: () => Promise<void>): Promise<void> {
  await server.restart({ atEase: true })
  await work()
  await server.settled?.()
  await server.restart({}, async () => {
    spawnSync('sync')
  })
}
