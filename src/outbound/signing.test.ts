import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { before, test } from 'node:test'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import type { SigningKey } from '#services/dkim-keys.ts'
import { ListLog } from '#testing/list-log.ts'
import { alternativeMail, plainMail, utf8 } from '#testing/messages.ts'
import { type Outgoing, openSigner, type Signer } from './signing.ts'

const NOW = Date.UTC(2026, 10, 29)
const OURS: Outgoing = { id: 'a1.1', sender: 'ann@example.org', account: 'ann@example.org' }

/** Keys of `example.org`, and what the DNS has of them. */
const keys: SigningKey[] = []
const zone = new Map<string, string>()

before(() => {
  for (const algorithm of ['rsa', 'ed25519'] as const) {
    const { privateKey, publicKey } =
      algorithm === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ed25519')
    const spki = publicKey.export({ type: 'spki', format: 'der' })
    const p = (algorithm === 'rsa' ? spki : spki.subarray(-32)).toString('base64')
    zone.set(`${algorithm}._domainkey.example.org`, `v=DKIM1; k=${algorithm}; p=${p}`)
    keys.push({ domain: 'example.org', selector: algorithm, algorithm, privateKey })
  }
})

function signer(log = new ListLog()): Signer {
  return openSigner({
    keys: { active: (domain) => (domain === 'example.org' ? keys : []) },
    clock: { now: () => NOW },
    log,
    hostname: 'mx.example.org',
    checked: true,
  })
}

async function* pieces(message: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < message.length; at += size) yield message.subarray(at, at + size)
}

async function signed(message: Uint8Array, size = 65_536): Promise<Buffer> {
  return Buffer.concat([await signer().sign(OURS, pieces(message, size)), message])
}

/** `domain/selector: result` of each signature. */
async function verified(message: Uint8Array): Promise<readonly string[]> {
  const { results } = await dkimVerify(Buffer.from(message), {
    strict: true,
    curTime: new Date(NOW + 1_000),
    resolver: async (name) => {
      const record = zone.get(name)
      if (record === undefined) throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' })
      return [[record]]
    },
  })
  return results.map(({ signingDomain, selector, status }) => `${signingDomain}/${selector}: ${status.result}`)
}

const BOTH = ['example.org/rsa: pass', 'example.org/ed25519: pass']

test('what an account of ours sends is signed with both keys of the domain that it is from', async () => {
  for (const message of [
    plainMail(),
    alternativeMail({ header: ['Received: from x by y', 'X-Other: z', 'To: again@example.org'] }),
    plainMail({ text: '' }),
    plainMail({ text: 'no end of line' }),
    plainMail({ from: 'Jörg <jörg@example.org>, "x, y" <b@EXAMPLE.org>', subject: 'Grüße\r\n\tund mehr' }),
    utf8('From: ann@example.org\r\nSubject: a header without a body\r\n'),
    utf8('Date:now\r\nFROM :\tann@example.org (is it?)\r\n \r\n\r\n\r\n \tbody  with \t spaces \r\n\r\n\r\n'),
  ]) {
    for (const size of [1, 7, 65_536]) assert.deepEqual(await verified(await signed(message, size)), BOTH)
  }
})

test('a signature names the fields that it covers, and shuts out second ones', async () => {
  const message = await signed(plainMail())
  const head = message.toString('latin1').split('\r\nFrom: ')[0] ?? ''
  assert.match(head, /^DKIM-Signature: v=1; a=rsa-sha256; c=relaxed\/relaxed; d=example\.org;\r\n h=/)
  assert.match(
    head.replace(/\r\n /g, ' '),
    /; h=Date: Subject: To: From: From: Reply-To: Subject: Date: Message-ID: To: Cc: Content-Type; /,
  )
  assert.doesNotMatch(head, /[ ;]l=/)
  assert.ok(
    head.split('\r\n').every((line) => line.length <= 78 && !/[^\x20-\x7e]/.test(line)),
    head,
  )
  for (const added of ['From: eve@evil.example', 'Subject: other', 'Cc: c@c.example', 'Reply-To: eve@evil.example']) {
    const forged = Buffer.concat([utf8(`${added}\r\n`), message])
    assert.deepEqual(await verified(forged), ['example.org/rsa: fail', 'example.org/ed25519: fail'], added)
  }
  const harmless = Buffer.concat([utf8('Received: by mx.example.net\r\nX-Spam: no\r\n'), message])
  assert.deepEqual(await verified(harmless), BOTH)
  const changed = Buffer.from(message.toString('latin1').replace('this is a test', 'this is a Test'), 'latin1')
  assert.deepEqual(await verified(changed), ['example.org/rsa: fail', 'example.org/ed25519: fail'])
})

test('nothing is signed that is not ours, is only handed on, or has no one author', async () => {
  const ours = plainMail()
  const { account: _, ...forwarded } = OURS
  assert.equal((await signer().sign(forwarded, pieces(ours, 100))).length, 0)
  for (const [what, message] of [
    ['another domain', plainMail({ from: 'ann@other.example' })],
    ['below ours', plainMail({ from: 'ann@sub.example.org' })],
    ['above ours', plainMail({ from: 'ann@org' })],
    ['no From', utf8('To: ann@example.org\r\n\r\nFrom: ann@example.org\r\n')],
    ['two Froms', plainMail({ header: ['From: eve@example.org'] })],
    ['a second From that is folded oddly', plainMail({ header: ['fROM\t: eve@evil.example'] })],
    ['two domains', plainMail({ from: 'ann@example.org, eve@evil.example' })],
    ['an address in the name', plainMail({ from: '"ann@example.org" <eve@evil.example>' })],
    ['a group', plainMail({ from: 'ann@example.org:;' })],
    ['no address', plainMail({ from: 'example.org' })],
    ['an empty message', utf8('')],
    ['a body alone', utf8('\r\nFrom: ann@example.org\r\n\r\nx')],
    ['a line that is no field', utf8('From: ann@example.org\r\nnonsense\r\nSubject: x\r\n\r\nx')],
    ['a fold before any field', utf8(' From: eve@evil.example\r\nFrom: ann@example.org\r\n\r\nx')],
    ['a bare LF', utf8('From: ann@example.org\r\nSubject: x\nFrom: eve@evil.example\r\n\r\nx')],
    ['a bare CR', utf8('From: ann@example.org\r\nSubject: x\rFrom: eve@evil.example\r\n\r\nx')],
  ] as const)
    assert.equal((await signer().sign(OURS, pieces(message, 100))).length, 0, what)
})

test('a header of 10 MB is not signed, nor read to its end; one of many fields neither', async () => {
  for (const field of ['X-Long: x\r\n', '\ty\r\n']) {
    const log = new ListLog()
    let read = 0
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield utf8('From: ann@example.org\r\n')
      for (let at = 0; at < 10_000_000; at += 64_000) {
        read += 64_000
        yield utf8(field.repeat(64_000 / field.length))
      }
    }
    assert.equal((await signer(log).sign(OURS, body())).length, 0)
    assert.ok(read < 500_000, `${read}`)
    assert.match(JSON.stringify(log), /header-too-long/)
  }
  const many = utf8(`From: ann@example.org\r\n${'a:\r\n'.repeat(6_000)}From: eve@evil.example\r\n\r\n`)
  assert.equal((await signer().sign(OURS, pieces(many, 65_536))).length, 0)
})

test('reports of ours are signed by the domain or the nearest above it', async () => {
  for (const from of ['postmaster@example.org', 'postmaster@mail.example.org', 'postmaster@a.b.example.org']) {
    const message = plainMail({ from })
    const lines = await signer().signOwn('r1', pieces(message, 100))
    assert.deepEqual(await verified(Buffer.concat([lines, message])), BOTH, from)
  }
  for (const from of ['postmaster@example.net', 'postmaster@myexample.org', 'postmaster@localhost'])
    assert.equal((await signer().signOwn('r1', pieces(plainMail({ from }), 100))).length, 0)
})

test('a line of 25 MB is signed at once, a chunk at a time', async () => {
  const chunk = Buffer.alloc(65_536, 'a')
  const body = async function* (): AsyncGenerator<Uint8Array> {
    yield plainMail({ text: '' })
    for (let at = 0; at < 400; at += 1) yield chunk
  }
  await signer().sign(OURS, pieces(plainMail(), 100))
  const memory = process.memoryUsage().rss
  const began = performance.now()
  assert.ok((await signer().sign(OURS, body())).length > 0)
  assert.ok(performance.now() - began < 10_000)
  assert.ok(process.memoryUsage().rss - memory < 40_000_000)
})

test('a key that cannot be used is told, and the others sign', async () => {
  const log = new ListLog()
  const { privateKey: other } = generateKeyPairSync('ed25519')
  const broken = openSigner({
    keys: { active: () => keys.map((key) => (key.algorithm === 'rsa' ? { ...key, privateKey: other } : key)) },
    clock: { now: () => NOW },
    log,
    hostname: 'mx.example.org',
    checked: true,
  })
  const message = plainMail()
  const lines = await broken.sign(OURS, pieces(message, 100))
  assert.deepEqual(await verified(Buffer.concat([lines, message])), ['example.org/ed25519: pass'])
  assert.match(JSON.stringify(log), /a message could not be signed/)
})
