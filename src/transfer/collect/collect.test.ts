import assert from 'node:assert/strict'
import { appendFile, cp, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { systemClock } from '#lib/clock.ts'
import { TestPop3Server } from '#testing/pop3-server.ts'
import { ScriptedServer } from '#testing/scripted-server.ts'
import { readMbox } from '../mbox.ts'
import { StateBusy, StateTooNew } from '../state-file.ts'
import { type CollectReport, collect, type Policy } from './collect.ts'
import { NoLastingIds } from './errors.ts'
import { openMaildirTarget } from './maildir-target.ts'
import { openMboxTarget } from './mbox-target.ts'
import { openPop3Source } from './pop3-source.ts'
import type { CollectSource } from './source.ts'
import { CollectState } from './state.ts'
import type { CollectTarget } from './target.ts'

const MESSAGES = Array.from(
  { length: 10 },
  (_, n) => `Subject: ${n}\r\n\r\nText of ${n}\r\n.dot\r\nFrom here on\r\n>From there\r\n`,
)
const DAY = 86_400_000

type Kind = 'maildir' | 'mbox'

interface Place {
  readonly server: TestPop3Server
  readonly kind: Kind
  /** A Maildir, or an mbox. */
  readonly mail: string
  readonly file: string
}

async function place(t: TestContext, kind: Kind, messages: readonly string[] = MESSAGES): Promise<Place> {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-collect-'))
  t.after(() => rm(folder, { recursive: true }))
  const server = await TestPop3Server.start({ messages })
  t.after(() => server[Symbol.asyncDispose]())
  return { server, kind, mail: path.join(folder, 'Mail'), file: path.join(folder, 'state.db') }
}

interface Changes {
  readonly policy?: Policy
  readonly now?: number
  readonly dryRun?: boolean
  readonly source?: (source: CollectSource) => CollectSource
  readonly target?: (target: CollectTarget) => CollectTarget
}

async function run(
  { server, kind, mail, file }: Place,
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
  const whole: CollectTarget = await OPEN[kind](mail, systemClock)
  await using target = changes.target?.(whole) ?? whole
  const clock = now === undefined ? systemClock : { now: () => now }
  // awaited here: what it works with is disposed of when this function ends
  return await collect({ source, target, state, policy, clock, dryRun })
}

const OPEN = { maildir: openMaildirTarget, mbox: openMboxTarget } as const

/** An object with some methods replaced. */
function changed<T extends object>(object: T, methods: Partial<T>): T {
  return new Proxy(object, {
    get: (_, key) => {
      const value: unknown = Reflect.get(key in methods ? methods : object, key)
      return typeof value === 'function' && !(key in methods) ? value.bind(object) : value
    },
  })
}

async function collected({ kind, mail }: Place): Promise<string[]> {
  const found: string[] = []
  if (kind === 'maildir') {
    for (const folder of ['new', 'cur']) {
      for (const name of await readdir(path.join(mail, folder))) {
        found.push(await readFile(path.join(mail, folder, name), 'latin1'))
      }
    }
  } else if ((await stat(mail)).size > 0) {
    for await (const item of readMbox(mail, 1_000_000)) {
      assert.equal(item.kind, 'message')
      if (item.kind === 'message') found.push(Buffer.from(item.message.bytes).toString().replaceAll('\r\n', '\n'))
    }
  }
  return found.sort()
}

const EXPECTED = MESSAGES.map((message) => message.replaceAll('\r\n', '\n')).sort()

async function onServer(place: Place): Promise<number> {
  return (await run(place, { dryRun: true })).listed
}

/** Dies at a step, as a power cut would: nothing behind it happens, not even tidying up. */
class Death extends Error {}
const die = async (): Promise<never> => {
  throw new Death('here')
}
/** Closes what is open, and leaves every file as the dead would. */
const undead = (target: CollectTarget, mail: string): Partial<CollectTarget> => ({
  [Symbol.asyncDispose]: async () => {
    await cp(path.dirname(mail), `${path.dirname(mail)}.copy`, { recursive: true })
    await target[Symbol.asyncDispose]()
    await rm(path.dirname(mail), { recursive: true })
    await rename(`${path.dirname(mail)}.copy`, path.dirname(mail))
  },
})

const DEATHS: readonly (readonly [string, (at: Place) => Changes])[] = [
  [
    'before files are synced',
    ({ mail }) => ({ target: (target) => changed(target, { prepare: die, ...undead(target, mail) }) }),
  ],
  [
    'when placing was announced',
    ({ mail }) => ({
      target: (target) =>
        changed(target, {
          ...undead(target, mail),
          place: async () => {
            await rm(`${mail}.lock`, { force: true })
            return die()
          },
        }),
    }),
  ],
  [
    'in the middle of placing',
    ({ kind, mail }) => ({
      target: (target) =>
        changed(target, {
          ...undead(target, mail),
          place: async (staged) => {
            if (kind === 'maildir') {
              await target.place(staged.slice(0, 4))
              // somebody reads one of them and files it away before the next run
              const [name = ''] = await readdir(path.join(mail, 'new'))
              await rename(path.join(mail, 'new', name), path.join(mail, 'cur', `${name}:2,S`))
            } else {
              await appendFile(mail, (await readFile(`${mail}.malle`)).subarray(0, 300))
              await rm(`${mail}.lock`)
            }
            return die()
          },
        }),
    }),
  ],
  [
    'when everything is in its place',
    ({ mail }) => ({
      target: (target) =>
        changed(target, {
          ...undead(target, mail),
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
for (const kind of ['maildir', 'mbox'] as const) {
  test(`${kind}: mail is taken once, kept on the server, and what comes later is taken too`, async (t) => {
    const at = await place(t, kind)
    const first = await run(at)
    assert.deepEqual(
      { taken: first.taken, known: first.known, removed: first.removed },
      { taken: 10, known: 0, removed: 0 },
    )
    assert.deepEqual(await collected(at), EXPECTED)
    if (kind === 'maildir') assert.deepEqual(await readdir(path.join(at.mail, 'tmp')), [])
    else assert.deepEqual((await readdir(path.dirname(at.mail))).sort(), ['Mail', 'state.db'])
    assert.equal((await run(at)).taken, 0)
    await at.server.add('Subject: late\r\n\r\n')
    assert.equal((await run(at)).taken, 1)
    assert.equal(await onServer(at), 11)
  })

  test(`${kind}: mail is deleted on the server when it was taken, or days later`, async (t) => {
    const at = await place(t, kind)
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

  test(`${kind}: a dry run tells and changes nothing`, async (t) => {
    const at = await place(t, kind)
    const report = await run(at, { dryRun: true, policy: { kind: 'delete' } })
    assert.deepEqual(
      { listed: report.listed, taken: report.taken, removed: report.removed },
      { listed: 10, taken: 0, removed: 0 },
    )
    assert.deepEqual(await collected(at), [])
  })

  for (const [when, changes] of DEATHS) {
    test(`${kind}: a run that dies ${when} leaves every message exactly once`, async (t) => {
      const at = await place(t, kind)
      const policy = { kind: 'delete' } as const
      await assert.rejects(run(at, { policy, ...changes(at) }), Death)
      assert.equal(await onServer(at), 10)
      const report = await run(at, { policy })
      assert.equal(report.maybeTwice, 0)
      assert.deepEqual(await collected(at), EXPECTED)
      assert.equal(await onServer(at), 0)
    })
  }
}

test('messages with one unique-id are all taken, and none twice', async (t) => {
  const at = await place(t, 'maildir', [])
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
  const at = await place(t, 'maildir')
  const source = (opened: CollectSource): CollectSource => changed(opened, { lastingIds: false })
  await assert.rejects(run(at, { source }), NoLastingIds)
  assert.equal((await run(at, { source, policy: { kind: 'delete' } })).removed, 10)
})

test('a message that a server hides for a while is not taken again; one that is gone for long is forgotten', async (t) => {
  const at = await place(t, 'maildir')
  const now = Date.now()
  const hidden = (source: CollectSource): CollectSource => changed(source, { list: async () => [] })
  assert.equal((await run(at, { now })).taken, 10)
  assert.equal((await run(at, { now: now + DAY, source: hidden })).listed, 0)
  assert.equal((await run(at, { now: now + 60 * DAY })).taken, 0)
  for (const days of [70, 161]) await run(at, { now: now + days * DAY, source: hidden })
  assert.equal((await run(at, { now: now + 162 * DAY })).taken, 10)
})

test('a second run on the same records is refused', async (t) => {
  const at = await place(t, 'maildir')
  using _held = new CollectState(at.file)
  assert.throws(() => new CollectState(at.file), StateBusy)
})

test('records of a newer Malle are left alone', async (t) => {
  const { file } = await place(t, 'maildir', [])
  new CollectState(file)[Symbol.dispose]()
  const db = new DatabaseSync(file)
  db.exec('PRAGMA user_version = 1000')
  db.close()
  assert.throws(() => new CollectState(file), StateTooNew)
})
