/**
 * Small inputs that are meant to become large work, for a server in a process of its own. Each is answered in bounded
 * time, while another session is served; all of them together, garbage included, leave the resident memory of the
 * process below 384 MB.
 * @module
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { ImapLines } from '#testing/imap-client.ts'
import { ResponseFramer } from '#wire/imap/framer.ts'
import { parseResponse } from '#wire/imap/response-reader.ts'
import { Installation, type Login, type ServerProcess } from '../crash/server-process.ts'
import { nestedMultipart } from '../fuzz/imap-elements.ts'

/** Nobody waits longer than this for what a bomb costs, on the slowest machine that we test on. */
const BOMB_MS = 3_000
/**
 * What the process may have at any time. It comes to 260 to 275 MB, whether much or little of that was there before the
 * bombs: a growth would tell how much a machine did before them.
 */
const MEMORY_OCTETS = 384 * 1_048_576
/** Ordinary work before the bombs: the engine compiles, and its heap becomes as large as everyday needs. */
const WARM_UP_MS = 6_000

const LETTER = 'From: a@example.net\r\nTo: ann@example.org\r\nSubject: small\r\n\r\nHello\r\n'

suite('bombs', () => {
  let folder: string
  let server: ServerProcess
  let login: Login
  let lines: ImapLines
  let other: ImapLines
  let residentBefore = 0
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'malle-bombs-'))
    const installation = await Installation.make(folder, { durability: 'relaxed' })
    const [ann] = await installation.addAccounts(['ann'])
    if (ann === undefined) throw new Error('There is no account')
    login = ann
    server = await installation.serve()
    lines = await loggedIn()
    for (let count = 0; count < 3; count += 1) await lines.command(`a APPEND INBOX {${LETTER.length}+}\r\n${LETTER}`)
    other = await loggedIn()
    for (const each of [lines, other]) await each.command('b SELECT INBOX')
    await warmUp()
    await server.resetPeak()
    residentBefore = (await server.memory()).now
  })
  after(async () => {
    lines.reset()
    other.reset()
    server.abandon()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  })

  async function loggedIn(): Promise<ImapLines> {
    const client = new ImapLines(connect({ ...server.endpoint('imap'), noDelay: true }))
    await client.line()
    await client.command(`a LOGIN ${login.address} ${login.password}`)
    return client
  }

  /** What clients do all day, with mail of everyday size. */
  async function warmUp(): Promise<void> {
    const large = `Subject: large\r\n\r\n${'the quick brown fox jumps over the lazy dog\r\n'.repeat(20_000)}`
    for (const until = Date.now() + WARM_UP_MS; Date.now() < until; ) {
      for (const message of [LETTER, large]) await lines.command(`w APPEND Everyday {${message.length}+}\r\n${message}`)
      await lines.command('w CREATE Everyday')
      const client = await loggedIn()
      for (const command of [
        'SELECT Everyday',
        'FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE BODY.PEEK[])',
        'SEARCH BODY bottom',
        'STORE 1:* +FLAGS (\\Deleted)',
        'EXPUNGE',
      ])
        await client.command(`w ${command}`)
      client.reset()
    }
  }

  /** Says it, with the tag `t`; @returns all lines of the answer. */
  async function answer(command: string): Promise<string[]> {
    const started = performance.now()
    const [said] = await Promise.all([lines.command(`t ${command}`), other.command('o NOOP')])
    const took = performance.now() - started
    assert.ok(took < BOMB_MS, `${Math.round(took)} ms for ${command.slice(0, 60)}`)
    const { peak } = await server.memory()
    assert.ok(peak < MEMORY_OCTETS, `${peak} octets after ${command.slice(0, 60)}`)
    // the place where the next command starts is not lost
    assert.match((await lines.command('n NOOP')).at(-1) ?? '', /^n OK /)
    return said
  }

  async function completion(command: string): Promise<string> {
    return (await answer(command)).at(-1) ?? ''
  }

  for (const depth of [10, 400, 1_000, 30_000])
    test(`${depth} parentheses in each other are read or refused`, async () => {
      for (const [open, close] of [
        ['SEARCH ', 'ALL'],
        ['FETCH 1 ', 'FLAGS'],
        ['STORE 1 FLAGS ', '\\Seen'],
        ['LIST ', '"" *'],
        ['ID ', 'NIL'],
        ['SELECT INBOX ', 'CONDSTORE'],
      ] as const)
        assert.match(
          await completion(`${open}${'('.repeat(depth)}${close}${')'.repeat(depth)}`),
          /^t (?:OK|BAD|NO) /,
          `${open}`,
        )
    })

  test('SEARCH trees: 400 deep are searched, 1,000 deep are BAD', async () => {
    for (const step of ['NOT ', 'OR DELETED ', '(']) {
      const close = (depth: number) => (step === '(' ? ')'.repeat(depth) : '')
      assert.match(await completion(`SEARCH ${step.repeat(400)}ALL${close(400)}`), /^t OK /, step)
      assert.match(await completion(`SEARCH ${step.repeat(1_000)}ALL${close(1_000)}`), /^t BAD /, step)
    }
  })

  test('a tree of 8,000 keys side by side is searched', async () => {
    assert.match(await completion(`SEARCH ${'SEEN '.repeat(8_000)}ALL`), /^t OK /)
  })

  test('a set of 100,000 elements is longer than a line may be; one of 10,000 is read', async () => {
    const set = (count: number) => Array.from({ length: count }, (_, n) => n * 2 + 1).join(',')
    assert.match(await completion(`UID FETCH ${set(100_000)} FLAGS`), /^t BAD /)
    for (const command of [
      'UID FETCH $ UID',
      'UID STORE $ +FLAGS.SILENT (\\Seen)',
      'UID SEARCH UID $',
      'UID COPY $ INBOX',
    ])
      assert.match(await completion(command.replace('$', set(10_000))), /^t OK /, command)
  })

  test('ranges over all numbers cost what the mailbox has', async () => {
    const ranges = `1:4294967295${',1:4294967295'.repeat(4_000)}`
    for (const command of [
      `UID FETCH ${ranges} UID`,
      `UID SEARCH UID ${ranges}`,
      `UID STORE ${ranges} FLAGS.SILENT ()`,
    ])
      assert.match(await completion(command), /^t OK /)
  })

  for (const number of ['4294967295', '4294967296', '9223372036854775807', '9223372036854775808', '1'.repeat(1_000)])
    test(`the number ${number.slice(0, 30)} wherever a number may stand`, async () => {
      for (const command of [
        'FETCH $ FLAGS',
        'UID FETCH $:* FLAGS',
        'UID FETCH 1:* (FLAGS) (CHANGEDSINCE $)',
        'FETCH 1 BODY.PEEK[]<$.10>',
        'FETCH 1 BODY.PEEK[]<0.$>',
        'FETCH 1 BODY.PEEK[$]',
        'FETCH 1 BINARY.PEEK[$]',
        'STORE 1 (UNCHANGEDSINCE $) +FLAGS (x)',
        'SEARCH LARGER $',
        'SEARCH SMALLER $',
        'SEARCH OLDER $',
        'SEARCH YOUNGER $',
        'SEARCH MODSEQ $',
        'UID EXPUNGE $',
        'SETQUOTA "" (STORAGE $)',
        'SELECT INBOX (QRESYNC ($ $ $))',
      ])
        assert.match(await completion(command.replaceAll('$', number)), /^t (?:OK|NO|BAD) /, command)
      await lines.command('s SELECT INBOX')
    })

  for (const depth of [50, 100, 101, 1_000, 30_000])
    test(`BODY[1.1.1…] of ${depth} numbers`, async () => {
      const part = Array.from({ length: depth }, () => '1').join('.')
      for (const item of [
        `BODY.PEEK[${part}]`,
        `BODY.PEEK[${part}.MIME]`,
        `BINARY.PEEK[${part}]`,
        `BINARY.SIZE[${part}]`,
      ])
        assert.match(await completion(`FETCH 1 ${item}`), depth > 100 ? /^t BAD / : /^t (?:OK|NO) /)
    })

  /** Keeps a message and asks for all that is derived from it. */
  async function kept(message: string): Promise<void> {
    assert.match(await completion(`APPEND INBOX {${message.length}+}\r\n${message}`), /^t OK /)
    for (const items of [
      'ENVELOPE',
      'BODYSTRUCTURE',
      'BODY',
      'PREVIEW',
      'BODY.PEEK[HEADER.FIELDS (Subject X-1 Received)]',
      'BODY.PEEK[1]',
      'BODY.PEEK[1.1.1.1]',
      'BODY.PEEK[HEADER]<0.100>',
    ]) {
      const said = await answer(`FETCH * ${items}`)
      assert.match(said.at(-1) ?? '', /^t OK /, items)
      // and it is a response that a client can read
      const framer = new ResponseFramer()
      framer.push(Buffer.from(`${said.join('\r\n')}\r\n`, 'latin1'))
      for (let event = framer.next(); event !== undefined; event = framer.next())
        if (event.kind === 'literal') framer.buffer()
        else if (event.kind === 'frame') parseResponse(event.frame)
    }
    for (const key of ['SUBJECT x', 'HEADER X-1 y', 'BODY bottom', 'TEXT z', 'SENTSINCE 1-Jan-2020'])
      assert.match(await completion(`SEARCH ${key}`), /^t OK /, key)
    await completion('STORE * +FLAGS.SILENT (\\Deleted)')
    await completion('EXPUNGE')
  }

  test('a header of 100,000 fields', () =>
    kept(`${Array.from({ length: 100_000 }, (_, n) => `X-${n}: y\r\n`).join('')}Subject: last\r\n\r\nx\r\n`))
  test('100,000 fields of one name', () => kept(`${'Received: from x by y\r\n'.repeat(100_000)}\r\nx\r\n`))
  test('a field of a megabyte, and one of 100,000 folds', async () => {
    await kept(`Subject: ${'x'.repeat(1_000_000)}\r\n\r\nx\r\n`)
    await kept(`Subject: x\r\n${' y\r\n'.repeat(100_000)}\r\nx\r\n`)
  })
  test('a header of 50,000 addresses, and of 20,000 encoded words', async () => {
    await kept(`To: ${'a@example.net, '.repeat(50_000)}b@example.net\r\n\r\nx\r\n`)
    await kept(`To: ${'('.repeat(100_000)}\r\n\r\nx\r\n`)
    await kept(`Subject: ${'=?utf-8?q?x?= '.repeat(20_000)}\r\n\r\nx\r\n`)
  })
  for (const depth of [50, 500, 10_000])
    test(`multiparts ${depth} deep`, () => kept(`Subject: x\r\n${nestedMultipart(depth)}`))
  test('messages 5,000 deep in each other', () =>
    kept(`${'Content-Type: message/rfc822\r\n\r\n'.repeat(5_000)}Subject: bottom\r\n\r\nx\r\n`))
  test('a multipart of 50,000 parts', () =>
    kept(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(50_000)}--b--\r\n`))
  test('a Content-Type of 20,000 parameters', () =>
    kept(`Content-Type: text/plain${'; a=b'.repeat(20_000)}\r\n\r\nx\r\n`))

  test('literals that lie: too short, too long, none', async () => {
    for (const lie of [
      // more comes than was said: the rest is the next command
      't APPEND INBOX {3+}\r\nabcdef\r\n',
      't CREATE {1+}\r\nabc\r\n',
      't LOGIN {0+}\r\n\r\n',
      't CREATE {4294967295+}\r\nabc',
      't CREATE {9223372036854775808+}\r\nabc',
      't APPEND INBOX {9223372036854775807+}\r\nabc',
      't APPEND INBOX {60000000+}\r\nabc',
      't APPEND INBOX ~{-1+}\r\n',
    ]) {
      const liar = await loggedIn()
      liar.send(`${lie}\r\n`)
      liar.end()
      const said: string[] = []
      for (let line = await liar.line(); line !== undefined; line = await liar.line()) said.push(line)
      for (const line of said) assert.match(line, /^(?:t (?:OK|NO|BAD)|\* BAD|\* BYE|\+|\* \d+ EXISTS)/, lie)
      assert.match((await other.command('o NOOP')).at(-1) ?? '', /^o OK /)
    }
  })

  test('nothing of it was a fault of the server, and its memory stayed within bounds', async (t) => {
    assert.deepEqual(server.log, [])
    const { peak } = await server.memory()
    const figure = (octets: number): string => `${(octets / 1_048_576).toFixed(1)} MB`
    t.diagnostic(`${WARM_UP_MS / 1_000} s of ordinary work: ${figure(residentBefore)}; with the bombs ${figure(peak)}`)
    assert.ok(peak < MEMORY_OCTETS)
  })
})
