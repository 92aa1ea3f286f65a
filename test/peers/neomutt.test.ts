import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { lacking } from './install.ts'
import { fill, Look, popMessages } from './look.ts'
import { assertSameMail, inFiles, LARGE_MAIL, maildir, type NamedMail, TEXT_MAIL, withoutTrace } from './mail.ts'
import { type Ran, run, runWell } from './run.ts'
import { type PeerAccount, PeerServer, SECURITIES, type Security } from './server.ts'

/** Who works with what. */
interface Desk {
  readonly server: PeerServer
  readonly account: PeerAccount
  readonly security: Security
}

function url({ server, account, security }: Desk, protocol: 'imap' | 'pop' | 'smtp', mailbox = ''): string {
  const { host, port } = server.place(protocol === 'pop' ? 'pop3' : protocol, security)
  const user = encodeURIComponent(account.login)
  return `${protocol}${security === 'tls' ? 's' : ''}://${user}@${host}:${port}/${mailbox}`
}

/** Writes its configuration. */
async function configure(desk: Desk, more: readonly string[]): Promise<string> {
  const { server, account, security } = desk
  const { address, password, home } = account
  const lines = [
    `set imap_pass="${password}" pop_pass="${password}" smtp_pass="${password}"`,
    `set folder="${url(desk, 'imap')}" spool_file="+INBOX" record="+Sent"`,
    `set smtp_url="${url(desk, 'smtp')}"`,
    'set smtp_authenticators="plain"',
    `set from="${address}" use_from=yes hostname=client.example.org`,
    `set ssl_starttls=${security === 'starttls' ? 'yes' : 'no'} ssl_force_tls=${security === 'plain' ? 'no' : 'yes'}`,
    `set ssl_ca_certificates_file="${server.ca}"`,
    'set quit=yes delete=yes move=no confirm_append=no confirm_create=no wait_key=no sleep_time=0 mark_old=no',
    'set imap_idle=yes beep=no pop_delete=yes mbox_type=Maildir auto_tag=no resolve=no',
    ...more,
  ]
  const file = path.join(home, 'muttrc')
  await writeFile(file, `${lines.join('\n')}\n`)
  return file
}

/** Runs it on a terminal, presses keys, and waits until it has quit. */
async function press(desk: Desk, mailbox: string, keys: string, more: readonly string[] = []): Promise<Ran> {
  const command = `neomutt -n -F '${await configure(desk, more)}' -f '${mailbox}' -e 'push "${keys}<quit>"'`
  return runWell('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    home: desk.account.home,
    env: { TERM: 'xterm' },
  })
}

suite('neomutt', { skip: lacking('neomutt') }, () => {
  let server: PeerServer
  before(async () => {
    server = await PeerServer.start()
  })
  after(() => server.stop())

  for (const security of SECURITIES) {
    test(`it copies, moves, flags, deletes and syncs, ${security}`, async () => {
      const account = await server.account()
      await using look = await Look.open(server, account)
      await look.append([...TEXT_MAIL, LARGE_MAIL])
      await look.create('Work', 'Work/&AMk-t&AOk- 2024')
      const select = (subject: string) => `<untag-pattern>.<enter><tag-pattern>~s ${subject}<enter><tag-prefix>`
      const desk = { server, account, security }
      await press(
        desk,
        url(desk, 'imap', 'INBOX'),
        [
          `${select('Dots')}<copy-message><kill-line>=Work<enter>`,
          `${select('attachment')}<save-message><kill-line>=Work/Été<quote-char> 2024<enter>`,
          `${select('large')}<copy-message><kill-line>${account.home}/Mail<enter>`,
          `${select('nested')}<delete-message>`,
          `${select('plain')}<flag-message>`,
          `${select('alternative')}<clear-flag>n<set-flag>*<sync-mailbox>`,
        ].join(''),
      )
      const inbox = await look.messages()
      assertSameMail(
        inbox.map(({ bytes }) => bytes),
        [...TEXT_MAIL, LARGE_MAIL].filter(([name]) => !['attachment', 'nested'].includes(name)),
      )
      const flagged = inbox.filter(({ flags }) => flags.includes('\\Flagged')).map(({ bytes }) => bytes)
      assertSameMail(
        flagged,
        TEXT_MAIL.filter(([name]) => name === 'plain'),
      )
      assertSameMail(
        await look.bytes('Work'),
        TEXT_MAIL.filter(([name]) => name === 'dots'),
      )
      assertSameMail(
        await look.bytes('Work/&AMk-t&AOk- 2024'),
        TEXT_MAIL.filter(([name]) => name === 'attachment'),
      )
      const near = (await maildir(path.join(account.home, 'Mail'))).map(({ bytes }) => withoutStatus(bytes))
      assertSameMail(near, inFiles([LARGE_MAIL]))
    })

    test(`it submits and keeps a copy in Sent, ${security}`, async () => {
      const account = await server.account()
      await fill(server, account, TEXT_MAIL.slice(0, 1))
      const editor = path.join(account.home, 'editor')
      await writeFile(editor, '#!/bin/sh\nprintf ".\\n..Grüße\\n" >> "$1"\n', { mode: 0o700 })
      const desk = { server, account, security }
      await press(
        desk,
        url(desk, 'imap', 'INBOX'),
        `<mail>${account.address}<enter>Grüße<enter><attach-file>${editor}<enter><send-message>`,
        [`set editor="${editor}"`],
      )
      await using look = await Look.open(server, account)
      const [, arrived] = await look.messages()
      const [sent] = await look.messages('Sent')
      assert.ok(arrived !== undefined && sent !== undefined)
      assert.deepEqual(sent.flags, ['\\Seen'])
      assert.match(sent.bytes.toString('latin1'), /Subject: =\?utf-8\?/)
      assertSameMail([withoutDate(withoutTrace(arrived.bytes))], [['sent', withoutDate(withoutStatus(sent.bytes))]])
    })
  }

  test('messages of a mailbox on disk go up byte for byte', async () => {
    const account = await server.account()
    const folder = await diskFolder(account, TEXT_MAIL)
    const keys = '<tag-pattern>.<enter><tag-prefix><copy-message><kill-line>=INBOX<enter>'
    await press({ server, account, security: 'tls' }, folder, keys)
    await using look = await Look.open(server, account)
    assertSameMail((await look.bytes()).map(withoutStatus), TEXT_MAIL)
  })

  test('POP: it fetches, deletes and finds the box empty', async () => {
    const account = await server.account()
    await fill(server, account, TEXT_MAIL)
    const desk: Desk = { server, account, security: 'tls' }
    const save = `<tag-pattern>.<enter><tag-prefix><save-message><kill-line>${account.home}/Mail<enter><sync-mailbox>`
    await press(desk, url(desk, 'pop'), save)
    const near = (await maildir(path.join(account.home, 'Mail'))).map(({ bytes }) => withoutStatus(bytes))
    assertSameMail(near, inFiles(TEXT_MAIL))
    assert.deepEqual(await popMessages(server, account), [])
  })

  for (const scram of [false, true])
    test(`with nothing said about mechanisms it logs in with either kind of password${scram ? ', SCRAM listed' : ''}`, async (t) => {
      const from = scram ? await PeerServer.start({ scramForPasswords: true }) : server
      if (scram) t.after(() => from.stop())
      const account = await from.account()
      await fill(from, account, TEXT_MAIL.slice(0, 1))
      await using look = await Look.open(from, account)
      for (const password of [account.password, await from.appPassword(account.address)]) {
        const desk: Desk = { server: from, account: { ...account, password }, security: 'tls' }
        await press(desk, url(desk, 'imap', 'INBOX'), '<flag-message><sync-mailbox>')
        assert.deepEqual((await look.messages())[0]?.flags, ['\\Flagged'])
        await look.store('INBOX', '1', 'FLAGS ()')
      }
    })
})

/** A Maildir on disk with these messages. */
async function diskFolder(account: PeerAccount, mail: readonly NamedMail[]): Promise<string> {
  const folder = path.join(account.home, 'near')
  await run('mkdir', ['-p', ...['new', 'cur', 'tmp'].map((part) => path.join(folder, part))], { home: account.home })
  for (const [index, [, bytes]] of inFiles(mail).entries())
    await writeFile(path.join(folder, 'cur', `${index + 1}.1.host:2,S`), bytes)
  return folder
}

/** Without the lines it writes into every header that it writes anew. */
function withoutStatus(bytes: Uint8Array): Buffer {
  const text = Buffer.from(bytes).toString('latin1')
  return Buffer.from(text.replace(/^(?:Content-Length|Lines|Status|X-Status): [^\r\n]*\r?\n/gm, ''), 'latin1')
}

/** neomutt writes the Date of the copy in Sent anew, so the two may be a second apart. */
function withoutDate(bytes: Uint8Array): Buffer {
  return Buffer.from(
    Buffer.from(bytes)
      .toString('latin1')
      .replace(/^Date: [^\r]*\r\n/m, ''),
    'latin1',
  )
}
