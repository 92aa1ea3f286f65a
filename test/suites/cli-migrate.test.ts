/** `malle migrate` as people run it: from one Malle to another, told wrong things, and killed as machines do it. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { ImapClient, Pop3Client, type Pop3ClientOptions } from '#client/index.ts'
import { type WholeServer, wholeServer } from '#testing/whole-server.ts'
import { Place, portOf, type Ran } from './cli-process.ts'

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

/** A person with an account there, and one here that is empty. */
async function scene(t: TestContext): Promise<Scene> {
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
  await here.ok(['domain', 'add', 'example.org'])
  await here.ok(['account', 'add', address, '--password-stdin'], PASSWORD)
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
