import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, randomBytes, webcrypto } from 'node:crypto'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { Config } from '#config/config.ts'
import { checkConfig } from '#config/schema.ts'
import { RecentLog } from '#testing/recent-log.ts'
import { createLog } from '../log.ts'
import { AcmeFiles } from './files.ts'
import { AcmeKeeper } from './keeper.ts'
import type { OrderOutcome, OrderRequest } from './order.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const LIFE_DAYS = 90
const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** What an authority gives for an order. */
async function signed({ key, names }: OrderRequest, now: number): Promise<string> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto)
  const privatePem = createPrivateKey(key)
  const pkcs8 = privatePem.export({ type: 'pkcs8', format: 'der' })
  const spki = createPublicKey(privatePem).export({ type: 'spki', format: 'der' })
  const privateKey = await webcrypto.subtle.importKey('pkcs8', Uint8Array.from(pkcs8), EC, true, ['sign'])
  const publicKey = await webcrypto.subtle.importKey('spki', Uint8Array.from(spki), EC, true, ['verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomBytes(8).toString('hex'),
    name: `CN=${names[0] ?? ''}`,
    notBefore: new Date(now),
    notAfter: new Date(now + LIFE_DAYS * DAY_MS),
    signingAlgorithm: EC,
    keys: { privateKey, publicKey },
    extensions: [new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns' as const, value })))],
  })
  return certificate.toString('pem')
}

interface Kit extends AsyncDisposable {
  readonly clock: { at: number; now(): number }
  readonly keeper: AcmeKeeper
  readonly files: AcmeFiles
  readonly folder: string
  /** Names of every order so far, with the ways in order. */
  readonly orders: string[]
  readonly domains: string[]
  /** What the DNS says of names; others lead here. */
  readonly dns: Map<string, boolean | undefined>
  /** Names that cannot be shown to be ours, and what the authority says. */
  fail: { readonly names: readonly string[]; readonly reason: string } | undefined
  changes: number
  names(id: string): Promise<string | undefined>
}

async function open(settings: { readonly acme?: object; readonly listen?: object } = {}): Promise<Kit> {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-acme-'))
  const config = checkConfig({
    hostname: 'mail.example.org',
    data: folder,
    listen: { http: ['[::]:80'], https: ['[::]:443'], ...settings.listen },
    tls: { acme: { directory: 'https://ca.example/dir', ...settings.acme } },
  })
  assert.ok(config.ok, JSON.stringify(config))
  const files = new AcmeFiles(folder)
  const kit: Omit<Kit, 'keeper' | typeof Symbol.asyncDispose> = {
    clock: { at: Date.UTC(2026, 10, 29), now: () => kit.clock.at },
    files,
    folder: path.join(folder, 'tls', 'acme'),
    orders: [],
    domains: [],
    dns: new Map(),
    fail: undefined,
    changes: 0,
    names: async (id) => (await files.certificate(id))?.certificate.subjectAltName,
  }
  const order = async (request: OrderRequest): Promise<OrderOutcome> => {
    kit.orders.push(`${request.names.join(' ')} by ${request.challenges.join(' ')}`)
    const { fail } = kit
    const failed = request.names.filter((name) => fail?.names.includes(name))
    if (fail !== undefined && (failed.length > 0 || fail.names.length === 0))
      return { ok: false, reason: fail.reason, failed }
    return { ok: true, chain: await signed(request, kit.clock.at) }
  }
  const keeper = new AcmeKeeper(config.value satisfies Config, {
    files,
    clock: kit.clock,
    log: new RecentLog(createLog('error')),
    domains: async () => kit.domains,
    leadsHere: async (name) => (kit.dns.has(name) ? kit.dns.get(name) : true),
    order,
    changed: async () => {
      kit.changes += 1
    },
  })
  return Object.assign(kit, {
    keeper,
    async [Symbol.asyncDispose]() {
      await keeper[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  })
}

const OWN = 'mail.example.org by http-01 tls-alpn-01'

test('a certificate is asked for once, and again when two thirds of its life are over, with the same key', async () => {
  await using kit = await open()
  const next = await kit.keeper.look()
  assert.deepEqual(kit.orders, [OWN])
  assert.equal(next - kit.clock.at, HOUR_MS, 'it looks every hour')
  const key = await kit.files.keyOf('mail.example.org')
  kit.clock.at += 60 * DAY_MS - HOUR_MS
  await kit.keeper.look()
  assert.equal(kit.orders.length, 1)
  kit.clock.at += HOUR_MS
  await kit.keeper.look()
  assert.equal(kit.orders.length, 2)
  assert.equal(kit.changes, 2)
  assert.equal(await kit.files.keyOf('mail.example.org'), key)
  for (const file of ['mail.example.org.pem', 'mail.example.org.key.pem', 'account.key.pem', 'state.json'])
    assert.equal((await stat(path.join(kit.folder, file))).mode & 0o777, 0o600, file)
})

test('each domain has one for the names that lead here; one that comes to lead here is added', async () => {
  await using kit = await open()
  kit.domains.push('example.org', 'example.net')
  kit.dns.set('autodiscover.example.org', false)
  for (const label of ['mta-sts', 'autoconfig', 'autodiscover']) kit.dns.set(`${label}.example.net`, undefined)
  await kit.keeper.look()
  assert.deepEqual(kit.orders.slice(1), ['mta-sts.example.org autoconfig.example.org by http-01 tls-alpn-01'])
  kit.dns.set('autodiscover.example.org', true)
  // a DNS that is silent takes no name away
  kit.dns.set('mta-sts.example.org', undefined)
  await kit.keeper.look()
  assert.equal(
    await kit.names('domain-example.org'),
    'DNS:mta-sts.example.org, DNS:autoconfig.example.org, DNS:autodiscover.example.org',
  )
  await kit.keeper.look()
  assert.equal(kit.orders.length, 3)
})

test('after a failure it waits longer and longer, also over a restart, and begins with the other way', async () => {
  await using kit = await open()
  kit.fail = { names: ['mail.example.org'], reason: 'connection refused' }
  const pauses: number[] = []
  for (let count = 0; count < 9; count += 1) {
    const next = Math.max(await kit.keeper.look(), (await kit.files.records()).get('mail.example.org')?.nextTry ?? 0)
    assert.equal(kit.orders.length, count + 1)
    await kit.keeper.look()
    assert.equal(kit.orders.length, count + 1, 'not before its time')
    pauses.push((next - kit.clock.at) / 60_000)
    kit.clock.at = next
  }
  assert.deepEqual(pauses, [15, 30, 60, 120, 240, 480, 960, 1440, 1440])
  assert.deepEqual(kit.orders.slice(0, 2), [OWN, 'mail.example.org by tls-alpn-01 http-01'])
  assert.equal((await kit.files.records()).get('mail.example.org')?.reason, 'connection refused')
  kit.fail = undefined
  await kit.keeper.look()
  assert.equal((await kit.files.records()).get('mail.example.org')?.reason, undefined)
  assert.equal(kit.changes, 1)
})

test('names that fail do not keep the others waiting, and are tried again a day later', async () => {
  await using kit = await open({ acme: { names: ['imap.example.org', 'old.example.org'] } })
  kit.fail = { names: ['old.example.org'], reason: 'old.example.org: no such name' }
  await kit.keeper.look()
  kit.clock.at += 60_000
  await kit.keeper.look()
  assert.equal(await kit.names('mail.example.org'), 'DNS:mail.example.org, DNS:imap.example.org')
  kit.fail = undefined
  await kit.keeper.look()
  assert.equal(kit.orders.length, 2)
  kit.clock.at += DAY_MS
  await kit.keeper.look()
  assert.equal(kit.orders.length, 3)
  assert.match((await kit.names('mail.example.org')) ?? '', /old/)
})

test('the own name is always asked for, and an authority that wants no more questions is left in peace', async () => {
  await using kit = await open({ listen: { https: [] }, acme: { names: ['imap.example.org'] } })
  kit.domains.push('example.org')
  kit.fail = { names: ['mail.example.org'], reason: 'too many certificates already issued' }
  await kit.keeper.look()
  kit.clock.at += 60_000
  await kit.keeper.look()
  assert.deepEqual(
    kit.orders,
    Array.from({ length: 2 }, () => 'mail.example.org imap.example.org by http-01'),
  )
})

test('a certificate that is damaged, or whose key is gone, is asked for anew', async () => {
  await using kit = await open()
  await kit.keeper.look()
  await writeFile(path.join(kit.folder, 'mail.example.org.pem'), 'damaged')
  await kit.keeper.look()
  await rm(path.join(kit.folder, 'mail.example.org.key.pem'))
  await kit.keeper.look()
  await writeFile(path.join(kit.folder, 'state.json'), '{"mail.')
  await kit.keeper.look()
  assert.equal(kit.orders.length, 3)
})

test('a file of the configuration that cannot be read is told, and nothing is asked', async () => {
  await using kit = await open({ acme: { ca: '/nowhere/ca.pem' } })
  await kit.keeper.look()
  assert.deepEqual(kit.orders, [])
  assert.match((await kit.files.records()).get('mail.example.org')?.reason ?? '', /ENOENT.*\/nowhere\/ca\.pem/)
})

test('what was for a domain that is removed goes: failures at once, the certificate when it would be renewed', async () => {
  await using kit = await open()
  kit.domains.push('example.org', 'other.example')
  await kit.keeper.look()
  kit.fail = { names: ['autoconfig.other.example'], reason: 'no' }
  kit.clock.at += 61 * DAY_MS
  await kit.keeper.look()
  assert.deepEqual([...(await kit.files.records()).keys()].sort(), [
    'domain-example.org',
    'domain-other.example',
    'mail.example.org',
  ])
  kit.domains.splice(0)
  kit.clock.at -= 2 * DAY_MS
  await kit.keeper.look()
  assert.deepEqual([...(await kit.files.records()).keys()], ['mail.example.org'])
  assert.ok(await kit.files.certificate('domain-example.org'))
  const { changes } = kit
  kit.clock.at += 63 * DAY_MS
  await kit.keeper.look()
  assert.deepEqual(
    (await kit.files.certificates()).map(({ id }) => id),
    ['mail.example.org'],
  )
  assert.ok(kit.changes > changes)
})
