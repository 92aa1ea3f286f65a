import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatMistake, parseConfig } from './load.ts'

const around = { folder: '/etc/malle', cores: 8, platform: 'linux' } as const

function load(text: string) {
  return parseConfig(`hostname = "mail.example.org"\n${text}`, 'malle.toml', around)
}

test('routes and the queue are derived, with paths from the folder of the file', () => {
  const loaded = load(`
    [[route]]
    domain = "*"
    host = "Smtp.example.net"
    port = 587
    user = "us"
    password_file = "relay.secret"
    [[route]]
    domain = "*.Example.com"
    source_address = "192.0.2.7"
    [queue]
    retry_minutes = [1, 2]
    warn_hours = 0
    give_up_days = 4
  `)
  assert.ok(loaded.ok)
  assert.deepEqual(loaded.value.routes, [
    {
      domain: '*',
      host: 'smtp.example.net',
      port: 587,
      security: 'starttls',
      user: 'us',
      passwordFile: '/etc/malle/relay.secret',
      ca: undefined,
      sourceAddress: undefined,
    },
    {
      domain: '*.example.com',
      host: undefined,
      port: undefined,
      security: 'opportunistic',
      user: undefined,
      passwordFile: undefined,
      ca: undefined,
      sourceAddress: '192.0.2.7',
    },
  ])
  const { retryMs, warnMs, giveUpMs } = loaded.value.queue
  assert.deepEqual({ retryMs, warnMs, giveUpMs }, { retryMs: [60_000, 120_000], warnMs: 0, giveUpMs: 345_600_000 })
})

for (const [table, wrong] of [
  ['domain = "a b"', /domain .* is not a domain/],
  ['domain = "*"\nhost = "smtp .example.net"', /is neither a host name nor an address/],
  ['domain = "*"\nhost = "h.example"\nuser = "us"', /needs user and password_file both/],
  ['domain = "*"\nuser = "us"\npassword_file = "f"', /has a user without a host/],
  [
    'domain = "*"\nhost = "h"\nsecurity = "none"\nuser = "us"\npassword_file = "f"',
    /would show a password without TLS/,
  ],
  ['domain = "*"\nhost = "h"\nsecurity = "opportunistic"\nuser = "us"\npassword_file = "f"', /would show a password/],
  ['domain = "*"\nsource_address = "localhost"', /is not an IP address/],
  ['domain = "*"\nhots = "h"', /hots/],
] as const) {
  test(`a route is refused: ${table.replaceAll('\n', ', ')}`, () => {
    const loaded = load(`[[route]]\n${table}\n`)
    assert.ok(!loaded.ok)
    assert.match(loaded.error.map(formatMistake).join('\n'), wrong)
  })
}
