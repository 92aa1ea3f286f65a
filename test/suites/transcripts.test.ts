/** Every file of `test/transcripts/` against a session of ours. @module */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { suite, test } from 'node:test'
import { ImapLines } from '#testing/imap-client.ts'
import { ANN, SMALL_MESSAGE, TestImapServer } from '#testing/imap-server.ts'
import { TestPop3Server } from '#testing/pop3-server.ts'
import { pop3Transcript, TestClient } from '#testing/pop3-transcript.ts'
import { connected, loggedIn, selected, transcript } from '#testing/transcript.ts'
import { parseTranscriptFile, type TranscriptCase } from '#testing/transcript-file.ts'

const folder = path.join(import.meta.dirname, '../transcripts')
const files = readdirSync(folder).filter((name) => name.endsWith('.txt'))

for (const file of files.toSorted()) {
  const cases = parseTranscriptFile(readFileSync(path.join(folder, file), 'latin1'))
  suite(file, () => {
    for (const one of cases) test(one.title, () => (one.protocol === 'pop3' ? playPop3(one) : playImap(one)))
    test('the server announces what these transcripts need', () => announces(cases))
  })
}

test('there are transcripts', () => assert.ok(files.length > 0, 'no transcript was found: this test looked at nothing'))

async function playImap(one: TranscriptCase): Promise<void> {
  const scene = { connected, 'logged-in': loggedIn, selected }[one.state]
  await transcript(one.lines, scene(one.options, ...one.setup))
}

async function playPop3(one: TranscriptCase): Promise<void> {
  const { messages = [], tls = false, allowPlaintext = true } = one.options
  await using server = await TestPop3Server.start({
    tls,
    allowPlaintext,
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
