/** What a person's program finds out from a running server, and what others must not. @module */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { discover } from '#client/discovery/discover.ts'
import type { DiscoveryNetwork } from '#client/discovery/types.ts'
import { ImapClient } from '#client/imap/imap-client.ts'
import { wholeServer } from '#testing/whole-server.ts'

/** Asks the server on loopback, whatever the name. */
async function fetchFrom(
  { port, ca }: { readonly port: number; readonly ca: string },
  url: string,
  headers: Record<string, string> = {},
): Promise<{ readonly status: number | undefined; readonly text: string }> {
  const { hostname, pathname, search } = new URL(url)
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, servername: 'localhost', ca, path: pathname + search, agent: false },
      resolve,
    )
    for (const [name, value] of Object.entries({ host: hostname, ...headers })) asked.setHeader(name, value)
    asked.on('error', reject)
    asked.end()
  })
  return { status: answer.statusCode, text: await text(answer) }
}

test('our own client sets itself up from the address and what the server says', async () => {
  await using whole = await wholeServer({ listen: { https: ['127.0.0.1:0'] } })
  const { server } = whole
  const ca = readFileSync(server.ca ?? '', 'utf8')
  const at = { port: server.endpoints.https[0]?.port ?? 0, ca }
  const network: DiscoveryNetwork = {
    async fetch(url) {
      const { status, text: file } = await fetchFrom(at, url)
      return status === 200 ? file : undefined
    },
    srv: async () => [],
    probe: async () => 'nothing',
  }
  const { servers } = await discover('ann@example.org', { network, ispdb: false })
  assert.deepEqual(
    servers.map(({ protocol, host, port, security, source }) => [protocol, host, port, security, source.kind]),
    [
      ['imap', 'localhost', whole.port('imaps'), 'tls', 'autoconfig'],
      ['imap', 'localhost', whole.port('imap'), 'starttls', 'autoconfig'],
      ['pop3', 'localhost', whole.port('pop3s'), 'tls', 'autoconfig'],
      ['pop3', 'localhost', whole.port('pop3'), 'starttls', 'autoconfig'],
      ['smtp', 'localhost', whole.port('submissions'), 'tls', 'autoconfig'],
      ['smtp', 'localhost', whole.port('submission'), 'starttls', 'autoconfig'],
    ],
  )
  const { password } = await server.administration.ask('app-password.add', {
    address: 'ann@example.org',
    name: 'laptop',
  })
  for (const { host, port, security, login } of servers.slice(0, 2)) {
    const credentials = { login: login.value, password }
    await using client = await ImapClient.connect({ host, port, security, credentials, tls: { ca } })
    assert.equal((await client.select('INBOX')).exists, 0)
  }
})

test('how the server is concerns its watchers alone, and nobody behind a proxy', async () => {
  await using whole = await wholeServer({ listen: { https: ['127.0.0.1:0'] } })
  const at = { port: whole.server.endpoints.https[0]?.port ?? 0, ca: readFileSync(whole.server.ca ?? '', 'utf8') }
  const metrics = (await fetchFrom(at, 'https://localhost/metrics')).text
  assert.match(metrics, /^malle_certificate_expiry_timestamp_seconds\{name="localhost"\} 1\d{9}$/m)
  for (const page of ['healthz', 'metrics']) {
    assert.equal((await fetchFrom(at, `https://localhost/${page}`)).status, 200)
    assert.equal((await fetchFrom(at, `https://localhost/${page}`, { 'x-forwarded-for': '192.0.2.1' })).status, 404)
  }
  await using closed = await wholeServer({ listen: { https: ['127.0.0.1:0'] }, http: { watchers: ['192.0.2.1'] } })
  const there = {
    port: closed.server.endpoints.https[0]?.port ?? 0,
    ca: readFileSync(closed.server.ca ?? '', 'utf8'),
  }
  assert.equal((await fetchFrom(there, 'https://localhost/metrics')).status, 404)
  assert.equal((await fetchFrom(there, 'https://mta-sts.example.org/.well-known/mta-sts.txt')).status, 200)
})
