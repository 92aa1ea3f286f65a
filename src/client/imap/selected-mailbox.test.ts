import assert from 'node:assert/strict'
import { test } from 'node:test'
import { uidSetOf } from '#mail/uid-set.ts'
import { textFrame } from '#wire/imap/frame.ts'
import { parseResponse } from '#wire/imap/response-reader.ts'
import type { ConditionResponse } from '#wire/imap/responses.ts'
import { SelectedMailbox, type Tracking } from './selected-mailbox.ts'

function condition(line: string): ConditionResponse {
  const response = parseResponse(textFrame(line))
  assert.ok(response.kind === 'CONDITION')
  return response
}

function opened(tracking: Tracking, lines: readonly string[], end = 'a OK [READ-WRITE] open'): SelectedMailbox {
  const mailbox = new SelectedMailbox('INBOX', tracking)
  for (const line of lines) assert.ok(mailbox.opening(parseResponse(textFrame(line))), line)
  mailbox.opened(condition(end), false)
  return mailbox
}

const LINES = [
  '* FLAGS (\\Seen Key)',
  '* 3 EXISTS',
  '* OK [PERMANENTFLAGS (\\Seen \\*)] p',
  '* OK [UIDVALIDITY 7] v',
  '* OK [UIDNEXT 12] n',
  '* OK [HIGHESTMODSEQ 40] m',
  '* OK [MAILBOXID (F1)] i',
]

test('what SELECT says is kept', () => {
  const mailbox = opened('none', LINES)
  const { exists, uidValidity, uidNext, highestModseq, flags, permanentFlags, mailboxId, readOnly } = mailbox
  assert.deepEqual([exists, uidValidity, uidNext, highestModseq, mailboxId, readOnly], [3, 7, 12, 40, 'F1', false])
  assert.deepEqual(
    [flags, permanentFlags],
    [
      ['\\Seen', 'Key'],
      ['\\Seen', '\\*'],
    ],
  )
  assert.equal(opened('none', LINES, 'a OK [READ-ONLY] open').readOnly, true)
})

test('what comes later is told and kept', () => {
  const mailbox = opened('flags', LINES)
  mailbox.learnUids(uidSetOf([3, 5, 11]))
  const hear = (line: string, answered = false): unknown => mailbox.hear(parseResponse(textFrame(line)), answered)
  assert.deepEqual(hear('* 4 EXISTS'), { kind: 'exists', exists: 4, added: 1 })
  assert.equal(hear('* 4 EXISTS'), undefined)
  assert.equal(mailbox.firstUnknown, 4)
  assert.equal(hear('* 4 FETCH (UID 12 FLAGS (Key))', true), undefined)
  assert.deepEqual([mailbox.uidOf(4), mailbox.flagsOf(12), mailbox.uidNext], [12, ['Key'], 13])
  assert.deepEqual(hear('* 2 EXPUNGE'), { kind: 'expunged', number: 2, uid: 5 })
  assert.deepEqual(hear('* 2 FETCH (FLAGS (\\Seen) MODSEQ (50))'), {
    kind: 'flags',
    number: 2,
    uid: 11,
    flags: ['\\Seen'],
    modseq: 50,
  })
  assert.deepEqual(hear('* VANISHED 3,11'), {
    kind: 'vanished',
    uids: [
      [3, 3],
      [11, 11],
    ],
    earlier: false,
  })
  assert.deepEqual([mailbox.exists, [...mailbox.uids()], mailbox.flagsOf(11)], [1, [12], undefined])
})

test('HIGHESTMODSEQ goes by what was told unasked, and by what the server says last (RFC 7162 §6)', () => {
  const mailbox = opened('none', LINES)
  const hear = (line: string, answered: boolean): unknown => mailbox.hear(parseResponse(textFrame(line)), answered)
  hear('* 1 FETCH (UID 3 FLAGS () MODSEQ (90))', true)
  mailbox.settled(condition('a OK done'))
  assert.equal(mailbox.highestModseq, 40)
  hear('* 1 FETCH (UID 3 FLAGS () MODSEQ (50))', false)
  assert.equal(mailbox.highestModseq, 40, 'not before the end of the command')
  mailbox.settled(condition('a OK done'))
  assert.equal(mailbox.highestModseq, 50)
  hear('* 1 FETCH (UID 3 FLAGS () MODSEQ (60))', false)
  mailbox.settled(condition('a OK [HIGHESTMODSEQ 55] done'))
  assert.equal(mailbox.highestModseq, 55)
})
