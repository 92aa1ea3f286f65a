import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { lacking } from './install.ts'
import { Look } from './look.ts'
import { ALL_TEXT_MAIL, assertSameBytes, assertSameMail, EXACT_MAIL, TEXT_MAIL } from './mail.ts'
import { run, runWell, said } from './run.ts'
import { type PeerAccount, PeerServer, SECURITIES, type Security } from './server.ts'

/** Exit code of a login that is refused, and of a mailbox or message that is not there. */
const LOGIN_DENIED = 67
const NOT_FOUND = 78

suite('curl over IMAP', { skip: lacking('curl') }, () => {
  let server: PeerServer
  before(async () => {
    server = await PeerServer.start()
  })
  after(() => server.stop())

  function args({ login, password }: PeerAccount, security: Security, path: string, more: readonly string[]) {
    const { host, port } = server.place('imap', security)
    const url = `${security === 'tls' ? 'imaps' : 'imap'}://${host}:${port}/${path}`
    const tls = security === 'plain' ? [] : ['--cacert', server.ca, ...(security === 'starttls' ? ['--ssl-reqd'] : [])]
    return ['--silent', '--show-error', '--user', `${login}:${password}`, ...tls, url, ...more]
  }

  async function curl(account: PeerAccount, security: Security, path: string, ...more: readonly string[]) {
    return (await runWell('curl', args(account, security, path, more), { home: account.home })).stdout
  }

  for (const security of SECURITIES) {
    test(`it appends and fetches every message byte for byte, ${security}`, async () => {
      const account = await server.account()
      const mail = [...ALL_TEXT_MAIL, ...EXACT_MAIL].filter(
        (_, index) => index % SECURITIES.length === SECURITIES.indexOf(security),
      )
      const file = path.join(account.home, 'message')
      for (const [, bytes] of mail) {
        await writeFile(file, bytes)
        await curl(account, security, 'INBOX', '--upload-file', file)
      }
      for (const [index, [name, bytes]] of mail.entries())
        assertSameBytes(await curl(account, security, `INBOX;UID=${index + 1}`), bytes, name)
      await using look = await Look.open(server, account)
      assertSameMail(await look.bytes(), mail)
    })
  }

  test('it lists, searches, fetches parts and changes flags', async () => {
    const account = await server.account()
    await using look = await Look.open(server, account)
    await look.create('Work', 'Work/&AMk-t&AOk-')
    await look.append(TEXT_MAIL)
    const list = (await curl(account, 'tls', '')).toString()
    assert.match(list, /^\* LIST \([^)]*\\HasChildren[^)]*\) "\/" "?Work"?\r$/m)
    assert.match(list, /"\/" "?Work\/&AMk-t&AOk-"?\r$/m)
    assert.equal((await curl(account, 'tls', 'INBOX?SUBJECT%20Dots')).toString(), '* SEARCH 7\r\n')
    assert.equal((await curl(account, 'tls', 'INBOX?TEXT%20nowhere')).toString().trim(), '* SEARCH')
    const subject = await curl(account, 'tls', 'INBOX;UID=4;SECTION=HEADER.FIELDS%20(SUBJECT)')
    assert.equal(subject.toString(), 'Subject: nested\r\n\r\n')
    assert.equal((await curl(account, 'tls', 'INBOX;MAILINDEX=1;SECTION=TEXT')).toString().slice(0, 10), 'Hello Bob,')
    const partial = (await curl(account, 'tls', 'INBOX;UID=7;PARTIAL=0.4')).toString()
    assert.equal(partial, 'From')
    const flags = await curl(account, 'tls', 'INBOX', '--request', 'UID STORE 2 +FLAGS (\\Flagged)')
    assert.match(flags.toString(), /^\* 2 FETCH \(.*\\Flagged.*\)\r$/m)
    await curl(account, 'tls', 'INBOX', '--request', 'UID COPY 1:2 Work')
    assertSameMail(await look.bytes('Work'), TEXT_MAIL.slice(0, 2))
    const status = await curl(account, 'tls', '', '--request', 'STATUS Work (MESSAGES)')
    assert.equal(status.toString(), '* STATUS Work (MESSAGES 2)\r\n')
    await curl(account, 'tls', '', '--request', 'CREATE Later')
    assert.match((await curl(account, 'tls', '', '--request', 'EXAMINE Later')).toString(), /\* 0 EXISTS/)
    const fetched = await curl(account, 'tls', 'INBOX', '--request', 'FETCH 1:* (UID FLAGS)')
    assert.equal(fetched.toString().match(/^\* \d+ FETCH/gm)?.length, TEXT_MAIL.length)
  })

  test('it is told what is not there, and that a password is wrong', async () => {
    const account = await server.account()
    const of = async (path: string, user = account) => run('curl', args(user, 'tls', path, []), { home: account.home })
    const mailbox = await of('Nowhere;UID=1')
    assert.equal(mailbox.code, LOGIN_DENIED, said(mailbox))
    const message = await of('INBOX;UID=99')
    assert.equal(message.code, NOT_FOUND, said(message))
    const login = await of('', { ...account, password: 'wrong' })
    assert.equal(login.code, LOGIN_DENIED, said(login))
  })

  for (const mechanism of ['PLAIN', 'LOGIN'])
    test(`it logs in by AUTH=${mechanism}`, async () => {
      const account = await server.account()
      const list = await curl(account, 'starttls', '', '--login-options', `AUTH=${mechanism}`)
      assert.match(list.toString(), /INBOX/)
    })
})
