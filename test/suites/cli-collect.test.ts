/** `malle collect` as people run it, and killed as machines do it. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { TestImapServer } from '#testing/imap-server.ts'
import { TestPop3Server } from '#testing/pop3-server.ts'
import { testCertificate } from '#testing/scripted-server.ts'
import { TestSmtpServer } from '#testing/smtp-server.ts'
import { malle, Running } from './cli-process.ts'

const MESSAGES = Array.from(
  { length: 300 },
  (_, n) => `Subject: ${n}\r\n\r\n${`line of ${n}\r\n`.repeat(1 + ((n * 37) % 700))}`,
)

interface Place {
  readonly folder: string
  readonly server: TestPop3Server
  readonly url: string
  readonly args: readonly string[]
}

async function place(t: TestContext, messages: readonly string[]): Promise<Place> {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-collect-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const server = await TestPop3Server.start({ messages, tls: true, allowPlaintext: false })
  t.after(() => server[Symbol.asyncDispose]())
  const ca = path.join(folder, 'ca.pem')
  await writeFile(ca, (await testCertificate()).ca)
  await writeFile(path.join(folder, 'secret'), 'secret\n')
  const url = `pop3://ann@example.org@localhost:${server.port}`
  const files = ['--ca', ca, '--state', path.join(folder, 'state.db'), '--password-file', path.join(folder, 'secret')]
  return { folder, server, url, args: files }
}

test('collect fetches mail once, says so in the language of the reader, and deletes what it was told to', async (t) => {
  const { folder, url, args } = await place(t, MESSAGES.slice(0, 3))
  const to = path.join(folder, 'Mail')
  const looked = await malle(['collect', url, '--to', to, ...args, '--dry-run'])
  assert.deepEqual([looked.code, looked.stderr], [0, ''])
  assert.match(looked.stdout, /has 3 messages to fetch/)
  const first = await malle(['collect', url, '--to', to, ...args])
  assert.match(first.stdout, /^Fetched 3 messages \(.* KB\) from ann@example\.org \(localhost\) into .*Mail\.\n$/)
  const french = await malle(['collect', url, '--to', to, ...args], { env: { LC_ALL: 'fr_FR.UTF-8' } })
  assert.equal(french.stdout, 'Rien de nouveau chez ann@example.org (localhost), 3 connus.\n')
  const json = await malle(['collect', url, '--to', to, ...args, '--after', 'delete', '--json'])
  const [{ report }] = JSON.parse(json.stdout)
  assert.deepEqual([report.taken, report.removed], [0, 3])
  assert.equal((await readdir(path.join(to, 'new'))).length, 3)
})

test('collect reads accounts from a file; one that fails does not keep the others from it', async (t) => {
  const { folder, url } = await place(t, MESSAGES.slice(0, 2))
  const file = path.join(folder, 'mail.toml')
  const state = ['--state', path.join(folder, 'state.db')]
  const account = (from: string, secret: string): string =>
    `[[account]]\nfrom = "${from}"\n${secret}\nto = "one.mbox"\nformat = "mbox"\nca = "ca.pem"\n`
  await writeFile(file, account(url, 'password_command = "echo wrong"') + account(url, 'password_file = "secret"'))
  const ran = await malle(['collect', file, ...state])
  assert.equal(ran.code, 77)
  assert.match(ran.stderr, /refused the login/)
  assert.match(ran.stdout, /^Fetched 2 messages/)
  assert.equal((await readFile(path.join(folder, 'one.mbox'), 'utf8')).match(/^From /gm)?.length, 2)
})

const MISTAKES: readonly (readonly [string, readonly string[], number, RegExp])[] = [
  ['pop3s://ann:secret@localhost', ['--to', 'x'], 64, /does not belong into the URL/],
  ['pop3s://localhost', ['--to', 'x'], 64, /no login/],
  ['pop3s://ann@localhost', [], 64, /--to/],
  ['pop3s://ann@localhost', ['--to', 'x', '--format', 'mh'], 64, /maildir, mbox or command/],
  ['pop3s://ann@localhost', ['--to', 'x', '--after', 'burn'], 64, /delete after 7 days/],
  ['nowhere.toml', [], 66, /nowhere\.toml/],
]
for (const [source, more, code, words] of MISTAKES) {
  test(`collect ${source} ${more.join(' ')} ends with ${code} and one clear sentence`, async () => {
    const ran = await malle(['collect', source, ...more])
    assert.equal(ran.code, code)
    assert.match(ran.stderr, words)
    assert.equal(ran.stderr.trimEnd().split('\n').length, 1)
  })
}

for (const format of ['maildir', 'mbox']) {
  test(`collect into a ${format}, killed again and again, fetches every message exactly once`, async (t) => {
    const { folder, server, url, args } = await place(t, MESSAGES)
    const to = path.join(folder, 'Mail')
    const command = ['collect', url, '--to', to, '--format', format, '--after', 'delete', ...args]
    for (let kills = 0; kills < 5; kills += 1) {
      const before = await placed(to)
      const running = new Running(command)
      // when some of a batch, or all of it, is in its place and the server knows of nothing
      while (running.child.exitCode === null && (await placed(to)) <= before) await pause(1)
      running.signal('SIGKILL')
      await running.ended()
      await rm(`${to}.lock`, { force: true })
    }
    const last = await malle([...command, '--json'])
    assert.equal(last.code, 0, last.stderr)
    const [{ report }] = JSON.parse(last.stdout)
    assert.equal(report.maybeTwice, 0)
    const found: string[] = []
    if (format === 'maildir') {
      for (const name of await readdir(path.join(to, 'new'))) {
        found.push(await readFile(path.join(to, 'new', name), 'utf8'))
      }
    } else
      found.push(
        ...(await readFile(to, 'utf8'))
          .split(/^From MAILER-DAEMON .*\n/m)
          .slice(1)
          .map(withoutLast),
      )
    assert.deepEqual(found.sort(), MESSAGES.map((message) => message.replaceAll('\r\n', '\n')).sort())
    assert.equal((await server.store.mailbox(server.account, server.inbox))?.messages, 0)
  })
}

/** Files of a Maildir, octets of an mbox. */
async function placed(to: string): Promise<number> {
  const { length } = await readdir(path.join(to, 'new')).catch(() => [])
  if (length > 0) return length
  return stat(to).then(
    (about) => (about.isFile() ? about.size : 0),
    () => 0,
  )
}

/** The empty line that ends an entry. */
function withoutLast(entry: string): string {
  return entry.slice(0, -1)
}

test('collect from IMAP takes a mailbox, and with --push what comes later, at once', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-collect-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await using server = await TestImapServer.start({
    tls: true,
    mailboxes: ['Été/2026'],
    messages: MESSAGES.slice(0, 20).map((body) => ({ mailbox: 'Été/2026', body })),
  })
  await writeFile(path.join(folder, 'secret'), 'secret\n')
  await writeFile(path.join(folder, 'ca.pem'), (await testCertificate()).ca)
  const url = `imap://ann@example.org@localhost:${server.port}/${encodeURIComponent('Été/2026')}`
  const to = path.join(folder, 'Mail')
  const args = ['--ca', 'ca.pem', '--state', 'state.db', '--password-file', 'secret']
  const command = ['collect', url, '--to', to, ...args]
  const once = await malle([...command, '--after', 'delete'], { cwd: folder })
  assert.match(once.stdout, /^Fetched 20 messages .*, 20 deleted there\.\n$/)
  // How far it is, every ten seconds, where a machine is that slow.
  assert.match(once.stderr, /^(?:\d+ \/ 20\b.*\n)*$/)
  const push = new Running([...command, '--push'], { cwd: folder })
  await push.line((line) => line.startsWith('Nothing new'))
  await server.add({ mailbox: 'Été/2026', body: 'Subject: late\r\n\r\n' })
  await push.line((line) => line.startsWith('Fetched 1 message'))
  push.signal('SIGTERM')
  assert.equal(await push.ended(), 0)
  assert.equal((await readdir(path.join(to, 'new'))).length, 21)
})

test('collect hands mail to a command; what that refuses stays for the next time', async (t) => {
  const { folder, url, args } = await place(t, MESSAGES.slice(0, 3))
  const kept = path.join(folder, 'kept')
  const command = (test: string): string[] => [
    'collect',
    url,
    ...args,
    '--format',
    'command',
    '--to',
    `${test} >> ${kept}`,
  ]
  const strict = await malle(
    command('sh -c \'m=$(cat); case "$m" in *"Subject: 1"*) echo no >&2; exit 75;; esac; echo "$m"\''),
  )
  assert.equal(strict.code, 1)
  assert.match(strict.stdout, /was not taken: The command ended with 75: no/)
  const rest = await malle(command('cat'))
  assert.match(rest.stdout, /^Fetched 1 message/)
  assert.equal((await readFile(kept, 'utf8')).match(/^Subject: /gm)?.length, 3)
})

test('collect delivers by LMTP, to whom the envelope field names', async (t) => {
  await using mail = await TestSmtpServer.start({ role: 'lmtp' })
  const { folder, url, args } = await place(t, [
    'Subject: a\r\n\r\nfor the one who fetches\r\n',
    'X-Original-To: bob@example.org\r\nSubject: b\r\n\r\nfor bob\r\n',
    'X-Original-To: nobody@example.org\r\nSubject: c\r\n\r\nfor nobody\r\n',
  ])
  const to = `lmtp://127.0.0.1:${mail.port}/ann@example.org`
  const ran = await malle(['collect', url, '--to', to, '--envelope', 'X-Original-To', ...args], { cwd: folder })
  assert.equal(ran.code, 1)
  assert.match(ran.stdout, /was not taken: The LMTP server said: 550/)
  assert.match(ran.stdout, /^Fetched 2 messages/m)
})

test('collect again and again ends when it is told to', async (t) => {
  const { folder, url, server, args } = await place(t, [])
  const running = new Running(['collect', url, '--to', path.join(folder, 'Mail'), ...args, '--every', '1s'])
  await running.line((line) => line.startsWith('Nothing new'))
  await server.add('Subject: late\r\n\r\n')
  await running.line((line) => line.startsWith('Fetched 1 message'))
  running.signal('SIGTERM')
  assert.equal(await running.ended(), 0)
})
