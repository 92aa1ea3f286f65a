import assert from 'node:assert/strict'
import { test } from 'node:test'
import PostalMime from 'postal-mime'
import { composeDeliveryReport, type DeliveryReport } from './delivery-report.ts'

const AT = Date.UTC(2026, 10, 29, 9)

function report(more: Partial<DeliveryReport>): string {
  return composeDeliveryReport({
    hostname: 'mail.example.org',
    from: 'postmaster@example.org',
    to: 'ann@example.org',
    id: 'q1.2',
    envelopeId: undefined,
    at: AT,
    arrival: AT - 3_600_000,
    header: Buffer.from('Subject: lunch\r\nFrom: ann@example.org\r\n\r\n'),
    recipients: [
      {
        address: 'bob@example.net',
        original: undefined,
        action: 'failed',
        status: '5.1.1',
        remote: 'mx.example.net [192.0.2.1]:25',
        words: '550 5.1.1 No such user',
        lastAttempt: AT,
      },
    ],
    ...more,
  }).toString()
}

test('a report of failure names the server and its words, for machines and in the language of the sender', async () => {
  for (const [language, subject, sentence, meaning] of [
    ['en', 'Message not delivered', 'could not be delivered to:', 'There is no such address there.'],
    ['fr', 'Message non remis', 'n’a pas pu être remis à :', 'Cette adresse n’y existe pas.'],
  ] as const) {
    const text = report({ language })
    const parsed = await PostalMime.parse(text)
    assert.equal(parsed.subject, subject)
    for (const part of [
      sentence,
      meaning,
      'bob@example.net',
      'mx.example.net [192.0.2.1]:25',
      '550 5.1.1 No such user',
    ]) {
      assert.ok(parsed.text?.includes(part), `${part} in ${parsed.text}`)
    }
    assert.ok(
      text.includes(
        'Reporting-MTA: dns; mail.example.org\r\nArrival-Date: Sun, 29 Nov 2026 08:00:00 +0000\r\n\r\n' +
          'Final-Recipient: rfc822; bob@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n' +
          'Remote-MTA: dns; mx.example.net\r\nDiagnostic-Code: smtp; 550 5.1.1 No such user\r\n' +
          'Last-Attempt-Date: Sun, 29 Nov 2026 09:00:00 +0000\r\n\r\n',
      ),
      text,
    )
    assert.ok(text.includes('\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: lunch\r\n'))
    assert.match(text, /^[\0-\x7f]*$/)
    assert.ok(text.split('\r\n').every((line) => line.length <= 998))
  }
})

test('a report of delay says until when it is tried', async () => {
  const [failed] = [
    { address: 'b@x.net', original: undefined, action: 'delayed' as const, status: '4.4.1', words: '4.4.1 No answer' },
  ]
  const text = report({ language: 'fr', until: AT + 86_400_000, recipients: [failed] })
  const parsed = await PostalMime.parse(text)
  assert.equal(parsed.subject, 'Message en attente')
  assert.ok(parsed.text?.includes('Derniers essais : Mon, 30 Nov 2026 09:00:00 +0000'))
  assert.ok(
    text.includes('Diagnostic-Code: x-malle; 4.4.1 No answer\r\nWill-Retry-Until: Mon, 30 Nov 2026 09:00:00 +0000\r\n'),
  )
})

const UNICODE_SENDER = { to: 'zoé@example.org' }
/** Fields of what is returned, and it. */
function returnedOf(text: string): string {
  const boundary = /boundary="([^"]+)"/.exec(text)?.[1] ?? ''
  return text.split(`\r\n--${boundary}`)[3] ?? ''
}

test('a whole message that is 7-bit goes back byte for byte', () => {
  const whole = 'Subject: a\r\n\r\nb\r\n'
  assert.equal(returnedOf(report({ whole: Buffer.from(whole) })), `\r\nContent-Type: message/rfc822\r\n\r\n${whole}`)
})

test('a whole message with 8-bit text goes back as a 7-bit one (RFC 6522 §3), and can be read', async () => {
  const whole = Buffer.from('Subject: été\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nà demain\r\n')
  const text = report({ whole, header: whole.subarray(0, whole.indexOf('\r\n\r\n') + 4) })
  assert.match(text, /^[\0-\x7f]*$/)
  const [, inner = ''] = returnedOf(text).split('Content-Type: message/rfc822\r\n\r\n')
  const parsed = await PostalMime.parse(inner)
  assert.equal(parsed.subject, 'été')
  assert.equal(parsed.text?.trim(), 'à demain')
})

test('what cannot be made 7-bit is left out, and its header returned in quoted-printable', () => {
  const header = 'Content-Type: multipart/mixed; boundary="é"\r\n\r\n'
  const text = report({ header: Buffer.from(header), whole: Buffer.from(`${header}--é\r\n\r\nà\r\n--é--\r\n`) })
  assert.equal(
    returnedOf(text),
    '\r\nContent-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n' +
      'Content-Type: multipart/mixed; boundary=3D"=C3=A9"\r\n',
  )
})

test('the octets of a header that is not ASCII are kept, whatever charset they are in', () => {
  const text = report({ header: Buffer.from('Subject: \xe9t\xe9\r\n\r\n', 'latin1') })
  assert.match(text, /^[\0-\x7f]*$/)
  const fields = '\r\nContent-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
  assert.equal(returnedOf(text), `${fields}Subject: =E9t=E9\r\n`)
})

test('of mail with SMTPUTF8 the global parts go back, encoded (RFC 6533 §4.5)', () => {
  const whole = 'Subject: é\r\n\r\nb\r\n'
  const header = Buffer.from('Subject: é\r\n\r\n')
  const encoding = 'Content-Transfer-Encoding: quoted-printable'
  assert.equal(
    returnedOf(report({ smtpUtf8: true, header, whole: Buffer.from(whole) })),
    `\r\nContent-Type: message/global\r\n${encoding}\r\n\r\nSubject: =C3=A9\r\n\r\nb\r\n`,
  )
  assert.equal(
    returnedOf(report({ smtpUtf8: true, header })),
    `\r\nContent-Type: message/global-headers\r\n${encoding}\r\n\r\nSubject: =C3=A9\r\n`,
  )
})

test('a sender whose address is not ASCII, and who has SMTPUTF8 so, gets everything as it is', () => {
  for (const [whole, fields] of [
    ['Subject: a\r\n\r\né\r\n', 'Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'],
    ['Subject: é\r\n\r\nb\r\n', 'Content-Type: message/global\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'],
  ] as const) {
    const header = Buffer.from(whole.slice(0, whole.indexOf('\r\n\r\n') + 4))
    const text = report({ ...UNICODE_SENDER, header, whole: Buffer.from(whole) })
    assert.equal(returnedOf(text), `\r\n${fields}${whole}`)
  }
})

test('a boundary is never in what goes back', () => {
  const plain = report({})
  const boundary = /boundary="([^"]+)"/.exec(plain)?.[1] ?? ''
  const text = report({ header: Buffer.from(`Subject: ${boundary}\r\n\r\n`) })
  assert.ok(text.includes(`boundary="${boundary}_"`))
})

const RENE = [
  {
    address: 'rené+a@example.net',
    original: { type: 'utf-8', address: 'rené@old.example' },
    action: 'failed' as const,
    status: '5.1.1',
    words: '550 5.1.1 inconnu à cette adresse',
  },
]

test('addresses that are not ASCII are said in ASCII (RFC 6533 §3), and so are words', () => {
  const text = report({ recipients: RENE })
  assert.ok(text.includes('\r\nContent-Type: message/delivery-status\r\n\r\n'), text)
  assert.ok(
    text.includes(
      'Original-Recipient: utf-8; ren\\x{E9}@old.example\r\nFinal-Recipient: utf-8; ren\\x{E9}\\x{2B}a@example.net\r\n',
    ),
  )
  assert.ok(text.includes('Diagnostic-Code: smtp; 550 5.1.1 inconnu \\x{E0} cette adresse\r\n'))
  assert.match(text, /^[\0-\x7f]*$/)
})

test('addresses that are not ASCII make the global parts for a sender with such an address (RFC 6533 §4)', () => {
  const text = report({ ...UNICODE_SENDER, recipients: RENE, header: Buffer.from('Subject: é\r\n\r\n') })
  assert.ok(text.includes('Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n'))
  assert.ok(text.includes('Final-Recipient: utf-8; rené+a@example.net\r\n'))
  assert.ok(text.includes('Content-Type: message/global-headers\r\nContent-Transfer-Encoding: 8bit\r\n'))
})
