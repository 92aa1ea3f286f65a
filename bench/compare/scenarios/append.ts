/** APPEND of 10 KB over 20 connections of 20 people, with non-synchronising literals: one by one, pipelined, many in one. @module */
import { type Contestant, person } from '../contestant.ts'
import { DriverImap } from '../imap-driver.ts'
import { empty, newMessages } from '../mailboxes.ts'
import type { Scenario } from '../scenario.ts'

const CONNECTIONS = 20
const EACH = 150
const OCTETS = 10_000
const WARM_UP = 25
/** Messages of one MULTIAPPEND. */
const MULTI = 50
const ADDRESSES = Array.from({ length: CONNECTIONS }, (_, number) => person(number))
const APPEND = Buffer.from('APPEND INBOX')

type Manner = 'single' | 'pipelined' | 'multi'

const TITLES: Readonly<Record<Manner, string>> = {
  single: 'one by one',
  pipelined: 'pipelined',
  multi: `MULTIAPPEND of ${MULTI}`,
}

export const append: readonly Scenario[] = (['single', 'pipelined', 'multi'] as const).map((manner) => {
  const prepared = new Map<Contestant, readonly Buffer[]>()
  return {
    name: `append/${manner}`,
    title: `APPEND, 10 KB, ${CONNECTIONS} connections, ${TITLES[manner]}`,
    unit: 'per second',
    more: true,
    ...(manner === 'multi' ? {} : { goal: 2 }),
    prepare: warmUp,
    async before(server) {
      await empty(server, ADDRESSES)
      prepared.set(server, newMessages(server, CONNECTIONS * EACH, OCTETS).map(withLiteral))
    },
    async round(server, watch) {
      const messages = prepared.get(server) ?? []
      const sessions = await Promise.all(ADDRESSES.map((address) => DriverImap.login(server, address)))
      const waits: number[] = []
      const done = await watch(() =>
        Promise.all(
          sessions.map((imap, number) =>
            appendAll(imap, manner, messages.slice(number * EACH, (number + 1) * EACH), waits),
          ),
        ),
      )
      for (const imap of sessions) imap.close()
      const answers = done.value.reduce((sum, each) => sum + each, 0)
      return { figure: (CONNECTIONS * EACH) / done.seconds, waits, answers }
    },
    async after(server) {
      prepared.delete(server)
      await empty(server, ADDRESSES)
    },
  } satisfies Scenario
})

const warm = new WeakSet<Contestant>()

/** Before the first row, {@link WARM_UP} of each person: what is measured is a server that has been at work. */
async function warmUp(server: Contestant): Promise<void> {
  if (warm.has(server)) return
  warm.add(server)
  const messages = newMessages(server, WARM_UP * CONNECTIONS, OCTETS).map(withLiteral)
  const append = async (address: string, number: number): Promise<void> => {
    const imap = await DriverImap.login(server, address)
    await appendAll(imap, 'single', messages.slice(number * WARM_UP, (number + 1) * WARM_UP), [])
    imap.close()
  }
  await Promise.all(ADDRESSES.map(append))
}

function withLiteral(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from(` {${message.length}+}\r\n`), message])
}

/** @returns how many commands were answered with OK. */
async function appendAll(
  imap: DriverImap,
  manner: Manner,
  messages: readonly Buffer[],
  waits: number[],
): Promise<number> {
  if (manner === 'pipelined')
    return (await imap.pipeline(messages.map((message) => Buffer.concat([APPEND, message])))).count
  const step = manner === 'multi' ? MULTI : 1
  let answers = 0
  for (let first = 0; first < messages.length; first += step) {
    const begun = performance.now()
    await imap.ok(Buffer.concat([APPEND, ...messages.slice(first, first + step)]))
    waits.push(performance.now() - begun)
    answers += 1
  }
  return answers
}
