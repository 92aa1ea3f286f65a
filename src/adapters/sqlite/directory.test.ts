import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { directoryContract } from '#store/directory.contract.ts'
import { newerFormatOf } from '#store/newer-format.ts'
import { openDirectory } from './directory.ts'
import { migrate } from './migrations.ts'
import { keepSnapshot } from './snapshot.ts'

directoryContract((clock) => openDirectory(':memory:', clock))

function folder(): Disposable & { readonly path: string } {
  const made = mkdtempSync(path.join(tmpdir(), 'malle-directory-'))
  return { path: made, [Symbol.dispose]: () => rmSync(made, { recursive: true }) }
}

test('a directory on disk is there again after it was closed', async () => {
  using home = folder()
  const file = path.join(home.path, 'directory.db')
  let secret: Uint8Array
  {
    await using directory = await openDirectory(file)
    await directory.addDomain('example.org')
    secret = await directory.secret()
  }
  await using directory = await openDirectory(file)
  assert.equal((await directory.domain('example.org'))?.name, 'example.org')
  assert.deepEqual(await directory.secret(), secret)
})

test('a directory of a newer release is refused', async () => {
  using home = folder()
  const file = path.join(home.path, 'directory.db')
  const db = new DatabaseSync(file)
  db.exec('PRAGMA user_version = 99')
  db.close()
  await assert.rejects(openDirectory(file), (error: Error) => newerFormatOf(error)?.format === 99)
})

test('migrate() goes on where it stopped, keeps a snapshot, and rolls back what fails', () => {
  using home = folder()
  const file = path.join(home.path, 'some.db')
  using db = new DatabaseSync(file)
  let now = 0
  const snapshot = (from: number): void => keepSnapshot(db, file, from, (now += 1))
  migrate(db, ['CREATE TABLE a (x)'], snapshot)
  assert.deepEqual(readdirSync(home.path), ['some.db'])
  assert.throws(() => migrate(db, ['CREATE TABLE a (x)', 'CREATE TABLE b (x); nonsense'], snapshot), /nonsense/)
  migrate(db, ['CREATE TABLE a (x)', 'CREATE TABLE b (x)'], snapshot)
  assert.equal(db.prepare('PRAGMA user_version').get()?.user_version, 2)
  assert.deepEqual(readdirSync(home.path).sort(), ['some.db', 'some.db.version-1-2'])
})
