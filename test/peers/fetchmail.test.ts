import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { deliveredFiles, fileDelivery } from './file-delivery.ts'
import { lacking } from './install.ts'
import { fill, Look, popMessages } from './look.ts'
import {
  ALL_TEXT_MAIL,
  assertSameMail,
  inFiles,
  type NamedMail,
  TEXT_MAIL,
  withLinesUpTo,
  withoutTrace,
} from './mail.ts'
import { type Ran, run, said } from './run.ts'
import { type PeerAccount, PeerServer, SECURITIES, type Security } from './server.ts'

/** Exit codes: there was mail, or there was none. */
const MAIL = 0
const NO_MAIL = 1

/** It reads 8 KB at a time and breaks what is longer with NUL and LF (6.4.37), whichever server it reads from. */
const LONGEST_LINE = 8_100
const ALL_MAIL = withLinesUpTo(LONGEST_LINE, ALL_TEXT_MAIL)
const SMALL_MAIL = withLinesUpTo(LONGEST_LINE, TEXT_MAIL)

suite('fetchmail', { skip: lacking('fetchmail') }, () => {
  let server: PeerServer
  before(async () => {
    server = await PeerServer.start()
  })
  after(() => server.stop())

  /** Fetches into one file a message under `out`, or as `delivery` says. */
  async function fetchmail(
    account: PeerAccount,
    protocol: 'pop3' | 'imap',
    security: Security,
    options: { readonly keep?: boolean; readonly delivery?: string } = {},
  ): Promise<Ran> {
    const { login, password, home } = account
    const { host, port } = server.place(protocol, security)
    const agent = await fileDelivery(home)
    const protection = {
      plain: "sslproto ''",
      starttls: "sslproto 'tls1.2+'",
      tls: 'ssl',
    }[security]
    const trust = security === 'plain' ? '' : `sslcertck sslcertfile '${server.ca}'`
    await writeFile(
      path.join(home, 'fetchmailrc'),
      `set invisible\nset idfile '${home}/ids'\n` +
        `poll ${host} protocol ${protocol} port ${port} ${options.keep ? 'uidl' : ''}\n` +
        `user '${login}' password '${password}' is root here\n` +
        `${protection} ${trust} no rewrite no mimedecode pass8bits ${options.keep ? 'keep' : 'no keep fetchall'}\n` +
        `${options.delivery ?? `mda '${agent}'`}\n`,
      { mode: 0o600 },
    )
    return run('fetchmail', ['--nosyslog', '-f', path.join(home, 'fetchmailrc'), '--pidfile', `${home}/pid`], { home })
  }

  for (const protocol of ['pop3', 'imap'] as const) {
    for (const security of SECURITIES) {
      test(`it drains the box and finds it empty, ${protocol} ${security}`, async () => {
        const account = await server.account()
        await fill(server, account, ALL_MAIL)
        const first = await fetchmail(account, protocol, security)
        assert.equal(first.code, MAIL, said(first))
        assertSameMail(await deliveredFiles(account.home), inFiles(ALL_MAIL))
        const second = await fetchmail(account, protocol, security)
        assert.equal(second.code, NO_MAIL, said(second))
        assert.deepEqual(await popMessages(server, account), [])
      })
    }

    test(`keep mode downloads nothing twice, ${protocol}`, async () => {
      const account = await server.account()
      await fill(server, account, SMALL_MAIL)
      const first = await fetchmail(account, protocol, 'tls', { keep: true })
      assert.equal(first.code, MAIL, said(first))
      assertSameMail(await deliveredFiles(account.home), inFiles(SMALL_MAIL))
      const again = await fetchmail(account, protocol, 'tls', { keep: true })
      assert.equal(again.code, NO_MAIL, said(again))
      const later: NamedMail = ['later', Buffer.from('Subject: later\r\n\r\nlater\r\n')]
      await fill(server, account, [later])
      const third = await fetchmail(account, protocol, 'tls', { keep: true })
      assert.equal(third.code, MAIL, said(third))
      assertSameMail(await deliveredFiles(account.home), inFiles([...SMALL_MAIL, later]))
      assertSameMail(await popMessages(server, account), [...SMALL_MAIL, later])
    })
  }

  for (const [name, listener] of [
    ['LMTP', 'lmtp'],
    ['SMTP', 'smtp'],
  ] as const) {
    test(`it hands what it fetched to another account over ${name}`, async () => {
      const [from, to] = [await server.account(), await server.account()]
      await fill(server, from, SMALL_MAIL)
      const delivery = `${listener === 'lmtp' ? 'lmtp' : ''} smtphost '127.0.0.1/${server.port(listener)}' smtpname '${to.address}'`
      const ran = await fetchmail(from, 'pop3', 'tls', { delivery })
      assert.equal(ran.code, MAIL, said(ran))
      const arrived = await popMessages(server, to)
      assertSameMail(
        arrived.map((bytes) => withoutTrace(bytes)),
        SMALL_MAIL,
      )
      assert.deepEqual(await popMessages(server, from), [])
    })
  }

  test('over IMAP it fetches from a folder it is told', async () => {
    const account = await server.account()
    await using look = await Look.open(server, account)
    await look.create('Lists/Malle')
    await look.append(SMALL_MAIL, 'Lists/Malle')
    const ran = await fetchmail(account, 'imap', 'tls', {
      delivery: `folder 'Lists/Malle' mda '${account.home}/deliver'`,
    })
    assert.equal(ran.code, MAIL, said(ran))
    assertSameMail(await deliveredFiles(account.home), inFiles(SMALL_MAIL))
    assert.deepEqual(await look.messages('Lists/Malle'), [])
  })
})
