import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Modseq, Uid } from '#mail/ids.ts'
import { normaliseUidSet } from '#mail/uid-set.ts'
import { AccountKeywords } from '#services/account-keywords.ts'
import { cut, Snapshot } from '#services/snapshot.ts'
import { SnapshotWalk } from '#services/snapshot-walk.ts'
import { plainMail } from '#testing/messages.ts'
import { addMessage, openTestStore } from '#testing/store.ts'
import { Output } from '../output.ts'
import { ViewLines, writeViewLines } from './view-lines.ts'

/** UIDs with gaps, up to the largest; flags with none, one and many keywords. */
function snapshotOf(messages: number): Snapshot {
  const uids = Uint32Array.from({ length: messages }, (_, index) => index + 1 + Math.floor(index / 700) * 3)
  uids[messages - 1] = 4_294_967_295
  const flags = Uint32Array.from(
    { length: messages },
    (_, index) => (index % 3) + 256 * (index % 250 === 7 ? 2 : Math.floor(index / 500) % 2),
  )
  const modseqs = Float64Array.from({ length: messages }, (_, index) => index ** 4 + 1)
  return Snapshot.of(cut({ uids, flags, modseqs }), 9 as Modseq, 4_294_967_295 as Uid)
}

async function keywords(): Promise<AccountKeywords> {
  await using opened = await openTestStore()
  const many = Array.from({ length: 90 }, (_, index) => `${index}-${'k'.repeat(240)}`)
  for (const names of [['one'], many]) await addMessage(opened.store, opened.account, 'INBOX', plainMail(), names)
  const known = new AccountKeywords()
  await known.load(opened.store, opened.account)
  return known
}

test('lines are what RFC 9051 §7.5.2 says, of each message of the set, however slowly they are taken', async () => {
  const known = await keywords()
  const snapshot = snapshotOf(2_500)
  const sets = [
    [[1, 4_294_967_295]],
    [[5, 5]],
    [
      [1, 1],
      [3, 3],
      [600, 1_900],
      [2_400, 4_294_967_295],
    ],
    [[4_999_999, 5_000_000]],
  ] as const
  for (const set of sets)
    for (let bits = 0; bits < 16; bits += 1) {
      const [uid, flags, modseq, uidOnly] = [1, 2, 4, 8].map((bit) => (bits & bit) !== 0) as [
        boolean,
        boolean,
        boolean,
        boolean,
      ]
      const uids = normaliseUidSet(set)
      let expected = ''
      for (const walk = new SnapshotWalk(snapshot, uids); walk.next(); ) {
        const items = [
          ...(uid ? [`UID ${walk.uid}`] : []),
          ...(flags ? [`FLAGS (${known.text(walk.flags)})`] : []),
          ...(modseq ? [`MODSEQ (${walk.modseq})`] : []),
        ]
        expected += `* ${uidOnly ? `${walk.uid} UIDFETCH` : `${walk.number} FETCH`} (${items.join(' ')})\r\n`
      }
      for (const taken of [true, false]) {
        // What the system has not taken must stay as it is; what it has taken may be written over at once.
        const waiting: Uint8Array[] = []
        let text = ''
        const out = new Output(
          async (chunks) => {
            if (taken) for (const chunk of chunks) text += Buffer.from(chunk).toString('latin1')
            else waiting.push(...chunks)
          },
          () => (taken ? 0 : 1),
        )
        await writeViewLines(out, snapshot, uids, new ViewLines({ uid, flags, modseq }, known, uidOnly))
        await out.flush()
        for (const chunk of waiting) text += Buffer.from(chunk).toString('latin1')
        assert.ok(text === expected, `${bits} ${JSON.stringify(set)}`)
      }
    }
})
