/** Attacks a server process over all its sockets while somebody else uses it, and keeps the figures. @module */
import { setTimeout as pause } from 'node:timers/promises'
import fc, { type Arbitrary } from 'fast-check'
import { Random } from '#testing/random.ts'
import { RawImap } from '../crash/connection.ts'
import type { Installation, Login, ServerProcess } from '../crash/server-process.ts'
import { type Attack, attack, type Spoken } from './attack.ts'
import { imapCommand } from './imap-commands.ts'
import { pop3Command, smtpCommand } from './line-commands.ts'
import { mutate, recordedDialogues } from './mutator.ts'

export interface FuzzOptions {
  readonly installation: Installation
  /** How long, after the warm-up. */
  readonly forMs: number
  /** Until memory counts: what the engine compiles and its heap of everyday size. */
  readonly warmUpMs: number
  readonly seed: number
  /** Told of each fault and, now and then, of progress. */
  readonly report?: (line: string) => void
}

/** What was found. */
export interface Figures {
  /** Commands and mutated conversations that were sent. */
  readonly inputs: Readonly<Record<Spoken, number>>
  readonly conversations: number
  readonly octetsSent: number
  /** The server process ended. */
  readonly crashes: number
  readonly faults: readonly string[]
  /** Highest resident memory over that after the warm-up, octets. */
  readonly growth: number
  readonly memoryAtStart: number
  readonly slowestMs: number
  /** Answers that the innocent bystander got, and the slowest of them. */
  readonly bystander: { readonly answers: number; readonly slowestMs: number }
}

const LETTER =
  'From: a@example.net\r\nTo: ann@example.org\r\nSubject: letter\r\nContent-Type: text/plain\r\n\r\nHello\r\n'
/** Faults that are told in full; a broken server has thousands. */
const TOLD_FAULTS = 50

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
  #conversations = 0
  #octets = 0
  #slowestMs = 0
  #answers = 0
  #slowestAnswerMs = 0
  #over = false
  #crashed = false

  constructor(server: ServerProcess, options: FuzzOptions) {
    this.#server = server
    this.#options = options
  }

  async run(ann: Login, pop: Login, carol: Login): Promise<Figures> {
    const { forMs, warmUpMs, report = () => undefined } = this.#options
    await this.#furnish(ann)
    await this.#furnish(carol)
    await this.#furnish(pop)
    const lanes = [
      this.#imapLane(ann, 1),
      this.#imapLane(ann, 2),
      this.#lineLane('pop3', `USER ${pop.address}\r\nPASS ${pop.password}\r\n`, pop3Command, 3),
      this.#lineLane('smtp', 'EHLO x\r\nMAIL FROM:<x@example.net>\r\n', smtpCommand, 4),
      this.#lineLane('lmtp', 'LHLO x\r\nMAIL FROM:<x@example.net>\r\n', smtpCommand, 5),
      this.#bystander(carol),
      this.#keeper(ann, pop),
    ].map((lane) => lane.catch((error: unknown) => this.#failed(error)))
    await this.#wait(warmUpMs)
    await this.#server.resetPeak().catch(() => undefined)
    const { now: memoryAtStart } = await this.#memory()
    let peak = memoryAtStart
    for (const until = Date.now() + forMs; Date.now() < until && !this.#crashed; ) {
      await this.#wait(Math.min(until - Date.now(), 10_000))
      const memory = await this.#memory()
      peak = Math.max(peak, memory.peak)
      report(
        `${this.#conversations} conversations, ${this.#faults.length} faults, ${megabytes(memory.now)} MB now, ${megabytes(peak)} MB at most`,
      )
    }
    this.#over = true
    await Promise.all(lanes)
    return {
      inputs: this.#inputs,
      conversations: this.#conversations,
      octetsSent: this.#octets,
      crashes: this.#crashed ? 1 : 0,
      faults: this.#faults,
      growth: peak - memoryAtStart,
      memoryAtStart,
      slowestMs: this.#slowestMs,
      bystander: { answers: this.#answers, slowestMs: this.#slowestAnswerMs },
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
    while (!this.#over) {
      const login = random.chance(0.9) ? `a LOGIN ${ann.address} ${ann.password}\r\n` : ''
      const enter = login + (login === '' ? '' : random.pick(select))
      if (random.chance(0.4)) {
        const said = mutate(random.pick(talks).said, talks, random)
        await this.#attack({ protocol: 'imap', enter, inputs: [said], tags: [] })
        continue
      }
      const commands = fc.sample(imapCommand, { seed: random.below(2 ** 31), numRuns: 12 })
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
    while (!this.#over) {
      const first = random.chance(0.8) ? enter : ''
      const mutated = random.chance(0.4)
      const inputs = mutated
        ? [mutate(random.pick(talks).said, talks, random)]
        : fc.sample(command, { seed: random.below(2 ** 31), numRuns: 12 }).map((text) => `${text}\r\n`)
      await this.#attack({ protocol, enter: first, inputs, tags: [] })
    }
  }

  async #attack(said: Attack): Promise<void> {
    const { fault, tookMs } = await attack(this.#server.endpoint(said.protocol), said)
    this.#inputs[said.protocol] += said.inputs.length
    this.#conversations += 1
    this.#octets += said.enter.length + said.inputs.reduce((sum, { length }) => sum + length, 0)
    this.#slowestMs = Math.max(this.#slowestMs, tookMs)
    if (tookMs > 2_000)
      this.#options.report?.(`slow: ${Math.round(tookMs)} ms ${(JSON.stringify(said) ?? '').slice(0, 600)}`)
    if (fault !== undefined) this.#fault(`${said.protocol}: ${fault}`, said)
  }

  /** Reads the same mailbox again and again: nothing that others do may change it or keep it waiting. */
  async #bystander({ address, password }: Login): Promise<void> {
    const client = await RawImap.login(this.#server.endpoint('imap'), address, password)
    await client.ok('SELECT INBOX')
    const wanted = JSON.stringify((await client.ok('UID FETCH 1:* (FLAGS BODY.PEEK[])')).untagged)
    while (!this.#over && !this.#crashed) {
      const started = performance.now()
      const { untagged } = await client.ok('UID FETCH 1:* (FLAGS BODY.PEEK[])')
      this.#answers += 1
      this.#slowestAnswerMs = Math.max(this.#slowestAnswerMs, performance.now() - started)
      if (JSON.stringify(untagged) !== wanted) this.#fault('somebody else saw something else', untagged)
      await pause(100)
    }
    client.close()
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
