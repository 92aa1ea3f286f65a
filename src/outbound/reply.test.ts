import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outcomeOf, parseReply, ReplyFault, ReplyReader } from './reply.ts'

test('replies are cut out of what comes, however it comes', () => {
  const text = '250-mail.example.net\r\n250-SIZE 1000\r\n250 DSN\r\n550-5.1.1 No such\r\n550 5.1.1 user\r\n354\r\n'
  for (const step of [1, 2, 7, 1_000]) {
    const reader = new ReplyReader()
    const replies = []
    for (let at = 0; at < text.length; at += step) replies.push(...reader.push(Buffer.from(text.slice(at, at + step))))
    assert.deepEqual(replies, [
      { code: 250, status: undefined, text: '250 mail.example.net SIZE 1000 DSN' },
      { code: 550, status: '5.1.1', text: '550 5.1.1 No such user' },
      { code: 354, status: undefined, text: '354' },
    ])
  }
})

test('a reply shows what was said and commands no terminal', () => {
  assert.equal(parseReply('550 5.7.1 \u001b[2JRefus\u00e9\u202e')?.text, '550 5.7.1 [2JRefus\u00e9')
  const [reply] = new ReplyReader().push(Buffer.from('550 Refus\u00e9\r\n', 'latin1'))
  assert.equal(reply?.text, '550 Refus\u00e9')
})

for (const text of ['hello\r\n', '25\r\n', '250_x\r\n', 'x'.repeat(70_000), '250-x\r\n'.repeat(10_000)])
  test(`no reply: ${JSON.stringify(text.slice(0, 20))}`, () =>
    assert.throws(() => new ReplyReader().push(Buffer.from(text)), ReplyFault))

for (const [text, outcome] of [
  ['250 2.0.0 Kept', 'delivered'],
  ['251 forwarded', 'delivered'],
  ['451 4.3.0 later', 'deferred'],
  ['550 no', 'failed'],
  ['354 odd', 'deferred'],
  ['999 odd', 'deferred'],
] as const)
  test(`"${text}" is ${outcome}`, () => {
    const reply = parseReply(text)
    assert.ok(reply !== undefined)
    assert.equal(outcomeOf(reply), outcome)
  })
