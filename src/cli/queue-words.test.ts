import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { QueueHistoryView } from '#server/queue-views.ts'
import { formatTime } from './language.ts'
import { formatQueued, formatQueueHistory, formatStandingHold } from './queue-words.ts'

const RECEIVED = '2026-11-29T08:12:31.000Z'
const NEXT = '2026-11-29T09:20:00.000Z'

const attempt = {
  at: RECEIVED,
  recipient: 'ada@example.net',
  host: 'mx.example.net [192.0.2.7]:25',
  tls: 'TLSv1.3',
  outcome: 'deferred',
  reply: '451 4.3.0 Later\u001b]0;owned\u0007\r\n451 please',
} as const

const message: QueueHistoryView = {
  id: 'tp8akp-1.2',
  sender: 'claire@example.org',
  account: 'claire@example.org',
  receivedFrom: 'laptop.example [198.51.100.3], ESMTPSA',
  received: RECEIVED,
  size: 4_300,
  priority: 0,
  notBefore: null,
  recipients: [
    { address: 'ada@example.net', state: 'waiting', heldBecause: null, nextTry: NEXT, attempts: 3, last: attempt },
    { address: 'hugo@example.com', state: 'held', heldBecause: 'outburst', nextTry: NEXT, attempts: 0, last: null },
  ],
  tries: [attempt, { ...attempt, host: null, tls: null, outcome: 'failed', reply: 'No such domain' }],
}

test('a queued message has a line for each recipient, and nothing another server said can command the terminal', () => {
  assert.deepEqual(formatQueued(message).split('\n'), [
    `tp8akp-1.2  ${formatTime(RECEIVED)}  4.2 KB  claire@example.org`,
    `    ada@example.net  waiting, next try ${formatTime(NEXT)}, 3 tries: mx.example.net [192.0.2.7]:25 (TLSv1.3): 451 4.3.0 Later ]0;owned 451 please`,
    '    hugo@example.com  held (much more mail than usual)',
  ])
})

test('a message without a sender, and one that another account sent, say so', () => {
  const [first] = formatQueued({ ...message, sender: '', account: null }).split('\n')
  assert.match(first ?? '', /4\.2 KB {2}no sender$/)
  const [other] = formatQueued({ ...message, sender: 'info@example.org' }).split('\n')
  assert.match(other ?? '', /info@example\.org \(claire@example\.org\)$/)
})

test('the history of a message has where it came from and each try', () => {
  const lines = formatQueueHistory(message).split('\n')
  assert.equal(lines[3], 'Received from laptop.example [198.51.100.3], ESMTPSA.')
  assert.match(lines[6] ?? '', /^\S+ \S+:31 {2}ada@example\.net {2}deferred {2}mx\.example\.net .*451 please$/)
  assert.match(lines[7] ?? '', /failed {4}No such domain$/)
  assert.match(formatQueueHistory({ ...message, tries: [] }), /It has not been tried yet\.$/)
})

test('a standing hold says over what, since when and why', () => {
  const hold = { kind: 'domain', name: 'example.net', since: RECEIVED, reason: 'administrator' } as const
  assert.equal(
    formatStandingHold(hold),
    `All mail to example.net is held since ${formatTime(RECEIVED)} (by an administrator).`,
  )
})
