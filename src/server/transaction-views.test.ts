import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineClient, type WholeServer, wholeServer } from '#testing/whole-server.ts'
import { VerbRefused } from './verbs.ts'

/** @returns the id that the reply names. */
async function submit(whole: WholeServer, recipients: readonly string[]): Promise<string> {
  const { password } = await whole.server.administration.ask('pass.issue', { address: 'bob@example.org' })
  using client = await LineClient.dial(whole.port('submission'))
  await client.line()
  await client.ask('EHLO laptop', /^250 /)
  const login = Buffer.from(`\0bob@example.org\0${password}`).toString('base64')
  assert.match((await client.say(`AUTH PLAIN ${login}`)) ?? '', /^235 /)
  await client.say('MAIL FROM:<bob@example.org>')
  for (const recipient of recipients) assert.match((await client.say(`RCPT TO:<${recipient}>`)) ?? '', /^250 /)
  await client.say('DATA')
  const reply = (await client.say('From: bob@example.org\r\n\r\ntext\r\n.')) ?? ''
  const id = /^250 2\.0\.0 Kept as (\S+)$/.exec(reply)?.[1]
  assert.ok(id, reply)
  return id
}

test('the id of the reply finds a message wherever it went: who has it here, and what became of it elsewhere', async () => {
  // nobody answers there
  await using whole = await wholeServer({ auth: { allow_plaintext: true }, dns: { servers: ['127.0.0.1:1'] } })
  const { administration } = whole.server
  await administration.ask('alias.set', { address: 'away@example.org', targets: ['z@elsewhere.invalid'], create: true })
  const id = await submit(whole, ['ann@example.org', 'x@elsewhere.invalid', 'away@example.org'])
  await submit(whole, ['ann@example.org'])
  const { kept, sent } = await administration.ask('history.transaction', { id })
  assert.deepEqual(
    kept.map(({ address, places, events }) => [address, places, events.map(({ kind, session }) => [kind, session])]),
    [['ann@example.org', [{ mailbox: 'INBOX', uid: 1 }], [['delivered', id]]]],
  )
  assert.deepEqual(
    sent.map((way) => [way.id, way.recipients.map(({ address }) => address)]),
    [
      [id, ['x@elsewhere.invalid']],
      [`${id}.f1`, ['z@elsewhere.invalid']],
    ],
  )
  const [own] = await administration.ask('history', { address: 'ann@example.org', message: id, mailbox: null })
  assert.equal(own?.events[0]?.session, id)
  for (const unknown of [id.slice(0, -1), 'tp8akp-1.1', 'nothing', 'zzzzzzzzzz-1.1'])
    await assert.rejects(administration.ask('history.transaction', { id: unknown }), VerbRefused)
  const refused = administration.ask('history', { address: 'bob@example.org', message: id, mailbox: null })
  await assert.rejects(refused, VerbRefused)
})
