/** `npm start`: the demo, its card, and what a second start keeps. @module */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { ImapLines } from '#testing/imap-client.ts'
import { malle, Running } from './cli-process.ts'

/** As design §3 has it. */
type DemoCard = Readonly<Record<keyof typeof PORTS, { readonly host: string; readonly port: number }>> & {
  readonly users: readonly { readonly address: string; readonly password: string }[]
  readonly ca: string
}

const PORTS = {
  imap: 143,
  imaps: 993,
  pop3: 110,
  pop3s: 995,
  lmtp: 24,
  smtp: 25,
  submission: 587,
  submissions: 465,
  http: 80,
} as const

/** Starts it on ports that are free; nine in a row of thousands mostly are. */
async function startDemo(data: string, base: number, ...more: readonly string[]): Promise<Running> {
  const demo = new Running(['demo', '--data', data, '--port-base', String(base), ...more])
  await demo.line((line) => line.includes('Ctrl-C'))
  return demo
}

async function stop(demo: Running): Promise<void> {
  demo.signal('SIGTERM')
  assert.equal(await demo.ended(), 0)
  assert.deepEqual(demo.stderr, [])
}

async function inbox({ imap, users }: DemoCard): Promise<ImapLines> {
  const lines = new ImapLines(connect(imap.port, imap.host))
  await lines.line()
  const [first] = users
  assert.match((await lines.command(`a LOGIN ${first?.address} ${first?.password}`)).at(-1) ?? '', /^a OK/)
  return lines
}

async function messages(lines: ImapLines): Promise<number> {
  const answer = (await lines.command('s STATUS INBOX (MESSAGES)'))[0] ?? ''
  return Number(/MESSAGES (\d+)/.exec(answer)?.[1])
}

test('the demo prints its card, writes demo.json, keeps its data and begins anew when asked', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-demo-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  // A quote and a space, which the line to paste has to bear.
  const data = path.join(folder, "my 'demo'")
  // Below the ports that the system gives to whoever asks for any.
  const base = 20_000 + (process.pid % 110) * 100
  const readCard = async () => JSON.parse(await readFile(path.join(data, 'demo.json'), 'utf8')) as DemoCard

  const demo = await startDemo(data, base)
  const card = await readCard()
  assert.deepEqual(Object.keys(card), [...Object.keys(PORTS), 'users', 'ca'])
  const endpoints = Object.entries(PORTS).map(([name, port]) => [name, { host: '127.0.0.1', port: base + port }])
  assert.deepEqual(card, { ...Object.fromEntries(endpoints), users: card.users, ca: card.ca })
  assert.equal(card.users.length, 2)
  for (const user of card.users) assert.deepEqual(Object.keys(user), ['address', 'password'])
  assert.match(await readFile(card.ca, 'utf8'), /^-----BEGIN CERTIFICATE-----/)
  assert.equal((await stat(path.join(data, 'demo.json'))).mode & 0o777, 0o600)
  assert.equal((await stat(data)).mode & 0o777, 0o700)
  const [curl = '', ...more] = demo.stdout.filter((line) => line.startsWith('curl '))
  assert.deepEqual(more, [])
  const quoted = card.ca.replaceAll("'", "'\\''")
  assert.ok(curl.includes(`--cacert '${quoted}' `), curl)
  assert.ok(curl.endsWith(`imaps://127.0.0.1:${base + PORTS.imaps}/INBOX`), curl)

  const client = await inbox(card)
  const before = await messages(client)
  assert.ok(before > 3)
  await client.command('b APPEND INBOX {16+}\r\nSubject: mine\r\n\r\n')
  client.reset()

  const other = path.join(folder, 'other')
  const taken = await malle(['demo', '--data', other, '--port-base', String(base)])
  assert.equal(taken.code, 69)
  assert.match(
    taken.stderr,
    new RegExp(`^malle: Port ${base + PORTS.imap} is taken, .* npm start -- --port-base \\d+\\n$`),
  )
  const same = await malle(['demo', '--data', data, '--port-base', String(base), '--reset'])
  assert.equal(same.code, 75, 'the data of a demo that runs must not be removed')
  await stop(demo)

  const second = await startDemo(data, base)
  const kept = await inbox(await readCard())
  assert.equal(await messages(kept), before + 1)
  kept.reset()
  await stop(second)

  const anew = await startDemo(data, base, '--reset')
  const fresh = await inbox(await readCard())
  assert.equal(await messages(fresh), before)
  fresh.reset()
  await stop(anew)

  const foreign = await malle(['demo', '--data', folder, '--reset'])
  assert.equal(foreign.code, 77)
  assert.match(foreign.stderr, /is not a data directory of Malle\.$/m)
})
