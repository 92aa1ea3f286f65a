/** `malle sync` as people run it, and what it says. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { failureOf } from '#cli/failure.ts'
import { syncCommand } from '#cli/sync.ts'
import { syncSentences } from '#cli/sync-sentences.ts'
import { ImapClient } from '#client/index.ts'
import { type RunOptions, SyncPair } from '#testing/sync-pair.ts'
import { type WholeServer, wholeServer } from '#testing/whole-server.ts'
import type { SyncReport } from '#transfer/sync/sync.ts'
import { malle } from './cli-process.ts'

const PASSWORD = 'correct horse battery'
const EXEMPT = { auth: { allow_plaintext: true }, limits: { exempt: ['127.0.0.0/8', '::1/128'] } }
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

/** A run in this process, and what it would say. */
async function ran(pair: SyncPair, options: RunOptions): Promise<SyncReport & { readonly said: string }> {
  const report = await pair.run(options)
  const said = syncSentences(['ann', 'bob'], report, { dryRun: false, twoWay: options.twoWay === true }).join('\n')
  return { ...report, said }
}

test('sync carries what changed: new messages and flags, and deletions where asked', async () => {
  await using pair = await SyncPair.make(await whole())
  const { left: from, right: to } = pair
  for (let n = 0; n < 4; n += 1) await from.append('INBOX', { body: letter(n) })
  await ran(pair, { deletions: false })
  await from.select('INBOX')
  await to.select('INBOX')
  await to.store(1, { add: ['\\Flagged'] })
  await from.store(1, { add: ['\\Seen'] })
  await from.store(2, { add: ['\\Deleted'] })
  await from.expunge()
  await from.append('INBOX', { body: letter(9) })
  const report = await ran(pair, { deletions: false })
  assert.deepEqual([report.copied, report.flagged, report.removed], [1, 1, 0])
  const removed = await ran(pair, { deletions: true })
  assert.match(removed.said, /: \d+ mailboxes?, 1 deleted\.$/)
  const [there] = Object.values(await contents(to))
  assert.equal(there?.length, 4)
  // what the other side did itself stays
  assert.ok(there?.some((line) => line.endsWith('\\Flagged \\Seen')))
})

test('sync both ways merges flags, new messages and deletions, and finds what both had before', async () => {
  await using pair = await SyncPair.make(await whole())
  const { left: from, right: to } = pair
  for (const client of [from, to]) for (let n = 0; n < 3; n += 1) await client.append('INBOX', { body: letter(n) })
  await from.append('INBOX', { body: letter(10) })
  await to.create('Only there')
  await to.append('Only there', { body: letter(11) })
  const first = await ran(pair, { twoWay: true })
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
  const second = await ran(pair, { twoWay: true })
  assert.deepEqual([second.copied, second.flagged, second.removed], [0, 1, 2])
  assert.deepEqual(await bare(from), await bare(to))
  assert.equal((await contents(from))['INBOX']?.length, 2)
  const third = await ran(pair, { twoWay: true, verify: 'sizes' })
  assert.deepEqual([third.copied, third.flagged, third.removed, third.verified?.differences], [0, 0, 0, []])
})

test('sync deletes nothing where a mailbox was emptied or made anew, unless it is told to', async () => {
  await using pair = await SyncPair.make(await whole())
  const { left: from, right: to } = pair
  await from.create('Old')
  for (let n = 0; n < 12; n += 1) await from.append('Old', { body: letter(n) })
  await ran(pair, {})
  await from.select('Old')
  await from.store('1:*', { add: ['\\Deleted'] })
  await from.expunge()
  const spared = await ran(pair, {})
  assert.match(spared.said, /^Kept 12 messages although/)
  await from.unselect()
  await from.delete('Old')
  const gone = await ran(pair, {})
  assert.match(gone.said, /^Old is gone from ann/)
  await from.create('Old')
  await from.append('Old', { body: letter(3) })
  const anew = await ran(pair, {})
  assert.deepEqual([anew.renewed, anew.matched, anew.copied, anew.removed], [['Old'], 1, 0, 0])
  assert.equal((await contents(to))['Old']?.length, 12)
  await from.select('Old')
  await from.store('1:*', { add: ['\\Deleted'] })
  await from.expunge()
  const told = await ran(pair, { emptyToo: true })
  assert.match(told.said, /, 1 deleted\.$/)
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
  [['store:ann@example.org/Sent', '/tmp/x'], 64, /without one/],
  [['/tmp/x', '/tmp/x'], 64, /the same/],
  [['/tmp/x', '/tmp/y', '--limit', 'fast'], 64, /not a size/],
  [['/tmp/x', '/tmp/y', '--verify', 'all'], 64, /--verify bodies/],
  [['/tmp/x', '/tmp/y', '--connections', '99'], 64, /1 to 32/],
]
for (const [given, code, words] of MISTAKES) {
  test(`sync ${given.join(' ')} ends with ${code} and one clear sentence`, async () => {
    const failure = await syncCommand()
      .parseAsync([...given], { from: 'user' })
      .then(() => undefined, failureOf)
    assert.equal(failure?.exitCode, code)
    assert.match(failure?.text ?? '', words)
    assert.equal(failure?.text.split('\n').length, 1)
  })
}

test('sync ends a mistake with its exit code and one line on standard error', async () => {
  const { code, stdout, stderr } = await malle(['sync', '/tmp/x', '/tmp/x'])
  assert.deepEqual([code, stdout, stderr], [64, '', 'malle: Both ends are the same.\n'])
})
