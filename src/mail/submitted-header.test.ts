import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SubmittedHeader } from './submitted-header.ts'

const MISSING = {
  address: 'ann@example.org',
  name: 'Ann Lee',
  messageId: '<made@mail.example.org>',
  at: Date.UTC(2026, 10, 29, 8, 0, 0),
  hostname: 'mail.example.org',
}
const WHOLE = 'From: ann@example.org\r\nDate: Sun, 29 Nov 2026 08:00:00 +0000\r\nMessage-ID: <a@b>\r\n'

function edited(message: string | Buffer, missing = MISSING): { text: string; header: SubmittedHeader } {
  const header = new SubmittedHeader(missing)
  const text = Buffer.concat([header.push(Buffer.from(message)), header.end()]).toString('utf8')
  return { text, header }
}

test('a message with all it needs goes through as it is, whatever its bytes', () => {
  const message = Buffer.concat([
    Buffer.from(`${WHOLE}Subject: é\r\nSubject:\r\n folded  \r\n\r\n`, 'latin1'),
    Buffer.from([0, 1, 255, 13, 10, 46, 13, 10]),
    Buffer.alloc(5_000, 'x'),
  ])
  const header = new SubmittedHeader(MISSING)
  assert.deepEqual(Buffer.concat([header.push(message), header.end()]), message)
  assert.deepEqual(header.from, ['ann@example.org'])
  assert.equal(header.messageId, '<a@b>')
  assert.equal(header.automatic, false)
})

test('Bcc goes, folded and repeated, and is kept for the sender; Return-Path goes', () => {
  const { text, header } = edited(
    `Bcc: one@example.net,\r\n\ttwo@example.net\r\n${WHOLE}BCC : three@example.net\r\nReturn-Path: <x@y>\r\nResent-Bcc: four@example.net\r\nTo: ben@example.net\r\n\r\nBcc: not a field\r\n`,
  )
  assert.equal(text, `${WHOLE}To: ben@example.net\r\n\r\nBcc: not a field\r\n`)
  assert.equal(
    Buffer.from(header.bcc).toString(),
    'Bcc: one@example.net,\r\n\ttwo@example.net\r\nBCC : three@example.net\r\n',
  )
})

test('From, Date and Message-ID are put in where they are missing or cannot be read (RFC 6409 §8)', () => {
  const added =
    'From: Ann Lee <ann@example.org>\r\nDate: Sun, 29 Nov 2026 08:00:00 +0000\r\nMessage-ID: <made@mail.example.org>\r\n'
  for (const [message, expected] of [
    ['Subject: x\r\n\r\ntext\r\n', `Subject: x\r\n${added}\r\ntext\r\n`],
    ['Date: soon\r\nFrom: \r\nMessage-ID: none\r\nSubject: x\r\n\r\n', `Subject: x\r\n${added}\r\n`],
    ['From: undisclosed:;\r\nDate:\r\nMessage-ID: <a b@c>\r\n\r\n', `${added}\r\n`],
    ['\r\ntext\r\n', `${added}\r\ntext\r\n`],
    ['Subject: no end', `Subject: no end\r\n${added}`],
    ['Subject: no body\r\n', `Subject: no body\r\n${added}`],
    ['text without a header\r\n', `${added}\r\ntext without a header\r\n`],
    ['', added],
  ] as const) {
    const { text, header } = edited(message)
    assert.equal(text, expected, JSON.stringify(message))
    assert.deepEqual(header.from, ['ann@example.org'])
    assert.equal(header.messageId, '<made@mail.example.org>')
  }
})

test('the name in a From of ours is written as it must be', () => {
  for (const [name, expected] of [
    ['', 'From: ann@example.org'],
    ['Lee, Ann "A"', 'From: "Lee, Ann \\"A\\"" <ann@example.org>'],
    ['Jörg', 'From: =?utf-8?B?SsO2cmc=?= <ann@example.org>'],
  ] as const)
    assert.equal(edited('Subject: x\r\n\r\n', { ...MISSING, name }).text.split('\r\n')[1], expected)
  const long = edited('Subject: x\r\n\r\n', { ...MISSING, name: 'ö'.repeat(60) }).text
  for (const line of long.split('\r\n')) assert.ok(line.length <= 78, line)
})

test('senders are read as they are written', () => {
  for (const [from, expected] of [
    ['Boss <boss@example.org>, "a b"@example.org', ['boss@example.org', '"a b"@example.org']],
    ['"ann@example.org" <eve@example.net>', ['eve@example.net']],
    ['ann@example.org (eve@example.net)', ['ann@example.org']],
    ['Team: boss@example.org, ann@example.org;', ['boss@example.org', 'ann@example.org']],
    ['用户@例子.example', ['用户@例子.example']],
    ['root', ['root@MISSING_DOMAIN']],
    ['<@route.example:boss@example.org>', ['boss@example.org']],
    ['Ann\r\n <ann@example.org>', ['ann@example.org']],
  ] as const)
    assert.deepEqual(edited(`From: ${from}\r\n\r\n`).header.from, expected, from)
})

test('who passes a message on is the last of those who did (RFC 5322 §3.6.6)', () => {
  const once = 'From: boss@else.example\r\nSender: his@else.example\r\n\r\n'
  assert.equal(edited(once).header.resentFrom, undefined)
  assert.deepEqual(edited(once).header.sender, ['his@else.example'])
  const { header } = edited(`Resent-From: Ann <ann@example.org>\r\nResent-From: eve@else.example\r\n${once}`)
  assert.deepEqual(header.resentFrom, ['ann@example.org'])
  assert.equal(edited(`Resent-From:\r\n${once}`).header.resentFrom, undefined)
})

test('results that claim to be ours go, those of others stay (RFC 8601 §5)', () => {
  const ours = 'Authentication-Results: (x) "Mail.Example.ORG." 1; dmarc=pass\r\n'
  const others = 'Authentication-Results: mail.else.example; dmarc=pass\r\n'
  assert.equal(edited(`${ours}${WHOLE}${others}${ours}\r\n`).text, `${WHOLE}${others}\r\n`)
})

test('where the header is to be kept, it is read all the same', () => {
  for (const message of ['Bcc: a@b\r\nFrom: Boss <boss@example.org>\r\n\r\ntext', 'text', '']) {
    const { text, header } = edited(message, { ...MISSING, keep: true } as typeof MISSING)
    assert.equal(text, message)
    assert.deepEqual(header.from, [message.startsWith('Bcc') ? 'boss@example.org' : 'ann@example.org'])
  }
})

test('several From fields, a folded name and an endless header are faults', () => {
  for (const field of ['From', 'Bcc \t'])
    assert.equal(edited(`${WHOLE}${field}\r\n : boss@example.org\r\n\r\n`).header.fault, 'folded-name')
  assert.equal(edited(`${WHOLE}Subject: well\r\n :-)\r\n\r\nBcc\r\n :`).header.fault, undefined)
  assert.equal(edited('From: ann@example.org\r\nfrom : boss@example.org\r\n\r\n').header.fault, 'several-from')
  const header = new SubmittedHeader(MISSING)
  for (let n = 0; n < 2_000; n += 1) assert.equal(header.push(Buffer.alloc(1_000, 'a: b\r\n')).length, 0)
  assert.equal(header.end().length, 0)
  assert.equal(header.fault, 'too-long')
})

test('answers of programs are told from messages of people', () => {
  for (const [field, expected] of [
    ['Content-Type: multipart/report; report-type=disposition-notification;\r\n boundary="x"', true],
    ['Content-Type: multipart/report; boundary=x; report-type="disposition-notification"', true],
    ['Auto-Submitted: auto-replied (vacation)', true],
    ['Auto-Submitted: no', false],
    ['Content-Type: multipart/report; report-type=delivery-status', false],
    ['Subject: disposition-notification', false],
  ] as const)
    assert.equal(edited(`${field}\r\n\r\n`).header.automatic, expected, field)
})

test('cut anywhere, the result is the same', () => {
  const message = `Bcc: x@example.net\r\nSubject: a\r\n\tb\r\nTo: ben@example.net\r\n\r\nbody\r\n\r\nmore\r\n`
  const whole = edited(message).text
  fc.assert(
    fc.property(fc.array(fc.nat(message.length), { maxLength: 6 }), (cuts) => {
      const header = new SubmittedHeader(MISSING)
      const pieces: Uint8Array[] = []
      let at = 0
      for (const cut of [...cuts.toSorted((a, b) => a - b), message.length]) {
        const chunk = Buffer.from(message.slice(at, cut))
        pieces.push(Buffer.from(header.push(chunk)))
        chunk.fill(0)
        at = cut
      }
      assert.equal(Buffer.concat([...pieces, header.end()]).toString(), whole)
    }),
  )
})
