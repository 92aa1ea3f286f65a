/**
 * The upgrade contract: a store of every format there ever was is read by this release, a copy is kept before, and with
 * the copy the older release goes on. `test/fixtures/stores/` holds what each of them wrote. @module
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { openDirectory } from '#adapters/sqlite/directory.ts'
import { DIRECTORY_MIGRATIONS } from '#adapters/sqlite/directory-schema.ts'
import { messageOf, type Person, UNLIMITED } from '#store/kit.contract.ts'
import { FIRST_ROW } from './schema/email-rows.ts'
import { STEPS } from './schema/migrations.ts'
import { newFolder, openTestStore } from './test-kit.ts'

const KEPT = path.join(import.meta.dirname, '..', '..', '..', 'test', 'fixtures', 'stores')
const formats = readdirSync(KEPT)
  .map((name) => Number(/^format-(\d+)$/.exec(name)?.[1] ?? 0))
  .filter((format) => format > 0)
  .sort((a, b) => a - b)

/** The data that a release of that format wrote. */
async function kept(format: number): Promise<string> {
  const folder = await newFolder()
  const from = path.join(KEPT, `format-${format}`)
  const segments = path.join(folder, 'store', 'shard-00', 'segments')
  mkdirSync(segments, { recursive: true })
  for (const name of readdirSync(from)) {
    if (name.endsWith('.seg')) copyFileSync(path.join(from, name), path.join(segments, name))
    if (!name.endsWith('.sql')) continue
    const file = name === 'index.sql' ? path.join(segments, '..', 'index.db') : path.join(folder, 'directory.db')
    const db = new DatabaseSync(file)
    db.exec(readFileSync(path.join(from, name), 'utf8'))
    db.close()
  }
  return folder
}

function copiesIn(folder: string, file: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith(`${file}.version-`))
}

function versionOf(file: string): number {
  const db = new DatabaseSync(file, { readOnly: true })
  try {
    assert.equal(db.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok')
    return Number(db.prepare('PRAGMA user_version').get()?.['user_version'])
  } finally {
    db.close()
  }
}

/** What the store must show, whichever release wrote it. */
async function check(ann: Person): Promise<void> {
  assert.deepEqual(await ann.names(), ['INBOX', 'Kept/été', 'Sent', 'Kept'].sort(byName))
  const inbox = await ann.inbox()
  assert.deepEqual([inbox.uidNext, inbox.messages, inbox.unseen], [6, 3, 1])
  assert.deepEqual(
    (await ann.messages(inbox.key)).map(({ uid, flags }) => [uid, flags]),
    [
      [1, ['Work', '\\Seen']],
      [2, ['Work']],
      [5, ['Work', '\\Seen']],
    ],
  )
  const rows = (await ann.emails(inbox.key)).filter(({ gone }) => !gone)
  const texts = await Promise.all(rows.map(async (row) => Buffer.from(await ann.body(row)).toString()))
  assert.deepEqual(
    texts.map((text) => /body (\d)/.exec(text)?.[1]),
    ['1', '2', '5'],
  )
  assert.equal(Buffer.from(rows[0]?.trace ?? []).toString(), 'Delivered-To: ann1@example.org\r\n')
  const [drop] = await Array.fromAsync(ann.store.maildrop(ann.ref, inbox.key))
  assert.deepEqual(drop?.uidls, ['old-uidl', undefined, undefined])
  assert.equal((await ann.box('Kept/été')).messages, 3)
  assert.equal((await ann.email(inbox.key, 4)).gone, true)
  const image = await ann.store.image(ann.ref)
  assert.deepEqual(
    image?.goneMailboxes.map(({ name }) => name),
    ['gone'],
  )
}

function byName(a: string, b: string): number {
  return a === 'INBOX' ? -1 : b === 'INBOX' ? 1 : a < b ? -1 : 1
}

test('there is a kept store of every format: test/fixtures/stores/make.ts makes the next', () => {
  assert.deepEqual(
    formats,
    Array.from({ length: STEPS.length }, (_, index) => index + 1),
  )
})

for (const format of formats)
  test(`a store of format ${format} is read, a copy is kept, and the copy can be put back`, async () => {
    const folder = await kept(format)
    const store = path.join(folder, 'store')
    const shard = path.join(store, 'shard-00')
    const written = versionOf(path.join(folder, 'directory.db'))
    {
      await using directory = await openDirectory(path.join(folder, 'directory.db'))
      const ann = await directory.account('ann@example.org')
      assert.equal(ann?.passwordHash, '$argon2id$kept')
      assert.deepEqual((await directory.alias('sales@example.org'))?.targets, ['ann@example.org'])
      const copies = copiesIn(folder, 'directory.db')
      assert.equal(copies.length, written < DIRECTORY_MIGRATIONS.length ? 1 : 0)
      for (const name of copies) assert.equal(versionOf(path.join(folder, name)), written)
    }
    {
      await using opened = await openTestStore({ directory: store })
      assert.deepEqual(await opened.check(), [])
      const ann = opened.world.stranger()
      await check(ann)
      for (const index of [1, 2])
        await ann.add((await ann.inbox()).key, [messageOf({ body: `Subject: since ${index}\r\n\r\nthe upgrade\r\n` })])
      await ann.check()
      assert.deepEqual(await opened.check(), [])
    }
    const [copy] = copiesIn(shard, 'index.db')
    assert.equal(copy === undefined, format === STEPS.length)
    if (copy === undefined) return
    assert.equal(versionOf(path.join(shard, copy)), format)
    // docs/install.md, "Back to the release before": what came since is in the segments, and check takes it back.
    for (const name of ['index.db', 'index.db-wal', 'index.db-shm']) rmSync(path.join(shard, name), { force: true })
    renameSync(path.join(shard, copy), path.join(shard, 'index.db'))
    assert.equal(versionOf(path.join(shard, 'index.db')), format)
    await using opened = await openTestStore({ directory: store })
    const ann = opened.world.stranger()
    await ann.must('openAccount', { mailboxes: [], limits: UNLIMITED })
    await check(ann)
    const found = await opened.check(true)
    assert.ok(found.every(({ repaired }) => repaired))
    assert.equal(found.find(({ rebuilt }) => rebuilt !== undefined)?.rebuilt?.came, 2)
    assert.equal((await ann.inbox()).messages, 5)
    await opened[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

test('mail that lies by account and mail that lies as it came are listed, compacted and removed alike', async () => {
  const folder = await kept(9)
  {
    await using opened = await openTestStore({ directory: path.join(folder, 'store'), tuning: { graceMs: 0 } })
    const ann = opened.world.stranger()
    const bob = await opened.world.person()
    const inbox = (await ann.inbox()).key
    const before = idsOf(folder)
    for (const index of [6, 7]) {
      await ann.add(inbox, [messageOf({ body: `\r\nbody ${index}\r\n`, email: { messageId: `<${index}@kept>` } })])
      await bob.add((await bob.inbox()).key, [messageOf({ body: 'between them' })])
    }
    const ids = idsOf(folder).slice(before.length)
    assert.deepEqual(
      ids,
      [0, 1, 2, 3].map((at) => FIRST_ROW + at),
      'one behind the other, whoever they are for',
    )
    const all = await ann.store.indexable(ann.ref, 0)
    assert.deepEqual(
      all.map(({ key }) => key as number),
      [1, 2, 3, 4, 5, 6, 7, 8],
    )
    for (const index of [5, 7]) assert.equal((await ann.store.emailsByMessageId(ann.ref, `<${index}@kept>`)).length, 1)
    await ann.must('copy', { mailbox: inbox, uids: [[5, 7]] as never, target: (await ann.box('Kept')).key })
    await ann.must('expunge', { mailbox: inbox, uids: [[5, 6]] as never, which: 'any' })
    assert.deepEqual(await opened.check(), [])
    await ann.must('expunge', { mailbox: (await ann.box('Kept')).key, uids: undefined, which: 'any' })
    opened.clock.time += 31 * 86_400_000
    await opened.host.compact(true)
    assert.deepEqual(await opened.check(), [])
    const rows = (await ann.emails(inbox)).filter(({ gone }) => !gone)
    const texts = await Promise.all(rows.map(async (row) => Buffer.from(await ann.body(row)).toString()))
    assert.deepEqual(
      texts.map((text) => /body (\d)/.exec(text)?.[1]),
      ['1', '2', '7'],
    )
    await ann.must('removeAccount', {})
    await opened.host.purge()
    assert.deepEqual(await opened.check(), [])
    assert.equal(idsOf(folder).length, 2, 'those of the other account')
  }
  await rm(folder, { recursive: true })
})

/** Rowids of emails. */
function idsOf(folder: string): number[] {
  const db = new DatabaseSync(path.join(folder, 'store', 'shard-00', 'index.db'), { readOnly: true })
  try {
    return db
      .prepare('SELECT id FROM email ORDER BY id')
      .all()
      .map(({ id }) => Number(id))
  } finally {
    db.close()
  }
}

/** Opens a store, and dies before the nth step of its migration. */
const CHILD = `
const [directory, nth, host, module] = process.argv.slice(2)
const { startEmbedded } = await import(host)
const order = { die: { at: 'migrating', nth: Number(nth) }, armed: new Int32Array(new SharedArrayBuffer(4)) }
const clock = { now: () => Date.now() }
await startEmbedded({ directory, shards: 1, durability: 'full', clock, log: () => {}, tuning: {}, probe: { module, order } })
`

test('an upgrade that is killed before any of its steps is made whole by the next start', async () => {
  const script = `${await newFolder()}.mjs`
  await writeFile(script, CHILD)
  const urls = ['./host.ts', '../../../test/crash/probe.ts'].map((name) => import.meta.resolve(name))
  const last = (format: number): number => STEPS.length - format + 1
  const long = formats.slice(0, -1).flatMap((format) => Array.from({ length: last(format) }, (_, n) => [format, n + 1]))
  const few = [1, STEPS.length - 1].map((format) => [format, last(format)])
  for (const [format = 0, nth = 0] of process.env['MALLE_LONG'] === '1' ? long : [[1, 2], ...few]) {
    const folder = await kept(format)
    const store = path.join(folder, 'store')
    const child = spawn(process.execPath, [script, store, String(nth), ...urls], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const [, signal] = (await once(child, 'close')) as [number | null, string | null]
    assert.equal(signal, 'SIGKILL', `format ${format} has no step ${nth}`)
    await using opened = await openTestStore({ directory: store })
    assert.deepEqual(await opened.check(), [])
    await check(opened.world.stranger())
    const [copy] = copiesIn(path.join(store, 'shard-00'), 'index.db')
    assert.equal(versionOf(path.join(store, 'shard-00', copy ?? assert.fail())), format)
    await opened[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  }
  await rm(script)
})
