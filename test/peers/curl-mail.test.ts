import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { lacking } from './install.ts'
import { fill, popMessages } from './look.ts'
import { ALL_TEXT_MAIL, assertSameBytes, assertSameMail, TEXT_MAIL, withoutTrace } from './mail.ts'
import { run, runWell, said } from './run.ts'
import { type PeerAccount, PeerServer, SECURITIES, type Security } from './server.ts'

/** Exit code of a login that is refused. */
const LOGIN_DENIED = 67

suite('curl over POP3 and SMTP', { skip: lacking('curl') }, () => {
  let server: PeerServer
  before(async () => {
    server = await PeerServer.start()
  })
  after(() => server.stop())

  const common = ({ login, password }: PeerAccount, security: Security) => [
    '--silent',
    '--show-error',
    '--user',
    `${login}:${password}`,
    ...(security === 'plain' ? [] : ['--cacert', server.ca]),
    ...(security === 'starttls' ? ['--ssl-reqd'] : []),
  ]

  function pop3Url(security: Security, path = ''): string {
    const { host, port } = server.place('pop3', security)
    return `${security === 'tls' ? 'pop3s' : 'pop3'}://${host}:${port}/${path}`
  }

  async function pop3(account: PeerAccount, security: Security, path: string, ...more: readonly string[]) {
    return (
      await runWell('curl', [...common(account, security), pop3Url(security, path), ...more], { home: account.home })
    ).stdout
  }

  for (const security of SECURITIES) {
    test(`it lists and reads every message byte for byte, POP3 ${security}`, async () => {
      const account = await server.account()
      await fill(server, account, ALL_TEXT_MAIL)
      const list = (await pop3(account, security, '')).toString()
      assert.equal(list, ALL_TEXT_MAIL.map(([, bytes], index) => `${index + 1} ${bytes.length}\r\n`).join(''))
      const some = ALL_TEXT_MAIL.map(([name, bytes], index) => ({ name, bytes, number: index + 1 }))
      for (const { name, bytes, number } of some.filter((_, index) => index % 3 === 0 || index === some.length - 1))
        assertSameBytes(await pop3(account, security, `${number}`), bytes, name)
    })

    test(`it sends every message byte for byte, SMTP ${security}`, async () => {
      const account = await server.account()
      const { address, home } = account
      const { host, port } = server.place('smtp', security)
      const url = `${security === 'tls' ? 'smtps' : 'smtp'}://${host}:${port}/client.example.org`
      const mail = ALL_TEXT_MAIL.filter((_, index) => index % 3 === SECURITIES.indexOf(security))
      for (const [, input] of mail)
        await runWell(
          'curl',
          [...common(account, security), url, '--mail-from', address, '--mail-rcpt', address, '--upload-file', '-'],
          { home, input },
        )
      assertSameMail(
        (await popMessages(server, account)).map((bytes) => withoutTrace(bytes)),
        mail,
      )
    })
  }

  test('UIDL, TOP, STAT, DELE and NOOP by --request', async () => {
    const account = await server.account()
    await fill(server, account, TEXT_MAIL.slice(0, 3))
    const uidl = (await pop3(account, 'tls', '', '--request', 'UIDL')).toString().trim().split('\r\n')
    assert.equal(new Set(uidl.map((line) => line.split(' ')[1])).size, 3)
    const top = (await pop3(account, 'tls', '', '--request', 'TOP 1 1')).toString()
    assert.match(top, /\r\n\r\nHello Bob,\r\n$/)
    await pop3(account, 'tls', '2', '--request', 'DELE', '--head')
    assertSameMail(
      await popMessages(server, account),
      TEXT_MAIL.slice(0, 3).filter((_, index) => index !== 1),
    )
    await pop3(account, 'tls', '', '--request', 'STAT', '--head')
    await pop3(account, 'tls', '', '--request', 'NOOP', '--head')
  })

  for (const mechanism of ['PLAIN', 'LOGIN']) {
    test(`it logs in by ${mechanism} with an app password`, async () => {
      const account = await server.account()
      const password = await server.appPassword(account.address)
      await fill(server, account, TEXT_MAIL.slice(0, 1))
      const options = ['--login-options', `AUTH=${mechanism}`]
      const user = { ...account, password }
      const args = [...common(user, 'tls'), ...options, pop3Url('tls', '1')]
      const ran = await run('curl', args, { home: account.home })
      assert.equal(ran.code, 0, said(ran))
      assertSameBytes(ran.stdout, TEXT_MAIL[0]?.[1] ?? new Uint8Array(), 'plain')
    })
  }

  test('it is told that a password is wrong', async () => {
    const account = { ...(await server.account()), password: 'wrong' }
    const url = pop3Url('tls')
    const ran = await run('curl', [...common(account, 'tls'), url], { home: account.home })
    assert.equal(ran.code, LOGIN_DENIED, said(ran))
  })
})
