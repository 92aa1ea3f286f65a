import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { migrate, schemaVersion } from './migrations.ts'

function tables(db: DatabaseSync): unknown[] {
  return db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .all()
    .map((row) => row['name'])
}

test('migrations bring any older version up to the newest, once', () => {
  const steps = ['CREATE TABLE one (a) STRICT', 'CREATE TABLE two (a)', 'CREATE TABLE three (a)'].map((sql) =>
    sql.replace('(a) STRICT', '(a INTEGER) STRICT'),
  )
  for (let from = 0; from <= steps.length; from += 1) {
    const db = new DatabaseSync(':memory:')
    migrate(db, 'test', steps.slice(0, from))
    assert.equal(schemaVersion(db), from)
    migrate(db, 'test', steps)
    migrate(db, 'test', steps)
    assert.deepEqual(tables(db), ['one', 'two', 'three'])
    db.close()
  }
})

test('a migration that fails changes nothing', () => {
  const db = new DatabaseSync(':memory:')
  assert.throws(() => migrate(db, 'test', ['CREATE TABLE one (a)', 'CREATE TABLE one (a)']), /already exists/)
  assert.deepEqual(tables(db), [])
  assert.equal(schemaVersion(db), 0)
  db.close()
})

test('a database of a newer version is left alone', () => {
  const db = new DatabaseSync(':memory:')
  migrate(db, 'test', ['CREATE TABLE one (a)', 'CREATE TABLE two (a)'])
  assert.throws(() => migrate(db, 'test', ['CREATE TABLE one (a)']), /"test" was written by a newer Malle/)
  db.close()
})
