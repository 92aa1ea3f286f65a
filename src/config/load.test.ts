import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { parseListenAddress, parseSize } from './fields.ts'
import { formatMistake, loadConfig, parseConfig } from './load.ts'

const around = { folder: '/etc/malle', cores: 8, platform: 'linux' } as const

function mistakes(text: string): string[] {
  const loaded = parseConfig(text, 'malle.toml', around)
  assert.ok(!loaded.ok)
  return loaded.error.map(formatMistake)
}

test('a configuration is derived, absolute and frozen', () => {
  const loaded = parseConfig(
    `
    hostname = "Mail.Example.org"
    data = "../data"
    [listen]
    imap = ["[::]:143", "127.0.0.1:0"]
    proxy_from = ["10.0.0.0/8"]
    [tls]
    cert = "tls/cert.pem"
    key = "/key.pem"
    client_ca = "clients.pem"
    [[tls.hosts]]
    name = "IMAP.example.net"
    cert = "a"
    key = "b"
    [limits]
    message_size = "10 mb"
    exempt = ["127.0.0.1", "fd00::/8"]
    [workers]
    count = "auto"
    [pop3]
    policy = "keep=14"
    login_delay = 30
    mark_seen = true
    `,
    'malle.toml',
    around,
  )
  assert.ok(loaded.ok)
  const config = loaded.value
  assert.equal(config.hostname, 'mail.example.org')
  assert.equal(config.data, '/etc/data')
  assert.deepEqual(config.listen.imap, [
    { host: '::', port: 143 },
    { host: '127.0.0.1', port: 0 },
  ])
  assert.deepEqual(config.listen.https, [])
  assert.deepEqual(config.tls, {
    clientCa: '/etc/malle/clients.pem',
    files: { cert: '/etc/malle/tls/cert.pem', key: '/key.pem' },
    hosts: [{ name: 'imap.example.net', cert: '/etc/malle/a', key: '/etc/malle/b' }],
    acme: undefined,
  })
  assert.deepEqual(config.proxyFrom, [{ address: '10.0.0.0', prefix: 8, family: 'ipv4' }])
  assert.ok(!('proxy_from' in config.listen))
  assert.equal(config.auth.oauth, undefined)
  assert.equal(config.limits.messageBytes, 10 * 1024 * 1024)
  assert.equal(config.limits.idleMs, 1_800_000)
  assert.deepEqual(config.limits.exempt, [
    { address: '127.0.0.1', prefix: 32, family: 'ipv4' },
    { address: 'fd00::', prefix: 8, family: 'ipv6' },
  ])
  assert.equal(config.workers.count, 7)
  assert.deepEqual(config.pop3, {
    policy: { kind: 'keep', days: 14 },
    loginDelaySeconds: 30,
    markSeen: true,
    language: 'en',
  })
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.limits.exempt[0]))
})

test('an issuer of tokens is configured in a section of its own', () => {
  const head = 'hostname = "a"\n[auth.oauth]\nissuer = "https://id.example.org"\n'
  const loaded = parseConfig(`${head}audience = ["malle"]\nscope_pop3 = "pop"`, 'malle.toml', around)
  assert.ok(loaded.ok)
  assert.deepEqual(loaded.value.auth.oauth, {
    issuer: 'https://id.example.org',
    audience: ['malle'],
    jwksUri: undefined,
    claim: 'email',
    scopes: { pop3: 'pop' },
  })
  assert.deepEqual(mistakes(head), [
    'malle.toml:2: auth.oauth.audience is empty while auth.oauth.issuer is not. Write a list such as ["malle"].',
  ])
  assert.deepEqual(mistakes('hostname = "a"\n[auth.oauth]\nissuer = "id"\naudiense = []'), [
    'malle.toml:3: auth.oauth.issuer "id" is not a web address. Write a web address such as "https://id.example.org".',
    'malle.toml:4: auth.oauth.audiense is not known. Perhaps you mean audience.',
  ])
  assert.match(mistakes('hostname = "a"\n[[auth.oauth]]\nissuer = "https://x"').join(), /auth.oauth is not a section/)
})

test('resolvers are IP addresses, with a port or without', () => {
  const loaded = parseConfig(
    'hostname = "a"\n[dns]\nservers = ["127.0.0.1", "::1", "[::1]:5353"]\ntimeout = 3',
    'malle.toml',
  )
  assert.ok(loaded.ok)
  assert.deepEqual(loaded.value.dns, {
    servers: [
      { host: '127.0.0.1', port: 53 },
      { host: '::1', port: 53 },
      { host: '::1', port: 5353 },
    ],
    trustAd: 'loopback',
    timeoutMs: 3000,
  })
  assert.deepEqual(mistakes('hostname = "a"\n[dns]\nservers = ["dns.example.org"]\ntrust_ad = true'), [
    'malle.toml:3: dns.servers[1] "dns.example.org" is not an IP address, nor one with a port. Write a list such as ["127.0.0.1"] or ["[::1]:5353"].',
    'malle.toml:4: dns.trust_ad true is not one of the words known here. Write "loopback", "always" or "never".',
  ])
})

test('threads are one where the system cannot share a port among them', () => {
  for (const count of ['"auto"', '4']) {
    const text = `hostname = "a"\n[workers]\ncount = ${count}`
    const loaded = parseConfig(text, 'malle.toml', { ...around, platform: 'darwin' })
    assert.equal(loaded.ok && loaded.value.workers.count, 1)
  }
})

for (const [text, mistake] of [
  ['', 'malle.toml: hostname is missing. Write hostname = "mail.example.org".'],
  [
    'hostname = "a..b"',
    'malle.toml:1: hostname "a..b" is not a host name. Write a full host name in ASCII, such as "mail.example.org".',
  ],
  [
    'hostname = "a"\n\n[limits]\nconnections = "many"',
    'malle.toml:4: limits.connections "many" is not a number. Write a whole number from 1 to 1000000.',
  ],
  [
    'hostname = "a"\n[limits]\nconnections = 0',
    'malle.toml:3: limits.connections 0 is less than 1. Write a whole number from 1 to 1000000.',
  ],
  [
    'hostname = "a"\n[limits]\nidle_minutes = 5',
    'malle.toml:3: limits.idle_minutes 5 is less than 30. Write a whole number from 30 to 10080.',
  ],
  [
    'hostname = "a"\n[limits]\nmesage_size = "1MB"',
    'malle.toml:3: limits.mesage_size is not known. Perhaps you mean message_size.',
  ],
  [
    'hostname = "a"\n[limits]\nmessage_size = 50',
    'malle.toml:3: limits.message_size 50 is not a string with a unit. Write a number with its unit in quotes, such as "50MB", from "64KB" to "2GB".',
  ],
  [
    'hostname = "a"\n[limits]\nline = "64XB"',
    'malle.toml:3: limits.line "64XB" is not a size. Write a number with its unit in quotes, such as "64KB", from "8KB" to "1MB".',
  ],
  ['hostname = "a"\n[limit]\nline = "64KB"', 'malle.toml:2: limit is not known. Perhaps you mean limits.'],
  [
    'hostname = "a"\n[listen]\nbare_newline = "reject"',
    'malle.toml:3: listen.bare_newline is not known. It belongs in [smtp].',
  ],
  [
    'hostname = "a"\n[smtp]\nhostname = "b"',
    'malle.toml:3: smtp.hostname is not known. It stands before the first [section].',
  ],
  ['hostname = "a"\n[log]\nwibble = 1', 'malle.toml:3: log.wibble is not known. Known in [log] are level.'],
  [
    'hostname = "a"\nlisten = []',
    'malle.toml:2: listen is not a section. Write [listen] on a line of its own, keys below it.',
  ],
  [
    'hostname = "a"\n[listen]\nimap = [\n  "[::]:143",\n  "::1:144",\n]',
    'malle.toml:3: listen.imap[2] "::1:144" is not "host:port". Write a list such as ["[::]:143"]; port 0 takes a free one, an empty list is off.',
  ],
  [
    'hostname = "a"\n[listen]\nimap = "[::]:143"',
    'malle.toml:3: listen.imap "[::]:143" is not a list. Write a list such as ["[::]:143"]; port 0 takes a free one, an empty list is off.',
  ],
  [
    'hostname = "a"\n[tls]\ncert = "x"',
    'malle.toml:2: tls.key is empty while tls.cert is not. Write the path of a PEM file in quotes.',
  ],
  [
    'hostname = "a"\n[store]\nurl = "postgres://x"',
    'malle.toml:3: store.url "postgres://x" is not a store this release has. Write "embedded:".',
  ],
  [
    'hostname = "a"\n[store]\ndurability = "Full"',
    'malle.toml:3: store.durability "Full" is not one of the words known here. Write "full" or "relaxed".',
  ],
  [
    'hostname = "a"\n[workers]\ncount = 0',
    'malle.toml:3: workers.count 0 is less than 1. Write "auto" or a whole number from 1 to 256.',
  ],
  ['hostname = mail', 'malle.toml:1: This is not TOML: invalid value. Write key = value, strings in quotes.'],
  [
    'hostname = "a"\nhostname = "b"',
    'malle.toml:2: This is not TOML: trying to redefine an already defined table or value. Write key = value, strings in quotes.',
  ],
] as const)
  test(`a mistake is explained: ${JSON.stringify(text.split('\n').at(-1))}`, () =>
    assert.deepEqual(mistakes(text), [mistake]))

test('all mistakes are told at once, in the order of the file', () => {
  const found = mistakes('[limits]\nline = 7\nx = 1\n[log]\nlevel = "loud"\n[bogus]\n')
  assert.deepEqual(
    found.map((one) => one.split(' ')[0]),
    ['malle.toml:', 'malle.toml:2:', 'malle.toml:3:', 'malle.toml:5:', 'malle.toml:6:'],
  )
})

test('hostile files are refused, not suffered', () => {
  for (const text of ['__proto__ = 1', `a = ${'['.repeat(5_000)}`, 'constructor.prototype.x = 1', '\0']) {
    assert.equal(mistakes(text).length > 0, true)
  }
})

test('loadConfig() reads a file, and says what is wrong with it as a whole', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-config-'))
  try {
    const file = path.join(folder, 'malle.toml')
    const missing = await loadConfig(file)
    assert.ok(!missing.ok)
    assert.equal(missing.error.map(formatMistake)[0], `${file}: There is no such file. Name another one with --config.`)
    await writeFile(file, 'hostname = "a"\ndata = "mail"\n')
    const loaded = await loadConfig(file)
    assert.equal(loaded.ok && loaded.value.data, path.join(folder, 'mail'))
    await writeFile(file, Buffer.from([0xff, 0xfe]))
    assert.equal((await loadConfig(file)).ok, false)
    assert.equal((await loadConfig(folder)).ok, false)
    await writeFile(file, 'a'.repeat(300_000))
    assert.equal((await loadConfig(file)).ok, false)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('sizes and addresses to listen on are read strictly', () => {
  assert.deepEqual(['1B', '64KB', '50 mb', '2GB'].map(parseSize), [1, 65_536, 52_428_800, 2_147_483_648])
  for (const text of ['', '50', 'MB', '-1MB', '1.5MB', '1TB', '1MBs', '9999999999999GB'])
    assert.equal(parseSize(text), undefined)
  assert.deepEqual(parseListenAddress('localhost:0'), { host: 'localhost', port: 0 })
  assert.deepEqual(parseListenAddress('[fe80::1%eth0]:25'), { host: 'fe80::1%eth0', port: 25 })
  for (const text of ['', ':25', '25', '::1:25', '[::1]', '1.2.3:25', '[x]:25', 'a:65536', 'a b:1', 'a:1 '])
    assert.equal(parseListenAddress(text), undefined, text)
})

test('certificates come from files or from an authority, whose files are absolute', () => {
  const text = `hostname = "mail.example.org"
[tls.acme]
directory = "https://ca.example/dir"
ca = "ca.pem"
eab_key_id = "7"
eab_key_file = "eab.key"
`
  const loaded = parseConfig(text, 'malle.toml', around)
  assert.ok(loaded.ok)
  assert.equal(loaded.value.tls.acme?.ca, '/etc/malle/ca.pem')
  assert.deepEqual(loaded.value.tls.acme?.account, { keyId: '7', keyFile: '/etc/malle/eab.key' })
  const both = parseConfig(`${text}[tls]\ncert = "a"\nkey = "b"\n`, 'malle.toml', around)
  assert.deepEqual(both.ok || both.error.map(({ key, wrong }) => [key, wrong]), [
    ['tls.cert', 'tls.cert "a" is set while tls.acme.directory is too'],
  ])
})
