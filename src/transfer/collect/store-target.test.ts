import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { ImapClient } from '#client/imap/imap-client.ts'
import { systemClock } from '#lib/clock.ts'
import { TestImapServer } from '#testing/imap-server.ts'
import { TestPop3Server } from '#testing/pop3-server.ts'
import { testCertificate } from '#testing/scripted-server.ts'
import { type CollectReport, collect } from './collect.ts'
import { openPop3Source } from './pop3-source.ts'
import { CollectState } from './state.ts'
import { StoreTarget } from './store-target.ts'
import type { CollectTarget } from './target.ts'

const ANN = 'ann@example.org'
const BOB = 'bob@example.org'
const MESSAGES = Array.from({ length: 5 }, (_, n) => `X-To: ann@example.org\r\nSubject: ${n}\r\n\r\nText of ${n}\r\n`)
/** Who has which address here. */
const PEOPLE: Readonly<Record<string, readonly string[]>> = {
  [ANN]: [ANN],
  [BOB]: [BOB],
  'all@example.org': [ANN, BOB],
}

interface Scene {
  readonly source: TestPop3Server
  readonly store: TestImapServer
  readonly state: string
  readonly connect: (account: string) => Promise<ImapClient>
}

interface Settings {
  readonly messageBytes?: number
}

async function scene(
  t: TestContext,
  messages: readonly (string | Uint8Array)[],
  settings: Settings = {},
): Promise<Scene> {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-collect-'))
  t.after(() => rm(folder, { recursive: true }))
  const source = await TestPop3Server.start({ messages: messages.map((body) => ({ body })) })
  t.after(() => source[Symbol.asyncDispose]())
  const store = await TestImapServer.start({ tls: true, ...settings })
  t.after(() => store[Symbol.asyncDispose]())
  const { ca } = await testCertificate()
  const connect = (login: string): Promise<ImapClient> =>
    ImapClient.connect({
      host: 'localhost',
      port: store.port,
      security: 'starttls',
      tls: { ca },
      reconnect: false,
      credentials: { login, password: 'secret' },
    })
  return { source, store, state: path.join(folder, 'state.db'), connect }
}

interface Changes {
  readonly envelopeField?: string
  readonly mailbox?: string
  /** Replaces methods of the target. */
  readonly target?: (target: StoreTarget, clients: readonly ImapClient[]) => Partial<CollectTarget<never>>
}

async function run(at: Scene, changes: Changes = {}): Promise<CollectReport> {
  using state = new CollectState(at.state)
  await using source = await openPop3Source('ann@pop.example', {
    host: '127.0.0.1',
    port: at.source.port,
    security: 'none',
    allowPlaintext: true,
    credentials: { login: ANN, password: 'secret' },
  })
  const clients: ImapClient[] = []
  const whole = new StoreTarget({
    place: 'store',
    source: 'ann@pop.example',
    connect: async (account) => {
      const client = await at.connect(account)
      clients.push(client)
      return client
    },
    account: ANN,
    mailbox: changes.mailbox ?? 'INBOX',
    envelopeField: changes.envelopeField,
    accountsOf: async (address) => PEOPLE[address] ?? [],
    clock: systemClock,
    words: {
      nobodyHas: (addresses) => `nobody has ${addresses.join()}`,
      refused: (account, why) => `${account} refuses: ${why}`,
      takenAway: (mailbox) => `gone from ${mailbox}`,
    },
  })
  const methods = changes.target?.(whole, clients) ?? {}
  await using target: CollectTarget = new Proxy<CollectTarget>(whole, {
    get: (_, key) => {
      const value: unknown = Reflect.get(key in methods ? methods : whole, key)
      return typeof value === 'function' && !(key in methods) ? value.bind(whole) : value
    },
  })
  return await collect({ source, target, state, policy: { kind: 'delete' }, clock: systemClock })
}

/** What somebody has, as text, in the order of the UIDs; and whether anything still waits. */
async function has(at: Scene, account: string, mailbox = 'INBOX'): Promise<readonly string[]> {
  await using client = await at.connect(account)
  await client.select(mailbox)
  const found: string[] = []
  for await (const { body } of client.fetch('1:*', { body: true })) {
    const chunks: Uint8Array[] = []
    for await (const chunk of body ?? []) chunks.push(chunk)
    found.push(Buffer.concat(chunks).toString('latin1'))
  }
  const names = (await client.list()).map(({ name }) => name)
  assert.ok(!names.some((name) => name.startsWith('Collecting')), names.join())
  return found
}

class Death extends Error {}
const die = async (): Promise<never> => {
  throw new Death('here')
}
/** The dead close nothing well. */
const dead = (clients: readonly ImapClient[]): Partial<CollectTarget<never>> => ({
  [Symbol.asyncDispose]: async () => {
    for (const client of clients) await client.logout()
  },
})

type Methods = NonNullable<Changes['target']>
const DEATHS: readonly (readonly [string, Methods])[] = [
  [
    'when messages wait and nobody wrote it down',
    (target, clients) => ({
      ...dead(clients),
      prepare: async (staged) => {
        await target.prepare(staged)
        return die()
      },
    }),
  ],
  ['when placing was announced', (_, clients) => ({ ...dead(clients), place: die })],
  [
    'when some of a message’s people have it',
    (_, clients) => ({
      ...dead(clients),
      place: async () => {
        const [one] = clients
        await one?.move('1:*', 'INBOX')
        return die()
      },
    }),
  ],
  [
    'when everything is in its place',
    (target, clients) => ({
      ...dead(clients),
      place: async (staged) => {
        await target.place(staged)
        return die()
      },
    }),
  ],
]
for (const [when, target] of DEATHS) {
  test(`store: a run that dies ${when} leaves every message exactly once, for each of its people`, async (t) => {
    const messages = [...MESSAGES, 'X-To: all@example.org\r\nSubject: all\r\n\r\n', 'X-To: bob@example.org\r\n\r\n']
    const at = await scene(t, messages)
    await assert.rejects(run(at, { envelopeField: 'X-To', target }), Death)
    assert.equal(await at.source.count(), messages.length)
    const report = await run(at, { envelopeField: 'X-To' })
    assert.equal(report.maybeTwice, 0)
    assert.deepEqual(await has(at, ANN), messages.slice(0, 6))
    assert.deepEqual(await has(at, BOB), messages.slice(5))
    assert.equal(await at.source.count(), 0)
  })
}

test('store: what its owner moved or deleted before the next run does not come again', async (t) => {
  const at = await scene(t, MESSAGES.slice(0, 3))
  const [, target] = DEATHS[3] ?? []
  assert.ok(target)
  await assert.rejects(run(at, { target }), Death)
  {
    await using owner = await at.connect(ANN)
    await owner.create('Read')
    await owner.select('INBOX')
    await owner.move('1', 'Read')
    await owner.store('2', { add: ['\\Deleted'] })
    await owner.expunge()
  }
  const report = await run(at)
  assert.deepEqual([report.taken, report.removed, report.maybeTwice], [0, 3, 0])
  assert.deepEqual(await has(at, ANN), MESSAGES.slice(2, 3))
})

test('store: mail whose waiting place somebody deleted is fetched again, and the report says so', async (t) => {
  const at = await scene(t, MESSAGES.slice(0, 2))
  await assert.rejects(run(at, { target: (_, clients) => ({ ...dead(clients), place: die }) }), Death)
  {
    await using owner = await at.connect(ANN)
    for (const { name } of await owner.list()) if (name.startsWith('Collecting')) await owner.delete(name)
  }
  const report = await run(at)
  assert.deepEqual([report.taken, report.maybeTwice], [2, 2])
  assert.deepEqual(await has(at, ANN), MESSAGES.slice(0, 2))
})

test('store: mail goes to all that its header names; without the field to who fetches; whom nobody knows is refused', async (t) => {
  const unknown = 'X-To: nobody@example.org\r\nSubject: unknown\r\n\r\n'
  const both = 'X-To: Bob <bob@example.org>, all@example.org, who@example.org\r\nSubject: both\r\n\r\n'
  const missing = 'Subject: missing\r\n\r\n'
  const at = await scene(t, [both, unknown, missing])
  const report = await run(at, { envelopeField: 'x-to' })
  assert.deepEqual([report.taken, report.removed], [2, 2])
  assert.deepEqual(
    report.refused.map(({ why }) => why),
    ['nobody has nobody@example.org'],
  )
  assert.deepEqual(
    report.notes.map(({ note }) => note),
    ['nobody has who@example.org'],
  )
  assert.deepEqual(await has(at, ANN), [both, missing])
  assert.deepEqual(await has(at, BOB), [both])
  assert.equal(await at.source.count(), 1)
})

test('store: one message that an account refuses does not keep the others from it', async (t) => {
  const large = `Subject: large\r\n\r\n${'x'.repeat(998)}\r\n`.padEnd(70_000, 'y\r\n')
  const at = await scene(t, [MESSAGES[0] ?? '', large, MESSAGES[1] ?? ''], { messageBytes: 65_536 })
  const report = await run(at)
  assert.deepEqual([report.taken, report.removed, report.refused.length], [2, 2, 1])
  assert.match(report.refused[0]?.why ?? '', /^ann@example\.org refuses: ./)
  assert.deepEqual(await has(at, ANN), MESSAGES.slice(0, 2))
})

test('store: large messages, NUL and bare line feeds arrive as they are, in the mailbox that was named', async (t) => {
  const large = `Subject: large\r\n\r\n${'0123456789abcdef\r\n'.repeat(90_000)}\0\r\n`
  const odd = 'Subject: odd\n\na\0b\nc\r\n'
  const at = await scene(t, [large, odd, MESSAGES[0] ?? ''])
  assert.equal((await run(at, { mailbox: 'Lists/Été' })).taken, 3)
  assert.deepEqual(await has(at, ANN, 'Lists/Été'), [large, odd, MESSAGES[0] ?? ''])
})
