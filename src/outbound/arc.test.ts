import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { before, test } from 'node:test'
import { authenticate } from 'mailauth'
import { formatAuthenticationResults } from '#mail/authentication-results.ts'
import type { SigningKey } from '#services/dkim-keys.ts'
import { ListLog } from '#testing/list-log.ts'
import { plainMail, utf8 } from '#testing/messages.ts'
import { openSigner } from './signing.ts'

const NOW = Date.now()
const keys: SigningKey[] = []
const zone = new Map<string, string>()

before(() => {
  for (const [domain, algorithm] of [
    ['example.org', 'rsa'],
    ['b.example', 'ed25519'],
    ['c.example', 'rsa'],
  ] as const) {
    const { privateKey, publicKey } =
      algorithm === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ed25519')
    const spki = publicKey.export({ type: 'spki', format: 'der' })
    const p = (algorithm === 'rsa' ? spki : spki.subarray(-32)).toString('base64')
    zone.set(`s._domainkey.${domain}`, `v=DKIM1; k=${algorithm}; p=${p}`)
    keys.push({ domain, selector: 's', algorithm, privateKey })
  }
})

interface Forwarder {
  readonly hostname?: string
  readonly sender?: string
  readonly checked?: boolean
  /** `arc=` of its Authentication-Results; absent: it has not looked. */
  readonly arc?: string
  readonly by?: string
}

const log = new ListLog()

/** Hands a message on as a server with checks does. */
async function forwarded(message: Uint8Array, how: Forwarder = {}): Promise<Buffer> {
  const { hostname = 'mx.example.org', sender = 'SRS0=h=d=a=b@example.org', checked = true, arc, by = hostname } = how
  const results = [
    { method: 'spf', result: 'pass', properties: { 'smtp.mailfrom': 'jörg@a.example' } },
    ...(arc === undefined ? [] : [{ method: 'arc', result: arc, properties: {} }]),
  ]
  const above = `${formatAuthenticationResults({ by, results })}Delivered-To: info@example.org\r\n`
  const whole = Buffer.concat([utf8(above), message])
  const clock = { now: () => NOW }
  const active = (domain: string): readonly SigningKey[] => keys.filter((key) => key.domain === domain)
  const signer = openSigner({ keys: { active }, clock, log, hostname, checked })
  const lines = await signer.sign(
    { id: 'a1.1', sender },
    (async function* () {
      for (let at = 0; at < whole.length; at += 100) yield whole.subarray(at, at + 100)
    })(),
  )
  return Buffer.concat([lines, whole])
}

/** The verdict over a chain, and how many sets it has. */
async function chain(message: Uint8Array): Promise<readonly [result: string, sets: number]> {
  const { arc } = await authenticate(Buffer.from(message), {
    ip: '127.0.0.1',
    helo: 'x.example',
    sender: 'x@x.example',
    strict: true,
    disableDmarc: true,
    disableBimi: true,
    resolver: async (name: string) => {
      const record = zone.get(name)
      if (record === undefined) throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' })
      return [[record]]
    },
  })
  assert.ok(arc)
  return [arc.status.result, (message.toString().match(/^ARC-Seal:/gim) ?? []).length]
}

test('forwarded mail is sealed by the domain that forwards it, with what our checks found', async () => {
  const message = await forwarded(plainMail({ from: 'Jörg <jörg@a.example>' }))
  const head =
    message
      .toString('utf8')
      .split('\r\nAuthentication-Results:')[0]
      ?.replace(/\r\n[ \t]+/g, ' ') ?? ''
  assert.match(head, /^ARC-Seal: i=1; a=rsa-sha256; t=\d+; cv=none; d=example\.org; s=s; b=/)
  assert.match(head, /\r\nARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed\/relaxed; d=example\.org;/)
  assert.match(head, /\r\nARC-Authentication-Results: i=1; mx\.example\.org; spf=pass smtp\.mailfrom=jörg@a\.example$/)
  assert.deepEqual(await chain(message), ['pass', 1])
  const changed = Buffer.from(message.toString('latin1').replace('this is a test', 'this is a Test'), 'latin1')
  assert.equal((await chain(changed))[0], 'fail')
})

test('a chain grows from host to host, whatever kind of key each has', async () => {
  let message = await forwarded(plainMail())
  message = await forwarded(message, { hostname: 'mx.b.example', sender: 'SRS1=x@b.example', arc: 'pass' })
  assert.deepEqual(await chain(message), ['pass', 2])
  // the null sender is nobody's: the name of the host decides
  message = await forwarded(message, { hostname: 'mx.c.example', sender: '', arc: 'pass' })
  assert.deepEqual(await chain(message), ['pass', 3])
})

test('a broken chain is sealed once as broken, and then no more', async () => {
  const first = await forwarded(plainMail())
  const changed = Buffer.from(first.toString('latin1').replace('this is a test', 'this is a Test'), 'latin1')
  const second = await forwarded(changed, { hostname: 'mx.b.example', sender: 'x@b.example', arc: 'fail' })
  assert.match(second.toString(), /^ARC-Seal: i=2; a=ed25519-sha256; t=\d+; cv=fail; d=b\.example;/)
  assert.deepEqual(await chain(second), ['fail', 2])
  const third = await forwarded(second, { hostname: 'mx.c.example', sender: 'x@c.example', arc: 'fail' })
  assert.deepEqual(await chain(third), ['fail', 2])
})

test('there is no seal without results of ours', async () => {
  const sealed = await forwarded(plainMail())
  for (const how of [{ checked: false }, { by: 'mx.other.example' }, { hostname: 'mx.other.example', sender: '' }]) {
    assert.doesNotMatch((await forwarded(plainMail(), how)).toString(), /^ARC-/m, JSON.stringify(how))
  }
  // nobody has looked at the chain that is there, or it could not be looked at
  for (const how of [{}, { arc: 'temperror' }, { arc: 'none' }])
    assert.match((await forwarded(sealed, how)).toString(), /^Authentication-Results: mx\.example\.org;/)
  // whoever sent it cannot have put the results there: they would stand below ours
  const below = Buffer.concat([
    utf8('Received: from x by y\r\nAuthentication-Results: mx.example.org; spf=pass\r\n'),
    plainMail(),
  ])
  const signer = openSigner({
    keys: { active: () => keys },
    clock: { now: () => NOW },
    log,
    hostname: 'mx.example.org',
    checked: true,
  })
  assert.equal(
    (
      await signer.sign(
        { id: 'a', sender: 'x@example.org' },
        (async function* () {
          yield below
        })(),
      )
    ).length,
    0,
  )
})

test('sets beyond the fiftieth, and chains with holes, are left alone', async () => {
  const set = (at: number): string =>
    `ARC-Seal: i=${at}; a=rsa-sha256; cv=pass; d=b.example; s=s; b=AAAA\r\nARC-Message-Signature: i=${at}; a=rsa-sha256; d=b.example; s=s; h=From; bh=AAAA; b=AAAA\r\nARC-Authentication-Results: i=${at}; b.example; none\r\n`
  const long = Array.from({ length: 50 }, (_, at) => set(50 - at)).join('')
  for (const sets of [long, set(3), set(1) + set(1), 'ARC-Seal: nonsense\r\n']) {
    const message = await forwarded(Buffer.concat([utf8(sets), plainMail()]), { arc: 'pass' })
    assert.match(message.toString(), /^Authentication-Results: mx\.example\.org;/)
  }
})
