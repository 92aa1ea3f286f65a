/**
 * `malle sync` killed by SIGKILL at any byte it sends or hears, in first runs and when both sides changed: nothing is
 * lost, nothing is there twice. `MALLE_ROUNDS=200` kills that often.
 */
import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, test } from 'node:test'
import type { ImapClient } from '#client/imap/imap-client.ts'
import { ByteProxy } from '#testing/byte-proxy.ts'
import { Random } from '#testing/random.ts'
import { contentsOf, letterOf, PASSWORD, SyncPair } from '#testing/sync-pair.ts'
import { type WholeServer, wholeServer } from '#testing/whole-server.ts'
import { malle, Running } from './cli-process.ts'

const ROUNDS = Number(process.env.MALLE_ROUNDS ?? 8)
const NAMES = ['INBOX', 'More']

let started: Promise<WholeServer> | undefined
const whole = (): Promise<WholeServer> =>
  (started ??= wholeServer({ auth: { allow_plaintext: true }, limits: { exempt: ['127.0.0.0/8', '::1/128'] } }))
after(async () => (await started)?.[Symbol.asyncDispose]())

/** Runs of a command that end at a byte of one of the proxies. */
class Killing {
  killed = 0
  readonly #command: readonly string[]
  readonly #proxies: readonly ByteProxy[]
  readonly #random: Random

  constructor(command: readonly string[], proxies: readonly ByteProxy[], random: Random) {
    this.#command = command
    this.#proxies = proxies
    this.#random = random
  }

  async times(rounds: number): Promise<void> {
    for (let n = 0; n < rounds; n += 1) {
      const way = this.#random.pick(['up', 'down'] as const)
      const running = new Running(this.#command)
      // What a run did not come to must not meet the next one.
      this.#letGo()
      const octets = this.#random.between(4_000, way === 'down' ? 60_000 : 20_000)
      this.#random.pick(this.#proxies).after(way, octets, () => running.signal('SIGKILL'))
      if ((await running.ended()) === 'SIGKILL') this.killed += 1
    }
  }

  /** A run that nobody ends. */
  async whole(...more: readonly string[]): Promise<string> {
    this.#letGo()
    const ran = await malle([...this.#command, ...more])
    assert.equal(ran.code, 0, ran.stdout + ran.stderr)
    return ran.stdout
  }

  #letGo(): void {
    for (const proxy of this.#proxies) proxy.after('up', Number.POSITIVE_INFINITY)
  }
}

async function commandOf(pair: SyncPair, from: string, to: string): Promise<readonly string[]> {
  const ca = path.join((await whole()).folder, 'data', 'tls', 'ca.pem')
  const secret = path.join(pair.folder, 'secret')
  await writeFile(secret, `${PASSWORD}\n`)
  const state = path.join(pair.folder, 'cli.db')
  return ['sync', from, to, '--ca', ca, '--state', state, '--password-file', secret, '--to-password-file', secret]
}

/** Messages that no account has, in both mailboxes; their numbers. */
let count = 0
async function deliver(client: ImapClient, messages: number, random: Random): Promise<number[]> {
  const numbers = Array.from({ length: messages }, () => (count += 1))
  for (const [n, name] of NAMES.entries()) {
    const some = numbers.filter((number) => number % NAMES.length === n)
    await client.appendAll(
      name,
      some.map((number) => ({ body: letterOf(number, random.below(1_200)), flags: random.some(['\\Seen'], 0.5) })),
    )
  }
  return numbers
}

function numbersOf(contents: Record<string, readonly string[]>): number[] {
  const lines = NAMES.flatMap((name) => contents[name] ?? [])
  return lines.map((line) => Number.parseInt(line, 10)).sort((a, b) => a - b)
}

test('killed between two accounts, at first and when both sides changed', async () => {
  await using pair = await SyncPair.make(await whole())
  const random = new Random(4)
  const port = (await whole()).port('imaps')
  await using near = await ByteProxy.start(port)
  await using far = await ByteProxy.start(port)
  const url = (end: 'left' | 'right', proxy: ByteProxy): string => `imaps://${pair.login(end)}@localhost:${proxy.port}`
  const command = await commandOf(pair, url('left', near), url('right', far))
  const both = [pair.left, pair.right] as const
  for (const client of both) await client.create('More')
  const killing = new Killing([...command, '--two-way', '--delete'], [near, far], random)
  let there: number[] = []
  for (let round = 0; round < ROUNDS; round += 4) {
    for (const client of both) there.push(...(await deliver(client, 40, random)))
    await killing.times(2)
    await killing.whole()
    // what both have is changed on one side or the other
    for (const client of both) {
      for (const name of NAMES) {
        await client.select(name)
        const found: { uid: number; number: number }[] = []
        for await (const { uid, envelope } of client.fetch('1:*', { envelope: true }))
          found.push({ uid, number: Number(envelope.subject) })
        const gone = random.some(found, 0.1)
        const flagged = random.some(found, 0.2)
        if (flagged.length > 0)
          await client.store(
            flagged.map(({ uid }) => uid),
            { add: ['\\Flagged'] },
          )
        await client.store(
          gone.map(({ uid }) => uid),
          { add: ['\\Deleted'] },
        )
        await client.expunge(gone.map(({ uid }) => uid))
        there = there.filter((number) => !gone.some((each) => each.number === number))
        await client.unselect()
      }
      there.push(...(await deliver(client, 10, random)))
    }
    await killing.times(2)
    await killing.whole()
    const [left, right] = [await contentsOf(pair.left), await contentsOf(pair.right)]
    assert.deepEqual(right, left)
    assert.deepEqual(
      numbersOf(left),
      there.toSorted((a, b) => a - b),
    )
  }
  assert.match(await killing.whole('--verify', 'bodies'), /: \d+ mailboxes, \d+ messages verified\./)
  assert.ok(killing.killed >= ROUNDS / 2, `killed ${killing.killed} times`)
})

test('killed on the way into a Maildir', async () => {
  await using pair = await SyncPair.make(await whole())
  const random = new Random(5)
  await using near = await ByteProxy.start((await whole()).port('imaps'))
  const maildir = path.join(pair.folder, 'Mail')
  const command = await commandOf(pair, `imaps://${pair.login('left')}@localhost:${near.port}`, maildir)
  await pair.left.create('More')
  const numbers = await deliver(pair.left, 80, random)
  const killing = new Killing(command, [near], random)
  await killing.times(ROUNDS / 2)
  await killing.whole('--verify', 'bodies')
  const found: number[] = []
  for (const folder of ['.', '.More']) {
    for (const name of await readdir(path.join(maildir, folder, 'cur'))) {
      const text = await readFile(path.join(maildir, folder, 'cur', name), 'latin1')
      found.push(Number(/^Subject: (\d+)$/m.exec(text)?.[1]))
    }
  }
  assert.deepEqual(
    found.sort((a, b) => a - b),
    numbers,
  )
  assert.ok(killing.killed >= ROUNDS / 4, `killed ${killing.killed} times`)
})
