import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { systemClock } from '#lib/clock.ts'
import { TestPop3Server } from '#testing/pop3-server.ts'
import { ScriptedServer } from '#testing/scripted-server.ts'
import { type CollectReport, collect, NoLastingIds, type Policy } from './collect.ts'
import { openMaildirTarget } from './maildir-target.ts'
import { openPop3Source } from './pop3-source.ts'
import type { CollectSource } from './source.ts'
import { CollectState, StateBusy, StateTooNew } from './state.ts'
import type { CollectTarget } from './target.ts'

const MESSAGES = Array.from({ length: 10 }, (_, n) => `Subject: ${n}\r\n\r\nText of ${n}\r\n.dot\r\n`)
const DAY = 86_400_000

interface Place {
  readonly server: TestPop3Server
  readonly maildir: string
  readonly file: string
}

async function place(t: TestContext, messages: readonly string[] = MESSAGES): Promise<Place> {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-collect-'))
  t.after(() => rm(folder, { recursive: true }))
  const server = await TestPop3Server.start({ messages })
  t.after(() => server[Symbol.asyncDispose]())
  return { server, maildir: path.join(folder, 'Mail'), file: path.join(folder, 'state.db') }
}

interface Changes {
  readonly policy?: Policy
  readonly now?: number
  readonly dryRun?: boolean
  readonly source?: (source: CollectSource) => CollectSource
  readonly target?: (target: CollectTarget) => CollectTarget
}

async function run(
  { server, maildir, file }: Place,
  changes: Changes = {},
  port: number = server.port,
): Promise<CollectReport> {
  using state = new CollectState(file)
  const { policy = { kind: 'keep' }, now, dryRun = false } = changes
  const opened = await openPop3Source('ann@pop.example', {
    host: '127.0.0.1',
    port,
    security: 'none',
    allowPlaintext: true,
    credentials: { login: 'ann@example.org', password: 'secret' },
  })
  await using source = changes.source?.(opened) ?? opened
  const maildirTarget: CollectTarget = await openMaildirTarget(maildir, systemClock)
  await using target = changes.target?.(maildirTarget) ?? maildirTarget
  const clock = now === undefined ? systemClock : { now: () => now }
  // awaited here: what it works with is disposed of when this function ends
  return await collect({ source, target, state, policy, clock, dryRun })
}

/** An object with some methods replaced. */
function changed<T extends object>(object: T, methods: Partial<T>): T {
  return new Proxy(object, {
    get: (_, key) => {
      const value: unknown = Reflect.get(key in methods ? methods : object, key)
      return typeof value === 'function' && !(key in methods) ? value.bind(object) : value
    },
  })
}

async function collected({ maildir }: Place): Promise<string[]> {
  const found: string[] = []
  for (const folder of ['new', 'cur']) {
    for (const name of await readdir(path.join(maildir, folder))) {
      found.push(await readFile(path.join(maildir, folder, name), 'latin1'))
    }
  }
  return found.sort()
}

const EXPECTED = MESSAGES.map((message) => message.replaceAll('\r\n', '\n')).sort()

async function onServer(place: Place): Promise<number> {
  return (await run(place, { dryRun: true })).listed
}

test('mail is taken once, kept on the server, and what comes later is taken too', async (t) => {
  const at = await place(t)
  const first = await run(at)
  assert.deepEqual(
    { taken: first.taken, known: first.known, removed: first.removed },
    { taken: 10, known: 0, removed: 0 },
  )
  assert.deepEqual(await collected(at), EXPECTED)
  assert.deepEqual(await readdir(path.join(at.maildir, 'tmp')), [])
  assert.equal((await run(at)).taken, 0)
  await at.server.add('Subject: late\r\n\r\n')
  assert.equal((await run(at)).taken, 1)
  assert.equal(await onServer(at), 11)
})

test('mail is deleted on the server when it was taken, or days later', async (t) => {
  const at = await place(t)
  const policy = { kind: 'delete-after', ms: 3 * DAY } as const
  const now = Date.now()
  assert.equal((await run(at, { policy, now })).removed, 0)
  assert.equal((await run(at, { policy, now: now + 2 * DAY })).removed, 0)
  await at.server.add('Subject: late\r\n\r\n')
  const later = await run(at, { policy, now: now + 4 * DAY })
  assert.deepEqual({ removed: later.removed, taken: later.taken }, { removed: 10, taken: 1 })
  assert.equal(await onServer(at), 1)
  assert.equal((await run(at, { policy: { kind: 'delete' } })).removed, 1)
  assert.equal(await onServer(at), 0)
})

test('a dry run tells and changes nothing', async (t) => {
  const at = await place(t)
  const report = await run(at, { dryRun: true, policy: { kind: 'delete' } })
  assert.deepEqual(
    { listed: report.listed, taken: report.taken, removed: report.removed },
    { listed: 10, taken: 0, removed: 0 },
  )
  assert.deepEqual(await collected(at), [])
})

/** Dies at a step, as a power cut would: nothing behind it happens, not even tidying up. */
class Death extends Error {}
const die = async (): Promise<never> => {
  throw new Death('here')
}
const undead = { [Symbol.asyncDispose]: async () => undefined }

const DEATHS: readonly (readonly [string, (at: Place) => Changes])[] = [
  ['before files are synced', () => ({ target: (target) => changed(target, { prepare: die, ...undead }) })],
  ['when placing was announced', () => ({ target: (target) => changed(target, { place: die, ...undead }) })],
  [
    'in the middle of placing',
    ({ maildir }) => ({
      target: (target) =>
        changed(target, {
          ...undead,
          place: async (staged) => {
            await target.place(staged.slice(0, 4))
            // somebody reads one of them and files it away before the next run
            const [name = ''] = await readdir(path.join(maildir, 'new'))
            await rename(path.join(maildir, 'new', name), path.join(maildir, 'cur', `${name}:2,S`))
            return die()
          },
        }),
    }),
  ],
  [
    'when everything is in its place',
    () => ({
      target: (target) =>
        changed(target, {
          ...undead,
          place: async (staged) => {
            await target.place(staged)
            return die()
          },
        }),
    }),
  ],
  ['before deletions are told', () => ({ source: (source) => changed(source, { remove: die }) })],
  ['before the session ends', () => ({ source: (source) => changed(source, { finish: die }) })],
]
for (const [when, changes] of DEATHS) {
  test(`a run that dies ${when} leaves every message exactly once`, async (t) => {
    const at = await place(t)
    const policy = { kind: 'delete' } as const
    await assert.rejects(run(at, { policy, ...changes(at) }), Death)
    assert.equal(await onServer(at), 10)
    const report = await run(at, { policy })
    assert.equal(report.maybeTwice, 0)
    assert.deepEqual(await collected(at), EXPECTED)
    assert.equal(await onServer(at), 0)
  })
}

test('messages with one unique-id are all taken, and none twice', async (t) => {
  const at = await place(t, [])
  const bodies = ['Subject: a\r\n\r\n', 'Subject: b\r\n\r\n']
  await using twins = await ScriptedServer.start(async (peer) => {
    peer.send('+OK\r\n')
    for (let line = await peer.line(); line !== undefined; line = await peer.line()) {
      const [command, number] = line.split(' ')
      if (command === 'LIST') peer.send('+OK\r\n1 14\r\n2 14\r\n.\r\n')
      else if (command === 'UIDL') peer.send('+OK\r\n1 same\r\n2 same\r\n.\r\n')
      else if (command === 'RETR') peer.send(`+OK\r\n${bodies[Number(number) - 1]}.\r\n`)
      else peer.send(command === 'CAPA' ? '-ERR\r\n' : '+OK\r\n')
    }
  })
  assert.equal((await run(at, {}, twins.port)).taken, 2)
  assert.deepEqual(await collected(at), ['Subject: a\n\n', 'Subject: b\n\n'])
  assert.equal((await run(at, {}, twins.port)).taken, 0)
})

test('without lasting ids mail can only be taken and deleted', async (t) => {
  const at = await place(t)
  const source = (opened: CollectSource): CollectSource => changed(opened, { lastingIds: false })
  await assert.rejects(run(at, { source }), NoLastingIds)
  assert.equal((await run(at, { source, policy: { kind: 'delete' } })).removed, 10)
})

test('a second run on the same records is refused', async (t) => {
  const at = await place(t)
  using _held = new CollectState(at.file)
  assert.throws(() => new CollectState(at.file), StateBusy)
})

test('records of a newer Malle are left alone', async (t) => {
  const { file } = await place(t, [])
  new CollectState(file)[Symbol.dispose]()
  const db = new DatabaseSync(file)
  db.exec('PRAGMA user_version = 1000')
  db.close()
  assert.throws(() => new CollectState(file), StateTooNew)
})
