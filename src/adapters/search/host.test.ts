/** Indexes and their files, with the threads that make and read them. @module */
import assert from 'node:assert/strict'
import { existsSync, truncateSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Uid } from '#mail/ids.ts'
import type { AccountRef } from '#store/types.ts'
import { plainMail } from '#testing/messages.ts'
import { addMessage, openTestStore as openMemoryStore } from '#testing/store.ts'
import { newFolder as newStoreFolder, openTestStore } from '../embedded/test-kit.ts'
import { SearchHost } from './host.ts'
import { IndexFile, indexPath, UnusableIndex } from './index-file.ts'
import { Indexer } from './indexer.ts'
import { AccountSearcher } from './searcher.ts'
import { indexAll, newFolder } from './test-kit.ts'

const byNumber = (a: number, b: number): number => a - b
const NONSENSE = 'this is no database, however long it may be looked at. '.repeat(100)

test('an index is made when it is wanted, follows what comes, and is made anew when its file goes', async () => {
  using folder = newFolder()
  await using opened = await openTestStore()
  const { world } = opened
  const person = await world.person()
  const inbox = (await person.inbox()).key
  const file = indexPath(folder.path, person.ref.id)
  const logged: string[] = []
  const newHost = (): SearchHost =>
    new SearchHost({
      directory: folder.path,
      store: world.store,
      connect: () => opened.host.connect(),
      refOf: async (id) => (id === person.ref.id ? person.ref : undefined),
      log: (level, message) => logged.push(`${level}: ${message}`),
    })
  let host = newHost()
  const add = (text: string): Promise<Uid> => addMessage(world.store, person.ref, 'INBOX', plainMail({ text }))
  const find = (word: string) => host.find(person.ref, inbox, [{ place: 'text', text: word }])
  /** Once all is indexed. */
  async function has(word: string): Promise<readonly number[]> {
    for (let tries = 0; ; tries += 1) {
      const answer = await find(word)
      if (answer?.unknown.length === 0 && host.status().waiting === 0) {
        assert.deepEqual([...(answer.matches[0]?.maybe ?? [])], [])
        return [...(answer.matches[0]?.yes ?? [])]
      }
      assert.ok(tries < 1_000, `it is not indexed: ${logged.join('\n')}`)
      await pause(20)
    }
  }

  await add('one apple')
  host.want(person.ref)
  assert.equal(await find('apple'), undefined, 'nothing is indexed before the host is started')
  host.start()
  assert.equal(await find('apple'), undefined, 'nobody wanted it')
  assert.ok(!existsSync(file))
  host.want(person.ref)
  assert.deepEqual(await has('apple'), [1])
  await add('two apples')
  const answer = await find('apple')
  assert.deepEqual([...(answer?.matches[0]?.yes ?? []), ...(answer?.unknown ?? [])].toSorted(byNumber), [1, 2])
  assert.deepEqual(await has('apples'), [2])
  assert.deepEqual(host.status(), { accounts: 1, waiting: 0, restarts: 0 })

  for (const suffix of ['', '-wal', '-shm']) await rm(`${file}${suffix}`, { force: true })
  assert.equal(await find('apple'), undefined)
  assert.deepEqual(await has('apple'), [1, 2])
  assert.ok(existsSync(file))
  assert.deepEqual(logged, [])

  await host[Symbol.asyncDispose]()
  assert.equal(await find('apple'), undefined)
  // the write-ahead log may hold all of it
  for (const suffix of ['-wal', '-shm']) await rm(`${file}${suffix}`, { force: true })
  writeFileSync(file, NONSENSE)
  host = newHost()
  host.start()
  assert.deepEqual(await has('apple'), [1, 2])
  assert.match(logged.join(), /made anew: The index cannot be read/)

  await person.must('removeAccount', {})
  for (let tries = 0; existsSync(file); tries += 1) {
    assert.ok(tries < 1_000)
    await pause(20)
  }
  assert.equal(host.status().accounts, 0)
  await host[Symbol.asyncDispose]()
})

const DAMAGES: readonly (readonly [what: string, damage: (file: string) => void])[] = [
  ['of no database', (file) => writeFileSync(file, NONSENSE)],
  ['cut', (file) => truncateSync(file, 8_192)],
  ['of another version', (file) => withDatabase(file, "UPDATE state SET value = '0' WHERE name = 'version'")],
  ['without a table', (file) => withDatabase(file, 'DROP TABLE words')],
]
for (const [what, damage] of DAMAGES)
  test(`a file that is ${what} is not used`, async () => {
    using folder = newFolder()
    await using opened = await openMemoryStore()
    const { store, account } = opened
    for (let number = 0; number < 50; number += 1)
      await addMessage(store, account, 'INBOX', plainMail({ text: `melon ${'w'.repeat(number)} ${number * 7_919}` }))
    await indexAll(folder.path, store, account)
    damage(indexPath(folder.path, account.id))
    await assert.rejects(indexAll(folder.path, store, account), UnusableIndex)
    const inbox = (await store.mailboxByName(account, 'INBOX'))?.key
    assert.ok(inbox)
    await assert.rejects(async () => {
      const searcher = await AccountSearcher.open(folder.path, store, account)
      if (searcher instanceof AccountSearcher) await searcher.find(inbox, [{ place: 'text', text: 'melon' }])
    }, UnusableIndex)
  })

function withDatabase(file: string, sql: string): void {
  const db = new DatabaseSync(file)
  db.exec(sql)
  db.close()
}

test('mail that is gone for good leaves the index', async () => {
  using folder = newFolder()
  await using opened = await openTestStore({ keeping: { days: 1 } })
  const { host, clock, world } = opened
  const person = await world.person()
  for (const text of ['fig', 'date', 'nut']) await addMessage(world.store, person.ref, 'INBOX', plainMail({ text }))
  const step = async (): Promise<number> => {
    const file = indexPath(folder.path, person.ref.id)
    const indexer = await Indexer.open(file, world.store, person.ref, clock, assert.fail)
    while ((await indexer.step()).more);
    indexer.close()
    const index = IndexFile.forReading(file)
    const { length } = index?.emails(0, 10) ?? []
    index?.close()
    return length
  }
  assert.equal(await step(), 3)
  const inbox = (await person.inbox()).key
  await person.must('expunge', { mailbox: inbox, uids: [[2 as Uid, 2 as Uid]], which: 'any' })
  assert.equal(await step(), 3, 'it can still be brought back')
  clock.time += 3 * 86_400_000
  assert.equal(await host.purge(), 1)
  assert.equal(await step(), 2)
  const searcher = await AccountSearcher.open(folder.path, world.store, person.ref)
  assert.ok(searcher instanceof AccountSearcher)
  const found = await searcher.find(inbox, [{ place: 'body', text: 'date' }])
  searcher.close()
  assert.deepEqual([...(found.matches[0]?.yes ?? [])], [])
})

test('an index is not used with an older state of the store, where keys are given again', async () => {
  using folder = newFolder()
  const later = await newStoreFolder()
  try {
    let older: string
    let ref: AccountRef
    {
      await using opened = await openTestStore({ directory: later })
      const { world } = opened
      ref = (await world.person()).ref
      for (const text of ['one', 'two']) await addMessage(world.store, ref, 'INBOX', plainMail({ text }))
      older = await opened.copy()
      for (const text of ['three', 'four']) await addMessage(world.store, ref, 'INBOX', plainMail({ text }))
      await indexAll(folder.path, world.store, ref)
    }
    try {
      await using opened = await openTestStore({ directory: older })
      const { store } = opened.world
      const refused = async (): Promise<void> => {
        assert.equal(await AccountSearcher.open(folder.path, store, ref), 'of-other-mail')
        await assert.rejects(indexAll(folder.path, store, ref), UnusableIndex)
      }
      await refused()
      for (const text of ['three others', 'four others', 'five others', 'six'])
        await addMessage(store, ref, 'INBOX', plainMail({ text }))
      await refused()
    } finally {
      await rm(older, { recursive: true, force: true })
    }
  } finally {
    await rm(later, { recursive: true, force: true })
  }
})
