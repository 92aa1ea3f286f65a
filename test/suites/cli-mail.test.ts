/** `malle mail` as people run it: on a server over TLS, and on the store itself, running or stopped. */
import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { ImapClient } from '#client/index.ts'
import { malle, Place, portOf, type Ran, type Ready, Running, type RunOptions } from './cli-process.ts'

const ESCAPE = '\u001b]0;owned\u0007\u001b[2J'
const MESSAGES: readonly string[] = [
  'From: Bob <bob@example.net>\r\nTo: ann@example.org\r\nSubject: Plain plan\r\nDate: Thu, 5 Mar 2026 10:00:00 +0000\r\n\r\nHello Ann,\r\nthe plan.\r\n',
  `From: =?utf-8?q?Evil=1B=5D0=3Bowned=07?= <evil@example.net>\r\nSubject: =?utf-8?b?${Buffer.from(`Red ${ESCAPE}alert`).toString('base64')}?=\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nBefore ${ESCAPE} after\r\n`,
  [
    'From: Claire <claire@example.net>',
    'Subject: With things',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: multipart/alternative; boundary=c',
    '',
    '--c',
    'Content-Type: text/html; charset=utf-8',
    '',
    '<p>Dear <b>Ann</b>,</p><script>alert(1)</script><p>see &eacute;t&eacute;.</p>',
    '--c--',
    '--b',
    'Content-Type: application/pdf; name="../../etc/pass wd.pdf"',
    'Content-Disposition: attachment; filename="../../etc/pass wd.pdf"',
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from('%PDF-1 content').toString('base64'),
    '--b--',
    '',
  ].join('\r\n'),
]

let place: Place
let ready: Ready
let files: readonly string[]
let url: string

before(async () => {
  place = await Place.make()
  const config = await readFile(place.config, 'utf8')
  await writeFile(place.config, config.replace('[listen]\n', '[listen]\nsubmission = ["127.0.0.1:0"]\n'))
  await place.ok(['domain', 'add', 'example.org'])
  await place.ok(['account', 'add', 'ann@example.org', '--name', 'Ann Lee', '--password-stdin'], 'secret\n')
  await place.ok(['account', 'add', 'ben@example.org', '--password-stdin'], 'secret\n')
  for (const [n, message] of MESSAGES.entries()) {
    await place.ok(['import', 'ann@example.org', await place.file(`${n}.eml`, message)])
  }
})
after(() => place[Symbol.asyncDispose]())

/** On the store: `--config` is put behind. */
async function onStore(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const [verb = '', ...rest] = args
  return place.malle(['mail', verb, 'ann@example.org', ...rest], options)
}

/** On the server, as anybody from anywhere. */
async function onServer(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const [verb = '', ...rest] = args
  return malle(['mail', verb, url, ...rest, ...files], { cwd: place.folder, ...options })
}

test('the store is read while no server runs', async () => {
  const { code, stdout, stderr } = await onStore(['list', '--json'])
  assert.deepEqual([code, stderr], [0, ''])
  const rows = JSON.parse(stdout) as { uid: number; subject: string }[]
  assert.deepEqual(
    rows.map(({ uid, subject }) => [uid, subject]),
    [
      [3, 'With things'],
      [2, 'Red ]0;owned [2Jalert'],
      [1, 'Plain plan'],
    ],
  )
  assert.equal((await place.malle(['mail', 'list', 'nobody@example.org'])).code, 66)
})

test('mail is sent from the store while no server runs, to people of it and into the queue, and kept in Sent', async () => {
  const body = await place.file('body', 'Bonjour\n')
  const what = ['--subject', 'Hors ligne', '--body', body]
  const sent = await onStore(['send', '--to', 'ben@example.org', ...what])
  assert.deepEqual(sent, { code: 0, stdout: 'Sent to 1 person; a copy is in Sent.\n', stderr: '' })
  const raw = await place.malle(['mail', 'read', 'ben@example.org', '1', '--raw'])
  assert.match(raw.stdout, /^From: "?Ann Lee"? <ann@example\.org>\r\nTo: ben@example\.org\r\nSubject: Hors ligne\r\n/m)
  const elsewhere = await onStore(['send', '--to', 'bob@elsewhere.invalid', ...what])
  assert.deepEqual(elsewhere, sent)
  const { stdout: queue } = await place.malle(['queue', 'list'])
  assert.match(queue, /^ {4}bob@elsewhere\.invalid {2}waiting/m)
  // or the server that runs next would say that there is no such domain
  await place.ok(['queue', 'drop', '--domain', 'elsewhere.invalid', '--yes'])
  const stopped = await onStore(['watch'])
  assert.deepEqual([stopped.code, stopped.stdout], [69, ''])
  assert.match(stopped.stderr, /is stopped, so nothing arrives/)
})

test('the same over TLS on a server that runs, and through its store', async () => {
  ready = (await place.serve()).ready
  files = ['--ca', path.join(place.data, 'tls', 'ca.pem'), '--password-file', await place.file('secret', 'secret\n')]
  url = `imaps://ann@example.org@localhost:${portOf(ready, 'imaps')}`
  const list = ['list', '--json']
  assert.equal((await onServer(list)).stdout, (await onStore(list)).stdout)
  const { stdout } = await onServer(['list'])
  assert.match(stdout, /^3 {2}\* {2}@ .* Claire .* With things\n2 {2}\* .*\n1 {2}\* .* Plain plan\n$/)
})

test('read shows a message as text, and it stays unread until --seen', async () => {
  const { stdout } = await onServer(['read', '3'])
  assert.match(
    stdout,
    /^From: Claire <claire@example\.net>\nDate: .*\nSubject: With things\n\nDear Ann,\n\nsee été\.\n\n/,
  )
  assert.match(stdout, /Attachments:\n {2}2 {2}\.\.\/\.\.\/etc\/pass wd\.pdf {2}application\/pdf {2}\d+ B\n$/)
  const flags = async (): Promise<unknown> => JSON.parse((await onServer(['list', '--json'])).stdout)[2].flags
  assert.deepEqual(await flags(), [])
  assert.match(
    (await onServer(['read', '1', '--seen'], { env: { LC_ALL: 'fr_FR.UTF-8' } })).stdout,
    /^De : Bob .*\nÀ : ann/,
  )
  assert.deepEqual(await flags(), ['\\Seen'])
  const raw = await onServer(['read', '1', '--raw'])
  assert.equal(raw.stdout, MESSAGES[0])
  assert.equal((await onServer(['read', '99'])).code, 66)
  assert.equal((await onServer(['read', 'one'])).code, 64)
})

test('nothing in a message commands the terminal', async () => {
  for (const args of [
    ['list'],
    ['read', '2'],
    ['read', '2', '--headers'],
    ['read', '2', '--json'],
    ['search', 'after'],
  ]) {
    const { code, stdout } = await onServer(args)
    assert.equal(code, 0)
    assert.match(stdout, /owned/)
    assert.doesNotMatch(stdout.replaceAll('\n', ''), /[\p{Cc}]/u, args.join(' '))
  }
})

test('search finds by words, fields and attachments', async () => {
  const found = async (...words: string[]): Promise<number[]> =>
    (JSON.parse((await onServer(['search', ...words, '--json'])).stdout) as { uid: number }[]).map(({ uid }) => uid)
  assert.deepEqual(await found('plan'), [1])
  assert.deepEqual(await found('été'), [3])
  assert.deepEqual(await found('from:claire'), [3])
  assert.deepEqual(await found('has:attachment'), [3])
  assert.deepEqual(await found('not:has'), [3, 2, 1])
  assert.deepEqual(await found('unread', 'not:from:claire'), [2])
  assert.deepEqual(await found('since:2026-03-01', 'before:2026-04-01', 'plan', 'hello'), [1])
  assert.deepEqual(await found('before:2020-01-01'), [])
  assert.equal((await onServer(['search', 'since:never'])).code, 64)
})

test('what is wrong is said, with an exit code of its own', async () => {
  assert.equal(
    (await malle(['mail', 'list', url, ...files.slice(0, 2), '--password-stdin'], { input: 'wrong\n' })).code,
    77,
  )
  assert.equal((await malle(['mail', 'list', 'pop3s://ann@localhost', ...files])).code, 64)
  assert.equal((await malle(['mail', 'list', `imaps://ann:secret@localhost`, ...files])).code, 64)
  const env = { XDG_CONFIG_HOME: place.folder }
  assert.equal((await malle(['mail', 'list', 'work', ...files], { env })).code, 66)
  const { code, stderr } = await onServer(['list', '--mailbox', 'Nowhere'])
  assert.deepEqual([code, stderr], [66, 'malle: There is no mailbox "Nowhere".\n'])
})

test('an address leads to its servers, which are named, and asked about before a password goes to them', async () => {
  const hook = pathToFileURL(path.join(import.meta.dirname, 'only-loopback.ts')).href
  const at = (listener: string, name = 'localhost') => [{ name, port: portOf(ready, listener), priority: 0, weight: 0 }]
  const found = (srv: Readonly<Record<string, unknown>>, args: readonly string[]): Promise<Ran> =>
    malle(['mail', ...args, ...files], {
      cwd: place.folder,
      nodeArguments: ['--import', hook],
      env: { MALLE_TEST_SRV: JSON.stringify(srv), XDG_CONFIG_HOME: path.join(place.folder, 'none') },
    })
  const both = { '_imaps._tcp.example.org': at('imaps'), '_submission._tcp.example.org': at('submission') }
  const named =
    `IMAP: localhost:${portOf(ready, 'imaps')}, TLS, ann@example.org (from the DNS)\n` +
    `SMTP: localhost:${portOf(ready, 'submission')}, STARTTLS, ann@example.org (from the DNS)\n`
  const unasked = await found(both, ['list', 'ann@example.org'])
  assert.deepEqual([unasked.code, unasked.stdout, unasked.stderr], [64, '', `${named}malle: Confirm with --yes.\n`])
  const list = await found(both, ['list', 'ann@example.org', '--yes'])
  assert.deepEqual([list.code, list.stderr], [0, named])
  assert.match(list.stdout, /Plain plan\n$/)
  const body = await place.file('body', 'Bonjour\n')
  const what = ['--to', 'ben@example.org', '--subject', 'Found', '--body', body]
  const sent = await found(both, ['send', 'ann@example.org', '--yes', ...what])
  assert.deepEqual([sent.code, sent.stdout], [0, 'Sent to 1 person; a copy is in Sent.\n'])
  const nothing = await found({}, ['list', 'ann@example.org', '--yes'])
  assert.equal(nothing.code, 66)
  assert.match(nothing.stderr, /^malle: No IMAP server was found for ann@example\.org\. Give its URL/)
})

test('an account has a name in mail.toml, and its password comes from a command', async () => {
  const account = `[[account]]\nname = "work"\nimap = "${url}"\nca = "${path.join(place.data, 'tls', 'ca.pem')}"\npassword_command = "echo secret"\n`
  await place.file('malle/mail.toml', account)
  const env = { XDG_CONFIG_HOME: place.folder }
  const { stdout } = await malle(['mail', 'list', 'work', '--mailboxes'], { env })
  assert.match(stdout, /^mailbox +messages +unread +size\nINBOX +3 +2 /)
  await place.file('malle/mail.toml', `${account}typo = 1\n`)
  assert.equal((await malle(['mail', 'list', 'work'], { env })).code, 78)
})

test('attachments stay in their folder and overwrite nothing', async () => {
  const folder = path.join(place.folder, 'saved', 'here')
  const names = async (): Promise<string[]> => (await readdir(folder)).sort()
  assert.equal((await onServer(['attachments', '3', '--to', folder])).code, 0)
  assert.equal((await onServer(['attachments', '3', '--to', folder, '--part', '2'])).code, 0)
  assert.deepEqual(await names(), ['pass wd (1).pdf', 'pass wd.pdf'])
  assert.equal(await readFile(path.join(folder, 'pass wd.pdf'), 'utf8'), '%PDF-1 content')
  assert.equal((await onServer(['attachments', '3', '--part', '7'])).code, 66)
})

test('a command on the store that is killed leaves no password behind, and ends no session of the person', async () => {
  const watching = new Running(['mail', 'watch', 'ann@example.org', '--config', place.config], { cwd: place.folder })
  await watching.logged('Watching INBOX')
  assert.deepEqual(await place.ok(['app-password', 'list', 'ann@example.org', '--json']), [])
  const other = new Running(['mail', 'watch', url, ...files], { cwd: place.folder })
  await other.logged('Watching INBOX')
  assert.equal((await onStore(['list'])).code, 0)
  watching.signal('SIGKILL')
  assert.equal(await watching.ended(), 'SIGKILL')
  assert.deepEqual(await place.ok(['app-password', 'list', 'ann@example.org', '--json']), [])
  other.signal('SIGINT')
  assert.equal(await other.ended(), 0)
  assert.deepEqual(other.stderr, ['Watching INBOX.'])
})

test('watch hears of several mailboxes, and goes on when the server was away', async () => {
  const own = await Place.make()
  try {
    await own.ok(['domain', 'add', 'example.org'])
    await own.ok(['account', 'add', 'cat@example.org', '--password-stdin'], 'secret\n')
    const first = await own.serve()
    const config = await readFile(own.config, 'utf8')
    // the same ports after the restart
    const fixed = Object.entries(first.ready.endpoints).reduce((text, [name, [at]]) => {
      return at === undefined ? text : text.replace(`${name} = ["127.0.0.1:0"]`, `${name} = ["127.0.0.1:${at.port}"]`)
    }, config)
    await writeFile(own.config, fixed)
    const args = ['mail', 'watch', 'cat@example.org', '--config', own.config]
    const some = new Running([...args, '--mailbox', 'INBOX', 'archive'], { cwd: own.folder })
    const all = new Running([...args, '--all', '--json'], { cwd: own.folder })
    await some.logged('Watching 2 mailboxes')
    await all.logged('Watching 6 mailboxes')
    const put = async (subject: string, mailbox: string): Promise<void> => {
      await using client = await ImapClient.connect({
        host: '127.0.0.1',
        port: portOf(first.ready, 'imap'),
        security: 'none',
        allowPlaintext: true,
        credentials: { login: 'cat@example.org', password: 'secret' },
      })
      const text = `From: Bob <bob@example.net>\r\nSubject: ${subject}\r\n\r\nx\r\n`
      await client.append(mailbox, { body: Buffer.from(text) })
    }
    await put('one', 'Archive')
    await put('two', 'Trash')
    await put('three', 'INBOX')
    assert.match(await some.line(), /^1 {2}\* {5}\S+ {2}Archive {2}Bob {19}48 B {2}one$/)
    assert.match(
      await some.line((line) => line.endsWith('three')),
      /^1 {2}\* {5}\S+ {2}INBOX {4}Bob {19}50 B {2}three$/,
    )
    await all.line((line) => line.includes('"subject":"three"'))
    first.signal('SIGTERM')
    assert.equal(await first.ended(), 0)
    await all.logged('The connection is lost')
    await own.serve()
    await put('four', 'Archive')
    await some.line((line) => line.endsWith('four'))
    await all.line((line) => line.includes('"subject":"four"'))
    await put('five', 'INBOX')
    await some.line((line) => line.endsWith('five'))
    await all.line((line) => line.includes('"subject":"five"'))
    for (const watching of [some, all]) {
      watching.signal('SIGINT')
      assert.equal(await watching.ended(), 0)
    }
    const told = all.stdout.map((line) => JSON.parse(line) as { mailbox: string; subject: string })
    assert.deepEqual(
      told.map(({ mailbox, subject }) => `${mailbox} ${subject}`),
      ['Archive one', 'Trash two', 'INBOX three', 'Archive four', 'INBOX five'],
    )
    assert.equal(some.stdout.length, 4)
  } finally {
    await own[Symbol.asyncDispose]()
  }
})

test('watch says what arrives; a message is sent, marked and moved', async (t) => {
  const watching = new Running(['mail', 'watch', url, ...files], { cwd: place.folder })
  t.after(() => watching.signal('SIGKILL'))
  await watching.logged('Watching INBOX')
  const smtp = ['--smtp', `smtp://ann@example.org@localhost:${portOf(ready, 'submission')}`]
  const to = ['--to', 'ann@example.org', '--bcc', 'Ann <ann@example.org>', '--subject', 'Été']
  const body = await place.file('body', 'Bonjour\n')
  const sent = await onServer(['send', ...to, '--body', body, '--attach', body, ...smtp])
  assert.deepEqual([sent.stdout, sent.stderr], ['Sent to 1 person; a copy is in Sent.\n', ''])
  assert.match(await watching.line(), /^4 {2}\* {2}@ .* ann@example\.org .* Été$/)
  watching.signal('SIGINT')
  assert.equal(await watching.ended(), 0)
  const copy = await onServer(['read', '3', '--mailbox', 'sent', '--raw'])
  assert.match(copy.stdout, /^From: ann@example\.org\r\n/)
  assert.doesNotMatch(copy.stdout, /^bcc:/im)
  assert.equal(
    (await onServer(['flag', '4', '--add', 'flagged', 'Work', '--remove', 'seen'])).stdout,
    'Changed 1 message.\n',
  )
  assert.equal((await onServer(['move', '4', '--to', 'Trash'])).stdout, 'Moved 1 message to Trash.\n')
  const [moved] = JSON.parse((await onServer(['list', '--mailbox', 'trash', '--json'])).stdout)
  assert.deepEqual(moved.flags, ['\\Flagged', 'Work'])
  assert.equal((await onServer(['move', '4', '--to', 'Trash'])).code, 66)
  const refused = await onServer(['send', '--to', 'nobody@example.org', '--subject', 'x', '--body', body, ...smtp])
  assert.equal(refused.code, 65)
  assert.match(refused.stderr, /^malle: Not sent through localhost: /)
})
