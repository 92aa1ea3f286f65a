/** `malle migrate` as people run it: from one Malle to another, told wrong things, and killed as machines do it. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { ImapClient, Pop3Client, type Pop3ClientOptions } from '#client/index.ts'
import { CuttingProxy } from '#testing/cutting-proxy.ts'
import { type WholeServer, wholeServer } from '#testing/whole-server.ts'
import { malle, Place, portOf, type Ran, Running } from './cli-process.ts'

const PASSWORD = 'correct horse battery'
const EXEMPT = { limits: { exempt: ['127.0.0.0/8', '::1/128'] } }
let started: Promise<WholeServer> | undefined
/** The host that people leave. */
const whole = (): Promise<WholeServer> => (started ??= wholeServer(EXEMPT))
after(async () => (await started)?.[Symbol.asyncDispose]())

interface Scene {
  readonly here: Place
  readonly login: string
  readonly address: string
  readonly old: ImapClient
  readonly ca: string
  /** `malle migrate`, from both protocols. */
  readonly migrate: (more?: readonly string[], env?: NodeJS.ProcessEnv) => Promise<Ran>
}

let scenes = 0

/** A person with an account there, and one here that is empty, where it is wanted. */
async function scene(t: TestContext, wanted = true): Promise<Scene> {
  const there = await whole()
  scenes += 1
  const login = `from${scenes}@example.org`
  const address = 'ann@example.org'
  await there.server.administration.ask('account.add', { address: login, password: PASSWORD })
  const ca = path.join(there.folder, 'data', 'tls', 'ca.pem')
  const old = await ImapClient.connect({
    host: 'localhost',
    port: there.port('imaps'),
    tls: { ca: await readFile(ca, 'utf8') },
    credentials: { login, password: PASSWORD },
  })
  t.after(() => old.logout())
  const here = await Place.make()
  t.after(() => here[Symbol.asyncDispose]())
  if (wanted) {
    await here.ok(['domain', 'add', 'example.org'])
    await here.ok(['account', 'add', address, '--password-stdin'], PASSWORD)
  }
  const secret = await here.file('secret', `${PASSWORD}\n`)
  const urls = [
    `imaps://${login}@localhost:${there.port('imaps')}`,
    `pop3s://${login}@localhost:${there.port('pop3s')}`,
  ] as const
  const migrate: Scene['migrate'] = (more = [], env = {}) =>
    here.malle(['migrate', address, ...urls, '--ca', ca, '--password-file', secret, ...more], { env })
  return { here, login, address, old, ca, migrate }
}

function letter(n: number | string, more = ''): string {
  return `From: ann@example.org\r\nSubject: ${n}\r\nMessage-ID: <${n}@example.org>\r\n\r\nline of ${n}\r\n${more}`
}

/** Unique-ids with subjects, in the order of the maildrop. */
async function maildrop(options: Pick<Pop3ClientOptions, 'port' | 'security' | 'tls'>, login: string) {
  const credentials = { login, password: PASSWORD }
  await using client = await Pop3Client.connect({ host: 'localhost', allowPlaintext: true, credentials, ...options })
  const found: string[] = []
  for (const { message, uniqueId } of await client.maildrop()) {
    const header = Buffer.from(await (await client.top(message)).bytes()).toString('latin1')
    found.push(`${uniqueId} ${/^Subject: (.*)\r$/m.exec(header)?.[1]}`)
  }
  await client.quit()
  return found
}

/** What a program on POP3 saw there, and what it sees here now. */
async function bothMaildrops({ here, login, address, ca }: Scene): Promise<[readonly string[], readonly string[]]> {
  const there = await whole()
  const before = await maildrop({ port: there.port('pop3s'), tls: { ca: await readFile(ca, 'utf8') } }, login)
  const server = await here.serve()
  const now = await maildrop({ port: portOf(server.ready, 'pop3'), security: 'none' }, address)
  server.signal('SIGTERM')
  await server.ended()
  return [before, now]
}

test('migrate brings all mailboxes, unique-ids and their order, says so, and has nothing to do afterwards', async (t) => {
  const it = await scene(t)
  const { old, migrate } = it
  for (let n = 0; n < 5; n += 1)
    await old.append('INBOX', { body: letter(n), flags: n === 1 ? ['\\Seen', '$Label1'] : [] })
  await old.select('INBOX')
  await old.store(2, { add: ['\\Deleted'] })
  await old.expunge(2)
  await old.create('Lists/Été')
  await old.append('Lists/Été', { body: letter('list'), flags: ['\\Flagged'] })
  const looked = await migrate(['--dry-run'])
  assert.deepEqual([looked.code, looked.stderr], [0, ''])
  assert.match(looked.stdout, /^Would do: .* 5 messages copied/m)
  const first = await migrate()
  assert.deepEqual([first.code, first.stderr], [0, ''], first.stdout)
  assert.match(first.stdout, /^4 unique-ids kept, in the same order\.\n.*: \d+ mailboxes, 5 messages copied \(/m)
  const [before, now] = await bothMaildrops(it)
  assert.equal(before.length, 4)
  assert.deepEqual(now, before)
  const second = await migrate(['--cutover', '--verify'], { LC_ALL: 'fr_FR.UTF-8' })
  assert.deepEqual([second.code, second.stderr], [0, ''], second.stdout)
  assert.match(second.stdout, /^4 identifiants gardés, dans le même ordre\.\n.* 5 messages vérifiés\.\nTerminé : /m)
})

test('migrate of a list makes accounts, tells of each, and does not stop where one fails', async (t) => {
  const { here, login, old, ca } = await scene(t)
  const there = await whole()
  await old.append('INBOX', { body: letter('one') })
  const servers = [`imaps://localhost:${there.port('imaps')}`, `pop3s://localhost:${there.port('pop3s')}`]
  const people = await here.file(
    'people.csv',
    `address,login,source_password,name\r\n` +
      `nobody@example.org,nobody@example.org,wrong,\r\n` +
      `new@example.org,${login},${PASSWORD},"New, one"\r\n` +
      `missing@elsewhere.example,${login},${PASSWORD},\r\n`,
  )
  const folder = path.join(here.folder, 'reports')
  const more = ['--ca', ca, '--create', '--cutover', '--report', folder]
  const ran = await here.malle(['migrate', '--from', people, ...servers, ...more])
  assert.equal(ran.code, 77)
  assert.match(ran.stderr, /^malle: nobody@example\.org: The server refused the login/)
  assert.match(ran.stderr, /^malle: missing@elsewhere\.example: /m)
  assert.match(ran.stdout, /^new@example\.org +done +1 +\d+ B +0 +0 +1$/m)
  const report = JSON.parse(await readFile(path.join(folder, 'new@example.org.json'), 'utf8'))
  assert.deepEqual([report.state, report.created, report.report.uniqueIds.inOrder], ['done', true, true])
  const shown = JSON.parse(String((await here.malle(['account', 'show', 'new@example.org', '--json'])).stdout))
  assert.deepEqual([shown.name, shown.messages, shown.password], ['New, one', 1, true])
})

/** Of a run that was killed in CI; `MALLE_KILLS=30` for a long one. */
const KILLS = Number(process.env.MALLE_KILLS ?? 3)

test('migrate, killed again and again, brings every message exactly once', async (t) => {
  const { here, login, address, old, ca, migrate } = await scene(t)
  const there = await whole()
  const bodies = Array.from({ length: 160 }, (_, n) => letter(n, `${'y'.repeat(70)}\r\n`.repeat((n * 7919) % 1_200)))
  await old.create('More')
  for (const [mailbox, part] of [
    ['INBOX', bodies.slice(0, 110)],
    ['More', bodies.slice(110)],
  ] as const)
    await old.appendAll(
      mailbox,
      part.map((body) => ({ body })),
    )
  await using proxy = await CuttingProxy.start('127.0.0.1', there.port('imaps'))
  const urls = [`imaps://${login}@localhost:${proxy.port}`, `pop3s://${login}@localhost:${there.port('pop3s')}`]
  const secret = path.join(here.folder, 'secret')
  const options = ['--ca', ca, '--password-file', secret, '--config', here.config]
  let killed = 0
  for (let round = 0; round < KILLS; round += 1) {
    const running = new Running(['migrate', address, ...urls, ...options], { cwd: here.folder })
    let left = 300_000 + ((round * 7_919_000) % 2_000_000)
    proxy.onPassed = (octets) => {
      left -= octets
      if (left < 0) running.signal('SIGKILL')
    }
    if ((await running.ended()) === 'SIGKILL') killed += 1
  }
  assert.ok(killed >= 1, 'it was never killed')
  const last = await migrate(['--cutover', '--verify'])
  assert.equal(last.code, 0, last.stdout + last.stderr)
  assert.match(last.stdout, /^110 unique-ids kept, in the same order\.$/m)
  assert.match(last.stdout, /160 messages verified\.\nDone: /)
  const shown = JSON.parse(String((await here.malle(['account', 'show', address, '--json'])).stdout))
  assert.equal(shown.messages, 160)
  assert.deepEqual(await here.malle(['check']), { code: 0, stdout: 'Nothing is wrong.\n', stderr: '' })
})

test('migrate after a restore brings what the backup did not have', async (t) => {
  const there = await whole()
  const { server, folder } = there
  const { login, old, ca } = await scene(t, false)
  const address = `to-${login}`
  const path = `${folder}/backup-${login}`
  const ask = server.administration.ask.bind(server.administration)
  await ask('account.add', { address, password: null })
  const at = (listener: 'imaps' | 'pop3s') =>
    ({ host: 'localhost', port: there.port(listener), security: 'tls' }) as const
  const migrate = async () =>
    ask('migrate', {
      address,
      login,
      credentials: { login, password: PASSWORD },
      imap: at('imaps'),
      pop3: at('pop3s'),
      pop3Guessed: false,
      ca: await readFile(ca, 'utf8'),
      include: [],
      exclude: [],
      keepDeleted: false,
      emptyToo: false,
      cutover: false,
      verify: false,
      dryRun: false,
      connections: 1,
    })
  await old.append('INBOX', { body: letter('one') })
  await migrate()
  await ask('backup', { path })
  await old.append('INBOX', { body: letter('two') })
  await migrate()
  await ask('restore', { path, address, into: null, mailbox: '', dryRun: false })
  const { copied, matched, uniqueIds } = await migrate()
  assert.deepEqual([copied, matched, uniqueIds], [1, 1, { compared: 2, missing: 0, inOrder: true }])
})

const MISTAKES: readonly (readonly [readonly string[], number, RegExp])[] = [
  [[], 64, /Give the address here and a server/],
  [['ann@example.org', 'imaps://ann:secret@localhost'], 64, /without password/],
  [['--from', 'nowhere.csv', 'imaps://a.example', 'pop3s://a.example'], 66, /nowhere\.csv/],
]
for (const [given, code, words] of MISTAKES) {
  test(`migrate ${given.join(' ')} ends with ${code} and one clear sentence`, async () => {
    const ran = await malle(['migrate', ...given])
    assert.equal(ran.code, code)
    assert.match(ran.stderr, words)
    assert.equal(ran.stderr.trimEnd().split('\n').length, 1)
  })
}
