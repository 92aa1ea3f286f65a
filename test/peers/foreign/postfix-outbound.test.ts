/** Mail from Malle to Debian's Postfix: over TLS, deferred, refused, and what is returned for it. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { systemClock } from '#lib/clock.ts'
import { TestOutbound } from '#testing/outbound.ts'
import { Postfix, postfixLacking } from './postfix.ts'

const RULES = `/^later@/ DEFER greylisted for a while
/^never@/ REJECT by our rules
`
const MAIN = `smtpd_recipient_restrictions = check_recipient_access regexp:$config_directory/rules, permit_mynetworks, reject
smtpd_discard_ehlo_keywords =
message_size_limit = 200000
`

function connects(log: string): number {
  return log.match(/ connect from /g)?.length ?? 0
}

async function received(postfix: Postfix, address: string, messages = 1): Promise<readonly Buffer[]> {
  const end = systemClock.now() + 20_000
  for (;;) {
    const found = await postfix.messages(address)
    if (found.length >= messages) return found
    if (systemClock.now() > end) throw new Error(`Postfix has nothing for ${address}: ${await postfix.log()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

suite('Malle sends to Postfix', { skip: postfixLacking() }, () => {
  let postfix: Postfix
  before(async () => {
    postfix = await Postfix.start({ main: MAIN, files: { rules: RULES } })
  })
  after(() => postfix[Symbol.asyncDispose]())

  test('over STARTTLS with PIPELINING and CHUNKING, byte for byte, and each recipient has Postfix’s own words', async () => {
    await using out = await TestOutbound.start({ domains: { 'example.net': ['127.0.0.1'] }, port: postfix.port })
    await out.store.setStandingHold({ kind: 'domain', name: 'example.org', since: 0, reason: 'administrator' }, true)
    const text = `Subject: dots\r\n\r\n.\r\n..\r\n${'a line of text\r\n'.repeat(5_000)}`
    await out.send('a', ['bob@example.net', 'later@example.net', 'never@example.net', 'cid@example.net'], { text })
    await out.quiet()
    for (const address of ['bob@example.net', 'cid@example.net']) {
      const [message] = await received(postfix, address)
      const body = String(message)
      assert.equal(
        body.slice(body.indexOf('\n\n') + 2),
        text.slice(text.indexOf('\r\n\r\n') + 4).replaceAll('\r\n', '\n'),
      )
      assert.match(body, /with ESMTPS id/)
    }
    const attempts = await out.attempts('a')
    assert.equal(attempts.filter((one) => /^delivered 250 2\.0\.0 Ok: .*queued as /.test(one)).length, 2)
    assert.ok(
      attempts.some((one) => /^deferred 450 4\.7\.1 .*greylisted for a while$/.test(one)),
      attempts.join('\n'),
    )
    assert.ok(
      attempts.some((one) => /^failed 554 5\.7\.1 .*by our rules$/.test(one)),
      attempts.join('\n'),
    )
    const history = await out.store.history('a')
    assert.ok(history?.attempts.every(({ tls }) => tls === 'TLSv1.3'))
    const report = (await out.waiting()).find(({ id }) => id !== 'a')
    assert.ok(report)
    const returned = await out.text(report)
    assert.match(returned, /^Final-Recipient: rfc822; never@example\.net\r\nAction: failed\r\nStatus: 5\.7\.1\r$/m)
  })

  test('many messages over few connections; what is too large is known before it is sent', async () => {
    await using out = await TestOutbound.start({ domains: { 'example.net': ['127.0.0.1'] }, port: postfix.port })
    await out.store.setStandingHold({ kind: 'domain', name: 'example.org', since: 0, reason: 'administrator' }, true)
    await out.sendMany(Array.from({ length: 50 }, (_, n) => ({ id: `m${n}`, to: ['many@example.net'] })))
    await out.send('large', ['bob@example.net'], { text: `Subject: large\r\n\r\n${'x'.repeat(70)}\r\n`.repeat(5_000) })
    const before = connects(await postfix.log())
    await out.quiet()
    assert.equal((await received(postfix, 'many@example.net', 50)).length, 50)
    assert.match(
      (await out.attempts('large')).join(),
      /^failed 5\.3\.4 The message has \d+ octets, .* takes 200000 at most$/,
    )
    const connections = connects(await postfix.log()) - before
    assert.ok(connections <= 7, `${connections} connections`)
  })

  test('a certificate that is not trusted takes nothing, and with its authority it is', async () => {
    for (const [ca, expected] of [
      [undefined, /^deferred 4\.7\.5 the route for \*: the certificate of localhost /],
      [postfix.ca, /^delivered 250 /],
    ] as const) {
      const route = { domain: '*', host: 'localhost', port: postfix.port, security: 'starttls' as const, ca }
      await using out = await TestOutbound.start({ domains: {}, port: 1, routes: [route] })
      await out.send('a', ['bob@example.net'])
      await out.quiet()
      assert.match((await out.attempts('a')).join(), expected)
    }
  })
})
