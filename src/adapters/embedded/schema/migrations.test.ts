import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { migrate, STEPS, schemaVersion } from './migrations.ts'

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

test('deleted mail of an older store can be restored: its size, how it went, and the names of mailboxes', () => {
  const db = new DatabaseSync(':memory:')
  migrate(db, 'test', STEPS.slice(0, 5))
  const span = 4_294_967_296
  db.exec(`
    INSERT INTO account (slot, id, modseq, next_mailbox, next_email, next_thread, last_uidvalidity, used_bytes,
      used_messages, created_at) VALUES (1, 7, 9, 9, 9, 9, 9, 0, 0, 0);
    INSERT INTO mailbox (account, key, name, uidvalidity, uidnext, highest_modseq, vanished_floor, messages, unseen,
      deleted, size, tombstones, created_at) VALUES (1, 1, 'INBOX', 1, 9, 9, 0, 0, 0, 0, 0, 0, 0);
    INSERT INTO former_name VALUES (1, 'Three', 3, 1);
  `)
  for (const [email, size] of [
    [1, 100],
    [2, 20],
    [3, 3],
  ])
    db.exec(`INSERT INTO email (id, thread, size, internal_date, internal_zone, segment, position, length, stored,
      arrival_segment, arrival_stored, header_size, lines, has_attachment, subject, base_subject, sender, recipients, cc,
      trace) VALUES (${span + (email ?? 0)}, 1, ${size}, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, '', '', '', '', '', x'')`)
  db.exec(`
    INSERT INTO deleted VALUES (1, 1, 1, 1, 0, 1, 10, 50, 0, NULL), (1, 1, 2, 2, 0, 1, 10, 51, 1, NULL),
      (1, 2, 1, 2, 0, 1, 20, 52, 0, 'Two'), (1, 3, 1, 3, 0, 1, 30, 53, 0, NULL), (1, 4, 1, 3, 0, 1, 30, 54, 0, NULL)`)
  migrate(db, 'test')
  const rows = (sql: string): unknown[] =>
    db
      .prepare(sql)
      .all()
      .map((row) => Object.values(row).join(' '))
  assert.deepEqual(rows('SELECT mailbox, uid, cause, size FROM deleted'), [
    '1 1 0 100',
    '1 2 4 20',
    '2 1 2 20',
    '3 1 0 3',
    '4 1 0 3',
  ])
  assert.deepEqual(rows('SELECT gone_bytes FROM account'), ['126'])
  assert.deepEqual(rows('SELECT key, name, deleted_at FROM gone_mailbox'), ['2 Two 52', '3 Three 53', '4 Recovered 54'])
  db.close()
})
