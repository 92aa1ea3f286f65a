import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { deliveredFiles, fileDelivery } from './file-delivery.ts'
import { lacking } from './install.ts'
import { fill, popMessages } from './look.ts'
import { assertSameMail, inFiles, LARGE_MAIL, type NamedMail, TEXT_MAIL } from './mail.ts'
import { GETMAIL, type Ran, runWell } from './run.ts'
import { type PeerAccount, PeerServer, type Security } from './server.ts'

/** It knows no STLS and no STARTTLS. */
const ITS_SECURITIES: readonly Security[] = ['plain', 'tls']

/** Without the corpus: it writes messages anew from Python's tree of them, which mends what is malformed. */
const ALL_MAIL: readonly NamedMail[] = [...TEXT_MAIL, LARGE_MAIL]

suite('getmail', { skip: lacking('getmail') }, () => {
  let server: PeerServer
  before(async () => {
    server = await PeerServer.start()
  })
  after(() => server.stop())

  /** Fetches into one file a message. */
  async function getmail(
    account: PeerAccount,
    protocol: 'POP3' | 'IMAP',
    security: Security,
    keep = false,
  ): Promise<Ran> {
    const { login, password, home } = account
    await mkdir(path.join(home, 'config'), { recursive: true })
    const { host, port } = server.place(protocol === 'POP3' ? 'pop3' : 'imap', security)
    const config = [
      '[retriever]',
      `type = Simple${protocol}${security === 'tls' ? 'SSL' : ''}Retriever`,
      `server = ${host}`,
      `port = ${port}`,
      `username = ${login}`,
      `password = ${password}`,
      ...(security === 'tls' ? [`ca_certs = ${server.ca}`, `ssl_cert_hostname = ${host}`] : []),
      '[destination]',
      // Its own Maildir delivery refuses to work as root.
      'type = MDA_external',
      `path = ${await fileDelivery(home)}`,
      'allow_root_commands = true',
      'ignore_stderr = true',
      '[options]',
      `read_all = ${!keep}`,
      `delete = ${!keep}`,
      'delivered_to = false',
      'received = false',
    ]
    await writeFile(path.join(home, 'config', 'getmailrc'), `${config.join('\n')}\n`, { mode: 0o600 })
    const [taskset, ...getmail] = GETMAIL
    return runWell(taskset, [...getmail, `--getmaildir=${home}/config`, '--rcfile=getmailrc'], { home })
  }

  /** Without the lines it adds: a Return-Path before everything, and over IMAP the name of the mailbox. */
  async function fetched({ home }: PeerAccount): Promise<Buffer[]> {
    return (await deliveredFiles(home)).map((bytes) => {
      const text = bytes.toString('latin1')
      assert.match(text, /^Return-Path: <[^\n]*>\n/)
      return Buffer.from(
        text.replace(/^Return-Path: [^\n]*\n/, '').replace(/^X-getmail-retrieved-from-mailbox: [^\n]*\n/m, ''),
        'latin1',
      )
    })
  }

  for (const protocol of ['POP3', 'IMAP'] as const) {
    for (const security of ITS_SECURITIES) {
      test(`it drains the box and finds it empty, ${protocol} ${security}`, async () => {
        const account = await server.account()
        await fill(server, account, ALL_MAIL)
        const first = await getmail(account, protocol, security)
        assertSameMail(await fetched(account), inFiles(ALL_MAIL))
        assert.match(first.stdout.toString(), new RegExp(`${ALL_MAIL.length} messages .* retrieved`))
        const second = await getmail(account, protocol, security)
        assert.match(second.stdout.toString(), /\b0 messages .* retrieved/)
        assert.deepEqual(await popMessages(server, account), [])
      })
    }

    test(`keep mode downloads nothing twice, ${protocol}`, async () => {
      const account = await server.account()
      await fill(server, account, TEXT_MAIL)
      await getmail(account, protocol, 'tls', true)
      assertSameMail(await fetched(account), inFiles(TEXT_MAIL))
      const again = await getmail(account, protocol, 'tls', true)
      assert.match(again.stdout.toString(), /\b0 messages .* retrieved/)
      const later: NamedMail = ['later', Buffer.from('Subject: later\r\n\r\nlater\r\n')]
      await fill(server, account, [later])
      await getmail(account, protocol, 'tls', true)
      assertSameMail(await fetched(account), inFiles([...TEXT_MAIL, later]))
      assertSameMail(await popMessages(server, account), [...TEXT_MAIL, later])
    })
  }
})
