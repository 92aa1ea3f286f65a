/** Every file of `test/transcripts/` against sessions of ours, on each store that we have. @module */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { openEmbeddedStore } from '#adapters/embedded/embedded-store.ts'
import { type EmbeddedHost, startEmbedded } from '#adapters/embedded/host.ts'
import type { AccountId } from '#mail/ids.ts'
import type { MailStore } from '#store/mail-store.ts'
import { FakeClock } from '#testing/fake-registry.ts'
import { ImapLines } from '#testing/imap-client.ts'
import { ANN, SMALL_MESSAGE, TestImapServer } from '#testing/imap-server.ts'
import { TestPop3Server } from '#testing/pop3-server.ts'
import { pop3Transcript, TestClient } from '#testing/pop3-transcript.ts'
import { connected, loggedIn, selected, transcript } from '#testing/transcript.ts'
import { parseTranscriptFile, type TranscriptCase } from '#testing/transcript-file.ts'

const folder = path.join(import.meta.dirname, '../transcripts')
const files = readdirSync(folder).filter((name) => name.endsWith('.txt'))

/** What depends on the clock of the store. */
const NAMES_TIME = /^T:|SAVED|14-Nov-2023/m

const cases = new Map(
  files.toSorted().map((file) => [file, parseTranscriptFile(readFileSync(path.join(folder, file), 'latin1'))]),
)

for (const [file, transcripts] of cases)
  suite(`${file}, over the store in memory`, () => {
    for (const one of transcripts) test(one.title, () => play(one, undefined))
    test('the server announces what these transcripts need', () => announces(transcripts))
  })

suite('over the embedded store', () => {
  let directory: string
  let host: EmbeddedHost
  let store: MailStore
  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'malle-transcripts-'))
    const clock = new FakeClock()
    host = await startEmbedded({ directory, shards: 1, durability: 'relaxed', clock, log: () => undefined })
    store = openEmbeddedStore(host.connect(), clock)
  })
  after(async () => {
    await store[Symbol.asyncDispose]()
    await host[Symbol.asyncDispose]()
    await rm(directory, { recursive: true })
  })

  // the writer thread has the time of the system, and transcripts that name the time are none for it
  for (const [file, transcripts] of cases)
    for (const one of transcripts)
      if (!NAMES_TIME.test(one.lines)) test(`${file}: ${one.title}`, () => play(one, forOneCase(store)))
})

test('there are transcripts', () => assert.ok(files.length > 0, 'no transcript was found: this test looked at nothing'))

/** A store whose accounts are empty again once it is disposed; the one behind stays open. */
function forOneCase(store: MailStore): MailStore {
  async function empty(): Promise<void> {
    for (const id of [1, 2] as AccountId[])
      await store.write('removeAccount', { account: { id, shard: 0 }, by: 'test' })
  }
  return new Proxy(store, {
    get(target, name) {
      if (name === Symbol.asyncDispose) return empty
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

async function play(one: TranscriptCase, store: MailStore | undefined): Promise<void> {
  if (one.protocol === 'pop3') return playPop3(one, store)
  const scene = { connected, 'logged-in': loggedIn, selected }[one.state]
  await transcript(one.lines, scene({ ...one.options, ...(store === undefined ? {} : { store }) }, ...one.setup))
}

async function playPop3(one: TranscriptCase, store: MailStore | undefined): Promise<void> {
  const { messages = [], tls = false, allowPlaintext = true } = one.options
  await using server = await TestPop3Server.start({
    tls,
    allowPlaintext,
    ...(store === undefined ? {} : { store }),
    messages: messages.map(({ body = SMALL_MESSAGE }) => ({ body })),
  })
  await pop3Transcript(one.lines, server, { validity: server.uidValidity.toString(16) })
  assert.deepEqual(
    server.log.lines.filter(({ level }) => level === 'error'),
    [],
  )
}

async function announces(cases: readonly TranscriptCase[]): Promise<void> {
  for (const protocol of ['imap', 'pop3'] as const) {
    const needs = new Set(cases.filter((one) => one.protocol === protocol).flatMap((one) => one.needs))
    if (needs.size === 0) continue
    const has = new Set(await (protocol === 'imap' ? imapCapabilities() : pop3Capabilities()))
    assert.deepEqual(
      [...needs].filter((need) => !has.has(need)),
      [],
    )
  }
}

async function imapCapabilities(): Promise<string[]> {
  await using server = await TestImapServer.start()
  const lines = new ImapLines(await server.connect())
  await lines.line()
  await lines.command(`a LOGIN ${ANN.address} ${ANN.password}`)
  const [line = ''] = await lines.command('b CAPABILITY')
  lines.reset()
  return line.split(' ').slice(2)
}

async function pop3Capabilities(): Promise<string[]> {
  await using server = await TestPop3Server.start({ tls: true })
  const client = new TestClient(await server.connect())
  await client.line()
  await client.ask('CAPA')
  const lines = await client.multiline()
  client.socket.destroy()
  return lines.map((line) => line.split(' ')[0] ?? '')
}
