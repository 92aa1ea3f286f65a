import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SubmissionPolicy } from '#services/submission.ts'
import { MemoryOutbox } from '#testing/memory-outbox.ts'
import { PASSWORD, type SmtpClient, type SmtpServerOptions, TestSmtpServer } from '#testing/smtp-server.ts'

const OWN: SubmissionPolicy = {
  checkSender: 'own',
  hideClient: false,
  header: 'complete',
  holdSeconds: 0,
  language: 'en',
}
const HEADER = 'From: ann@example.org\r\nDate: Sun, 29 Nov 2026 08:00:00 +0000\r\nMessage-ID: <lunch@laptop>\r\n'

type Work = (client: SmtpClient, outbox: MemoryOutbox, server: TestSmtpServer) => Promise<void>

async function submitting(options: Partial<SmtpServerOptions>, work: Work): Promise<void> {
  const outbox = new MemoryOutbox()
  await using server = await TestSmtpServer.start({
    role: 'submission',
    allowPlaintext: true,
    outbox,
    submission: OWN,
    ...options,
  })
  const client = await server.connect()
  try {
    await client.reply()
    await client.say('EHLO laptop')
    await client.say(`AUTH PLAIN ${Buffer.from(`\0ann@example.org\0${PASSWORD}`).toString('base64')}`)
    await work(client, outbox, server)
    assert.equal(outbox.open, 0, 'a stage was left open')
  } finally {
    client.close()
  }
}

/** Sends one message; the last reply. */
async function send(client: SmtpClient, text: string, from: string, ...recipients: readonly string[]): Promise<string> {
  const mail = await client.say(`MAIL FROM:${from}`)
  if (!mail.startsWith('250')) return mail
  for (const recipient of recipients) {
    const reply = await client.say(`RCPT TO:${recipient}`)
    if (!reply.startsWith('250')) {
      await client.say('RSET')
      return reply
    }
  }
  await client.say('DATA')
  client.send(`${text}\r\n.\r\n`)
  return client.reply()
}

test('mail for other servers is in the queue when 250 comes, under the id that the reply names', () =>
  submitting({}, async (client, outbox) => {
    const reply = await send(
      client,
      `${HEADER}Bcc: eve@else.example\r\nSubject: é\r\n\r\n..dot\nmore`,
      '<ann@example.org> RET=HDRS ENVID=QQ314',
      '<Ben.Lee@Else.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;ben@old.example',
      '<eve@else.example> NOTIFY=NEVER',
      '<ben.lee@else.example>',
    )
    const id = /^250 2\.0\.0 Kept as (\S+)$/.exec(reply)?.[1]
    assert.ok(id)
    const [message, ...more] = outbox.messages
    assert.ok(message)
    assert.deepEqual(more, [])
    const { body, at, ...rest } = message
    assert.ok(Math.abs(Date.now() - at) < 60_000)
    assert.deepEqual(rest, {
      id,
      sender: 'ann@example.org',
      account: 'ann@example.org',
      receivedFrom: 'laptop [127.0.0.1], ESMTPA',
      smtpUtf8: false,
      eightBit: true,
      returns: 'HDRS',
      envelopeId: 'QQ314',
      priority: 0,
      language: 'en',
      recipients: [{ address: 'ben.lee@else.example' }, { address: 'eve@else.example', notify: ['NEVER'] }],
    })
    const text = outbox.textOf(body)
    assert.match(
      text,
      /^Received: from laptop \(\[127\.0\.0\.1\]\)\r\n\tby mail\.example\.org \(Malle\) with ESMTPA id \S+; [^\r\n]*\r\nFrom: ann@example\.org\r\n/,
    )
    assert.ok(text.endsWith('\r\nMessage-ID: <lunch@laptop>\r\nSubject: é\r\n\r\n.dot\r\nmore\r\n'), text)
    assert.equal(body.size, Buffer.byteLength(text))
  }))

test('DSN parameters go along, and one recipient alone is named in Received', () =>
  submitting({}, async (client, outbox) => {
    const to = '<Ben.Lee@Else.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;ben+2Bx@old.example'
    await send(client, `${HEADER}\r\n`, '<ann+x@example.org>', to)
    assert.deepEqual(outbox.messages[0]?.recipients, [
      { address: 'Ben.Lee@else.example', original: 'rfc822;ben+x@old.example', notify: ['SUCCESS', 'DELAY'] },
    ])
    assert.equal(outbox.messages[0]?.sender, 'ann+x@example.org')
    assert.match(outbox.textFor('Ben.Lee@else.example'), /\r\n\tfor <Ben\.Lee@Else\.example>; /i)
  }))

test('TLS-Required: No in the header marks what goes out (RFC 8689 §4.1)', () =>
  submitting({}, async (client, outbox) => {
    await send(client, `${HEADER}\r\n`, '<ann@example.org>', '<ben@else.example>')
    await send(client, `TLS-Required: No\r\n${HEADER}\r\n`, '<ann@example.org>', '<ben@else.example>')
    assert.deepEqual(
      outbox.messages.map(({ tlsOptional }) => tlsOptional),
      [undefined, true],
    )
  }))

test('of an alias of several the sender hears once that it was expanded, and of those outside no success (RFC 3461 §5.2.7.3)', () =>
  submitting({}, async (client, outbox, server) => {
    await server.accounts.setAlias('both@example.org', ['bob@example.org', 'ben@else.example'])
    await server.accounts.setAlias('outside@example.org', ['ben@else.example', 'eve@home.example'])
    await server.accounts.setAlias('one@example.org', ['zoe@else.example'])
    const to = (alias: string, notify: string): string => `<${alias}@example.org> NOTIFY=${notify}`
    await send(client, `${HEADER}\r\n`, '<ann@example.org>', to('both', 'SUCCESS,FAILURE'))
    await send(client, `${HEADER}\r\n`, '<ann@example.org>', to('outside', 'SUCCESS'))
    await send(client, `${HEADER}\r\n`, '<ann@example.org>', to('one', 'SUCCESS'))
    assert.deepEqual(
      outbox.messages.flatMap(({ recipients }) => recipients.map(({ address, notify }) => [address, notify])),
      [
        ['ben@else.example', ['FAILURE']],
        ['ben@else.example', ['NEVER']],
        ['eve@home.example', ['NEVER']],
        ['zoe@else.example', ['SUCCESS']],
      ],
    )
    const reports = await server.texts(server.ann)
    const expanded = reports.flatMap((text) => text.match(/^Final-Recipient: .*\r\nAction: .*$/gm) ?? [])
    assert.deepEqual(expanded, [
      'Final-Recipient: rfc822; both@example.org\r\nAction: expanded',
      'Final-Recipient: rfc822; outside@example.org\r\nAction: expanded',
    ])
  }))

test('SMTPUTF8 is asked of others only where something needs it (RFC 6531 §3.4)', () =>
  submitting(
    { submission: { checkSender: 'off', hideClient: false, header: 'complete', holdSeconds: 0, language: 'en' } },
    async (client, outbox) => {
      await send(client, `${HEADER}\r\n`, '<ann@example.org> SMTPUTF8', '<a@else.example>')
      await send(client, `${HEADER}Subject: é\r\n\r\n`, '<ann@example.org> SMTPUTF8', '<b@else.example>')
      await send(client, `${HEADER}Subject: é\r\n\r\n`, '<ann@example.org>', '<c@else.example>')
      await send(client, `${HEADER}\r\n`, '<ann@example.org> SMTPUTF8', '<d@exämple.net>')
      await send(client, `${HEADER}\r\n`, '<ann@exämple.net> SMTPUTF8', '<e@else.example>')
      await send(client, `${HEADER}\r\né\r\n`, '<ann@example.org> SMTPUTF8', '<é@else.example>')
      // our own lines need it of nobody
      assert.match(outbox.textFor('d@xn--exmple-cua.net'), /\r\n\tfor <d@xn--exmple-cua\.net>; /)
      for (const { body } of outbox.messages)
        assert.match(outbox.textOf(body).split('From: ')[0] ?? '', /^[\x00-\x7f]*$/)
      assert.deepEqual(
        outbox.messages.map(({ smtpUtf8, eightBit, recipients }) => [recipients[0]?.address, smtpUtf8, eightBit]),
        [
          ['a@else.example', false, false],
          ['b@else.example', true, true],
          ['c@else.example', false, true],
          ['d@xn--exmple-cua.net', false, false],
          ['e@else.example', false, false],
          ['é@else.example', true, true],
        ],
      )
    },
  ))

test('one message goes to people here and elsewhere, with the same bytes', () =>
  submitting({}, async (client, outbox, server) => {
    const reply = await send(
      client,
      `${HEADER}Bcc: x@y\r\n\r\ntext`,
      '<ann@example.org>',
      '<bob@example.org>',
      '<ben@else.example>',
    )
    assert.match(reply, /^250 /)
    const [inbox] = await server.texts(server.bob)
    const strip = (text: string) => text.slice(text.indexOf('From: '))
    assert.equal(strip(inbox ?? ''), `${HEADER}\r\ntext\r\n`)
    assert.equal(strip(outbox.textFor('ben@else.example')), strip(inbox ?? ''))
    assert.deepEqual(server.results, ['delivered', 'queued'])
  }))

test('what a mailbox here refuses is not sent elsewhere, what the queue refuses is tried again', () =>
  submitting({ bobLimit: 2_000 }, async (client, outbox, server) => {
    const big = `${HEADER}\r\n${'x'.repeat(3_000)}`
    assert.match(
      await send(client, big, '<ann@example.org>', '<ben@else.example>', '<bob@example.org>'),
      /^452 4\.2\.2 /,
    )
    assert.deepEqual(outbox.messages, [])
    assert.equal(outbox.bodies.size, 0)
    assert.deepEqual(server.results, ['not queued', 'over-quota'])
    outbox.refusal = { kind: 'full' }
    assert.match(await send(client, `${HEADER}\r\n`, '<ann@example.org>', '<ben@else.example>'), /^451 4\.3\.1 .*queue/)
    assert.equal(outbox.bodies.size, 0)
    // the mailbox was first: whoever gets no answer sends again, and is seen twice here rather than not at all there
    await send(client, `${HEADER}\r\n`, '<ann@example.org>', '<ben@else.example>', '<bob@example.org>')
    assert.equal(await server.messages(server.bob), 1)
    outbox.refusal = undefined
    assert.match(await send(client, `${HEADER}\r\n`, '<ann@example.org>', '<ben@else.example>'), /^250 /)
  }))

test('a client that vanishes in mid-message leaves nothing in the queue', async () => {
  const outbox = new MemoryOutbox()
  await using server = await TestSmtpServer.start({ role: 'submission', allowPlaintext: true, outbox, submission: OWN })
  const client = await server.connect()
  await client.reply()
  await client.say('EHLO laptop')
  await client.say(`AUTH PLAIN ${Buffer.from(`\0ann@example.org\0${PASSWORD}`).toString('base64')}`)
  await client.say('MAIL FROM:<ann@example.org>')
  await client.say('RCPT TO:<ben@else.example>')
  await client.say('DATA')
  client.send(`${HEADER}\r\nhalf`)
  while (outbox.open === 0) await new Promise((resolve) => setImmediate(resolve))
  client.close()
  while (outbox.open > 0) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([outbox.messages, outbox.bodies.size], [[], 0])
})

test('people send as themselves, as aliases that lead to them, and with a detail', () =>
  submitting({}, async (client, outbox, server) => {
    const text = (from: string) => `From: ${from}\r\n\r\n`
    for (const [envelope, from] of [
      ['ANN@Example.org', 'Ann Lee <ann@example.org>'],
      ['ann+x@example.org', 'ann+y@example.org'],
      ['team@example.org', 'Team <Team@example.org>'],
      ['team+x@example.org', 'ann@example.org, team@example.org'],
    ] as const)
      assert.match(
        await send(client, text(from), `<${envelope}>`, '<ben@else.example>'),
        /^250 /,
        `${envelope} ${from}`,
      )
    assert.equal(outbox.messages.length, 4)
    for (const envelope of ['bob@example.org', 'ann@else.example', 'nobody@example.org', 'ann@sub.example.org'])
      assert.match(
        await send(client, text('ann@example.org'), `<${envelope}>`, '<ben@else.example>'),
        /^550 5\.7\.1 \S+ is not an address of yours: send as ann@example\.org, what has \+ /,
      )
    for (const from of [
      'bob@example.org',
      'ann@example.org, bob@example.org',
      '"ann@example.org" <boss@else.example>',
      'ann',
      'Team: ann@example.org, boss@else.example;',
      '=?utf-8?q?ann=40example=2Eorg?= <boss@else.example>',
    ]) {
      const reply = await send(client, text(from), '<ann@example.org>', '<ben@else.example>', '<bob@example.org>')
      assert.match(reply, /^550 5\.7\.1 \S+ is not an address of yours/, from)
    }
    const two = await send(
      client,
      `${text('ann@example.org').trim()}\r\nFrom: boss@example.org\r\n\r\n`,
      '<ann@example.org>',
      '<b@else.example>',
    )
    assert.match(two, /^550 5\.6\.0 .*several From/)
    assert.equal(outbox.messages.length, 4)
    assert.equal(await server.messages(server.bob), 0)
  }))

test('who passes a message on leaves its author as it is, but writes by no other of ours (RFC 5322 §3.6.6)', () =>
  submitting({}, async (client, outbox) => {
    const passed = (by: string, from: string) =>
      `Resent-From: ${by}\r\nFrom: ${from}\r\nSender: his@else.example\r\n\r\n`
    const attempt = (text: string) => send(client, text, '<ann@example.org>', '<ben@else.example>')
    for (const text of [
      passed('ann@example.org', 'boss@else.example'),
      passed('Team <team@example.org>', 'ann+x@example.org'),
    ])
      assert.match(await attempt(text), /^250 /, text)
    for (const text of [
      passed('ann@example.org', 'bob@example.org'),
      passed('ann@example.org', 'nobody@example.org'),
      passed('ann@example.org', 'boss@else.example, bob@example.org'),
      passed('bob@example.org', 'boss@else.example'),
      passed('ann@example.org, eve@else.example', 'boss@else.example'),
      passed('', 'boss@else.example'),
      'From: ann@example.org\r\nSender: boss@example.org\r\n\r\n',
    ])
      assert.match(await attempt(text), /^550 5\.7\.1 \S+ is not an address of yours/, text)
    assert.match(await attempt('From: ann@example.org\r\nFrom\r\n : bob@example.org\r\n\r\n'), /^550 5\.6\.0 /)
    assert.equal(outbox.messages.length, 2)
    const kept = outbox.textFor('ben@else.example')
    assert.match(kept, /\r\nResent-From: ann@example\.org\r\nFrom: boss@else\.example\r\n/)
  }))

test('with "domain" any address of the domain may be used, with "off" any', async () => {
  const text = (from: string) => `From: ${from}\r\n\r\n`
  await submitting(
    { submission: { checkSender: 'domain', hideClient: false, header: 'complete', holdSeconds: 0, language: 'en' } },
    async (client) => {
      assert.match(await send(client, text('boss@example.org'), '<any@example.org>', '<b@else.example>'), /^250 /)
      assert.match(
        await send(client, text('ann@example.org'), '<any@else.example>', '<b@else.example>'),
        /^550 5\.7\.1 /,
      )
      assert.match(
        await send(client, text('any@else.example'), '<ann@example.org>', '<b@else.example>'),
        /^550 5\.7\.1 /,
      )
    },
  )
  await submitting(
    { submission: { checkSender: 'off', hideClient: false, header: 'complete', holdSeconds: 0, language: 'en' } },
    async (client) => {
      assert.match(await send(client, text('any@else.example'), '<other@else.example>', '<b@else.example>'), /^250 /)
      assert.match(await send(client, text('any@else.example'), '<>', '<b@else.example>'), /^250 /)
    },
  )
})

test('the null sender is for disposition notifications and answers of programs', () =>
  submitting({}, async (client, outbox) => {
    const receipt = `${HEADER}Content-Type: multipart/report; report-type=disposition-notification; boundary=x\r\n\r\n`
    assert.match(await send(client, receipt, '<>', '<ben@else.example>'), /^250 /)
    assert.match(
      await send(client, `${HEADER}Auto-Submitted: auto-replied\r\n\r\n`, '<>', '<ben@else.example>'),
      /^250 /,
    )
    assert.deepEqual([outbox.messages[0]?.sender, outbox.messages[0]?.account], ['', 'ann@example.org'])
    assert.match(await send(client, `${HEADER}\r\n`, '<>', '<ben@else.example>'), /^550 5\.7\.1 The null sender/)
    const forged = receipt.replace('ann@', 'bob@')
    assert.match(await send(client, forged, '<>', '<ben@else.example>'), /^550 5\.7\.1 bob@/)
  }))

test('where the client is can be kept from others', () =>
  submitting(
    { submission: { checkSender: 'own', hideClient: true, header: 'complete', holdSeconds: 0, language: 'en' } },
    async (client, outbox, server) => {
      await send(client, `${HEADER}\r\n`, '<ann@example.org>', '<ben@else.example>', '<bob@example.org>')
      for (const text of [outbox.textFor('ben@else.example'), ...(await server.texts(server.bob))]) {
        assert.match(text, /(?:^|\n)Received: by mail\.example\.org \(Malle\) with ESMTPA id /)
        assert.doesNotMatch(text.slice(0, text.indexOf('From: ')), /laptop|127\.0\.0\.1/)
      }
    },
  ))

test('addresses that cannot be sent to are refused at RCPT', () =>
  submitting({}, async (client) => {
    await client.say('MAIL FROM:<ann@example.org>')
    assert.match(await client.say('RCPT TO:<ben@[192.0.2.1]>'), /^550 5\.7\.1 /)
    assert.match(await client.say('RCPT TO:<nobody@example.org>'), /^550 5\.1\.1 /)
    assert.match(await client.say('RCPT TO:<ben@192.0.2.1>'), /^501 5\.1\.3 /)
    assert.match(await client.say('RCPT TO:<@relay.example:ben@else.example>'), /^250 /)
  }))

test('a copy goes into Sent where the account asks for it, once, with Bcc, and as it was sent', () =>
  submitting({}, async (client, outbox, server) => {
    const message = `Bcc: eve@else.example\r\n${HEADER}Subject: x\r\n\r\ntext`
    await send(client, message, '<ann@example.org>', '<ben@else.example>')
    assert.deepEqual(await server.texts(server.ann, 'Sent'), [])
    await server.accounts.changeAccount('ann@example.org', {
      sending: { copy: true, messagesPerDay: undefined, recipientsPerDay: undefined },
      language: 'fr',
    })
    await send(client, message, '<ann@example.org>', '<ben@else.example>', '<bob@example.org>', '<ann@example.org>')
    const kept = `Bcc: eve@else.example\r\n${HEADER}Subject: x\r\n\r\ntext\r\n`
    assert.deepEqual(await server.texts(server.ann, 'Sent'), [kept])
    const sent = server.ann && (await server.store.mailboxByName(server.ann, 'Sent'))
    assert.deepEqual([sent?.messages, sent?.unseen], [1, 0])
    // who sends again after a refusal, and a program that keeps its own, have it once
    await send(client, message, '<ann@example.org>', '<ben@else.example>')
    assert.equal((await server.texts(server.ann, 'Sent')).length, 1)
    await send(client, message.replace('<lunch@', '<dinner@'), '<ann@example.org>', '<ben@else.example>')
    assert.equal((await server.texts(server.ann, 'Sent')).length, 2)
    assert.deepEqual([await server.messages(server.ann), await server.messages(server.bob)], [1, 1])
    assert.deepEqual(
      outbox.messages.map(({ language }) => language),
      ['en', 'fr', 'fr', 'fr'],
    )
  }))

test('a copy that finds no room is no reason not to send', () =>
  submitting({}, async (client, outbox, server) => {
    await server.accounts.changeAccount('ann@example.org', {
      sending: { copy: true, messagesPerDay: undefined, recipientsPerDay: undefined },
      limits: { storageBytes: 100, messages: undefined },
    })
    assert.match(
      await send(client, `${HEADER}\r\n${'x'.repeat(200)}`, '<ann@example.org>', '<b@else.example>'),
      /^250 /,
    )
    assert.equal(outbox.messages.length, 1)
    assert.deepEqual(await server.texts(server.ann, 'Sent'), [])
    assert.ok(server.log.lines.some((entry) => 'sentCopy' in entry.fields && entry.fields.sentCopy === 'over-quota'))
  }))

test('what is too much for a day is refused for now, with when to go on', () =>
  submitting({ sending: { messages: 3, recipients: 4, outburst: 0 } }, async (client, outbox, server) => {
    assert.match(
      await send(client, `${HEADER}\r\n`, '<ann@example.org>', '<a@else.example>', '<bob@example.org>'),
      /^250 /,
    )
    const [a, b, c] = ['<a@else.example>', '<b@else.example>', '<c@else.example>']
    const when = '\\d{4}-\\d\\d-\\d\\d \\d\\d:00 UTC'
    assert.match(
      await send(client, `${HEADER}\r\n`, '<ann@example.org>', a, b, c),
      new RegExp(`^452 4\\.5\\.3 4 recipients a day are the limit of this account, go on after ${when}$`),
    )
    assert.match(await send(client, `${HEADER}\r\n`, '<ann@example.org>', a), /^250 /)
    assert.match(await send(client, `${HEADER}\r\n`, '<ann@example.org>', '<bob@example.org>'), /^250 /)
    assert.match(
      await send(client, `${HEADER}\r\n`, '<ann@example.org>', a),
      new RegExp(`^450 4\\.7\\.1 3 messages a day are the limit of this account, go on after ${when}$`),
    )
    assert.equal(outbox.messages.length, 2)
    assert.equal(await server.messages(server.bob), 2)
  }))

test('two connections of an account share its limit', () =>
  submitting({ sending: { messages: 1, recipients: 0, outburst: 0 } }, async (client, outbox, server) => {
    const other = await server.connect()
    await other.reply()
    await other.say('EHLO laptop')
    await other.say(`AUTH PLAIN ${Buffer.from(`\0ann@example.org\0${PASSWORD}`).toString('base64')}`)
    for (const one of [client, other]) {
      await one.say('MAIL FROM:<ann@example.org>')
      await one.say('RCPT TO:<a@else.example>')
      await one.say('DATA')
    }
    for (const one of [client, other]) one.send(`${HEADER}\r\n\r\n.\r\n`)
    const replies = [await client.reply(), await other.reply()].toSorted()
    assert.match(replies[0] ?? '', /^250 /)
    assert.match(replies[1] ?? '', /^450 4\.7\.1 /)
    assert.equal(outbox.messages.length, 1)
    other.close()
  }))

test('what nobody got does not count', () =>
  submitting(
    { bobLimit: 2_000, sending: { messages: 1, recipients: 0, outburst: 0 } },
    async (client, outbox, server) => {
      const big = `${HEADER}\r\n${'x'.repeat(3_000)}`
      const to = (...recipients: string[]) => send(client, big, '<ann@example.org>', ...recipients)
      assert.match(await to('<bob@example.org>', '<ben@else.example>'), /^452 4\.2\.2 /)
      outbox.refusal = { kind: 'full' }
      assert.match(await to('<ben@else.example>'), /^451 4\.3\.1 /)
      outbox.refusal = undefined
      // ann has it, and the client is told to come again
      assert.match(await to('<ann@example.org>', '<bob@example.org>'), /^452 4\.2\.2 /)
      assert.equal(await server.messages(server.ann), 1)
      assert.match(await to('<ben@else.example>'), /^450 4\.7\.1 1 messages a day/)
    },
  ))

test('an outburst is held, not refused, for people here, too; only postmaster hears of it at once', () =>
  submitting({ sending: { messages: 0, recipients: 0, outburst: 2 } }, async (client, outbox, server) => {
    const three = ['<a@else.example>', '<b@else.example>', '<c@else.example>']
    assert.match(await send(client, `${HEADER}\r\n`, '<ann@example.org>', ...three, '<bob@example.org>'), /^250 /)
    assert.equal(outbox.messages[0]?.held, 'outburst')
    assert.deepEqual(
      outbox.messages[0]?.recipients.map(({ address }) => address),
      [...three.map((one) => one.slice(1, -1)), 'bob@example.org'],
    )
    // once it is known, mail for people here alone, too
    const large = `${HEADER}\r\n${'x'.repeat(2_000_000)}`
    assert.match(
      await send(client, large, '<ann@example.org>', '<bob@example.org>', '<postmaster@example.org>'),
      /^250 /,
    )
    assert.deepEqual(outbox.messages[1]?.recipients, [{ address: 'bob@example.org' }])
    assert.ok((outbox.messages[1]?.body.size ?? 0) > 2_000_000)
    // the postmaster is ann herself
    assert.deepEqual([await server.messages(server.bob), await server.messages(server.ann)], [0, 1])
    assert.equal(outbox.messages[1]?.held, 'outburst')
  }))

test('FUTURERELEASE has a message wait, for people here, too (RFC 4865)', () =>
  submitting({ submission: { ...OWN, holdSeconds: 86_400 } }, async (client, outbox, server) => {
    const [, seconds, until] = /FUTURERELEASE (\d+) (\S+)$/m.exec(await client.say('EHLO laptop')) ?? []
    assert.equal(seconds, '86400')
    assert.match(until ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    assert.ok(Math.abs(Date.parse(until ?? '') - Date.now() - 86_400_000) < 60_000)
    const to = ['<ben@else.example>', '<Team+x@example.org> NOTIFY=NEVER', '<bob@example.org>']
    const before = Date.now()
    assert.match(await send(client, `${HEADER}\r\n`, '<ann@example.org> HOLDFOR=60', ...to), /^250 2\.0\.0 Kept as /)
    const [message] = outbox.messages
    assert.ok(message?.notBefore !== undefined && Math.abs(message.notBefore - before - 60_000) < 30_000)
    assert.deepEqual(message.recipients, [
      { address: 'ben@else.example' },
      { address: 'Team+x@example.org', notify: ['NEVER'] },
      { address: 'bob@example.org' },
    ])
    assert.deepEqual([await server.messages(server.ann), await server.messages(server.bob)], [0, 0])
    const at = new Date(Date.now() + 3_600_000).toISOString()
    await send(client, `${HEADER}\r\n`, `<ann@example.org> holduntil=${at}`, '<ben@else.example>')
    assert.equal(outbox.messages[1]?.notBefore, Date.parse(at))
    // what is past goes at once, and the next message does not wait
    await send(client, `${HEADER}\r\n`, '<ann@example.org> HOLDUNTIL=2020-01-01T00:00:00Z', '<bob@example.org>')
    await send(client, `${HEADER}\r\n`, '<ann@example.org>', '<bob@example.org>')
    assert.equal(await server.messages(server.bob), 2)
    assert.equal(outbox.messages.length, 2)
    for (const [parameters, reply] of [
      ['HOLDFOR=86401', /^501 5\.5\.4 .* 86400 seconds/],
      ['HOLDUNTIL=2999-01-01T00:00:00Z', /^501 5\.5\.4 .* 86400 seconds/],
      ['HOLDFOR=1 HOLDUNTIL=2999-01-01T00:00:00Z', /^501 5\.5\.4 One of/],
      ['HOLDFOR=1 HOLDFOR=2', /^501 5\.5\.4 One of/],
      ['HOLDFOR=-1', /^501 5\.5\.4 .*HOLDFOR/],
      ['HOLDFOR=', /^501 5\.5\.4 .*HOLDFOR/],
      ['HOLDFOR=1234567890', /^501 5\.5\.4 .*HOLDFOR/],
      ['HOLDUNTIL=tomorrow', /^501 5\.5\.4 .*HOLDUNTIL/],
      ['HOLDUNTIL=2026-99-99T00:00:00Z', /^501 5\.5\.4 .*HOLDUNTIL/],
    ] as const)
      assert.match(await client.say(`MAIL FROM:<ann@example.org> ${parameters}`), reply, parameters)
    assert.match(await client.say('MAIL FROM:<ann@example.org> HOLDFOR=60'), /^250 /)
    assert.match(await client.say('RCPT TO:<nobody@example.org>'), /^550 5\.1\.1 /)
  }))

test('where FUTURERELEASE is not offered, nobody is made to believe it', () =>
  submitting({}, async (client) => {
    assert.doesNotMatch(await client.say('EHLO laptop'), /FUTURERELEASE/)
    assert.match(await client.say('MAIL FROM:<ann@example.org> HOLDFOR=60'), /^555 5\.5\.4 /)
  }))
