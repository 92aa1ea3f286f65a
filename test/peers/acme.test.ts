import assert from 'node:assert/strict'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type PeerCertificate } from 'node:tls'
import { LineClient, type WholeServer, wholeServer } from '#testing/whole-server.ts'
import { startZoneServer } from '#testing/zone-server.ts'
import { startPebble } from './foreign/pebble.ts'
import { lacking } from './install.ts'
import { freePort } from './ports.ts'

const ZONE = `
mail.example.org. 60 IN A 127.0.0.1
mta-sts.example.org. 60 IN CNAME mail.example.org.
autoconfig.example.org. 60 IN CNAME mail.example.org.
autodiscover.example.org. 60 IN A 127.0.0.9
`
const IDLING = 100
const PATIENCE_MS = 60_000

/** What the server shows for a name; fails where `root` did not sign it, or it is for another name. */
async function shown(whole: WholeServer, servername: string, root: string): Promise<PeerCertificate> {
  const socket = connect({ host: '127.0.0.1', port: whole.port('imaps'), servername, ca: root })
  try {
    await once(socket, 'secureConnect')
    return socket.getPeerCertificate()
  } finally {
    socket.destroy()
  }
}

/** Waits until it succeeds. */
async function until<T>(what: string, attempt: () => Promise<T>): Promise<T> {
  const end = Date.now() + PATIENCE_MS
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() > end) throw new Error(`In vain: ${what}`, { cause: error })
      await sleep(200)
    }
  }
}

async function idle(whole: WholeServer, root: string, password: string): Promise<LineClient> {
  const client = await LineClient.dial(whole.port('imaps'))
  await client.secure({ servername: 'mail.example.org', ca: root, rejectUnauthorized: true })
  await client.line()
  assert.match((await client.say(`a LOGIN ann@example.org ${password}`)) ?? '', /^a OK/)
  assert.match((await client.say('b SELECT INBOX')) ?? '', /^b OK/)
  assert.match((await client.say('c IDLE')) ?? '', /^\+/)
  return client
}

suite('certificates of pebble', { skip: lacking('pebble') }, () => {
  for (const challenge of ['http-01', 'tls-alpn-01'] as const)
    test(`come by ${challenge}, for the names that the DNS leads here`, async () => {
      const [httpPort, tlsPort] = [await freePort(), await freePort()]
      await using zone = await startZoneServer(ZONE)
      await using pebble = await startPebble({ httpPort, tlsPort, dns: zone.server, seconds: 3_600 })
      await using whole = await wholeServer({
        hostname: 'mail.example.org',
        dns: { servers: [`${zone.server.host}:${zone.server.port}`] },
        listen: { http: [`127.0.0.1:${httpPort}`], https: [`127.0.0.1:${tlsPort}`] },
        tls: { acme: { directory: pebble.directory, ca: pebble.ca, email: 'postmaster@example.org', challenge } },
      })
      const root = await pebble.root()
      await until('a certificate for the server', () => shown(whole, 'mail.example.org', root))
      const { subjectaltname } = await until('one for the domain', () => shown(whole, 'mta-sts.example.org', root))
      assert.deepEqual(subjectaltname?.split(', ').toSorted(), [
        'DNS:autoconfig.example.org',
        'DNS:mta-sts.example.org',
      ])
      const folder = path.join(whole.folder, 'data', 'tls', 'acme')
      for (const file of ['account.key.pem', 'mail.example.org.key.pem', 'mail.example.org.pem', 'state.json'])
        assert.equal((await stat(path.join(folder, file))).mode & 0o777, 0o600, file)
    })

  test(`are renewed while ${IDLING} connections idle, which notice nothing`, async () => {
    const [httpPort, tlsPort] = [await freePort(), await freePort()]
    await using zone = await startZoneServer(ZONE)
    await using pebble = await startPebble({ httpPort, tlsPort, dns: zone.server, seconds: 24 })
    await using whole = await wholeServer({
      hostname: 'mail.example.org',
      dns: { servers: [`${zone.server.host}:${zone.server.port}`] },
      limits: { exempt: ['127.0.0.0/8'], connections_per_user: IDLING + 10 },
      listen: { http: [`127.0.0.1:${httpPort}`] },
      tls: { acme: { directory: pebble.directory, ca: pebble.ca, domains: false } },
    })
    const root = await pebble.root()
    const first = await until('a certificate', () => shown(whole, 'mail.example.org', root))
    const { password } = await whole.server.administration.ask('app-password.add', {
      address: 'ann@example.org',
      name: 'idler',
    })
    const clients = await Promise.all(Array.from({ length: IDLING }, () => idle(whole, root, password)))
    const second = await until('another certificate', async () => {
      const now = await shown(whole, 'mail.example.org', root)
      assert.notEqual(now.serialNumber, first.serialNumber)
      return now
    })
    assert.ok(Date.parse(second.valid_from) > Date.parse(first.valid_from))
    assert.deepEqual(second.pubkey, first.pubkey, 'TLSA records stay right')
    using sender = await LineClient.dial(whole.port('smtp'))
    await sender.line()
    for (const line of ['EHLO x.example', 'MAIL FROM:<>', 'RCPT TO:<ann@example.org>']) await sender.say(line, /^250 /)
    await sender.say('DATA', /^354/)
    assert.match((await sender.say('Subject: still there?\r\n\r\nYes.\r\n.', /^\d/)) ?? '', /^250/)
    for (const client of clients) {
      assert.equal(await client.line(), '* 1 EXISTS')
      assert.match((await client.say('DONE', /^c /)) ?? '', /^c OK/)
      client[Symbol.dispose]()
    }
  })
})
