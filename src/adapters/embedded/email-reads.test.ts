import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { MailboxKey, Uid } from '#mail/ids.ts'
import { ENVELOPE, HEADER, LEAN, STRUCTURE, UNTRACED } from '#store/types.ts'
import { emailsOf } from './email-reads.ts'
import { EMAIL_SPAN } from './schema/account.ts'
import { migrate } from './schema/migrations.ts'
import { Sql } from './sql.ts'

test('emails come once each and in order, in slices of any size, with gaps and expunged ones among them', () => {
  const sql = new Sql(':memory:', { readOnly: false, timeoutMs: 0 })
  migrate(sql.db, ':memory:')
  const place = fc.record({ gap: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 30 })), gone: fc.boolean() })
  fc.assert(
    fc.property(fc.array(place, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (places, limit) => {
      sql.db.exec('DELETE FROM message; DELETE FROM deleted')
      const uids: number[] = []
      for (const { gap, gone } of places) {
        const uid = (uids.at(-1) ?? 0) + gap
        uids.push(uid)
        if (gone)
          sql.run(
            `INSERT INTO deleted (account, mailbox, uid, email, flags, modseq, saved_at, deleted_at, moved)
             VALUES (1, 1, ?, 1, 0, 1, 0, 0, 0)`,
            uid,
          )
        else
          sql.run(
            `INSERT INTO message (account, mailbox, uid, modseq, flags, saved_at, email, size)
             VALUES (1, 1, ?, 1, 0, 0, 1, 1)`,
            uid,
          )
      }
      const last = (uids.at(-1) ?? 0) + 5
      const read: number[] = []
      for (let from = 1; from <= last; ) {
        const source = { sql, slot: 1, mailbox: 1 as MailboxKey, fields: LEAN }
        const { rows, next } = emailsOf(source, [from as Uid, last as Uid], limit)
        assert.ok(rows.length <= limit && next > from)
        for (const { uid } of rows) read.push(uid)
        from = next
      }
      assert.deepEqual(read, uids)
    }),
  )
  sql.close()
})

/** Does something after the first read. */
class Interrupted extends Sql {
  meanwhile: (() => void) | undefined

  override get(...asked: Parameters<Sql['get']>): ReturnType<Sql['get']> {
    const row = super.get(...asked)
    const { meanwhile } = this
    this.meanwhile = undefined
    meanwhile?.()
    return row
  }
}

test('a message that is expunged while a slice is read comes once, as it was or as it is', () => {
  const sql = new Interrupted(':memory:', { readOnly: false, timeoutMs: 0 })
  migrate(sql.db, ':memory:')
  for (const uid of [1, 2, 4])
    sql.run(
      `INSERT INTO message (account, mailbox, uid, modseq, flags, saved_at, email, size) VALUES (1, 1, ?, 1, 0, 0, 1, 1)`,
      uid,
    )
  sql.meanwhile = () =>
    sql.db.exec(`INSERT INTO deleted (account, mailbox, uid, email, flags, modseq, saved_at, deleted_at, moved)
      SELECT account, mailbox, uid, email, flags, 2, saved_at, 0, 0 FROM message WHERE uid > 1;
      DELETE FROM message WHERE uid > 1`)
  const source = { sql, slot: 1, mailbox: 1 as MailboxKey, fields: LEAN }
  const read = (): unknown[] => emailsOf(source, [1 as Uid, 5 as Uid], 10).rows.map(({ uid, gone }) => [uid, gone])
  assert.deepEqual(read(), [
    [1, false],
    [2, false],
    [4, false],
  ])
  assert.deepEqual(read(), [
    [1, false],
    [2, true],
    [4, true],
  ])
  sql.close()
})

test('two columns of bytes that are asked for alone come whole, whatever their lengths', () => {
  const sql = new Sql(':memory:', { readOnly: false, timeoutMs: 0 })
  migrate(sql.db, ':memory:')
  const octets = fc.uint8Array({ maxLength: 300 })
  for (const fields of [LEAN | HEADER | UNTRACED, LEAN | ENVELOPE | STRUCTURE])
    fc.assert(
      fc.property(fc.array(fc.tuple(octets, octets), { minLength: 2, maxLength: 20 }), (emails) => {
        sql.db.exec('DELETE FROM message; DELETE FROM email_header; DELETE FROM email_ready')
        for (const [index, [one, other]] of emails.entries()) {
          sql.run(
            `INSERT INTO message (account, mailbox, uid, modseq, flags, saved_at, email, size) VALUES (1, 1, ?, 1, 0, 0, ?, 1)`,
            index + 1,
            index,
          )
          const id = EMAIL_SPAN + index
          sql.run('INSERT INTO email_header (id, fields, header) VALUES (?, ?, ?)', id, other, one)
          sql.run(
            'INSERT INTO email_ready (id, envelope, structure, parts, preview) VALUES (?, ?, ?, ?, ?)',
            id,
            one,
            other,
            other,
            '',
          )
        }
        const source = { sql, slot: 1, mailbox: 1 as MailboxKey, fields }
        const { rows } = emailsOf(source, [1 as Uid, emails.length as Uid], 100)
        assert.deepEqual(
          rows.map((row) =>
            [row.header ?? row.envelope, row.fields ?? row.bodyStructure].map((bytes) => [...(bytes ?? [])]),
          ),
          emails.map((each) => each.map((bytes) => [...bytes])),
        )
      }),
      { numRuns: 30 },
    )
  sql.close()
})
