/** `malle sync` as people run it, and killed as machines do it. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { ImapClient } from '#client/index.ts'
import { type WholeServer, wholeServer } from '#testing/whole-server.ts'
import { malle, Running } from './cli-process.ts'

const PASSWORD = 'correct horse battery'
const EXEMPT = { limits: { exempt: ['127.0.0.0/8', '::1/128'] } }
let started: Promise<WholeServer> | undefined
const whole = (): Promise<WholeServer> => (started ??= wholeServer(EXEMPT))
after(async () => (await started)?.[Symbol.asyncDispose]())

interface Place {
  readonly folder: string
  readonly urls: readonly [string, string]
  readonly logins: readonly [string, string]
  readonly args: readonly string[]
  readonly clients: readonly [ImapClient, ImapClient]
}

let places = 0

/** Two new accounts. */
async function place(t: TestContext): Promise<Place> {
  const here = await whole()
  const { server, folder: data } = here
  const port = here.port('imaps')
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-sync-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  places += 1
  const logins = [`from${places}@example.org`, `to${places}@example.org`] as const
  for (const address of logins) await server.administration.ask('account.add', { address, password: PASSWORD })
  const caFile = path.join(data, 'data', 'tls', 'ca.pem')
  const ca = await readFile(caFile, 'utf8')
  const connect = async (login: string): Promise<ImapClient> => {
    const credentials = { login, password: PASSWORD }
    const client = await ImapClient.connect({ host: 'localhost', port, tls: { ca }, credentials })
    t.after(() => client.logout())
    return client
  }
  const secret = path.join(folder, 'secret')
  await writeFile(secret, `${PASSWORD}\n`)
  return {
    folder,
    logins,
    urls: [`imaps://${logins[0]}@localhost:${port}`, `imaps://${logins[1]}@localhost:${port}`],
    args: [
      ['--ca', caFile],
      ['--state', path.join(folder, 'state.db')],
      ['--password-file', secret],
      ['--to-password-file', secret],
    ].flat(),
    clients: [await connect(logins[0]), await connect(logins[1])],
  }
}

function letter(n: number, more = ''): string {
  return `From: ann@example.org\r\nSubject: ${n}\r\nMessage-ID: <${n}@example.org>\r\n\r\n${`line of ${n}\r\n`.repeat(1 + ((n * 37) % 300))}${more}`
}

/** Every mailbox with its messages as `hash date flags`, sorted. */
async function contents(client: ImapClient): Promise<Record<string, readonly string[]>> {
  const found: Record<string, readonly string[]> = {}
  for (const { name, noSelect } of await client.list()) {
    if (noSelect) continue
    await client.select(name, { readOnly: true })
    const messages: string[] = []
    for await (const { flags, internalDate, body } of client.fetch('1:*', {
      flags: true,
      internalDate: true,
      body: true,
    })) {
      const hash = createHash('sha256')
        .update((await body?.bytes()) ?? '')
        .digest('hex')
        .slice(0, 12)
      const kept = flags.filter((flag) => flag !== '\\Recent').sort()
      messages.push(`${hash} ${internalDate.time} ${kept.join(' ')}`)
    }
    if (messages.length > 0) found[name] = messages.sort()
  }
  return found
}

test('sync copies mailboxes with flags, dates and odd names, says so, and has nothing to do afterwards', async (t) => {
  const { urls, logins, args, clients } = await place(t)
  const [from, to] = clients
  const date = new Date('2019-03-04T05:06:07Z')
  await from.append('INBOX', { body: letter(1), flags: ['\\Seen', '$Label1'], date })
  await from.append('INBOX', { body: 'Subject: no id\r\n\r\nsame\r\n', date })
  await from.append('INBOX', { body: 'Subject: no id\r\n\r\nsame\r\n', date })
  for (const name of ['Été & 汉字', 'Lists', 'Lists/a.b "c"', 'Empty']) await from.create(name)
  await from.append('Lists/a.b "c"', { body: letter(2), flags: ['\\Flagged', '\\Answered'], date })
  await from.append('Été & 汉字', { body: letter(3, 'x'.repeat(3_000_000)), date })
  const [sent] = (await from.list()).filter(({ role }) => role === 'sent')
  if (sent !== undefined) await from.append(sent.name, { body: letter(4), date })
  const looked = await malle(['sync', ...urls, ...args, '--dry-run'])
  assert.deepEqual([looked.code, looked.stderr], [0, ''])
  assert.match(looked.stdout, /^Would do: .* [56] messages copied/)
  assert.deepEqual(await contents(to), {})
  const ran = await malle(['sync', ...urls, ...args, '--verify', 'bodies'])
  assert.deepEqual([ran.code, ran.stderr], [0, ''])
  assert.match(
    ran.stdout,
    /^from\d+@example\.org \(localhost\) to to\d+@.*: \d+ mailboxes, [56] messages copied \(.*MB\), .* verified\.\n$/,
  )
  assert.deepEqual(await contents(to), await contents(from))
  assert.ok((await to.list()).some(({ name }) => name === 'Empty'))
  const french = await malle(['sync', ...urls, ...args], { env: { LC_ALL: 'fr_FR.UTF-8' } })
  assert.match(french.stdout, new RegExp(`^${logins[0]} \\(localhost\\) vers .* : \\d+ boîtes, rien à faire\\.\n$`))
})

test('sync carries what changed: new messages and flags, and deletions where asked', async (t) => {
  const { urls, args, clients } = await place(t)
  const [from, to] = clients
  for (let n = 0; n < 4; n += 1) await from.append('INBOX', { body: letter(n) })
  await malle(['sync', ...urls, ...args])
  await from.select('INBOX')
  await to.select('INBOX')
  await to.store(1, { add: ['\\Flagged'] })
  await from.store(1, { add: ['\\Seen'] })
  await from.store(2, { add: ['\\Deleted'] })
  await from.expunge()
  await from.append('INBOX', { body: letter(9) })
  const kept = await malle(['sync', ...urls, ...args, '--json'])
  const report = JSON.parse(kept.stdout)
  assert.deepEqual([report.copied, report.flagged, report.removed], [1, 1, 0])
  const removed = await malle(['sync', ...urls, ...args, '--delete'])
  assert.match(removed.stdout, /: \d+ mailboxes?, 1 deleted\.\n$/)
  const [there] = Object.values(await contents(to))
  assert.equal(there?.length, 4)
  // what the other side did itself stays
  assert.ok(there?.some((line) => line.endsWith('\\Flagged \\Seen')))
})

test('sync both ways merges flags, new messages and deletions, and finds what both had before', async (t) => {
  const { urls, args, clients } = await place(t)
  const [from, to] = clients
  for (const client of clients) for (let n = 0; n < 3; n += 1) await client.append('INBOX', { body: letter(n) })
  await from.append('INBOX', { body: letter(10) })
  await to.create('Only there')
  await to.append('Only there', { body: letter(11) })
  const both = ['sync', ...urls, ...args, '--two-way', '--delete', '--json']
  const first = JSON.parse((await malle(both)).stdout)
  assert.deepEqual([first.copied, first.matched, first.made], [2, 3, 1])
  const bare = async (client: ImapClient): Promise<unknown> =>
    JSON.parse(JSON.stringify(await contents(client)).replace(/ \d{10,} /g, ' '))
  assert.deepEqual(await bare(from), await bare(to))
  await from.select('INBOX')
  await to.select('INBOX')
  await from.store(1, { add: ['\\Seen', 'Mine'] })
  await to.store(1, { add: ['\\Answered'] })
  await from.store(2, { add: ['\\Deleted'] })
  await from.expunge(2)
  await to.store(3, { add: ['\\Deleted'] })
  await to.expunge(3)
  const second = JSON.parse((await malle(both)).stdout)
  assert.deepEqual([second.copied, second.flagged, second.removed], [0, 1, 2])
  assert.deepEqual(await bare(from), await bare(to))
  assert.equal((await contents(from))['INBOX']?.length, 2)
  const third = JSON.parse((await malle([...both, '--verify'])).stdout)
  assert.deepEqual([third.copied, third.flagged, third.removed, third.verified.differences], [0, 0, 0, []])
})

test('sync deletes nothing where a mailbox was emptied or made anew, unless it is told to', async (t) => {
  const { urls, args, clients } = await place(t)
  const [from, to] = clients
  await from.create('Old')
  for (let n = 0; n < 12; n += 1) await from.append('Old', { body: letter(n) })
  const command = ['sync', ...urls, ...args, '--delete']
  await malle(command)
  await from.select('Old')
  await from.store('1:*', { add: ['\\Deleted'] })
  await from.expunge()
  const spared = await malle(command)
  assert.equal(spared.code, 1)
  assert.match(spared.stdout, /^Kept 12 messages although/)
  await from.unselect()
  await from.delete('Old')
  const gone = await malle(command)
  assert.match(gone.stdout, /^Old is gone from from/)
  await from.create('Old')
  await from.append('Old', { body: letter(3) })
  const anew = JSON.parse((await malle([...command, '--json'])).stdout)
  assert.deepEqual([anew.renewed, anew.matched, anew.copied, anew.removed], [['Old'], 1, 0, 0])
  assert.equal((await contents(to))['Old']?.length, 12)
})

test('sync into a Maildir and out of it again keeps messages, flags and names', async (t) => {
  const { urls, args, folder, clients } = await place(t)
  const [from, to] = clients
  const date = new Date('2019-03-04T05:06:07Z')
  await from.append('INBOX', { body: letter(1), flags: ['\\Seen', '$Label1', '$Forwarded'], date })
  await from.create('Été/v1.0')
  await from.append('Été/v1.0', { body: letter(2), flags: ['\\Draft'], date })
  const maildir = path.join(folder, 'Mail')
  const out = await malle(['sync', urls[0], maildir, ...args, '--verify', 'bodies'])
  assert.deepEqual([out.code, out.stderr], [0, ''], out.stdout)
  assert.equal((await readdir(path.join(maildir, 'cur'))).length, 1)
  const back = await malle(['sync', maildir, urls[1], ...args, '--verify', 'bodies'])
  assert.deepEqual([back.code, back.stderr], [0, ''], back.stdout)
  assert.deepEqual(await contents(to), await contents(from))
  await to.select('INBOX')
  await to.store('1:*', { add: ['\\Flagged'] })
  const both = await malle(['sync', maildir, urls[1], ...args, '--two-way', '--delete'])
  assert.match(both.stdout, /flags of 1 changed/)
  assert.match((await readdir(path.join(maildir, 'cur')))[0] ?? '', /:2,FPSa$/)
})

const MISTAKES: readonly (readonly [readonly string[], number, RegExp])[] = [
  [['imaps://ann:secret@localhost', '/tmp/x'], 64, /without password/],
  [['pop3s://ann@localhost', '/tmp/x'], 64, /not an end of a sync/],
  [['/tmp/x', '/tmp/x'], 64, /the same/],
  [['/tmp/x', '/tmp/y', '--limit', 'fast'], 64, /not a size/],
  [['/tmp/x', '/tmp/y', '--verify', 'all'], 64, /--verify bodies/],
  [['/tmp/x', '/tmp/y', '--connections', '99'], 64, /1 to 32/],
]
for (const [given, code, words] of MISTAKES) {
  test(`sync ${given.join(' ')} ends with ${code} and one clear sentence`, async () => {
    const ran = await malle(['sync', ...given])
    assert.equal(ran.code, code)
    assert.match(ran.stderr, words)
    assert.equal(ran.stderr.trimEnd().split('\n').length, 1)
  })
}

for (const target of ['IMAP', 'Maildir'] as const) {
  test(`sync into ${target}, killed again and again, copies every message exactly once`, async (t) => {
    const { urls, args, folder, clients } = await place(t)
    const [from, to] = clients
    const bodies = Array.from({ length: 240 }, (_, n) => letter(n, 'y'.repeat((n * 7919) % 90_000)))
    await from.create('More')
    await from.appendAll(
      'INBOX',
      bodies.slice(0, 160).map((body) => ({ body })),
    )
    await from.appendAll(
      'More',
      bodies.slice(160).map((body) => ({ body })),
    )
    const maildir = path.join(folder, 'Mail')
    const there = async (): Promise<number> => {
      if (target === 'IMAP')
        return (await to.list({ status: true })).reduce((sum, { status }) => sum + (status?.MESSAGES ?? 0), 0)
      const folders = [maildir, path.join(maildir, '.More')].map((each) =>
        readdir(path.join(each, 'cur')).catch(() => []),
      )
      return (await Promise.all(folders)).flat().length
    }
    const command = ['sync', urls[0], target === 'IMAP' ? urls[1] : maildir, ...args, '--limit', '6MB/s']
    let killed = 0
    for (let kills = 0; kills < 5; kills += 1) {
      const before = await there()
      const running = new Running(command)
      while (running.child.exitCode === null && (await there()) <= before) await pause(1)
      await pause(kills * 7)
      if (running.child.exitCode === null) killed += 1
      running.signal('SIGKILL')
      await running.ended()
    }
    assert.ok(killed >= 2, `it was killed ${killed} times`)
    const last = await malle([...command, '--verify', 'bodies'])
    assert.equal(last.code, 0, last.stdout + last.stderr)
    assert.equal(await there(), bodies.length)
    if (target === 'IMAP') assert.deepEqual(await contents(to), await contents(from))
  })
}
