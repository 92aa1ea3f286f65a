import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineClient, type WholeServer, wholeServer } from '#testing/whole-server.ts'

const THREE = ['a', 'b', 'c'].map((name) => `${name}@elsewhere.invalid`)

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
  return (await client.say('From: bob@example.org\r\n\r\nbuy\r\n.')) ?? ''
}

/** The only message of INBOX, its lines joined. */
async function inbox(whole: WholeServer, address: string): Promise<string> {
  const { password } = await whole.server.administration.ask('pass.issue', { address })
  using client = await LineClient.dial(whole.port('imap'))
  await client.line()
  assert.match((await client.say(`a LOGIN ${address} ${password}`)) ?? '', /^a OK/)
  await client.ask('b SELECT INBOX', /^b OK/)
  return await client.ask('c FETCH 1:* BODY[]', /^c /)
}

test('mail of an account that bursts out is held, people are told, and one verb lets it go on for good', async () => {
  await using whole = await wholeServer({
    workers: { count: 2 },
    auth: { allow_plaintext: true },
    submission: { outburst: 2 },
    // nobody answers there
    dns: { servers: ['127.0.0.1:1'] },
  })
  const { administration } = whole.server
  await administration.ask('account.set', { address: 'bob@example.org', language: 'fr' })
  const before = await submit(whole, THREE.slice(0, 1))
  assert.match(before, /^250 /)
  const id = /Kept as (\S+)$/.exec(await submit(whole, THREE))?.[1]
  assert.ok(id)
  const filter = { ids: null, account: 'bob@example.org', domain: null, held: null }
  const list = await administration.ask('queue.list', { ...filter, limit: 10 })
  assert.deepEqual(
    list.flatMap(({ recipients }) => recipients.map(({ state }) => state)),
    ['held', 'held', 'held', 'held'],
    'what waited from before is held, too',
  )
  // ann is the postmaster, as the oldest account of the domain
  const [owner, postmaster] = [await inbox(whole, 'bob@example.org'), await inbox(whole, 'ann@example.org')]
  assert.match(owner, /Le courrier de bob@example\.org est retenu/)
  assert.match(owner, /4 destinataires d.*autres serveurs/)
  assert.match(owner, /depuis l.*adresse 127\.0\.0\.1/)
  assert.doesNotMatch(owner, /malle queue/)
  assert.match(postmaster, /Mail of bob@example\.org is held/)
  assert.match(postmaster, /malle queue release --account bob@example\.org/)
  // one word is enough, however much follows
  assert.match(await submit(whole, THREE.slice(0, 1)), /^250 /)
  assert.doesNotMatch(await inbox(whole, 'ann@example.org'), /\* 2 FETCH/)

  const released = await administration.ask('queue.release', filter)
  assert.equal(released.recipients, 5)
  await submit(whole, THREE)
  const after = await administration.ask('queue.list', { ...filter, limit: 10 })
  assert.ok(after.every(({ recipients }) => recipients.every(({ state }) => state === 'waiting')))
})
