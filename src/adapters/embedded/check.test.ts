import assert from 'node:assert/strict'
import { closeSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { messageOf, patternOf, someMessages, stage } from '#store/kit.contract.ts'
import { newFolder, openTestStore } from './test-kit.ts'

/** A store with some mail, damaged while it was closed. */
async function damaged(damage: (db: DatabaseSync, shard: string) => void): Promise<string> {
  const directory = await newFolder()
  {
    await using store = await openTestStore({ directory })
    const ann = await store.world.person()
    const inbox = (await ann.inbox()).key
    await ann.add(inbox, someMessages(10, { flags: ['$Work'] }))
    await ann.add(inbox, [messageOf({ body: patternOf(10_000) })])
    await ann.add(inbox, [messageOf({ staged: await stage(store.world.store, 0, patternOf(1_100_000)) })])
    await ann.must('expunge', { mailbox: inbox, uids: [[2, 3]] as never, which: 'any' })
  }
  const shard = path.join(directory, 'shard-00')
  const db = new DatabaseSync(path.join(shard, 'index.db'))
  damage(db, shard)
  db.close()
  return directory
}

for (const [what, sql, kind] of [
  ['counters of a mailbox', 'UPDATE mailbox SET messages = 99, unseen = 7', 'counter'],
  ['usage of an account', 'UPDATE account SET used_bytes = 1', 'counter'],
  ['UIDNEXT', 'UPDATE mailbox SET uidnext = 5', 'uid'],
  ['the MODSEQ of an account', 'UPDATE account SET modseq = 1', 'modseq'],
  ['what changed since', 'UPDATE modseq_span SET modseq = 1', 'modseq'],
  ['that anything changed', 'DELETE FROM modseq_span', 'modseq'],
  ['an email', 'DELETE FROM email WHERE id % 4294967296 = 5', 'missing-email'],
  ['what was prepared of an email', 'DELETE FROM email_ready; DELETE FROM email_header', 'missing-email'],
  ['a message', 'DELETE FROM message WHERE uid = 5', 'leftover'],
  ['a mailbox', "DELETE FROM mailbox WHERE name = 'INBOX'", 'reference'],
  ['a keyword set', 'DELETE FROM keyword_set', 'keywords'],
  ['living octets', 'UPDATE segment SET live = 5', 'live-bytes'],
  [
    'what others have seen',
    'INSERT INTO seen_by SELECT account, mailbox, 9, 999, 1, 1 FROM message LIMIT 1',
    'leftover',
  ],
  ['tombstones', 'UPDATE tombstone SET last = 7', 'tombstone'],
] as const) {
  test(`check finds and repairs ${what}`, async () => {
    const directory = await damaged((db) => db.exec(sql))
    {
      await using store = await openTestStore({ directory })
      const found = await store.check()
      assert.ok(
        found.some((finding) => finding.kind === kind && !finding.repaired),
        JSON.stringify(found),
      )
      const repaired = await store.check(true)
      assert.ok(repaired.length > 0 && repaired.every((finding) => finding.repaired), JSON.stringify(repaired))
      assert.deepEqual(await store.check(), [])
      const [ann] = [store.world.stranger()]
      await ann.add((await ann.inbox()).key, [messageOf()])
      await ann.check()
    }
    await rm(directory, { recursive: true })
  })
}

test('check names damaged and missing bodies, which nothing can repair', async () => {
  const directory = await damaged((_, shard) => {
    const fd = openSync(path.join(shard, 'segments', '00000001.seg'), 'r+')
    writeSync(fd, 'X', 30)
    closeSync(fd)
    for (const name of readdirSync(path.join(shard, 'big'))) rmSync(path.join(shard, 'big', name))
  })
  {
    await using store = await openTestStore({ directory })
    const kinds = (await store.check()).map(({ kind }) => kind)
    assert.deepEqual(kinds.sort(), ['damaged-body', 'missing-body'])
    const ann = store.world.stranger()
    const [row] = await ann.emails((await ann.inbox()).key)
    assert.ok(row)
    await assert.rejects(ann.body(row), { name: 'DamagedBody' })
  }
  await rm(directory, { recursive: true })
})
