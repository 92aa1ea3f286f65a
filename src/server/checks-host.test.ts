import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { checkConfig } from '#config/schema.ts'
import { ListLog } from '#testing/list-log.ts'
import { zippedDmarcReport } from '#testing/reports.ts'
import { SmtpClient } from '#testing/smtp-server.ts'
import { wholeServer } from '#testing/whole-server.ts'
import { startZoneServer } from '#testing/zone-server.ts'
import { ChecksHost } from './checks-host.ts'
import { VerbRefused } from './verbs.ts'

const ZONE = `
_dmarc.bank.example. IN TXT "v=DMARC1; p=reject"
_dmarc.plain.example. IN TXT "v=DMARC1; p=none"
1.0.0.127.in-addr.arpa. IN PTR client.example.
client.example. IN A 127.0.0.1
1.0.0.127.bl.example. IN A 127.0.0.2
1.0.0.127.bl.example. IN TXT "it is listed"
`

async function send(
  port: number,
  from: string,
  body = 'Text\r\n',
  to = 'ann@example.org',
  made?: (from: string) => string,
): Promise<string> {
  const client = await SmtpClient.connect(port)
  try {
    await client.reply()
    await client.say('EHLO client.example')
    await client.say(`MAIL FROM:<${from}>`)
    const answer = await client.say(`RCPT TO:<${to}>`)
    if (!answer.startsWith('250')) return answer
    await client.say('DATA')
    client.send(`${made?.(from) ?? `From: ${from}\r\nSubject: x\r\n\r\n${body}`}.\r\n`)
    return await client.reply()
  } finally {
    client.close()
  }
}

for (const count of [1, 2])
  test(`port 25 checks mail in a thread that starts with the first message (workers: ${count})`, async () => {
    await using zone = await startZoneServer(ZONE)
    const servers = [`${zone.server.host}:${zone.server.port}`]
    await using whole = await wholeServer({ workers: { count }, dns: { servers }, smtp: { check_exempt: [] } })
    const { checks } = whole.server
    assert.ok(checks)
    assert.ok(checks.worker === undefined)
    const port = whole.port('smtp')
    assert.match(await send(port, 'a@bank.example'), /^550 5\.7\.1 bank\.example asks to refuse /)
    assert.match(await send(port, 'a@plain.example'), /^250 2\.0\.0 Kept as /)
    assert.equal(checks.restarts, 0)
    const asked = { address: 'ann@example.org', message: '1', mailbox: 'INBOX' }
    const [history] = await whole.server.administration.ask('history', asked)
    assert.equal(history?.events[0]?.checks, 'spf=none, dkim=none, dmarc=fail, iprev=pass (client.example)')
  })

test('a message of more than 1 MB is checked where it lies, and a thread that ends costs a 451 at most', async () => {
  await using zone = await startZoneServer(ZONE)
  const servers = [`${zone.server.host}:${zone.server.port}`]
  await using whole = await wholeServer({ dns: { servers }, smtp: { check_exempt: [] } })
  const { checks } = whole.server
  const port = whole.port('smtp')
  const large = '0123456789abcde\r\n'.repeat(70_000)
  assert.match(await send(port, 'a@bank.example', large), /^550 5\.7\.1 /)
  assert.match(await send(port, 'a@plain.example', large), /^250 2\.0\.0 Kept as /)
  const first = checks?.worker
  assert.ok(first)
  const gone = once(first, 'exit')
  void first.terminate()
  await gone
  assert.match(await send(port, 'a@plain.example'), /^451 4\.7\.0 The message cannot be checked now/)
  assert.equal(checks?.restarts, 1)
  // a moment later the next one takes over
  await setTimeout(1_050)
  assert.match(await send(port, 'a@plain.example'), /^250 /)
  assert.notEqual(checks.worker, first)
})

test('a thread that does not answer is ended, and those who wait are asked to come again', async () => {
  const config = checkConfig({ hostname: 'localhost', data: '/nowhere', smtp: { check_timeout: 1 } })
  assert.ok(config.ok)
  const { hostname, data, dns, smtp } = config.value
  assert.ok(smtp.checks)
  const setup = { hostname, data, dns, settings: { ...smtp.checks, timeoutMs: 200 } }
  const log = new ListLog()
  const entry = new URL('../testing/stuck-thread.ts', import.meta.url)
  await using host = new ChecksHost(setup, log, { entry, graceMs: 100 })
  const question = { about: 'recipient', remoteAddress: '192.0.2.1', helo: '', sender: '', recipient: 'a@b' } as const
  assert.deepEqual(await Promise.all([host.ask(question), host.ask(question)]), [undefined, undefined])
  assert.equal(host.restarts, 1)
  assert.ok(log.lines.some(({ message }) => message.includes('does not answer')))
})

test('a list of addresses refuses at RCPT, but postmaster is always heard', async () => {
  await using zone = await startZoneServer(ZONE)
  const servers = [`${zone.server.host}:${zone.server.port}`]
  await using whole = await wholeServer({ dns: { servers }, smtp: { check_exempt: [], dnsbl: ['bl.example'] } })
  const port = whole.port('smtp')
  assert.equal(await send(port, 'a@plain.example'), '550 5.7.1 127.0.0.1 is listed by bl.example: it is listed')
  assert.doesNotMatch(await send(port, 'a@plain.example', '', 'postmaster@example.org'), /listed/)
})

test('whoever is not known waits when greylisting is on', async () => {
  await using zone = await startZoneServer(ZONE)
  const servers = [`${zone.server.host}:${zone.server.port}`]
  await using whole = await wholeServer({ dns: { servers }, smtp: { check_exempt: [], greylist_minutes: 1 } })
  assert.match(await send(whole.port('smtp'), 'a@plain.example'), /^451 4\.7\.1 Not known yet here/)
})

test('a report that comes in is told by dns.reports', async () => {
  await using zone = await startZoneServer(`${ZONE}big.example. IN TXT "v=spf1 ip4:127.0.0.1 -all"\n`)
  const servers = [`${zone.server.host}:${zone.server.port}`]
  await using whole = await wholeServer({ dns: { servers }, smtp: { check_exempt: [], reports_to: ['ann'] } })
  const { administration } = whole.server
  const asked = { domain: 'example.org', since: 0 }
  assert.equal((await administration.ask('dns.reports', asked)).dmarc.reports, 0)
  assert.match(await send(whole.port('smtp'), 'r@big.example', '', 'ann@example.org', zippedDmarcReport), /^250 /)
  const { dmarc } = await administration.ask('dns.reports', asked)
  assert.deepEqual(
    dmarc.sources.map(({ source, messages }) => [source, messages]),
    [
      ['2001:db8::9', 4],
      ['192.0.2.1', 120],
    ],
  )
  await assert.rejects(administration.ask('dns.reports', { domain: 'other.example', since: 0 }), VerbRefused)
})

test('nothing is asked and no thread starts where nothing is checked', async () => {
  await using zone = await startZoneServer(ZONE)
  const servers = [`${zone.server.host}:${zone.server.port}`]
  for (const smtp of [{ checks: false, check_exempt: [] }, {}]) {
    await using whole = await wholeServer({ dns: { servers }, smtp })
    assert.match(await send(whole.port('smtp'), 'a@bank.example'), /^250 /)
    assert.equal(whole.server.checks?.worker, undefined)
  }
  assert.deepEqual(zone.asked, [])
})
