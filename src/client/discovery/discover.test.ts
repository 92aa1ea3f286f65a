import assert from 'node:assert/strict'
import { test } from 'node:test'
import { discover } from './discover.ts'
import type { DiscoveredServer, DiscoveryNetwork, SrvRecord } from './types.ts'

/** A network of files, records and servers that are there; `undefined` never answers. */
interface Known {
  readonly files?: Readonly<Record<string, string | Error | undefined>>
  readonly srv?: Readonly<Record<string, readonly SrvRecord[]>>
  readonly servers?: Readonly<Record<string, 'fits' | 'untrusted'>>
}

function network({ files = {}, srv = {}, servers = {} }: Known, asked: string[] = []): DiscoveryNetwork {
  return {
    async fetch(url) {
      asked.push(url)
      const file = files[url]
      if (file instanceof Error) throw file
      if (url in files && file === undefined) await new Promise(() => undefined)
      return file
    },
    async srv(name) {
      asked.push(name)
      return srv[name] ?? []
    },
    async probe({ host, port }) {
      asked.push(`${host}:${port}`)
      return servers[`${host}:${port}`] ?? 'nothing'
    },
  }
}

const OWN = 'https://autoconfig.example.org/mail/config-v1.1.xml?emailaddress=ann%2Bx%40example.org'
const WELL_KNOWN = 'https://example.org/.well-known/autoconfig/mail/config-v1.1.xml'
const ISPDB = 'https://autoconfig.thunderbird.net/v1.1/example.org'

function incoming(type: string, socket: string, port: number, username = '%EMAILADDRESS%'): string {
  return `<incomingServer type="${type}"><hostname>mx.%EMAILDOMAIN%</hostname><port>${port}</port>
    <socketType>${socket}</socketType><username>${username}</username></incomingServer>`
}

const OUTGOING =
  '<outgoingServer type="smtp"><hostname>smtp.example.org</hostname><port>587</port><socketType>STARTTLS</socketType><username>%EMAILLOCALPART%</username></outgoingServer>'

function config(...servers: readonly string[]): string {
  return `<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="example.org"><domain>example.org</domain>${servers.join('')}</emailProvider></clientConfig>`
}

function short({ protocol, host, port, security, login, source }: DiscoveredServer): string {
  return `${protocol} ${host}:${port} ${security} ${login.form}=${login.value} ${source.kind}`
}

test('discover() takes the servers of the provider’s own file, and fills the placeholders', async () => {
  const files = {
    [OWN]: config(incoming('imap', 'SSL', 993), incoming('pop3', 'SSL', 995, 'x-%EMAILLOCALPART%'), OUTGOING),
  }
  const asked: string[] = []
  const { servers, steps } = await discover('ann+x@Example.ORG', { network: network({ files }, asked) })
  assert.deepEqual(servers.map(short), [
    'imap mx.example.org:993 tls address=ann+x@example.org autoconfig',
    'pop3 mx.example.org:995 tls other=x-ann+x autoconfig',
    'smtp smtp.example.org:587 starttls local-part=ann+x autoconfig',
  ])
  assert.deepEqual(asked, [OWN, WELL_KNOWN], 'nothing else was asked')
  assert.deepEqual(
    steps.map(({ outcome }) => outcome),
    ['found', 'nothing'],
  )
})

test('discover() goes on to the next source for what is missing, and past files that are no good', async () => {
  const files = {
    [OWN]: '<html><title>Nothing here</title></html>',
    [WELL_KNOWN]: new Error('HTTP status 500'),
    [ISPDB]: config(incoming('imap', 'STARTTLS', 143), incoming('exchange', 'SSL', 443), incoming('imap', 'odd', 1)),
  }
  const srv = {
    '_imaps._tcp.example.org': [{ priority: 0, weight: 1, host: 'other.example.org', port: 993 }],
    '_submissions._tcp.example.org': [
      { priority: 5, weight: 1, host: 'late.example.org', port: 465 },
      { priority: 1, weight: 1, host: 'soon.example.org', port: 465 },
    ],
  }
  const { servers, steps } = await discover('ann+x@example.org', { network: network({ files, srv }) })
  assert.deepEqual(servers.map(short), [
    'imap mx.example.org:143 starttls address=ann+x@example.org ispdb',
    'smtp soon.example.org:465 tls address=ann+x@example.org srv',
    'smtp late.example.org:465 tls address=ann+x@example.org srv',
  ])
  assert.deepEqual(steps.slice(0, 3), [
    { asked: OWN, outcome: 'failed', detail: 'The root element is "html", not "clientConfig"' },
    { asked: WELL_KNOWN, outcome: 'failed', detail: 'HTTP status 500' },
    { asked: ISPDB, outcome: 'found' },
  ])
})

test('discover() never takes a server without TLS', async () => {
  const files = { [OWN]: config(incoming('imap', 'plain', 143), OUTGOING) }
  const { servers, plaintext } = await discover('ann+x@example.org', { network: network({ files }) })
  assert.deepEqual(
    servers.map(({ protocol }) => protocol),
    ['smtp'],
  )
  assert.deepEqual(plaintext.map(short), ['imap mx.example.org:143 none address=ann+x@example.org autoconfig'])
})

test('discover() asks a person first where only the DNS leads to another domain (RFC 6186 §6)', async () => {
  const record = (host: string): readonly SrvRecord[] => [{ priority: 0, weight: 0, host, port: 993 }]
  const servers = async (host: string): Promise<readonly DiscoveredServer[]> => {
    const srv = { '_imaps._tcp.example.org': record(host) }
    return (await discover('ann@example.org', { network: network({ srv }) })).servers
  }
  assert.equal((await servers('imap.example.org'))[0]?.askFirst, false)
  assert.equal((await servers('imap.example.net'))[0]?.askFirst, true)
  assert.equal((await servers('imap.notexample.org'))[0]?.askFirst, true)
  assert.deepEqual(await servers('.'), [], 'the service is not there (RFC 6186 §3.4)')
  assert.deepEqual(await servers(''), [])
})

test('discover() guesses last, and only what shows a certificate for its name', async () => {
  const servers = {
    'imap.example.org:993': 'untrusted',
    'mail.example.org:993': 'fits',
    'mail.example.org:465': 'fits',
    'smtp.example.org:587': 'fits',
  } as const
  const asked: string[] = []
  const found = await discover('ann@example.org', { network: network({ servers }, asked), ispdb: false })
  assert.deepEqual(found.servers.map(short), [
    'imap mail.example.org:993 tls address=ann@example.org guess',
    'smtp mail.example.org:465 tls address=ann@example.org guess',
  ])
  assert.deepEqual(
    found.steps.filter(({ outcome }) => outcome === 'untrusted'),
    [{ asked: 'imap.example.org:993', outcome: 'untrusted' }],
  )
  assert.ok(!asked.some((each) => each.includes('thunderbird')))
})

test('discover() ends in its time although nobody answers', async () => {
  const files = { [OWN]: undefined, [WELL_KNOWN]: undefined }
  const { servers, steps } = await discover('ann+x@example.org', { network: network({ files }), timeoutMs: 50 })
  assert.deepEqual(servers, [])
  assert.equal(steps[0]?.detail, 'no answer in time')
  assert.equal(steps.at(-1)?.detail, 'no time was left')
})

test('discover() asks for the domain as the DNS has it', async () => {
  const asked: string[] = []
  await discover('ann@bücher.example', { network: network({}, asked), timeoutMs: 5_000 })
  assert.ok(asked.includes('https://autoconfig.thunderbird.net/v1.1/xn--bcher-kva.example'))
})

for (const bad of [
  '',
  'ann',
  '@example.org',
  'ann@',
  'ann@a b',
  'ann@exa/mple.org',
  'an\nn@example.org',
  'ann@example.org?x',
])
  test(`discover() refuses ${JSON.stringify(bad)}`, () =>
    assert.rejects(discover(bad, { network: network({}) }), TypeError))
