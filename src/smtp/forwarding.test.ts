import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Verdict } from '#services/inbound-checks.ts'
import { SenderRewriting } from '#services/srs.ts'
import { MemoryOutbox } from '#testing/memory-outbox.ts'
import { type SmtpClient, type SmtpServerOptions, TestSmtpServer } from '#testing/smtp-server.ts'

const HEADER = 'From: eve@else.example\r\n'

type Work = (client: SmtpClient, outbox: MemoryOutbox, server: TestSmtpServer) => Promise<void>

async function talking(options: SmtpServerOptions, work: Work): Promise<void> {
  const outbox = new MemoryOutbox()
  await using server = await TestSmtpServer.start({ outbox, ...options })
  await server.accounts.setAlias('away@example.org', ['Ann.Lee@home.example'])
  await server.accounts.setAlias('list@example.org', ['bob@example.org', 'ben@home.example', 'away@example.org'])
  const client = await server.connect()
  try {
    await client.reply()
    await client.say(options.role === 'lmtp' ? 'LHLO mx.else.example' : 'EHLO mx.else.example')
    await work(client, outbox, server)
    assert.equal(outbox.open, 0, 'a stage was left open')
  } finally {
    client.close()
  }
}

async function send(client: SmtpClient, text: string, from: string, ...recipients: readonly string[]): Promise<string> {
  assert.match(await client.say(`MAIL FROM:${from}`), /^250 /)
  for (const recipient of recipients) assert.match(await client.say(`RCPT TO:${recipient}`), /^250 /, recipient)
  await client.say('DATA')
  client.send(`${text}\r\n.\r\n`)
  return client.reply()
}

/** Ways in which servers have been made open relays; `%`, `!` and quotes name people here. */
const ELSEWHERE = [
  '<ben@else.example>',
  '<@example.org:ben@else.example>',
  '<ben%else.example@example.org>',
  '<else.example!ben@example.org>',
  '<"ben@else.example"@example.org>',
  '<ben@[127.0.0.1]>',
  '<ben@[IPv6:::1]>',
  '<ben@example.org.else.example>',
  '<ben@sub.example.org>',
  '<ben@EXAMPLE.ORG.>',
  '<away@else.example>',
  '<postmaster@else.example>',
  '<ben@localhost>',
  '<"ben@else.example">',
  '<ben@else.example@example.org>',
  '<ben>',
]

/** With 421, or in silence, for those who go on asking without a login. */
const REFUSED = /^5\d\d |^421 |^<closed>$/

for (const role of ['mx', 'lmtp', 'submission'] as const)
  test(`nobody relays over ${role} without a login`, () =>
    talking({ role, allowPlaintext: true }, async (client, outbox) => {
      for (const from of ['<eve@else.example>', '<ann@example.org>', '<postmaster@example.org>', '<>']) {
        const mail = await client.say(`MAIL FROM:${from}`)
        if (role === 'submission') assert.match(mail, REFUSED)
        for (const recipient of ELSEWHERE)
          assert.match(await client.say(`RCPT TO:${recipient}`), REFUSED, `${from} ${recipient}`)
        assert.match(await client.say('DATA'), REFUSED)
        await client.say('RSET')
      }
      assert.deepEqual(outbox.messages, [])
    }))

/** Not what is other each time. */
function isSaid([key]: readonly [string, unknown]): boolean {
  return key !== 'at' && key !== 'body'
}

test('an alias forwards from port 25, with a sender that is ours and the alias in Delivered-To', () =>
  talking(
    { role: 'mx', forwardedSender: (sender, alias) => `srs=${sender.replace('@', '=')}@${alias.split('@')[1]}` },
    async (client, outbox, server) => {
      const reply = await send(
        client,
        `${HEADER}Bcc: kept@else.example\r\n\r\ntext`,
        '<eve@else.example>',
        '<Away+x@example.org>',
        '<list@example.org>',
        '<ann@example.org>',
      )
      const id = /^250 2\.0\.0 Kept as (\S+)$/.exec(reply)?.[1]
      assert.deepEqual(
        outbox.messages.map((message) => Object.fromEntries(Object.entries(message).filter(isSaid))),
        [
          {
            id,
            sender: 'srs=eve=else.example@example.org',
            receivedFrom: 'mx.else.example [127.0.0.1], ESMTP',
            smtpUtf8: false,
            eightBit: false,
            priority: 0,
            language: 'en',
            recipients: [{ address: 'Ann.Lee@home.example', alias: 'Away+x@example.org' }],
          },
          {
            id: `${id}.f1`,
            sender: 'srs=eve=else.example@example.org',
            receivedFrom: 'mx.else.example [127.0.0.1], ESMTP',
            smtpUtf8: false,
            eightBit: false,
            priority: 0,
            language: 'en',
            recipients: [{ address: 'ben@home.example', alias: 'list@example.org' }],
          },
        ],
      )
      const [away, list] = [outbox.textFor('Ann.Lee@home.example'), outbox.textFor('ben@home.example')]
      assert.match(away, /^Delivered-To: away@example\.org\r\nReceived: from mx\.else\.example /)
      assert.match(away, /\r\n\tfor <Away\+x@example\.org>; /)
      assert.match(list, /^Delivered-To: list@example\.org\r\nReceived: /)
      // nobody is told of the other alias, and nothing of others' mail is changed
      assert.doesNotMatch(list, /away@/)
      assert.ok(list.endsWith(`${HEADER}Bcc: kept@else.example\r\n\r\ntext\r\n`))
      assert.deepEqual([await server.messages(server.ann), await server.messages(server.bob)], [1, 1])
    },
  ))

test('the null sender stays, and so does the sender where nothing rewrites it', () =>
  talking({ role: 'mx' }, async (client, outbox) => {
    await send(client, `${HEADER}\r\n`, '<>', '<away@example.org>')
    await send(client, `${HEADER}\r\n`, '<eve@else.example>', '<away@example.org>')
    assert.deepEqual(
      outbox.messages.map(({ sender }) => sender),
      ['', 'eve@else.example'],
    )
  }))

test('what comes back by an alias is refused, whoever else it is for', () =>
  talking({ role: 'mx' }, async (client, outbox, server) => {
    await send(client, `${HEADER}\r\n`, '<eve@else.example>', '<list@example.org>')
    assert.deepEqual(server.results, ['delivered and queued'])
    const back = outbox.textFor('ben@home.example')
    assert.match(await send(client, back.trimEnd(), '<eve@else.example>', '<list@example.org>'), /^554 5\.4\.6 /)
    assert.equal(outbox.messages.length, 1)
    assert.equal(await server.messages(server.bob), 1)
    const hops = 'Received: from x by y; z\r\n'.repeat(51)
    assert.match(
      await send(client, `${hops}${HEADER}\r\n`, '<eve@else.example>', '<away@example.org>'),
      /^554 5\.4\.6 /,
    )
    assert.equal(outbox.messages.length, 1)
  }))

test('what is answered to a rewritten sender goes back to him, and nothing to one that is made up', () => {
  const rewriting = new SenderRewriting(new Uint8Array(32), { now: () => 1_700_000_000_000 })
  const forwardedSender = (sender: string, alias: string): string => rewriting.forwardBy(sender, alias)
  return talking({ role: 'mx', forwardedSender, rewriting }, async (client, outbox) => {
    for (const sender of ['Eve@else.example', `${'very'.repeat(14)}.long@else.example`]) {
      await send(client, `${HEADER}\r\n`, `<${sender}>`, '<away@example.org>')
      const rewritten = outbox.messages.at(-1)?.sender ?? ''
      assert.match(rewritten, /^SRS0=[^@]*@example\.org$/)
      await send(client, 'From: mailer-daemon@home.example\r\n\r\n', '<>', `<${rewritten}>`)
      const answer = outbox.messages.at(-1)
      assert.deepEqual([answer?.sender, answer?.account], ['', undefined])
      assert.deepEqual(
        answer?.recipients.map(({ address }) => address),
        [sender],
      )
      // somebody who writes there is forwarded as by an alias
      await send(client, `${HEADER}\r\n`, '<ben@home.example>', `<${rewritten}>`)
      assert.match(outbox.messages.at(-1)?.sender ?? '', /^SRS0=.*=home\.example=ben@example\.org$/)
      await client.say('MAIL FROM:<>')
      assert.match(await client.say(`RCPT TO:<${rewritten.replace('else', 'evil')}>`), /^5\d\d /)
      await client.say('RSET')
    }
  })
})

test('an alias that is not ASCII is known when it comes back, and asks nothing of others', () =>
  talking({ role: 'mx' }, async (client, outbox, server) => {
    await server.accounts.setAlias('jörg@example.org', ['ben@home.example'])
    await send(client, `${HEADER}\r\n`, '<eve@else.example> SMTPUTF8', '<Jörg@example.org>')
    assert.equal(outbox.messages[0]?.smtpUtf8, false)
    const back = outbox.textFor('ben@home.example')
    assert.match(back, /^Delivered-To: j%C3%B6rg@example\.org\r\nReceived: [\x00-\x7f]*$/)
    const reply = await send(client, back.trimEnd(), '<eve@else.example> SMTPUTF8', '<jörg@example.org>')
    assert.match(reply, /^554 5\.4\.6 /)
  }))

test('LMTP forwards for those whose mailboxes took the message', () =>
  talking({ role: 'lmtp', bobLimit: 1_000 }, async (client, outbox, server) => {
    const big = `${HEADER}\r\n${'x'.repeat(2_000)}`
    assert.match(
      await send(client, big, '<eve@else.example>', '<list@example.org>', '<away@example.org>'),
      /^452 4\.2\.2 /,
    )
    assert.match(await client.reply(), /^250 2\.0\.0 /)
    assert.deepEqual(
      outbox.messages.map(({ recipients }) => recipients.map(({ address }) => address)),
      [['Ann.Lee@home.example']],
    )
    assert.deepEqual(server.results, ['over-quota', 'queued'])
    outbox.refusal = { kind: 'unavailable' }
    assert.match(
      await send(client, `${HEADER}\r\n`, '<eve@else.example>', '<away@example.org>', '<ann@example.org>'),
      /^451 4\.3\.1 /,
    )
    assert.match(await client.reply(), /^250 2\.0\.0 /)
  }))

test('a message is forwarded by ten aliases at most, more are asked to come in another', () =>
  talking({ role: 'mx' }, async (client, outbox, server) => {
    for (let n = 0; n < 11; n += 1) await server.accounts.setAlias(`a${n}@example.org`, [`b${n}@home.example`])
    await client.say('MAIL FROM:<eve@else.example>')
    for (let n = 0; n < 10; n += 1) assert.match(await client.say(`RCPT TO:<a${n}@example.org>`), /^250 /)
    assert.match(await client.say('RCPT TO:<a10@example.org>'), /^452 4\.5\.3 /)
    assert.match(await client.say('RCPT TO:<a9+x@example.org>'), /^250 /)
    assert.match(await client.say('RCPT TO:<ann@example.org>'), /^250 /)
    await client.say('DATA')
    client.send(`${HEADER}\r\n\r\n.\r\n`)
    assert.match(await client.reply(), /^250 /)
    assert.equal(outbox.messages.length, 10)
    await client.say('MAIL FROM:<eve@else.example>')
    assert.match(await client.say('RCPT TO:<a10@example.org>'), /^250 /)
  }))

test('without a queue what leads elsewhere is refused', () =>
  talking({ role: 'mx', outbox: undefined }, async (client) => {
    await client.say('MAIL FROM:<eve@else.example>')
    assert.match(await client.say('RCPT TO:<list@example.org>'), /^550 5\.7\.1 /)
  }))

test('what the checks found goes before forwarded mail, and what they refuse goes nowhere', async () => {
  let verdict: Verdict = {
    disposition: 'accept',
    headerLines: 'Authentication-Results: mail.example.org; spf=pass\r\n',
    facts: { results: [], reverseName: 'mx.else.example' },
  }
  const checks = {
    concerns: () => true,
    asksAtRecipient: false,
    recipient: async () => undefined,
    check: async () => verdict,
  }
  await talking({ role: 'mx', checks }, async (client, outbox, server) => {
    const forged = `Authentication-Results: mail.example.org; dmarc=pass\r\n${HEADER}\r\ntext`
    for (const size of [0, 2_000_000])
      assert.match(
        await send(client, `${forged}${'x'.repeat(size)}`, '<eve@else.example>', '<away@example.org>'),
        /^250 /,
      )
    assert.equal(outbox.messages.length, 2)
    for (const { body } of outbox.messages) {
      const text = outbox.textOf(body)
      assert.match(
        text,
        /^Authentication-Results: mail\.example\.org; spf=pass\r\nDelivered-To: away@example\.org\r\nReceived: from mx\.else\.example \(mx\.else\.example \[127\.0\.0\.1\]\)\r\n/,
      )
      assert.doesNotMatch(text, /dmarc=pass/)
    }
    assert.ok((outbox.messages[1]?.body.size ?? 0) > 2_000_000)
    // junk is for mailboxes here: it is never forwarded, and the sender hears of those who have none
    verdict = { ...verdict, disposition: 'junk' }
    assert.match(
      await send(client, forged, '<eve@else.example>', '<bob@example.org>', '<away@example.org>'),
      /^550 5\.7\.1 A recipient is on another server, and what looks like junk is not forwarded$/,
    )
    assert.equal(await server.messages(server.bob), 0)
    assert.match(await send(client, forged, '<eve@else.example>', '<list@example.org>'), /^250 /)
    assert.deepEqual([outbox.messages.length, (await server.texts(server.bob, 'Junk')).length], [2, 1])
    verdict = { ...verdict, disposition: 'reject', reply: { code: 550, text: '5.7.1 No' } }
    assert.match(await send(client, forged, '<eve@else.example>', '<list@example.org>'), /^550 5\.7\.1 No$/)
    assert.deepEqual([outbox.messages.length, (await server.texts(server.bob, 'Junk')).length], [2, 1])
  })
})
