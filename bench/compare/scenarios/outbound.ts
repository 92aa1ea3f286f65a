/**
 * Mail out: messages go in by submission, on disk before each 250, and on to a server that takes everything. Postfix does it
 * in Dovecot's place; both are started for it and stopped afterwards. One run of a server gives the figures of all rows.
 * @module
 */
import { mkdtemp } from 'node:fs/promises'
import path from 'node:path'
import { type Sender, startMalle, startPostfix } from '../../outbound/senders.ts'
import { type Sent, send } from '../../outbound/sending.ts'
import { Sink } from '../../outbound/sink.ts'
import type { Contestant } from '../contestant.ts'
import type { Meters, Round, Scenario, Watch } from '../scenario.ts'

const MESSAGES = 3_000
const DOMAINS = 100
const OCTETS = 10_000
/** Before the first round: what is measured is a server that was started with compiled code and has been at work. */
const FIRST = 100
const WARM_UP = 1_000
const OCTETS_PER_MEGABYTE = 1_048_576
const GROUP = 'outbound/'

interface Run extends Sent {
  readonly meters: Meters
}

/** What a server has done so far; rows take the runs one after the other, and do more where there are none left. */
class Sending {
  readonly sink: Sink
  readonly sender: Sender
  readonly runs: Run[] = []
  taken = 0

  constructor(sink: Sink, sender: Sender) {
    this.sink = sink
    this.sender = sender
  }

  async run(watch: Watch): Promise<Run> {
    const known = this.runs[this.taken]
    this.taken += 1
    if (known !== undefined) return known
    let meters: Meters | undefined
    const sent = await send(this.sender, this.sink, { messages: MESSAGES, octets: OCTETS }, async (work) => {
      const watched = await watch(work, this.sender.pid)
      meters = watched.meters
      return watched.value
    })
    if (meters === undefined) throw new Error('Nothing was measured')
    const run = { ...sent, meters }
    this.runs.push(run)
    return run
  }

  async stop(): Promise<void> {
    await this.sender[Symbol.asyncDispose]()
    await this.sink[Symbol.asyncDispose]()
  }
}

const sendings = new Map<Contestant, Sending>()

async function sendingOf(server: Contestant): Promise<Sending> {
  const known = sendings.get(server)
  if (known !== undefined) return known
  const sink = await Sink.open(DOMAINS)
  const folder = await mkdtemp(path.join(path.dirname(server.mail), 'outbound-'))
  const sender = server.name === 'malle' ? await startMalle(folder, sink.ports) : await startPostfix(sink.ports)
  const sending = new Sending(sink, sender)
  sendings.set(server, sending)
  await send(sender, sink, { messages: FIRST, octets: OCTETS }, (work) => work())
  await sender.restart?.()
  await send(sender, sink, { messages: WARM_UP, octets: OCTETS }, (work) => work())
  return sending
}

async function stop(server: Contestant): Promise<void> {
  await sendings.get(server)?.stop()
  sendings.delete(server)
}

const TITLE = `10 KB to ${DOMAINS} domains`

export const outbound: readonly Scenario[] = [
  row('taken', `mail out, ${TITLE}, taken`, 'per second', 1, ({ taken, waits }) => ({
    figure: MESSAGES / taken,
    waits,
  })),
  row('sent', `mail out, ${TITLE}, sent`, 'per second', 1.5, ({ sent }) => ({ figure: MESSAGES / sent })),
  row('memory', `mail out, ${TITLE}, memory at most`, 'MB', 200, ({ memory }) => ({
    figure: memory / OCTETS_PER_MEGABYTE,
  })),
]

/** @param budget A ratio where more is better, else a bound. */
function row(
  name: string,
  title: string,
  unit: Scenario['unit'],
  budget: number,
  figureOf: (run: Run) => Pick<Round, 'figure' | 'waits'>,
): Scenario {
  const more = unit === 'per second'
  return {
    name: `${GROUP}${name}`,
    title,
    unit,
    more,
    ...(more ? { goal: budget } : { bound: budget }),
    peer: 'Postfix',
    async prepare(server) {
      const sending = await sendingOf(server)
      sending.taken = 0
    },
    async round(server, watch) {
      try {
        const run = await (await sendingOf(server)).run(watch)
        return { ...figureOf(run), answers: run.waits.length, meters: run.meters }
      } catch (error) {
        for (const each of sendings.keys()) await stop(each)
        throw error
      }
    },
    async after(server, next) {
      if (next?.name.startsWith(GROUP) !== true) await stop(server)
    },
  }
}
