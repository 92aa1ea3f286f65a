/**
 * Mail for many domains goes through Malle and through Debian's Postfix, one after the other: submitted over 20 connections,
 * on disk before each 250, and sent on to a server that takes everything. Needs root and Debian's postfix.
 *
 * ```
 * node bench/outbound.ts [--messages 10000] [--domains 100] [--octets 10000] [--rounds 3] [--alone] [--profile DIR]
 * ```
 *
 * `--alone`: without Postfix. With `--profile` Malle leaves a CPU profile of each thread.
 *
 * The server is on core 0; the driver and the server that takes everything are this process, on core 1. `outbound/senders.ts`
 * says how the two are set up. Three rows of `npm run bench` are the same with fewer messages.
 * @module
 */
import path from 'node:path'
import { parseArgs } from 'node:util'
import { pinDriver } from './compare/cores.ts'
import { cpuSeconds } from './compare/process-tree.ts'
import { inFolder, megabytes, percentile, rounded } from './kit.ts'
import { type Sender, startMalle, startPostfix } from './outbound/senders.ts'
import { type Sent, send } from './outbound/sending.ts'
import { Sink } from './outbound/sink.ts'

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000' },
    domains: { type: 'string', default: '100' },
    octets: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
    alone: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
})
const [messages, domains, octets, rounds] = [values.messages, values.domains, values.octets, values.rounds].map(
  Number,
) as [number, number, number, number]

/** Before the first round: compiled code is kept for the next start. */
const FIRST = 100

interface Figures {
  readonly taken: number
  readonly sent: number
  readonly cpuMs: number
  readonly memory: number
}

await inFolder(measure)

async function measure(folder: string): Promise<void> {
  pinDriver()
  await using sink = await Sink.open(domains)
  await using resources = new AsyncDisposableStack()
  const senders = [resources.use(await startMalle(path.join(folder, 'malle'), sink.ports, values.profile))]
  if (!values.alone) senders.push(resources.use(await startPostfix(sink.ports)))
  for (const sender of senders) {
    await send(sender, sink, { messages: FIRST, octets }, (work) => work())
    await sender.restart?.()
  }
  const figures = new Map<string, Figures[]>()
  for (let round = 0; round < rounds; round += 1)
    for (const sender of senders) {
      const one = await measured(sender, sink)
      figures.set(sender.name, [...(figures.get(sender.name) ?? []), one])
      console.error(sender.name, one)
    }
  print(figures)
}

async function measured(sender: Sender, sink: Sink): Promise<Figures> {
  let cpu = 0
  const watch = async (work: () => Promise<Sent>): Promise<Sent> => {
    const before = await cpuSeconds(sender.pid)
    const sent = await work()
    cpu = (await cpuSeconds(sender.pid)) - before
    return sent
  }
  const { taken, sent, memory } = await send(sender, sink, { messages, octets }, watch)
  return {
    taken: rounded(messages / taken),
    sent: rounded(messages / sent),
    cpuMs: rounded((cpu * 1_000) / messages),
    memory,
  }
}

function print(figures: ReadonlyMap<string, readonly Figures[]>): void {
  console.log(`${messages} messages of ${octets} octets to ${domains} domains, medians of ${rounds} rounds\n`)
  console.log('| | taken a second | sent a second | CPU ms a message | memory |\n| --- | --- | --- | --- | --- |')
  for (const [name, all] of figures) {
    const median = (of: (one: Figures) => number): number => percentile(all.map(of), 0.5)
    console.log(
      `| ${name} | ${median((one) => one.taken)} | ${median((one) => one.sent)} | ${median((one) => one.cpuMs)} | ${megabytes(median((one) => one.memory))} |`,
    )
  }
  console.log(
    JSON.stringify({ bench: 'outbound', messages, domains, octets, rounds, figures: Object.fromEntries(figures) }),
  )
}
