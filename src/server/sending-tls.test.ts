/** The whole server: what DANE asks of other servers, and reports about TLS. */
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { simpleParser } from 'mailparser'
import { openTlsRecords } from '#adapters/sqlite/tls-records.ts'
import { dayOf } from '#outbound/tls-results.ts'
import { MailSink } from '#testing/mail-sink.ts'
import { serverAuthority } from '#testing/server-certificates.ts'
import { LineClient, type WholeServer, wholeServer } from '#testing/whole-server.ts'
import { startZoneServer } from '#testing/zone-server.ts'

const DAY_MS = 86_400_000
const PASSWORD = 'correct horse'

/** Sends to bob@other.example as ann. @returns the id of the message. */
async function submit(server: WholeServer): Promise<string> {
  await server.server.administration.ask('account.set', { address: 'ann@example.org', password: PASSWORD })
  using client = await LineClient.dial(server.port('submission'))
  await client.line()
  await client.say('EHLO laptop', /^\d{3} /)
  const token = Buffer.from(`\0ann@example.org\0${PASSWORD}`).toString('base64')
  assert.match((await client.say(`AUTH PLAIN ${token}`)) ?? '', /^235 /)
  await client.say('MAIL FROM:<ann@example.org>')
  await client.say('RCPT TO:<bob@other.example>')
  await client.say('DATA')
  const reply = await client.say('From: ann@example.org\r\nSubject: hello\r\n\r\nHello\r\n.')
  return /Kept as (\S+)/.exec(reply ?? '')?.[1] ?? assert.fail(reply ?? 'no reply')
}

async function until<T>(what: string, find: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const end = performance.now() + 20_000
  for (;;) {
    const found = await find()
    if (found !== undefined) return found
    if (performance.now() > end) throw new Error(`Waited in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('the queue says why mail waits for a server that is not the one its TLSA record tells of; a report tells the domain', async () => {
  const certificate = await (await serverAuthority()).issue(['mx.other.example'])
  await using sink = await MailSink.start({ tls: createSecureContext(certificate) })
  await using reports = await MailSink.start({ address: '127.0.0.2', port: sink.port })
  await using zone = await startZoneServer(`
    other.example.     MX   10 mx.other.example.
    mx.other.example.  A    127.0.0.1
    _${sink.port}._tcp.mx.other.example. TLSA 3 1 1 ${'ab'.repeat(32)}
    _smtp._tls.other.example. TXT "v=TLSRPTv1; rua=mailto:tls@reports.example"
    reports.example.   MX   10 mx.reports.example.
    mx.reports.example. A   127.0.0.2
  `)
  zone.authenticate('other.example')
  const day = dayOf(Date.now() - DAY_MS)
  const { host, port } = zone.server
  await using server = await wholeServer(async (folder) => {
    // of yesterday
    const directory = path.join(folder, 'data', 'queue')
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await using records = await openTlsRecords(directory)
    const policy = { type: 'no-policy-found', text: [], mx: [] } as const
    const place = { domain: 'other.example', policy, host: 'mx.other.example', address: '127.0.0.1' }
    await records.count(day, [{ ...place, failure: '', words: '', count: 3 }])
    return {
      auth: { allow_plaintext: true },
      dns: { servers: [`${host}:${port}`] },
      queue: { port: sink.port, tls_reports: true },
    }
  })
  const id = await submit(server)
  const told = await until('the message is tried', async () => {
    const everything = { ids: null, account: null, domain: null, held: null, limit: 10 }
    const list = JSON.stringify(await server.server.administration.ask('queue.list', everything))
    return list.includes('4.7.5') ? list : undefined
  })
  assert.ok(told.includes(id), told)
  assert.ok(
    told.includes(
      '4.7.5 DANE of mx.other.example: the certificate of mx.other.example is not the one that its TLSA records tell of',
    ),
    told,
  )
  assert.equal(sink.messages.length, 0)
  const [report = assert.fail('no report')] = await until('the report comes', () =>
    reports.messages.length > 0 ? reports.messages : undefined,
  )
  assert.equal(report.from, '')
  const mail = await simpleParser(report.body)
  assert.equal(mail.from?.text, 'postmaster@localhost')
  assert.match(mail.text ?? '', new RegExp(`${day} \\(UTC\\): 3 sessions were well, 0 were not`))
})
