/** Whole messages over IMAP: of mixed size, very large ones, plain and over TLS, and from a store that was compacted. @module */
import { type Contestant, DOMAIN } from '../contestant.ts'
import { DriverImap } from '../imap-driver.ts'
import { fillAtEase } from '../large-mailbox.ts'
import { fill, mixedMessage, plainMessage } from '../mail.ts'
import type { Scenario } from '../scenario.ts'

const MEGABYTE = 1_000_000
const MIXED = 10_000
const LARGE_OCTETS = 25 * 1_048_576
const LARGE_TIMES = 10
const ACCOUNT = 'mixed'
/** Half of the mail of a compacted store was another's, who has gone. */
const [COMPACTED, LEFT] = ['compacted', 'left']
const COMPACTED_MESSAGES = 5_000
const COMPACTED_BATCH = 500

export const bodies: readonly Scenario[] = [mixed(false), mixed(true), large(false), large(true), compacted()]

function mixed(tls: boolean): Scenario {
  return {
    name: `bodies/mixed-${tls ? 'tls' : 'plain'}`,
    title: `FETCH ${MIXED.toLocaleString('en')} bodies of mixed size, ${tls ? 'TLS' : 'plain'}`,
    unit: 'MB/s',
    more: true,
    goal: tls ? 2 : 1,
    accounts: [ACCOUNT],
    prepare: fillMixed,
    async round(server, watch) {
      const imap = await opened(server, ACCOUNT, 'INBOX', tls)
      const { seconds, value } = await watch(() => imap.ok('UID FETCH 1:* (BODY.PEEK[])', ' FETCH ('))
      imap.close()
      return {
        figure: value.octets / MEGABYTE / seconds,
        answers: value.count,
        errors: value.octets > octetsOf(MIXED) ? 0 : 1,
      }
    },
  }
}

function large(tls: boolean): Scenario {
  return {
    name: `bodies/large-${tls ? 'tls' : 'plain'}`,
    title: `FETCH a body of 25 MB, ${tls ? 'TLS' : 'plain'}`,
    unit: 'MB/s',
    more: true,
    goal: tls ? 2 : 1,
    accounts: [ACCOUNT],
    prepare: fillMixed,
    async round(server, watch) {
      const imap = await opened(server, ACCOUNT, 'Large', tls)
      let octets = 0
      const { seconds } = await watch(async () => {
        for (let time = 0; time < LARGE_TIMES; time += 1) octets += (await imap.ok('FETCH 1 (BODY.PEEK[])')).octets
      })
      imap.close()
      return {
        figure: octets / MEGABYTE / seconds,
        answers: LARGE_TIMES,
        errors: octets > LARGE_TIMES * largeMessage().length ? 0 : 1,
      }
    },
  }
}

function compacted(): Scenario {
  return {
    name: 'bodies/compacted',
    title: `FETCH ${COMPACTED_MESSAGES.toLocaleString('en')} bodies of mixed size, compacted store`,
    unit: 'MB/s',
    more: true,
    only: 'malle',
    accounts: [COMPACTED, LEFT],
    async prepare(server) {
      await fillAtEase(server, () => fillByTurns(server))
      await server.verb?.('account', 'remove', address(LEFT), '--yes')
      const { bytes } = JSON.parse((await server.verb?.('compact', '--json')) ?? '{}') as { readonly bytes?: number }
      if (bytes === undefined || bytes < octetsOf(COMPACTED_MESSAGES)) throw new Error('Nothing was compacted')
    },
    async round(server, watch) {
      const imap = await opened(server, COMPACTED, 'INBOX', false)
      const { seconds, value } = await watch(() => imap.ok('UID FETCH 1:* (BODY.PEEK[])', ' FETCH ('))
      imap.close()
      return {
        figure: value.octets / MEGABYTE / seconds,
        answers: value.count,
        errors: value.octets > octetsOf(COMPACTED_MESSAGES) ? 0 : 1,
      }
    },
  }
}

async function opened(server: Contestant, account: string, mailbox: string, tls: boolean): Promise<DriverImap> {
  const imap = await DriverImap.login(server, address(account), { tls })
  await imap.ok(`SELECT ${mailbox}`)
  return imap
}

function address(account: string): string {
  return `${account}@${DOMAIN}`
}

function largeMessage(): Buffer {
  return plainMessage(1, LARGE_OCTETS)
}

const octets = new Map<number, number>()

/** Of the first mixed messages together. */
function octetsOf(messages: number): number {
  let sum = octets.get(messages) ?? 0
  if (sum === 0) for (let number = 1; number <= messages; number += 1) sum += mixedMessage(number).length
  octets.set(messages, sum)
  return sum
}

const filled = new WeakMap<Contestant, Promise<void>>()

function fillMixed(server: Contestant): Promise<void> {
  let filling = filled.get(server)
  if (filling === undefined) {
    filling = fillAtEase(server, async () => {
      await fill(server, address(ACCOUNT), 'INBOX', MIXED, mixedMessage)
      await fill(server, address(ACCOUNT), 'Large', 1, largeMessage)
    })
    filled.set(server, filling)
  }
  return filling
}

/** Mail of both lies between that of the other, and there is a little more of the one who leaves. */
async function fillByTurns(server: Contestant): Promise<void> {
  for (let from = 0; from < COMPACTED_MESSAGES; from += COMPACTED_BATCH)
    for (const account of [LEFT, COMPACTED, LEFT])
      await fill(server, address(account), 'INBOX', COMPACTED_BATCH, (number) => mixedMessage(from + number))
}
