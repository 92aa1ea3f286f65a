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

test('the whole message goes back byte for byte, as what it is', () => {
  for (const [whole, fields] of [
    ['Subject: a\r\n\r\nb\r\n', 'Content-Type: message/rfc822\r\n\r\n'],
    ['Subject: a\r\n\r\né\r\n', 'Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'],
    ['Subject: é\r\n\r\nb\r\n', 'Content-Type: message/global\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'],
  ] as const) {
    const text = report({ whole: Buffer.from(whole) })
    assert.ok(text.includes(`${fields}${whole}\r\n--`), text)
  }
})

test('a boundary is never in what goes back', () => {
  const plain = report({})
  const boundary = /boundary="([^"]+)"/.exec(plain)?.[1] ?? ''
  const text = report({ header: Buffer.from(`Subject: ${boundary}\r\n\r\n`) })
  assert.ok(text.includes(`boundary="${boundary}_"`))
})

test('addresses that are not ASCII make the global parts (RFC 6533 §4)', () => {
  const recipients = [{ address: 'rené@example.net', original: undefined, action: 'failed' as const, status: '5.1.1' }]
  const text = report({ recipients, header: Buffer.from('Subject: é\r\n\r\n') })
  assert.ok(text.includes('Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n'))
  assert.ok(text.includes('Final-Recipient: utf-8; rené@example.net\r\n'))
  assert.ok(text.includes('Content-Type: message/global-headers\r\nContent-Transfer-Encoding: 8bit\r\n'))
})
