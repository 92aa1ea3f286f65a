/** `malle collect` into a store: mail that is then read without any network. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { TestPop3Server } from '#testing/pop3-server.ts'
import { testCertificate } from '#testing/scripted-server.ts'
import { malle, Place, type Ran, Running } from './cli-process.ts'

const FRENCH = { env: { LC_ALL: 'fr_FR.UTF-8' } }

interface Source {
  readonly folder: string
  readonly server: TestPop3Server
  readonly args: readonly string[]
}

/** A maildrop that is left, and what names it. */
async function source(t: TestContext, messages: readonly string[]): Promise<Source> {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-collect-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const server = await TestPop3Server.start({ messages, tls: true, allowPlaintext: false })
  t.after(() => server[Symbol.asyncDispose]())
  await writeFile(path.join(folder, 'ca.pem'), (await testCertificate()).ca)
  await writeFile(path.join(folder, 'secret'), 'secret\n')
  const file = (name: string): string => path.join(folder, name)
  const url = `pop3://ann@example.org@localhost:${server.port}`
  const args = [url, '--ca', file('ca.pem'), '--state', file('state.db'), '--password-file', file('secret')]
  return { folder, server, args }
}

function mail(subject: string, text: string, more = ''): string {
  return `${more}From: Bob <bob@example.net>\r\nTo: ann@example.org\r\nSubject: ${subject}\r\n\r\n${text}\r\n`
}

/** Subjects in the order of their UIDs. */
function subjects({ stdout, stderr }: Ran): string[] {
  assert.equal(stderr, '')
  const rows: { uid: number; subject: string }[] = JSON.parse(stdout)
  return rows.toSorted((a, b) => a.uid - b.uid).map(({ subject }) => subject)
}

test('mail is collected into a folder of its own, deleted on the server, and read with the network gone', async (t) => {
  const received = 'Received: from a by b; Thu, 5 Mar 2020 10:00:00 +0000\r\n'
  const { folder, server, args } = await source(t, [
    mail('First', 'Bonjour Ann,\r\n.a line\r\n', received),
    mail('Second', 'the harbour'),
  ])
  const store = `store:${path.join(folder, 'Mail')}`
  const first = await malle(['collect', ...args, '--to', store, '--after', 'delete'])
  assert.equal(first.stderr, '')
  assert.match(
    first.stdout,
    /^Fetched 2 messages \(.* B\) from ann@example\.org \(localhost\) into .*\/Mail, 2 deleted there\.\n$/,
  )
  assert.equal(await server.count(), 0)
  await server[Symbol.asyncDispose]()
  const listed = await malle(['mail', 'list', store, '--json'])
  assert.deepEqual(subjects(listed), ['First', 'Second'])
  assert.match(listed.stdout, /2020-03-05T10:00:00/)
  const found = await malle(['mail', 'search', store, 'harbour', '--json'])
  assert.deepEqual(subjects(found), ['Second'])
  const read = await malle(['mail', 'read', store, '1'], FRENCH)
  assert.match(read.stdout, /^De : Bob <bob@example\.net>\n[^]*\n\nBonjour Ann,\n\.a line\n/)
  const boxes = await malle(['mail', 'list', store, '--mailboxes', '--json'])
  assert.ok(!boxes.stdout.includes('Collecting'), boxes.stdout)
  const french = await malle(['collect', ...args, '--to', store], FRENCH)
  assert.match(french.stderr, /^malle: /)
})

/** More rounds: `MALLE_KILLS=10 node --test test/suites/cli-collect-store.test.ts`. */
const KILLS = Number(process.env.MALLE_KILLS ?? 2)

test('a run into a store, killed again and again, leaves every message exactly once', async (t) => {
  const messages = Array.from({ length: 300 }, (_, n) => mail(`${n}`, `line of ${n}\r\n`.repeat(1 + ((n * 37) % 700))))
  const { folder, server, args } = await source(t, messages)
  const to = path.join(folder, 'Mail')
  const command = ['collect', ...args, '--to', `store:${to}`, '--after', 'delete']
  for (let kill = 0; kill < KILLS; kill += 1) {
    const before = await segmentOctets(to)
    const running = new Running(command)
    while (running.child.exitCode === null && (await segmentOctets(to)) <= before) await pause(1)
    // between the waiting, the record and the move
    await pause((kill * 13) % 40)
    running.signal('SIGKILL')
    await running.ended()
  }
  const last = await malle([...command, '--json'])
  assert.equal(last.code, 0, last.stderr)
  assert.equal(JSON.parse(last.stdout)[0].report.maybeTwice, 0)
  const out = path.join(folder, 'out')
  const config = path.join(to, 'malle.toml')
  const exported = await malle(['export', 'ann@example.org', out, '--format', 'maildir', '--config', config])
  assert.equal(exported.code, 0, exported.stderr)
  const found: string[] = []
  for (const entry of await readdir(out, { recursive: true, withFileTypes: true }))
    if (entry.isFile() && /^(?:new|cur)$/.test(path.basename(entry.parentPath)))
      found.push(await readFile(path.join(entry.parentPath, entry.name), 'utf8'))
  assert.deepEqual(found.sort(), messages.map((message) => message.replaceAll('\r\n', '\n')).sort())
  assert.equal(await server.count(), 0)
})

/** Grows with each batch that waits for its place. */
async function segmentOctets(store: string): Promise<number> {
  const segments = path.join(store, 'data', 'store', 'shard-00', 'segments')
  const names = await readdir(segments).catch(() => [])
  const sizes = await Promise.all(names.map(async (name) => (await stat(path.join(segments, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

test('several people’s mail from one maildrop goes to their accounts, while the server runs', async (t) => {
  await using place = await Place.make()
  await place.ok(['domain', 'add', 'example.org'])
  for (const name of ['ann', 'bob']) await place.ok(['account', 'add', `${name}@example.org`, '--no-password'])
  await place.ok(['alias', 'add', 'all@example.org', 'ann@example.org', 'bob@example.org'])
  await place.serve()
  const { args } = await source(t, [
    mail('both', 'x', 'X-Original-To: all@example.org\r\n'),
    mail('for bob', 'x', 'X-Original-To: bob+lists@example.org\r\n'),
    mail('for whom', 'x', 'X-Original-To: carol@example.org\r\n'),
    mail('no field', 'x'),
  ])
  const to = ['--to', 'store:ann@example.org', '--envelope', 'X-Original-To']
  const ran = await place.malle(['collect', ...args, ...to])
  assert.equal(ran.code, 1, ran.stderr)
  assert.match(ran.stdout, /was not taken: nobody here has the address carol@example\.org\n/)
  assert.match(ran.stdout, /^Fetched 3 messages \(.*\) from .* into the mailbox of ann@example\.org\.$/m)
  const list = async (name: string): Promise<string[]> =>
    subjects(await place.malle(['mail', 'list', `store:${name}@example.org`, '--json']))
  assert.deepEqual(await list('ann'), ['both', 'no field'])
  assert.deepEqual(await list('bob'), ['both', 'for bob'])
  const nobody = await place.malle(['collect', ...args, '--to', 'store:carol@example.org'])
  assert.deepEqual([nobody.code, nobody.stdout], [66, ''])
  assert.match(nobody.stderr, /^malle: .*carol@example\.org.*\n$/)
})
