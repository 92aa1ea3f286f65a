/** Mail goes in over 20 connections, on disk before each 250, and out to a {@link Sink}. @module */
import { proportionalSetSize } from '../compare/process-tree.ts'
import { Wire } from '../compare/wire.ts'
import { textMessage } from '../kit.ts'
import type { Endpoint } from '../raw.ts'
import { domainOf, pin, SENDER, type Sender } from './senders.ts'
import type { Sink } from './sink.ts'

const SUBMITTERS = 20
const MEMORY_EVERY_MS = 500

export interface SendingRun {
  readonly messages: number
  readonly octets: number
}

/** What came of it: seconds since the first message went in. */
export interface Sent {
  /** The last one is acknowledged. */
  readonly taken: number
  /** The last one has arrived. */
  readonly sent: number
  /** Milliseconds from each DATA to its 250. */
  readonly waits: readonly number[]
  /** Octets of the server's whole tree, at most. */
  readonly memory: number
}

/** @param watch Does the work with its own meters on. */
export async function send(
  sender: Sender,
  sink: Sink,
  { messages, octets }: SendingRun,
  watch: (work: () => Promise<Sent>) => Promise<Sent>,
): Promise<Sent> {
  const lines = await Promise.all(Array.from({ length: SUBMITTERS }, () => open(sender)))
  const bodies = Array.from({ length: messages }, (_, number) => messageOf(number, octets))
  await pin(sender)
  let memory = 0
  const look = async (): Promise<void> => {
    memory = Math.max(memory, await proportionalSetSize(sender.pid))
  }
  const watching = setInterval(() => void look(), MEMORY_EVERY_MS)
  const waits: number[] = []
  try {
    return await watch(async () => {
      const begun = performance.now()
      const arrived = sink.take(messages)
      let next = 0
      const submit = async (line: Wire): Promise<void> => {
        for (let number = next++; number < messages; number = next++) {
          await say(line, `MAIL FROM:<${SENDER}>\r\n`, '250')
          await say(line, `RCPT TO:<someone@${domainOf(number % sink.ports.length)}>\r\n`, '250')
          const asked = performance.now()
          await say(line, 'DATA\r\n', '354')
          await say(line, bodies[number] ?? '', '250')
          waits.push(performance.now() - asked)
        }
        line.close()
      }
      await Promise.all(lines.map(submit))
      const taken = (performance.now() - begun) / 1_000
      await arrived
      const sent = (performance.now() - begun) / 1_000
      await look()
      return { taken, sent, waits, memory }
    })
  } finally {
    clearInterval(watching)
  }
}

/** With the end of DATA. */
function messageOf(number: number, octets: number): Buffer {
  const text = textMessage(octets, number)
    .toString('latin1')
    .replace(/^From: .*$/m, `From: Ann <${SENDER}>`)
  return Buffer.from(`${text}.\r\n`)
}

async function say(line: Wire, octets: string | Buffer, expected: string): Promise<void> {
  const answer = await line.ask(octets, '')
  if (!answer.line.startsWith(expected)) throw new Error(`A message was answered ${answer.line}`)
}

async function open({
  endpoint,
  login,
}: {
  readonly endpoint: Endpoint
  readonly login: string | undefined
}): Promise<Wire> {
  const line = await Wire.open(endpoint)
  await line.ask('', '220')
  await line.ask('EHLO client.example.net\r\n', '250 ')
  if (login !== undefined) await line.ask(login, '235')
  return line
}
