import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { lacking } from './install.ts'
import { Look, popMessages } from './look.ts'
import { ALL_TEXT_MAIL, assertSameBytes, assertSameMail, type NamedMail, withLinesUpTo, withoutTrace } from './mail.ts'
import { type Ran, run, runWell, said } from './run.ts'
import { type PeerAccount, PeerServer, type Security } from './server.ts'

/** Exit codes of refusals: at RCPT, at AUTH, after the message. */
const REFUSED_RCPT = 24
const REFUSED_AUTH = 28

/** RFC 5321 §4.5.3.1.6 */
const LONGEST_LINE = 998
const ALL_MAIL = withLinesUpTo(LONGEST_LINE, ALL_TEXT_MAIL)

/** Each carries a third of the messages. */
const WAYS = ['mx', 'mx starttls', 'lmtp'] as const

suite('swaks', { skip: lacking('swaks') }, () => {
  let server: PeerServer
  before(async () => {
    server = await PeerServer.start()
  })
  after(() => server.stop())

  /** Arguments for each way in. */
  function way(kind: Security | 'lmtp' | 'mx' | 'mx starttls'): string[] {
    const trust = ['--tls-verify', '--tls-ca-path', server.ca, '--tls-sni', server.host]
    switch (kind) {
      case 'plain':
        return submission(kind)
      case 'starttls':
        return [...submission(kind), '-tls', ...trust]
      case 'tls':
        return [...submission(kind), '-tlsc', ...trust]
      case 'lmtp':
        return ['--protocol', 'LMTP', '--server', '127.0.0.1', '--port', `${server.port('lmtp')}`]
      case 'mx':
        return ['--server', '127.0.0.1', '--port', `${server.port('smtp')}`]
      case 'mx starttls':
        return ['--server', '127.0.0.1', '--port', `${server.port('smtp')}`, '-tls', ...trust]
    }
  }

  function submission(security: Security): string[] {
    const { host, port } = server.place('smtp', security)
    return ['--server', host, '--port', `${port}`]
  }

  function login({ login: user, password }: PeerAccount, mechanism: string): string[] {
    return ['--auth', mechanism, '--auth-user', user, '--auth-password', password]
  }

  const args = (kind: Parameters<typeof way>[0], to: string) => [
    '--from',
    'ann@example.com',
    '--to',
    to,
    '--ehlo',
    'client.example.com',
    ...way(kind),
  ]

  /** Sends one message from a file; swaks adds the last CRLF itself. */
  async function send(kind: Parameters<typeof way>[0], to: PeerAccount, mail: NamedMail, more: readonly string[]) {
    const file = path.join(to.home, 'message')
    await writeFile(file, mail[1].subarray(0, -2))
    return runWell('swaks', [...args(kind, to.address), '--data', `@${file}`, ...more], { home: to.home })
  }

  for (const mechanism of ['PLAIN', 'LOGIN']) {
    for (const kind of ['plain', 'starttls', 'tls'] as const) {
      test(`it submits with AUTH ${mechanism}, ${kind}`, async () => {
        const account = await server.account()
        const ran = await send(kind, account, ['8-bit', EIGHT_BIT], login(account, mechanism))
        assert.match(ran.stdout.toString(), / 250 2\.0\.0 Kept/)
        // Over IMAP: a POP3 client without UTF8 gets such a header made ASCII (decision 0010).
        await using look = await Look.open(server, account)
        const [arrived, ...others] = await look.bytes()
        assert.ok(arrived !== undefined)
        assert.deepEqual(others, [])
        assertSameBytes(withoutTrace(arrived), EIGHT_BIT, '8-bit')
        const trace = arrived.toString('latin1')
        assert.match(trace, /^Return-Path: <ann@example\.com>\r\n/)
        assert.match(trace, kind === 'plain' ? / with ESMTPA / : / with ESMTPSA /)
      })
    }
  }

  for (const kind of WAYS) {
    test(`it delivers messages byte for byte, ${kind}`, async () => {
      const account = await server.account()
      const mail = ALL_MAIL.filter((_, index) => index % 3 === WAYS.indexOf(kind))
      for (const each of mail) await send(kind, account, each, [])
      assertSameMail(
        (await popMessages(server, account)).map((bytes) => withoutTrace(bytes)),
        mail,
      )
    })
  }

  test('submission without a login, with a wrong password and to an address literal is refused', async () => {
    const account = await server.account()
    const { home } = account
    const submit = (to: string, more: readonly string[]) => run('swaks', [...args('tls', to), ...more], { home })
    assertRefused(await submit(account.address, []), /530 5\.7\.0/)
    const wrong = await submit(account.address, login({ ...account, password: 'wrong' }, 'PLAIN'))
    assert.equal(wrong.code, REFUSED_AUTH, said(wrong))
    assertRefused(wrong, /535 5\.7\.8/)
    const relay = await submit('someone@[192.0.2.1]', login(account, 'PLAIN'))
    assert.equal(relay.code, REFUSED_RCPT, said(relay))
    assertRefused(relay, /550 5\.7\.1/)
    assert.deepEqual(await popMessages(server, account), [])
  })

  test('port 25 relays to nobody, knows its users, and offers no AUTH', async () => {
    const account = await server.account()
    const { home } = account
    const ran = await run('swaks', args('mx', 'someone@example.net'), { home })
    assert.equal(ran.code, REFUSED_RCPT, said(ran))
    assertRefused(ran, /550 5\.7\.1/)
    assertRefused(await run('swaks', args('mx', 'nobody@example.org'), { home }), /550 5\.1\.1/)
    const auth = await run('swaks', [...args('mx starttls', account.address), ...login(account, 'PLAIN')], { home })
    assert.equal(auth.code, REFUSED_AUTH, said(auth))
  })

  test('LMTP answers for each recipient', async () => {
    const [one, two] = [await server.account(), await server.account()]
    const to = `${one.address},nobody@example.org,${two.address.replace('@', '+lists@')}`
    const ran = await run('swaks', [...args('lmtp', to), '--header', 'Subject: to three'], { home: one.home })
    assert.match(ran.stdout.toString(), /550 5\.1\.1/)
    for (const account of [one, two]) {
      const [arrived] = await popMessages(server, account)
      assert.match(String(arrived), new RegExp(`^Delivered-To: ${account.address}\\r$`, 'm'))
      assert.match(String(arrived), /Subject: to three/)
    }
  })

  test('a message over the quota is refused over SMTP and LMTP', async () => {
    const account = await server.account()
    await server.malle('account', 'set', account.address, '--quota', '1KB')
    const file = path.join(account.home, 'message')
    await writeFile(file, `Subject: too much\n\n${'x\n'.repeat(2_000)}`)
    for (const kind of ['mx', 'lmtp'] as const) {
      const ran = await run('swaks', [...args(kind, account.address), '--data', `@${file}`], { home: account.home })
      assertRefused(ran, /452 4\.2\.2/)
    }
    assert.deepEqual(await popMessages(server, account), [])
  })
})

const EIGHT_BIT = Buffer.from('From: ann@example.com\r\nSubject: Grüße\r\n\r\n.\r\n..Grüße\r\n', 'utf8')

function assertRefused(ran: Ran, reply: RegExp): void {
  assert.notEqual(ran.code, 0, said(ran))
  assert.match(ran.stdout.toString(), reply)
}
