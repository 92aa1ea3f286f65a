import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { MailboxKey, Uid } from '#mail/ids.ts'
import { LEAN } from '#store/types.ts'
import { emailsOf } from './email-reads.ts'
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
