import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { lacking } from './install.ts'
import { fill, popMessages } from './look.ts'
import { ALL_TEXT_MAIL, assertSameMail, inFiles, maildir, type NamedMail, TEXT_MAIL } from './mail.ts'
import { type Ran, run, runWell } from './run.ts'
import { type PeerAccount, PeerServer, SECURITIES, type Security } from './server.ts'

suite('mpop', { skip: lacking('mpop') }, () => {
  let server: PeerServer
  before(async () => {
    server = await PeerServer.start()
  })
  after(() => server.stop())

  /** Writes its configuration, which delivers into the Maildir `Mail`. */
  async function configure(
    account: PeerAccount,
    security: Security,
    options: {
      readonly keep?: boolean
      readonly auth?: string
      readonly pipelining?: boolean
      readonly from?: PeerServer
      readonly debug?: boolean
    } = {},
  ): Promise<string[]> {
    const { login, password, home } = account
    const from = options.from ?? server
    const { host, port } = from.place('pop3', security)
    for (const part of ['new', 'cur', 'tmp']) await mkdir(path.join(home, 'Mail', part), { recursive: true })
    const file = path.join(home, 'mpoprc')
    const lines = [
      'account malle',
      `host ${host}`,
      `port ${port}`,
      `user ${login}`,
      `password ${password}`,
      `auth ${options.auth ?? 'user'}`,
      `pipelining ${options.pipelining === false ? 'off' : 'auto'}`,
      ...(security === 'plain' ? ['tls off'] : ['tls on', `tls_trust_file ${from.ca}`]),
      `tls_starttls ${security === 'starttls' ? 'on' : 'off'}`,
      `keep ${options.keep ? 'on' : 'off'}`,
      'received_header off',
      `delivery maildir ${home}/Mail`,
      `uidls_file ${home}/uidls`,
    ]
    await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 })
    return [...(options.debug ? ['--debug'] : []), '--file', file, 'malle']
  }

  async function mpop(...args: Parameters<typeof configure>): Promise<Ran> {
    return runWell('mpop', await configure(...args), { home: args[0].home })
  }

  async function fetched({ home }: PeerAccount): Promise<Buffer[]> {
    return (await maildir(path.join(home, 'Mail'))).map(({ bytes }) => bytes)
  }

  for (const security of SECURITIES) {
    for (const pipelining of [true, false]) {
      test(`it drains the box and finds it empty, ${security}${pipelining ? ', pipelined' : ''}`, async () => {
        const account = await server.account()
        await fill(server, account, ALL_TEXT_MAIL)
        await mpop(account, security, { pipelining })
        assertSameMail(await fetched(account), inFiles(ALL_TEXT_MAIL))
        assert.deepEqual(await popMessages(server, account), [])
        const second = await mpop(account, security, { pipelining })
        assert.match(second.stdout.toString(), /no messages/)
      })
    }
  }

  test('keep mode downloads nothing twice', async () => {
    const account = await server.account()
    await fill(server, account, TEXT_MAIL)
    await mpop(account, 'tls', { keep: true })
    await mpop(account, 'tls', { keep: true })
    assertSameMail(await fetched(account), inFiles(TEXT_MAIL))
    const later: NamedMail = ['later', Buffer.from('Subject: later\r\n\r\nlater\r\n')]
    await fill(server, account, [later])
    await mpop(account, 'tls', { keep: true })
    assertSameMail(await fetched(account), inFiles([...TEXT_MAIL, later]))
    assertSameMail(await popMessages(server, account), [...TEXT_MAIL, later])
  })

  for (const auth of ['on', 'plain', 'login']) {
    test(`it logs in with an app password by "auth ${auth}"`, async () => {
      const account = await server.account()
      const password = await server.appPassword(account.address)
      await fill(server, account, TEXT_MAIL.slice(0, 1))
      await mpop({ ...account, password }, 'tls', { auth })
      assertSameMail(await fetched(account), inFiles(TEXT_MAIL.slice(0, 1)))
    })
  }

  test('"auth on" chooses a mechanism that takes an ordinary password', async () => {
    const account = await server.account()
    await fill(server, account, TEXT_MAIL.slice(0, 1))
    await mpop(account, 'starttls', { auth: 'on' })
    assertSameMail(await fetched(account), inFiles(TEXT_MAIL.slice(0, 1)))
  })

  test('"auth on" without TLS logs in by SCRAM where that is listed, with either kind of password', async (t) => {
    const other = await PeerServer.start({ scramForPasswords: true })
    t.after(() => other.stop())
    const account = await other.account()
    await fill(other, account, TEXT_MAIL.slice(0, 1))
    const app = await other.appPassword(account.address)
    for (const password of [app, account.password]) {
      const ran = await mpop({ ...account, password }, 'plain', { auth: 'on', keep: true, from: other, debug: true })
      assert.match(ran.stdout.toString(), /AUTH SCRAM-SHA-256/)
    }
    assertSameMail(await fetched(account), inFiles(TEXT_MAIL.slice(0, 1)))
  })

  test('it is told that a password is wrong', async () => {
    const account = await server.account()
    const args = await configure({ ...account, password: 'wrong' }, 'tls')
    const ran = await run('mpop', args, { home: account.home })
    // EX_NOPERM
    assert.equal(ran.code, 77)
    assert.match(ran.stderr, /AUTH/)
  })
})
