import assert from 'node:assert/strict'
import { mkdir, readdir, rename, unlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { lacking } from './install.ts'
import { Look } from './look.ts'
import { ALL_TEXT_MAIL, assertSameMail, EXACT_MAIL, inFiles, maildir, type NamedMail, TEXT_MAIL } from './mail.ts'
import { type Ran, runWell, said } from './run.ts'
import { type PeerAccount, PeerServer, SECURITIES, type Security } from './server.ts'

/** In modified UTF-7 (RFC 3501 §5.1.3) on both sides: it writes names to disk as it reads them (1.4). */
const ACCENTED = 'Work/&AMk-t&AOk- 2024'
const FOLDERS = ['Work', ACCENTED, `${ACCENTED}/v1.2 &- more`, 'Lists', 'Lists/Malle'] as const

suite('mbsync', { skip: lacking('mbsync') }, () => {
  let server: PeerServer
  before(async () => {
    server = await PeerServer.start()
  })
  after(() => server.stop())

  /** Syncs everything in both directions; gives its log. */
  async function mbsync(
    { login, password, home }: PeerAccount,
    security: Security,
    { from = server, mechanisms = '*' }: { readonly from?: PeerServer; readonly mechanisms?: string } = {},
  ): Promise<Ran> {
    await mkdir(path.join(home, 'Mail'), { recursive: true })
    const ssl = { plain: 'None', starttls: 'STARTTLS', tls: 'IMAPS' }[security]
    const { host, port } = from.place('imap', security)
    const lines = [
      'IMAPAccount malle',
      `Host ${host}`,
      `Port ${port}`,
      `User ${login}`,
      `Pass ${password}`,
      `SSLType ${ssl}`,
      `AuthMechs ${mechanisms}`,
      'SystemCertificates no',
      ...(security === 'plain' ? [] : [`CertificateFile ${from.ca}`]),
      '',
      'IMAPStore far',
      'Account malle',
      '',
      'MaildirStore near',
      `Path ${home}/Mail/`,
      `Inbox ${home}/Mail/INBOX`,
      'SubFolders Verbatim',
      '',
      'Channel malle',
      'Far :far:',
      'Near :near:',
      'Patterns *',
      'Create Both',
      'Remove Both',
      'Expunge Both',
      'Sync All',
      'CopyArrivalDate yes',
      `SyncState ${home}/state/`,
    ]
    await mkdir(path.join(home, 'state'), { recursive: true })
    await writeFile(path.join(home, 'mbsyncrc'), `${lines.join('\n')}\n`)
    return runWell('mbsync', ['-c', path.join(home, 'mbsyncrc'), '-V', 'malle'], { home })
  }

  const near = ({ home }: PeerAccount, folder: string) => path.join(home, 'Mail', folder)

  /** Into what it copies it writes a line `X-TUID`, by which it finds the copy again. */
  function withoutTuid(bytes: Buffer): Buffer {
    return Buffer.from(bytes.toString('latin1').replace(/^X-TUID: [^\r\n]*\r?\n/m, ''), 'latin1')
  }

  async function nearMail(account: PeerAccount, folder: string): Promise<Buffer[]> {
    return (await maildir(near(account, folder))).map(({ bytes }) => withoutTuid(bytes))
  }

  for (const security of SECURITIES) {
    test(`it syncs nested folders both ways, ${security}`, async () => {
      const account = await server.account()
      await using look = await Look.open(server, account)
      const share = (index: number) => ALL_TEXT_MAIL.filter((_, at) => at % (FOLDERS.length + 1) === index)
      for (const [index, name] of FOLDERS.entries()) {
        await look.create(name)
        await look.append(share(index), name, index === 0 ? ['\\Seen', '\\Flagged'] : [])
      }
      await look.append(share(FOLDERS.length), 'INBOX', ['\\Answered'])

      // all of it comes down
      await mbsync(account, security)
      for (const [index, name] of FOLDERS.entries())
        assertSameMail(await nearMail(account, name), inFiles(share(index)))
      assertSameMail(await nearMail(account, 'INBOX'), inFiles(share(FOLDERS.length)))
      assert.ok((await maildir(near(account, 'Work'))).every(({ flags }) => flags === 'FS'))

      // nothing to do
      const before = await picture(look, account)
      await mbsync(account, security)
      assert.deepEqual(await picture(look, account), before)

      // changes on the server: flags, a deletion, a message, a folder
      const [first, second] = await look.messages('Lists')
      assert.ok(first !== undefined && second !== undefined)
      await look.store('Lists', `${first.uid}`, '+FLAGS (\\Flagged \\Draft)')
      await look.expunge('Lists', `${second.uid}`)
      await look.create('Lists/New over there')
      const later: NamedMail = ['later', Buffer.from('Message-ID: <l@x>\r\nSubject: later\r\n\r\nlater\r\n')]
      await look.append([later], 'Lists/New over there', ['\\Seen'])
      // and on disk: flags, a deletion, a message, a folder
      const work = near(account, ACCENTED)
      const [flagged, deleted] = await maildir(work)
      assert.ok(flagged !== undefined && deleted !== undefined)
      await rename(path.join(work, flagged.name), path.join(work, 'cur', `${baseName(flagged.name)}:2,RS`))
      await unlink(path.join(work, deleted.name))
      const uploaded: NamedMail = ['uploaded', Buffer.from('Subject: up\r\nMessage-ID: <u@x>\r\n\r\nGrüße\r\n')]
      for (const part of ['cur', 'new', 'tmp'])
        await mkdir(path.join(near(account, 'Lists/Neu &- hier'), part), { recursive: true })
      for (const folder of ['Lists/Neu &- hier', 'INBOX'])
        await writeFile(path.join(near(account, folder), 'cur', '1.up.host:2,S'), inFiles([uploaded])[0]?.[1] ?? '')
      await mbsync(account, security)

      const near1 = await maildir(near(account, 'Lists'))
      assert.equal(near1.length, share(3).length - 1)
      assert.ok(near1.some(({ flags }) => flags === 'DF'))
      assertSameMail(await nearMail(account, 'Lists/New over there'), inFiles([later]))
      const far = await look.messages(ACCENTED)
      assert.equal(far.length, share(1).length - 1)
      const answered = far.find(({ flags }) => flags.join(' ') === '\\Answered \\Seen')
      assertSameMail(
        [inFiles([['', answered?.bytes ?? Buffer.alloc(0)]])[0]?.[1] ?? Buffer.alloc(0)],
        [['flagged', withoutTuid(flagged.bytes)]],
      )
      const up = await look.messages('Lists/Neu &- hier')
      assert.deepEqual(up[0]?.flags, ['\\Seen'])
      assertSameMail(
        up.map(({ bytes }) => withoutTuid(bytes)),
        [uploaded],
      )
      assertSameMail((await look.bytes()).map(withoutTuid), [...share(FOLDERS.length), uploaded])

      // and nothing to do again
      const after1 = await picture(look, account)
      await mbsync(account, security)
      assert.deepEqual(await picture(look, account), after1)
    })
  }

  test('everything on disk goes up, byte for byte', async () => {
    const account = await server.account()
    const mail = [...TEXT_MAIL, ...ALL_TEXT_MAIL.slice(-1)]
    for (const part of ['cur', 'new', 'tmp']) await mkdir(path.join(near(account, 'INBOX'), part), { recursive: true })
    for (const [index, [, bytes]] of inFiles(mail).entries())
      await writeFile(path.join(near(account, 'INBOX'), 'new', `${1_700_000_000 + index}.${index}.host`), bytes)
    await mbsync(account, 'tls')
    await using look = await Look.open(server, account)
    assertSameMail((await look.bytes()).map(withoutTuid), mail)
  })

  test('what has no line end at the end, or bare LF, comes down whole', async () => {
    const account = await server.account()
    await using look = await Look.open(server, account)
    await look.append(EXACT_MAIL)
    const ran = await mbsync(account, 'tls')
    // It passes over what has no blank line behind the header.
    const [dots, bare] = EXACT_MAIL
    assert.ok(dots !== undefined && bare !== undefined)
    assertSameMail(await nearMail(account, 'INBOX'), inFiles([dots, bare]))
    assert.equal(ran.stderr.match(/incomplete header/g)?.length, EXACT_MAIL.length - 2, said(ran))
  })

  test('folders that vanish on one side vanish on the other', async () => {
    const account = await server.account()
    await using look = await Look.open(server, account)
    await look.create('One', 'Two')
    await mbsync(account, 'tls')
    assert.ok((await readdir(path.join(account.home, 'Mail'))).includes('One'))
    await look.remove('One')
    await mbsync(account, 'tls')
    assert.ok(!(await readdir(path.join(account.home, 'Mail'))).includes('One'))
    assert.ok((await look.mailboxes()).includes('Two'))
  })

  test('where SCRAM is listed it logs in by it, with the person’s own password', async (t) => {
    const from = await PeerServer.start({ scramForPasswords: true })
    t.after(() => from.stop())
    const account = await from.account()
    await using look = await Look.open(from, account)
    await look.append(TEXT_MAIL.slice(0, 1))
    await mbsync(account, 'tls', { from, mechanisms: 'SCRAM-SHA-256' })
    assertSameMail(await nearMail(account, 'INBOX'), inFiles(TEXT_MAIL.slice(0, 1)))
  })

  /** Both sides: all that a client can see, the MODSEQ of every mailbox with it, and every file. */
  async function picture(look: Look, account: PeerAccount): Promise<unknown> {
    const far: unknown[] = []
    for (const name of await look.mailboxes())
      far.push([name, await look.status(name), (await look.messages(name)).map(({ uid, flags }) => [uid, ...flags])])
    const files = await readdir(path.join(account.home, 'Mail'), { recursive: true })
    return { far, files: files.filter((name) => /\/(cur|new)\//.test(name)).sort() }
  }
})

/** File name without folder and flags. */
function baseName(name: string): string {
  return path.basename(name).replace(/:2,.*$/, '')
}
