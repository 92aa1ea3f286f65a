/**
 * A long EXPUNGE is committed in slices (of 2,000 messages; of 16 here), so a crash may leave half of it done. That half
 * must be a state that clients understand: what is gone is told as VANISHED, the rest is as it was. @module
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { type Completion, expandSet, fetched, RawImap } from '../crash/connection.ts'
import { Installation, type Login, type ServerProcess, type Tuning } from '../crash/server-process.ts'

const SLICE = 16
const MESSAGES = 1_024
const TUNING: Tuning = { sliceMessages: SLICE }
/** Slices that are committed; then the store waits for the kill. */
const SLICES = 3
const CUT: Tuning = { ...TUNING, probe: { hold: { at: 'answered', kind: 'expunge', nth: SLICES } } }
const BODY = Buffer.from('Subject: one of many\r\n\r\nhello\r\n')

async function login(server: ServerProcess, { address, password }: Login): Promise<RawImap> {
  const imap = await RawImap.login(server.endpoint('imap'), address, password)
  await imap.ok('ENABLE QRESYNC')
  return imap
}

function numberIn({ lines }: Completion, pattern: RegExp): number {
  const found = pattern.exec(lines.join('\n'))?.[1]
  assert.ok(found, `${pattern} in ${lines.join('\n').slice(0, 500)}`)
  return Number(found)
}

function vanishedIn({ lines }: Completion): number[] {
  return lines.flatMap((line) => {
    const set = /^\* VANISHED (?:\(EARLIER\) )?(\S+)$/.exec(line)?.[1]
    return set === undefined ? [] : [...expandSet(set)]
  })
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1)

test('an EXPUNGE that a crash cuts in two leaves a mailbox that clients understand, and can be finished', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-kill-expunge-'))
  try {
    const installation = await Installation.make(folder)
    const [ann] = await installation.addAccounts(['ann'])
    assert.ok(ann)
    let server = await installation.serve({ tuning: CUT })
    const first = await login(server, ann)
    const validity = numberIn(await first.ok('SELECT INBOX'), /UIDVALIDITY (\d+)/)
    await first.ok(`APPEND INBOX {${BODY.length}+}`, BODY)
    for (let count = 1; count < MESSAGES; count *= 2) await first.ok(`UID COPY 1:* INBOX`)
    await first.ok('UID STORE 1:* +FLAGS.SILENT (\\Deleted)')
    const status = 'STATUS INBOX (MESSAGES DELETED UNSEEN SIZE UIDNEXT HIGHESTMODSEQ)'
    const modseq = numberIn(await first.ok(status), /HIGHESTMODSEQ (\d+)/)

    // Killed when another client was told of slices, and before all of them are done.
    const other = await login(server, ann)
    await other.ok('SELECT INBOX')
    let over = false
    const cut = first
      .command('EXPUNGE')
      .catch(() => undefined)
      .finally(() => (over = true))
    const told: number[] = []
    while (told.length < SLICES * SLICE && !over) told.push(...vanishedIn(await other.ok('NOOP')))
    await server.kill()
    assert.equal(await cut, undefined, 'the EXPUNGE was over before the kill')

    server = await installation.serve({ tuning: TUNING })
    assert.deepEqual(await installation.check(), [])
    const again = await login(server, ann)
    const selected = await again.ok(`SELECT INBOX (QRESYNC (${validity} ${modseq}))`)
    const left = fetched((await again.ok('UID FETCH 1:* (UID FLAGS MODSEQ)')).untagged)
    const gone = vanishedIn(selected)
    // Whole slices, from the first on; who was told was told the truth.
    assert.equal(gone.length, SLICES * SLICE)
    assert.deepEqual([...gone, ...left.map(({ uid }) => uid)], upTo(MESSAGES))
    assert.deepEqual(told, upTo(told.length))
    assert.ok(told.length <= gone.length)
    // The rest is as it was: still \Deleted, no change of its own.
    assert.ok(left.every((one) => one.flags === '\\Deleted' && (one.modseq ?? Infinity) <= modseq))
    assert.deepEqual(fetched(selected.untagged), [])
    const highest = numberIn(selected, /HIGHESTMODSEQ (\d+)/)
    // Each slice has a MODSEQ of its own, so who was told of some slices is told of the others.
    assert.equal(highest - modseq, gone.length / SLICE)
    const since = await again.ok(`UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE ${modseq + 1} VANISHED)`)
    assert.deepEqual(vanishedIn(since), gone.slice(SLICE))
    const counted = await again.ok(status)
    assert.equal(
      counted.lines[0],
      `* STATUS INBOX (MESSAGES ${left.length} DELETED ${left.length} UNSEEN ${left.length} SIZE ${left.length * BODY.length} UIDNEXT ${MESSAGES + 1} HIGHESTMODSEQ ${highest})`,
    )

    const rest = await again.ok('EXPUNGE')
    assert.deepEqual(
      vanishedIn(rest),
      left.map(({ uid }) => uid),
    )
    const third = await login(server, ann)
    const empty = await third.ok(`SELECT INBOX (QRESYNC (${validity} ${modseq}))`)
    assert.deepEqual(vanishedIn(empty), upTo(MESSAGES))
    assert.equal(numberIn(empty, /^\* (\d+) EXISTS$/m), 0)
    assert.equal(numberIn(empty, /UIDNEXT (\d+)/), MESSAGES + 1)
    for (const imap of [again, third]) imap.close()
    await server.stop()
    assert.deepEqual(await installation.check(), [])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
