import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestSmtpServer } from '#testing/smtp-server.ts'
import { TokenIssuer } from '#testing/token-issuer.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')

test('submission takes tokens of the issuer, long ones too, over TLS only', async () => {
  await using issuer = await TokenIssuer.start()
  const oauth = {
    issuer: issuer.url,
    audience: ['malle'],
    jwksUri: undefined,
    claim: 'email',
    scopes: { smtp: 'send' },
  }
  await using server = await TestSmtpServer.start({ role: 'submission', oauth })
  const exp = Math.floor(Date.now() / 1000) + 60
  const claims = { aud: 'malle', exp, email: 'ann@example.org', scope: 'send' }
  const bearer = (claim: object) => base64(`n,,\x01auth=Bearer ${issuer.token(claim)}\x01\x01`)
  const client = await server.connect()
  await client.reply()
  assert.doesNotMatch(await client.say('EHLO laptop'), /AUTH/)
  assert.match(await client.say(`AUTH OAUTHBEARER ${bearer(claims)}`), /^538 /)
  await client.say('STARTTLS')
  await client.startTls()
  assert.match(await client.say('EHLO laptop'), /^250-AUTH .*OAUTHBEARER XOAUTH2 PLAIN LOGIN$/m)
  const challenge = await client.say(`AUTH OAUTHBEARER ${bearer({ ...claims, scope: 'read' })}`)
  assert.equal(challenge, `334 ${base64('{"status":"insufficient_scope","scope":"send"}')}`)
  assert.match(await client.say('AQ=='), /^535 5\.7\.8 /)
  assert.match(await client.say(`AUTH OAUTHBEARER ${bearer({ ...claims, exp: exp - 600 })}`), /^334 /)
  assert.match(await client.say('*'), /^535 5\.7\.8 /)
  const long = { ...claims, groups: Array.from({ length: 300 }, (_, n) => `group-${n}`) }
  assert.match(await client.say('AUTH XOAUTH2'), /^334 *$/)
  const two = base64(`user=ann@example.org\x01auth=Bearer ${issuer.token(long)}\x01\x01`)
  assert.ok(two.length > 5_000)
  assert.match(await client.say(two), /^235 /)
  const other = await server.connect()
  await other.reply()
  await other.say('EHLO laptop')
  await other.say('STARTTLS')
  await other.startTls()
  await other.say('EHLO laptop')
  assert.match(await other.say(`AUTH OAUTHBEARER ${bearer(long)}`), /^235 /)
  client.close()
  other.close()
})
