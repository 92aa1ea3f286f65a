/** Signatures and seals of ours judged by other people's programs, and theirs by ours. @module */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { authenticate } from 'mailauth'
import { formatAuthenticationResults } from '#mail/authentication-results.ts'
import { type Outgoing, openSigner } from '#outbound/signing.ts'
import type { SigningKey } from '#services/dkim-keys.ts'
import { ListLog } from '#testing/list-log.ts'
import { alternativeMail, plainMail, utf8 } from '#testing/messages.ts'
import { lacking } from './install.ts'
import { runWell } from './run.ts'

const HOSTNAME = 'mx.example.org'

const MESSAGES: readonly (readonly [name: string, message: Uint8Array])[] = [
  ['plain', plainMail()],
  ['two parts', alternativeMail({ header: ['Received: from x by y', 'Cc: c@c.example'] })],
  ['folded and spaced', plainMail({ subject: 'a \t long\r\n\t  subject', text: 'a  b \t c \r\n\r\n  \r\n\r\n\r\n' })],
  ['without a body', plainMail({ text: '' })],
  ['one long line', plainMail({ text: `${'word '.repeat(20_000)}\r\n` })],
  ['dots and From', plainMail({ text: '.\r\n..\r\nFrom here\r\n' })],
]

/** What answers with the result of each signature, then of the chain. */
const JUDGE = `
import base64, dkim, json, sys
zone, messages = json.load(sys.stdin)
def dns(name, timeout=5):
    return zone.get(name.decode().rstrip('.'), '').encode()
def verified(message, at):
    try:
        return bool(dkim.DKIM(message).verify(at, dnsfunc=dns))
    except dkim.ValidationError:
        return False
answers = []
for text in messages:
    message = base64.b64decode(text)
    count = len([1 for name, _ in dkim.DKIM(message).headers if name.lower() == b'dkim-signature'])
    results = [verified(message, at) for at in range(count)]
    cv = dkim.arc_verify(message, dnsfunc=dns)[0]
    answers.append([results, cv.decode() if cv else None])
json.dump(answers, sys.stdout)
`

/** What signs with each key, or seals. */
const SIGN = `
import base64, dkim, json, sys
keys, messages, seal = json.load(sys.stdin)
answers = []
for text in messages:
    message = base64.b64decode(text)
    for key in keys:
        selector, domain, pem = key['selector'].encode(), key['domain'].encode(), key['privateKey'].encode()
        if seal:
            message = b'Authentication-Results: mx.b.example; spf=pass; arc=pass\\r\\n' + message
            lines = dkim.arc_sign(message, selector, domain, pem, b'mx.b.example')
            message = b''.join(lines) + message
        else:
            algorithm = (key['algorithm'] + '-sha256').encode()
            lines = dkim.sign(message, selector, domain, pem, canonicalize=(b'relaxed', b'relaxed'), signature_algorithm=algorithm)
            message = lines + message
    answers.append(base64.b64encode(message).decode())
json.dump(answers, sys.stdout)
`

suite('signatures', { skip: lacking('dkimverify', 'opendkim') }, () => {
  let home: string
  const keys: SigningKey[] = []
  /** As the programs want keys: PEM of RSA, 32 octets in base64 of Ed25519. */
  const theirKeys: (Omit<SigningKey, 'privateKey'> & { readonly privateKey: string })[] = []
  const zone = new Map<string, string>()
  before(async () => {
    home = await mkdtemp(path.join(tmpdir(), 'malle-signatures-'))
    for (const algorithm of ['rsa', 'ed25519'] as const) {
      const { privateKey, publicKey } =
        algorithm === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ed25519')
      const spki = publicKey.export({ type: 'spki', format: 'der' })
      const der = privateKey.export({ type: 'pkcs8', format: 'der' })
      const key = { domain: 'example.org', selector: algorithm, algorithm, privateKey }
      keys.push(key)
      const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
      theirKeys.push({ ...key, privateKey: algorithm === 'rsa' ? pem : der.subarray(-32).toString('base64') })
      const p = (algorithm === 'rsa' ? spki : spki.subarray(-32)).toString('base64')
      zone.set(`${algorithm}._domainkey.example.org`, `v=DKIM1; k=${algorithm}; p=${p}`)
    }
  })
  after(() => rm(home, { recursive: true }))

  async function ours(outgoing: Outgoing, message: Uint8Array, only?: SigningKey['algorithm']): Promise<Buffer> {
    const active = (): readonly SigningKey[] => keys.filter(({ algorithm }) => algorithm === (only ?? algorithm))
    const log = new ListLog()
    const signer = openSigner({ keys: { active }, clock: { now: Date.now }, log, hostname: HOSTNAME, checked: true })
    const lines = await signer.sign(
      outgoing,
      (async function* () {
        yield message
      })(),
    )
    assert.deepEqual(log.lines, [])
    return Buffer.concat([lines, message])
  }

  const signed = (message: Uint8Array): Promise<Buffer> =>
    ours({ id: 'a1', sender: 'ann@example.org', account: 'ann@example.org' }, message)

  /** Forwarded, with one more set. */
  function sealed(message: Uint8Array, arc: string, only?: SigningKey['algorithm']): Promise<Buffer> {
    const results = [
      { method: 'spf', result: 'pass', properties: { 'smtp.mailfrom': 'ann@a.example' } },
      { method: 'arc', result: arc, properties: {} },
    ]
    const above = formatAuthenticationResults({ by: HOSTNAME, results })
    return ours({ id: 'a1', sender: 'x@example.org' }, Buffer.concat([utf8(above), message]), only)
  }

  async function python(script: string, input: unknown): Promise<unknown> {
    const { stdout } = await runWell('python3', ['-c', script], { home, input: JSON.stringify(input) })
    return JSON.parse(stdout.toString())
  }

  /** What python3-dkim says of each. */
  async function judged(messages: readonly Buffer[]): Promise<readonly unknown[]> {
    const texts = messages.map((message) => message.toString('base64'))
    return (await python(JUDGE, [Object.fromEntries(zone), texts])) as unknown[]
  }

  /** `dkim=pass/rsa …, arc=none` as mailauth says. */
  async function verified(message: Buffer): Promise<string> {
    const { dkim, arc } = await authenticate(message, {
      ip: '127.0.0.1',
      helo: 'x.example',
      sender: 'x@x.example',
      disableDmarc: true,
      disableBimi: true,
      resolver: async (name: string) => {
        const record = zone.get(name)
        if (record === undefined) throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' })
        return [[record]]
      },
    })
    const results = dkim.results.map(({ selector, status }) => `${selector}=${status.result}`)
    return `${results.join(' ')} arc=${arc === false ? '?' : arc?.status.result}`
  }

  test('python3-dkim takes what we sign with RSA and Ed25519, and not what was changed since', async () => {
    const messages = await Promise.all(MESSAGES.map(([, message]) => signed(message)))
    const changed = messages.map((message) => Buffer.from(`${message.toString('latin1')}more\r\n`, 'latin1'))
    const from = messages.map((message) => Buffer.concat([utf8('From: eve@evil.example\r\n'), message]))
    const answers = await judged([...messages, ...changed, ...from])
    const [good, bad] = [
      [[true, true], 'none'],
      [[false, false], 'none'],
    ]
    assert.deepEqual(answers, [...messages.map(() => good), ...changed.map(() => bad), ...from.map(() => bad)])
  })

  test('OpenDKIM takes what we sign with RSA and Ed25519, and not what was changed since', async () => {
    const data = path.join(home, 'zone')
    const config = path.join(home, 'verify.conf')
    await writeFile(data, Array.from(zone, ([name, text]) => `${name}\t${text}\n`).join(''))
    await writeFile(config, `Mode v\nTestDNSData file:${data}\nSyslog no\nRequireSafeKeys no\n`)
    for (const [name, message] of MESSAGES) {
      const good = await signed(message)
      for (const [expected, bytes] of [
        ['pass', good],
        ['fail', Buffer.from(`${good.toString('latin1')}more\r\n`, 'latin1')],
      ] as const) {
        const file = path.join(home, 'message.eml')
        await writeFile(file, bytes)
        const { stdout } = await runWell('opendkim', ['-x', config, '-t', file, '-vvv'], { home })
        const results = stdout.toString().match(/dkim=\w+/g) ?? []
        assert.deepEqual(results, [`dkim=${expected}`, `dkim=${expected}`], name)
      }
    }
  })

  test('python3-dkim takes our seals, also over a chain with its own', async () => {
    const messages: Buffer[] = []
    for (const [, message] of MESSAGES) {
      const first = await sealed(message, 'none', 'rsa')
      messages.push(first, await sealed(first, 'pass', 'rsa'))
    }
    const rsa = theirKeys.filter(({ algorithm }) => algorithm === 'rsa')
    const theirs = await python(SIGN, [rsa, messages.map((message) => message.toString('base64')), true])
    assert.ok(Array.isArray(theirs))
    for (const text of theirs) messages.push(await sealed(Buffer.from(String(text), 'base64'), 'pass', 'rsa'))
    for (const [at, answer] of (await judged(messages)).entries())
      assert.deepEqual(answer, [[], 'pass'], `message ${at}`)
    for (const message of messages) assert.match(await verified(message), / arc=pass$/)
  })

  test('what python3-dkim and OpenDKIM sign is taken here', async () => {
    const texts = MESSAGES.map(([, message]) => Buffer.from(message).toString('base64'))
    const answers = await python(SIGN, [theirKeys, texts, false])
    assert.ok(Array.isArray(answers) && answers.length === texts.length)
    for (const text of answers)
      assert.equal(await verified(Buffer.from(String(text), 'base64')), 'ed25519=pass rsa=pass arc=none')
    const key = path.join(home, 'rsa.pem')
    const config = path.join(home, 'sign.conf')
    await writeFile(key, theirKeys[0]?.privateKey ?? '', { mode: 0o600 })
    await writeFile(
      config,
      `Mode s\nDomain example.org\nSelector rsa\nKeyFile ${key}\nCanonicalization relaxed/relaxed\nSyslog no\nRequireSafeKeys no\n`,
    )
    for (const [name, message] of MESSAGES) {
      const file = path.join(home, 'message.eml')
      await writeFile(file, message)
      const { stdout } = await runWell('opendkim', ['-x', config, '-t', file, '-vvv'], { home })
      const [, value = ''] = /hname='DKIM-Signature' hvalue='([^']*)'/.exec(stdout.toString()) ?? []
      const lines = utf8(`DKIM-Signature: ${value.replace(/\r?\n/g, '\r\n')}\r\n`)
      assert.equal(await verified(Buffer.concat([lines, message])), 'rsa=pass arc=none', name)
    }
  })
})
