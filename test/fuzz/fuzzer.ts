/** Attacks a server process over all its sockets while somebody else uses it, and keeps the figures. @module */
import { setTimeout as pause } from 'node:timers/promises'
import { deflateRawSync } from 'node:zlib'
import fc, { type Arbitrary } from 'fast-check'
import { Random } from '#testing/random.ts'
import { RawImap } from '../crash/connection.ts'
import type { Installation, Login, ServerProcess } from '../crash/server-process.ts'
import { type Attack, attack, type Spoken } from './attack.ts'
import { imapCommand } from './imap-commands.ts'
import { imapResponse } from './imap-responses.ts'
import { pop3Command, smtpCommand } from './line-commands.ts'
import { mutate, recordedDialogues } from './mutator.ts'
import { readImap, readPop3 } from './read-responses.ts'
import { type Latency, Witness } from './witness.ts'

export interface FuzzOptions {
  readonly installation: Installation
  /** How long, after the warm-up. */
  readonly forMs: number
  /** Under the same load, until memory and the witness count: what the engine compiles, its heap of everyday size. */
  readonly warmUpMs: number
  readonly seed: number
  /** Told of each fault and, now and then, of progress. */
  readonly report?: (line: string) => void
}

/** What was found. */
export interface Figures {
  /** Commands and mutated conversations that were sent. */
  readonly inputs: Readonly<Record<Spoken, number>>
  /** Responses, made up or changed from what the server said in this run, that our own readers could read. */
  readonly responses: number
  readonly conversations: number
  readonly octetsSent: number
  /** The server process ended. */
  readonly crashes: number
  readonly faults: readonly string[]
  /** Resident memory after the warm-up, octets: every ten seconds, and at its highest. */
  readonly memory: { readonly samples: readonly number[]; readonly peak: number }
  readonly slowestMs: number
  /** Round trips of a client that has nothing to do with it. */
  readonly witness: Latency
}

const LETTER =
  'From: a@example.net\r\nTo: ann@example.org\r\nSubject: letter\r\nContent-Type: text/plain\r\n\r\nHello\r\n'
/** How often memory is looked at. */
const SAMPLE_MS = 10_000
/** Faults that are told in full; a broken server has thousands. */
const TOLD_FAULTS = 50

/** Values of an arbitrary, made a few hundred at a time: beginning anew is what costs. */
class Sampled {
  readonly #arbitrary: Arbitrary<string>
  readonly #random: Random
  #values: string[] = []

  constructor(arbitrary: Arbitrary<string>, random: Random) {
    this.#arbitrary = arbitrary
    this.#random = random
  }

  next(count: number): string[] {
    if (this.#values.length < count)
      this.#values = fc.sample(this.#arbitrary, { seed: this.#random.below(2 ** 31), numRuns: 240 })
    return this.#values.splice(0, count)
  }
}

/** Runs to the end of the time, or to the crash. */
export async function fuzz(options: FuzzOptions): Promise<Figures> {
  const { installation } = options
  const [ann, pop, carol] = await installation.addAccounts(['ann', 'pop', 'carol'])
  if (ann === undefined || pop === undefined || carol === undefined) throw new Error('There are no accounts')
  const server = await installation.serve()
  try {
    return await new Fuzzer(server, options).run(ann, pop, carol)
  } finally {
    server.abandon()
  }
}

class Fuzzer {
  readonly #server: ServerProcess
  readonly #options: FuzzOptions
  readonly #inputs: Record<Spoken, number> = { imap: 0, pop3: 0, smtp: 0, lmtp: 0 }
  readonly #faults: string[] = []
  readonly #recorded = recordedDialogues()
  readonly #made: Sampled
  #conversations = 0
  #octets = 0
  #slowestMs = 0
  #responses = 0
  #over = false
  #crashed = false

  constructor(server: ServerProcess, options: FuzzOptions) {
    this.#server = server
    this.#options = options
    this.#made = new Sampled(imapResponse, new Random(options.seed))
  }

  async run(ann: Login, pop: Login, carol: Login): Promise<Figures> {
    const { forMs, warmUpMs, report = () => undefined } = this.#options
    await this.#furnish(ann)
    await this.#furnish(carol)
    await this.#furnish(pop)
    const witness = new Witness(this.#server, carol)
    const lanes = [
      this.#imapLane(ann, 1),
      this.#imapLane(ann, 2),
      this.#lineLane('pop3', `USER ${pop.address}\r\nPASS ${pop.password}\r\n`, pop3Command, 3),
      this.#lineLane('smtp', 'EHLO x\r\nMAIL FROM:<x@example.net>\r\n', smtpCommand, 4),
      this.#lineLane('lmtp', 'LHLO x\r\nMAIL FROM:<x@example.net>\r\n', smtpCommand, 5),
      this.#compressedLane(ann, 6),
      this.#watch(witness),
      this.#keeper(ann, pop),
    ].map((lane) => lane.catch((error: unknown) => this.#failed(error)))
    await this.#wait(warmUpMs)
    witness.reset()
    await this.#server.resetPeak().catch(() => undefined)
    report(`warmed up for ${Math.round(warmUpMs / 1_000)} s, ${megabytes((await this.#memory()).now)} MB`)
    const samples: number[] = []
    let peak = 0
    for (const until = Date.now() + forMs; Date.now() < until && !this.#crashed; ) {
      await this.#wait(Math.min(until - Date.now(), SAMPLE_MS))
      const memory = await this.#memory()
      samples.push(memory.now)
      peak = Math.max(peak, memory.peak)
      report(
        `${this.#conversations} conversations, ${this.#faults.length} faults, ${megabytes(memory.now)} MB now, ${megabytes(peak)} MB at most`,
      )
    }
    this.#over = true
    await Promise.all(lanes)
    return {
      inputs: this.#inputs,
      responses: this.#responses,
      conversations: this.#conversations,
      octetsSent: this.#octets,
      crashes: this.#crashed ? 1 : 0,
      faults: this.#faults,
      memory: { samples, peak },
      slowestMs: this.#slowestMs,
      witness: witness.latency,
    }
  }

  async #wait(ms: number): Promise<void> {
    for (const until = Date.now() + ms; Date.now() < until && !this.#crashed; )
      await pause(Math.min(200, until - Date.now()))
  }

  async #memory(): Promise<{ readonly now: number; readonly peak: number }> {
    return this.#server.memory().catch((error: unknown) => {
      this.#failed(error)
      return { now: 0, peak: 0 }
    })
  }

  async #imapLane(ann: Login, lane: number): Promise<void> {
    const random = new Random(this.#options.seed + lane)
    const select = ['', 'b SELECT INBOX\r\n', 'b SELECT INBOX\r\n', 'b ENABLE IMAP4rev2 QRESYNC\r\nc SELECT INBOX\r\n']
    const talks = this.#recorded.filter(({ protocol }) => protocol === 'imap')
    const sampled = new Sampled(imapCommand, random)
    while (!this.#over) {
      const login = random.chance(0.9) ? `a LOGIN ${ann.address} ${ann.password}\r\n` : ''
      const enter = login + (login === '' ? '' : random.pick(select))
      if (random.chance(0.4)) {
        const said = mutate(random.pick(talks).said, talks, random)
        await this.#attack({ protocol: 'imap', enter, inputs: [said], tags: [] })
        continue
      }
      const commands = sampled.next(12)
      const tags = commands.map((_, index) => `f${index}`)
      const inputs = commands.map((command, index) => `f${index} ${command}\r\n`)
      await this.#attack({ protocol: 'imap', enter, inputs, tags })
    }
  }

  async #lineLane(protocol: Spoken, enter: string, command: Arbitrary<string>, lane: number): Promise<void> {
    const random = new Random(this.#options.seed + lane)
    const talks =
      protocol === 'pop3'
        ? this.#recorded.filter((recorded) => recorded.protocol === 'pop3')
        : [
            {
              protocol: 'pop3' as const,
              said: `${enter}RCPT TO:<ann@example.org>\r\nDATA\r\nSubject: x\r\n\r\n..x\r\n.\r\nQUIT\r\n`,
            },
          ]
    const sampled = new Sampled(command, random)
    while (!this.#over) {
      const first = random.chance(0.8) ? enter : ''
      const mutated = random.chance(0.4)
      const inputs = mutated
        ? [mutate(random.pick(talks).said, talks, random)]
        : sampled.next(12).map((text) => `${text}\r\n`)
      await this.#attack({ protocol, enter: first, inputs, tags: [] })
    }
  }

  /** COMPRESS=DEFLATE: good commands in a bad stream, bad ones in a good stream, and bytes that become a thousand times as many. */
  async #compressedLane(ann: Login, lane: number): Promise<void> {
    const random = new Random(this.#options.seed + lane)
    const sampled = new Sampled(imapCommand, random)
    const enter = `a LOGIN ${ann.address} ${ann.password}\r\nz COMPRESS DEFLATE\r\n`
    while (!this.#over) {
      const commands = sampled.next(6)
      const text = commands.map((command, index) => `f${index} ${command}\r\n`).join('')
      const bomb = random.chance(0.05) ? random.pick(['x', '(', '\r\n', '\0']).repeat(4_000_000) : ''
      const deflated = deflateRawSync(Buffer.from(`${text}${bomb}`, 'latin1'), { finishFlush: random.pick([2, 3, 4]) })
      const broken = random.chance(0.4)
      const compressed = broken ? Buffer.from(mutate(deflated.toString('latin1'), [], random), 'latin1') : deflated
      await this.#attack({ protocol: 'imap', enter, inputs: commands, tags: [], compressed })
      await pause(50)
    }
  }

  async #attack(said: Attack): Promise<void> {
    const { fault, tookMs, output } = await attack(this.#server.endpoint(said.protocol), said)
    this.#inputs[said.protocol] += said.inputs.length
    this.#conversations += 1
    this.#octets += said.enter.length + said.inputs.reduce((sum, { length }) => sum + length, 0)
    this.#slowestMs = Math.max(this.#slowestMs, tookMs)
    if (tookMs > 2_000)
      this.#options.report?.(`slow: ${Math.round(tookMs)} ms ${(JSON.stringify(said) ?? '').slice(0, 600)}`)
    if (fault !== undefined) this.#fault(`${said.protocol}: ${fault}`, said)
    else if (this.#conversations % 8 === 0) this.#readBack(said.protocol, output)
  }

  /** What the server just said, changed, and responses made up: for the readers of our clients. */
  #readBack(protocol: Spoken, output: Buffer): void {
    const random = new Random(this.#options.seed + this.#conversations)
    const said = { protocol: 'imap' as const, said: output.toString('latin1', 0, 60_000) }
    const changed = Buffer.from(mutate(said.said, [said], random), 'latin1')
    const made = this.#made.next(4).join('\r\n')
    for (const reading of protocol === 'imap'
      ? [readImap(changed, random), readImap(Buffer.from(`${made}\r\n`, 'latin1'), random)]
      : [readPop3(changed, random)]) {
      this.#responses += reading.read
      if (reading.fault !== undefined) this.#fault(`our own reader: ${reading.fault}`, changed.toString('latin1'))
    }
  }

  async #watch(witness: Witness): Promise<void> {
    while (!this.#over && !this.#crashed) {
      const other = await witness.visit()
      if (other !== undefined) this.#fault('somebody else saw something else', other)
    }
  }

  /** Keeps the accounts small and never empty, and looks at what the server logs. */
  async #keeper(ann: Login, pop: Login): Promise<void> {
    let logged = ''
    while (!this.#over && !this.#crashed) {
      for (const login of [ann, pop]) {
        await this.#empty(login)
        await this.#furnish(login)
      }
      const last = this.#server.log.at(-1) ?? ''
      if (last !== logged) this.#fault('the server logged an error', last)
      logged = last
      for (let turn = 0; turn < 50 && !this.#over; turn += 1) await pause(100)
    }
  }

  async #furnish({ address, password }: Login): Promise<void> {
    const client = await RawImap.login(this.#server.endpoint('imap'), address, password)
    for (const name of ['Kept', 'a/b']) await client.command(`CREATE ${name}`)
    for (let count = 0; count < 5; count += 1)
      await client.command(`APPEND INBOX {${LETTER.length}+}`, Buffer.from(LETTER, 'latin1'))
    client.close()
  }

  async #empty({ address, password }: Login): Promise<void> {
    const client = await RawImap.login(this.#server.endpoint('imap'), address, password)
    await client.command('ENABLE IMAP4rev2')
    const { untagged } = await client.command('LIST "" *')
    for (const { text, literals } of untagged) {
      const name = /"\/" (.*)$/s.exec(text)?.[1] ?? ''
      if (literals.length === 0 && !/^(?:"?INBOX"?)$/i.test(name)) await client.command(`DELETE ${name}`)
    }
    await client.command('SELECT INBOX')
    await client.command('STORE 1:* +FLAGS.SILENT (\\Deleted)')
    await client.command('CLOSE')
    client.close()
  }

  #fault(what: string, input: unknown): void {
    const line = `${what} (${(JSON.stringify(input) ?? '').slice(0, 3_000)})`
    if (this.#faults.length < TOLD_FAULTS) this.#options.report?.(`FAULT ${line}`)
    this.#faults.push(line)
  }

  #failed(error: unknown): void {
    if (this.#over) return
    try {
      process.kill(this.#server.pid, 0)
    } catch {
      this.#crashed = true
      this.#over = true
    }
    this.#fault(
      `${this.#crashed ? 'the server is gone' : 'a good client failed'}: ${String(error)}`,
      this.#server.log.slice(-5),
    )
  }
}

/** For people. */
export function megabytes(octets: number): string {
  return (octets / 1_048_576).toFixed(1)
}
