import assert from 'node:assert/strict'
import { type Duplex, duplexPair } from 'node:stream'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  constants,
  createDeflateRaw,
  createInflateRaw,
  type DeflateRaw,
  deflateRawSync,
  type InflateRaw,
} from 'node:zlib'
import { COMPRESSION_REST_MS, INFLATE_STEP_BYTES } from '#lib/peer-limits.ts'
import { ImapLines } from '#testing/imap-client.ts'
import { ANN, TestImapServer } from '#testing/imap-server.ts'
import { loggedIn, transcript } from '#testing/transcript.ts'
import { READ_AHEAD_BYTES } from '../limits.ts'

test('COMPRESS knows DEFLATE only, after the login', async () => {
  await transcript(
    `
    C: a COMPRESS
    S: a BAD ...
    C: b COMPRESS GZIP
    S: b BAD DEFLATE is the only way known here (at position 12)
    C: c COMPRESS DEFLATE now
    S: c BAD Nothing more is expected (at position 20)
    `,
    loggedIn(),
  )
  await transcript(
    `
    C: a COMPRESS DEFLATE
    S: a BAD Log in first
    `,
    { ...loggedIn(), commands: [] },
  )
})

/** A client whose bytes are deflated from the answer to COMPRESS on. */
class Deflating {
  readonly lines: ImapLines
  readonly raw: Duplex
  readonly deflater: DeflateRaw
  readonly inflater: InflateRaw
  #last: Promise<void> = Promise.resolve()

  constructor(raw: Duplex) {
    this.raw = raw
    this.deflater = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH })
    this.inflater = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH })
    const [ours, theirs] = duplexPair()
    this.lines = new ImapLines(ours)
    raw.on('data', (bytes) => this.inflater.write(bytes))
    raw.on('end', () => this.inflater.end())
    raw.on('close', () => this.inflater.end())
    this.inflater.on('data', (bytes) => theirs.write(bytes))
    this.inflater.on('end', () => theirs.end())
    this.deflater.on('data', (bytes) => raw.write(bytes))
    theirs.on('data', (bytes) => {
      this.#last = new Promise((resolve) => this.deflater.write(bytes, () => resolve()))
    })
  }

  /** Everything said so far has gone out. */
  async said(): Promise<void> {
    await nextTurn()
    await this.#last
  }

  static async on(server: TestImapServer): Promise<Deflating> {
    const raw = await server.connect()
    const before = new ImapLines(raw)
    await before.line()
    await before.command(`a LOGIN ${ANN.address} ${ANN.password}`)
    assert.match((await before.command('b CAPABILITY')).join(), / COMPRESS=DEFLATE /)
    assert.deepEqual(await before.command('c COMPRESS DEFLATE'), ['c OK DEFLATE begins'])
    raw.removeAllListeners('data')
    return new Deflating(raw)
  }
}

test('after COMPRESS both sides deflate; a second COMPRESS is BAD', async () => {
  await using server = await TestImapServer.start({ messages: [{}] })
  const { lines } = await Deflating.on(server)
  assert.match((await lines.command('d SELECT INBOX')).at(-1) ?? '', /^d OK/)
  assert.deepEqual(await lines.command('e COMPRESS DEFLATE'), ['e BAD [COMPRESSIONACTIVE] DEFLATE is on already'])
  assert.doesNotMatch((await lines.command('f CAPABILITY')).join(), /COMPRESS/)
  lines.send('g NOOP\r\nh NOOP\r\n')
  assert.equal(await lines.line(), 'g OK Nothing done')
  assert.equal(await lines.line(), 'h OK Nothing done')
  assert.deepEqual(await lines.command('i LOGOUT'), ['* BYE See you', 'i OK Logged out'])
  assert.equal(await lines.line(), undefined)
})

test('literals, streamed bodies and IDLE pass through DEFLATE', async () => {
  await using server = await TestImapServer.start()
  const { lines } = await Deflating.on(server)
  const body = `Subject: large\r\n\r\n${Array.from({ length: 60_000 }, (_, line) => `line ${line} of ${line ** 2}\r\n`).join('')}`
  lines.send(`d APPEND INBOX {${body.length}}\r\n`)
  assert.equal(await lines.line(), '+ OK')
  lines.send(`${body}\r\n`)
  assert.match((await lines.line()) ?? '', /^d OK \[APPENDUID \d+ 1\]/)
  await lines.command('e SELECT INBOX')
  lines.send('f FETCH 1 BODY.PEEK[]\r\n')
  assert.equal(await lines.line(), `* 1 FETCH (BODY[] {${body.length}}`)
  assert.equal(await lines.bytes(body.length), body)
  assert.equal(await lines.line(), ')')
  assert.match((await lines.line()) ?? '', /^f OK/)
  lines.send('g IDLE\r\n')
  assert.equal(await lines.line(), '+ Idling')
  await server.add()
  assert.equal(await lines.line(), '* 2 EXISTS')
  lines.send('DONE\r\n')
  assert.equal(await lines.line(), 'g OK Done')
})

test('who idles holds no memory for DEFLATE, and goes on with what both know', async () => {
  await using server = await TestImapServer.start({ messages: [{}] })
  const client = await Deflating.on(server)
  const { lines } = client
  for (let round = 0; round < 4; round += 1) {
    for (let at = 0; at < 5; at += 1) {
      const answer = await lines.command(`d${round}${at} STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN SIZE)`)
      assert.match(answer.at(-1) ?? '', / OK /)
    }
    server.pass(COMPRESSION_REST_MS)
  }
  lines.send('e IDLE\r\n')
  assert.equal(await lines.line(), '+ Idling')
  server.pass(COMPRESSION_REST_MS)
  lines.send('DONE\r\n')
  assert.equal(await lines.line(), 'e OK Done')
  // In the middle of a command nothing is forgotten.
  lines.send('f NO')
  await client.said()
  server.pass(COMPRESSION_REST_MS)
  lines.send('OP\r\n')
  assert.equal(await lines.line(), 'f OK Nothing done')
})

test('input cut anywhere is read all the same', async () => {
  await using server = await TestImapServer.start({ messages: [{}] })
  const { raw, lines } = await Deflating.on(server)
  const bytes = deflateRawSync(Buffer.from('d NOOP\r\ne STATUS INBOX (MESSAGES)\r\nf NOOP\r\n'), {
    finishFlush: constants.Z_SYNC_FLUSH,
  })
  for (const byte of bytes) {
    raw.write(Buffer.of(byte))
    await nextTurn()
  }
  assert.equal(await lines.line(), 'd OK Nothing done')
  assert.equal(await lines.line(), '* STATUS INBOX (MESSAGES 1)')
  assert.equal(await lines.line(), 'e OK That is the status')
  assert.equal(await lines.line(), 'f OK Nothing done')
})

test('what is not DEFLATE ends the connection', async () => {
  await using server = await TestImapServer.start()
  const { raw, lines } = await Deflating.on(server)
  raw.write(Buffer.from('\xff\xff\xff\xffd NOOP\r\n', 'latin1'))
  assert.equal(await lines.line(), undefined)
})

test('a client that closes its side behind a command is answered', async () => {
  await using server = await TestImapServer.start()
  const { raw, lines } = await Deflating.on(server)
  raw.end(deflateRawSync(Buffer.from('d NOOP\r\n'), { finishFlush: constants.Z_SYNC_FLUSH }))
  assert.equal(await lines.line(), 'd OK Nothing done')
  assert.equal(await lines.line(), undefined)
})

test('a few bytes that become very many cost no memory', async () => {
  await using server = await TestImapServer.start()
  const { raw, lines } = await Deflating.on(server)
  // One line of 64 MB in 64 KB.
  const bomb = deflateRawSync(Buffer.alloc(64 * 1024 * 1024, 'x'), { finishFlush: constants.Z_FULL_FLUSH })
  let most = 0
  let looks = 0
  const watch = setInterval(() => {
    looks += 1
    for (const { framer } of server.service.connections()) most = Math.max(most, framer.pendingBytes)
  })
  raw.write(bomb)
  raw.write(deflateRawSync(Buffer.from('\r\ne NOOP\r\n'), { finishFlush: constants.Z_SYNC_FLUSH }))
  assert.match((await lines.line()) ?? '', /^\* BAD The command line is too long/)
  assert.equal(await lines.line(), 'e OK Nothing done')
  clearInterval(watch)
  assert.ok(looks > 10, `${looks} looks are not enough to see anything`)
  assert.ok(most <= READ_AHEAD_BYTES + INFLATE_STEP_BYTES, `${most} octets were read ahead`)
})

test('a slow reader of deflated answers holds the session, not memory', async () => {
  await using server = await TestImapServer.start({
    messages: [{ body: `Subject: x\r\n\r\n${'y'.repeat(1_000_000)}` }],
  })
  const { lines } = await Deflating.on(server)
  await lines.command('d SELECT INBOX')
  for (let at = 0; at < 3; at += 1) lines.send(`e${at} FETCH 1 BODY.PEEK[TEXT]\r\n`)
  for (let at = 0; at < 3; at += 1) {
    assert.match((await lines.line()) ?? '', /\{1000000\}$/)
    assert.equal((await lines.bytes(1_000_000)).length, 1_000_000)
    assert.equal(await lines.line(), ')')
    assert.match((await lines.line()) ?? '', /OK/)
  }
})

test('UNAUTHENTICATE ends DEFLATE on both sides, and COMPRESS may come again (RFC 8437 §4.1)', async () => {
  for (const finish of [constants.Z_SYNC_FLUSH, constants.Z_FINISH]) {
    await using server = await TestImapServer.start()
    const { raw, lines } = await Deflating.on(server)
    raw.write(deflateRawSync(Buffer.from('d UNAUTHENTICATE\r\n'), { finishFlush: finish }))
    assert.equal(await lines.line(), 'd OK Nobody is logged in')
    raw.removeAllListeners('data')
    const plain = new ImapLines(raw)
    assert.match((await plain.command(`e LOGIN ${ANN.address} ${ANN.password}`)).join(), /^e OK .* COMPRESS=DEFLATE /)
    assert.deepEqual(await plain.command('f COMPRESS DEFLATE'), ['f OK DEFLATE begins'])
  }
})

test('commands in the clear may stand right behind a deflated UNAUTHENTICATE', async () => {
  await using server = await TestImapServer.start()
  const { raw } = await Deflating.on(server)
  const last = deflateRawSync(Buffer.from('d UNAUTHENTICATE\r\n'), { finishFlush: constants.Z_FINISH })
  raw.removeAllListeners('data')
  const answers: Buffer[] = []
  raw.on('data', (bytes: Buffer) => answers.push(bytes))
  raw.write(Buffer.concat([last, Buffer.from('e NOOP\r\n')]))
  while (!Buffer.concat(answers).toString('latin1').endsWith('e OK Nothing done\r\n')) await nextTurn()
})
