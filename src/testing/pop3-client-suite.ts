/** What a Pop3Client must be able to do with any server; run against our own here, against others in test/peers. @module */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, describe, test } from 'node:test'
import {
  AuthenticationError,
  ConnectionError,
  ImapClient,
  type ImapClientOptions,
  type MaildropEntry,
  Pop3Client,
  type Pop3ClientOptions,
  RefusedError,
} from '#client/index.ts'
import type { MessageNumber } from '#mail/ids.ts'
import { CuttingProxy } from './cutting-proxy.ts'
import { hash, large, message } from './suite-messages.ts'

/** A server, a person in it whose maildrop the suite has to itself, and how to get there. */
export interface Pop3Target extends AsyncDisposable {
  readonly options: Pop3ClientOptions & {
    readonly port: number
    readonly credentials: { readonly login: string; readonly password: string }
  }
  /** The same person's INBOX, to put messages into. */
  readonly imap: ImapClientOptions
  /** Mechanisms that it offers and that a password is enough for. */
  readonly mechanisms: readonly string[]
  /** Capabilities that it must have. */
  readonly capabilities: readonly string[]
  /** A line that ends in LF alone: stored and sent as it is, sent with CRLF, or not taken at all. */
  readonly bareLf: 'kept' | 'crlf' | 'refused'
  /** A second login finds the maildrop in use. */
  readonly exclusive: boolean
}

const number = (n: number): MessageNumber => n as MessageNumber
const numbers = (entries: readonly MaildropEntry[]): MessageNumber[] => entries.map((entry) => entry.message)

/** Messages that dot-stuffing and line ends are hard on. */
const ODD: readonly string[] = [
  'Subject: dots\r\n\r\n.\r\n..\r\n.a\r\n...b\r\n.\r\n\r\n.',
  'Subject: no line end at the end\r\n\r\nend',
  'Subject: no body\r\n\r\n',
  'Subject: empty lines\r\n\r\n\r\n\r\n\r\n',
  `Subject: long line\r\n\r\n${'x'.repeat(70_000)}\r\n.\r\n`,
  'Subject: 8 bit\r\n\r\n\xe9\xff\r\n',
]

/** As RETR gives it: the last line end is the protocol's (RFC 1939 §3). */
const retrieved = (body: string): string => (body.endsWith('\r\n') ? body : `${body}\r\n`)

/** Runs the suite; `open` is called once. */
export function pop3ClientSuite(name: string, open: () => Promise<Pop3Target>): void {
  describe(`Pop3Client with ${name}`, { concurrency: 1 }, () => {
    let opened: Promise<Pop3Target> | undefined
    const target = (): Promise<Pop3Target> => (opened ??= open())
    let filling: Promise<ImapClient> | undefined
    after(async () => {
      await (await filling)?.logout()
      await (await opened)?.[Symbol.asyncDispose]()
    })

    /** Makes the maildrop consist of these. */
    async function fill(bodies: readonly (string | Uint8Array)[]): Promise<Pop3Target> {
      const server = await target()
      filling ??= ImapClient.connect(server.imap)
      const imap = await filling
      await imap.select('INBOX')
      await imap.store('1:*', { add: ['\\Deleted'] }).catch(ifEmpty)
      await imap.expunge()
      const bytes = bodies.map((body) => (typeof body === 'string' ? Buffer.from(body, 'latin1') : body))
      await imap.appendAll(
        'INBOX',
        bytes.map((body) => ({ body })),
      )
      await imap.unselect()
      return server
    }

    async function texts(client: Pop3Client, messages: Iterable<MessageNumber>): Promise<string[]> {
      const all: string[] = []
      for await (const { body, refusal } of client.retrieveAll(messages)) {
        all.push(body === undefined ? `refused: ${refusal.command}` : (await bytesOf(body)).toString('latin1'))
      }
      return all
    }

    test('connects as it is told to and knows what the server can', async () => {
      const { options, capabilities } = await fill([])
      await using client = await connectAgain(options)
      assert.equal(client.secure, (options.security ?? 'tls') !== 'none')
      const missing = capabilities.filter((tag) => !client.supports(tag))
      assert.deepEqual(missing, [], `it has ${[...client.capabilities.keys()].join(' ')}`)
      assert.deepEqual(await client.stat(), { messages: 0, octets: 0 })
      assert.deepEqual(await client.maildrop(), [])
      assert.deepEqual(await texts(client, [number(1)]), ['refused: RETR'])
      await client.noop()
      await client.quit()
    })

    test('logs in by each mechanism that there is, and by USER and PASS', async () => {
      const { options, mechanisms } = await fill([message(1)])
      for (const mechanism of [...mechanisms, 'USER']) {
        const credentials = { ...options.credentials, mechanisms: [mechanism] }
        await using client = await Pop3Client.connect({ ...options, credentials })
        assert.equal((await client.stat()).messages, 1, mechanism)
        await client.quit()
        await assert.rejects(
          Pop3Client.connect({ ...options, credentials: { ...credentials, password: 'wrong' } }),
          (error) => {
            assert.ok(error instanceof AuthenticationError, mechanism)
            assert.equal(error.trouble, 'refused', `${mechanism}: ${error.message}`)
            return true
          },
        )
      }
      const credentials = { ...options.credentials, mechanisms: ['X-NOBODY-HAS-IT'] }
      const trouble = 'no-mechanism'
      await assert.rejects(Pop3Client.connect({ ...options, credentials }), { name: 'AuthenticationError', trouble })
    })

    test('sizes and unique-ids are told, and are the same the next time', async () => {
      const bodies = [1, 2, 3, 4, 5].map((n) => message(n, `${'x'.repeat(n)}\r\n`))
      const { options } = await fill(bodies)
      const seen: MaildropEntry[][] = []
      while (seen.length < 2) {
        await using client = await connectAgain(options)
        const maildrop = await client.maildrop()
        seen.push(maildrop)
        assert.deepEqual(
          maildrop.map(({ message: n, octets }) => [n, octets]),
          bodies.map((body, index) => [index + 1, body.length]),
        )
        assert.deepEqual(await client.stat(), {
          messages: 5,
          octets: maildrop.reduce((sum, { octets }) => sum + octets, 0),
        })
        await client.quit()
      }
      assert.deepEqual(seen[1], seen[0])
      const ids = new Set(seen[0]?.map(({ uniqueId }) => uniqueId))
      assert.ok(ids.size === 5 && !ids.has(undefined))
    })

    test('messages come byte for byte: dots, empty bodies, long lines, 8 bit, no line end', async () => {
      const { options } = await fill(ODD)
      await using client = await connectAgain(options)
      assert.deepEqual(await texts(client, numbers(await client.maildrop())), ODD.map(retrieved))
      // one by one as well
      for (const [index, body] of ODD.entries()) {
        const one = await client.retrieve(number(index + 1))
        assert.equal((await bytesOf(one)).toString('latin1'), retrieved(body))
        assert.equal(one.octets, retrieved(body).length)
      }
    })

    test('lines that end in LF alone come as the server keeps them', async () => {
      const { bareLf } = await target()
      const body = 'Subject: bare LF\r\n\r\none\n.\n..two\n.\nthree\r\n.\r\n'
      if (bareLf === 'refused') {
        await assert.rejects(fill([body]), RefusedError)
        return
      }
      const { options } = await fill([body, message(2)])
      await using client = await connectAgain(options)
      const expected = bareLf === 'kept' ? body : body.replaceAll(/\r?\n/g, '\r\n')
      assert.deepEqual(await texts(client, [number(1), number(2)]), [expected, message(2)])
    })

    test('a large message streams, and one that is not wanted is read away', async () => {
      const bytes = [large(3_000_000, 1), large(1_000_000, 2)]
      const { options } = await fill([...bytes, message(3)])
      await using client = await connectAgain(options)
      const digest = createHash('sha256')
      let chunks = 0
      for await (const chunk of await client.retrieve(number(1))) {
        digest.update(chunk)
        chunks += 1
      }
      assert.ok(chunks > 5, `${chunks} chunks`)
      assert.equal(digest.digest('hex'), hash(bytes[0] ?? Buffer.of()))
      const seen: [number, number][] = []
      for await (const { message: n, body } of client.retrieveAll([number(2), number(1), number(3), number(2)])) {
        for await (const chunk of body ?? []) {
          seen.push([n, chunk.length > 0 ? 1 : 0])
          break
        }
        if (n === 3) break
      }
      assert.deepEqual(seen, [
        [2, 1],
        [1, 1],
        [3, 1],
      ])
      assert.equal((await client.stat()).messages, 3)
    })

    test('hundreds of messages are asked for together and come in their order', async () => {
      const bodies = Array.from({ length: 250 }, (_, n) => message(n + 1))
      const { options } = await fill(bodies)
      await using client = await connectAgain(options)
      const maildrop = await client.maildrop()
      assert.equal(new Set(maildrop.map(({ uniqueId }) => uniqueId)).size, 250)
      assert.deepEqual(await texts(client, numbers(maildrop)), bodies)
    })

    test('commands that are not awaited are answered in their order', async () => {
      const bodies = [1, 2, 3].map((n) => message(n))
      const { options } = await fill(bodies)
      await using client = await connectAgain(options)
      const [before, , gone, nothing, , refused, after] = await Promise.all([
        client.maildrop(),
        client.delete(number(2)),
        client.maildrop(),
        client.delete(number(2)).then(
          () => 'deleted twice',
          (error: unknown) => error,
        ),
        client.noop(),
        client.retrieve(number(2)).then(
          () => 'retrieved',
          (error: unknown) => error,
        ),
        client.stat(),
      ])
      assert.deepEqual(numbers(before), [1, 2, 3])
      assert.deepEqual(numbers(gone), [1, 3])
      for (const error of [nothing, refused]) assert.ok(error instanceof RefusedError, String(error))
      assert.equal(after.messages, 2)
      const [, again] = await Promise.all([client.reset(), client.stat()])
      assert.equal(again.messages, 3)
    })

    test('top() gives the header and some lines', async () => {
      const body = 'Subject: top\r\nX: y\r\n\r\n.one\r\n\r\n..three\r\nfour\r\n'
      const { options } = await fill([body, large(400_000, 1)])
      await using client = await connectAgain(options)
      const header = 'Subject: top\r\nX: y\r\n\r\n'
      for (const [lines, expected] of [
        [0, header],
        [1, `${header}.one\r\n`],
        [3, `${header}.one\r\n\r\n..three\r\n`],
        [1_000, body],
      ] as const) {
        assert.equal((await bytesOf(await client.top(number(1), lines))).toString('latin1'), expected, `${lines} lines`)
      }
      assert.equal((await bytesOf(await client.top(number(2)))).toString(), 'Subject: large\r\n\r\n')
      await assert.rejects(client.top(number(9)), { name: 'RefusedError', command: 'TOP' })
    })

    test('only quit() deletes', async () => {
      const { options } = await fill([1, 2, 3, 4].map((n) => message(n)))
      await using left = await connectAgain(options)
      const before = await left.maildrop()
      await Promise.all(numbers(before).map((n) => left.delete(n)))
      await left[Symbol.asyncDispose]()
      await using client = await connectAgain(options)
      assert.deepEqual(await client.maildrop(), before)
      await client.delete(number(1))
      await client.reset()
      await client.delete(number(2))
      await client.delete(number(4))
      assert.deepEqual(numbers(await client.maildrop()), [1, 3])
      await client.quit()
      await using last = await connectAgain(options)
      const ids = [before[0]?.uniqueId, before[2]?.uniqueId]
      assert.deepEqual(
        (await last.maildrop()).map(({ uniqueId }) => uniqueId),
        ids,
      )
      assert.deepEqual(await texts(last, [number(1), number(2)]), [message(1), message(3)])
      await last.quit()
    })

    test('what comes while a session goes on is for the next one', async () => {
      const { options, imap } = await fill([message(1)])
      await using client = await connectAgain(options)
      assert.equal((await client.stat()).messages, 1)
      await using other = await ImapClient.connect(imap)
      const appended = other.append('INBOX', { body: message(2) })
      // a server may make others wait until the session is over
      await Promise.race([appended, new Promise((resolve) => setTimeout(resolve, 200))])
      assert.equal((await client.stat()).messages, 1)
      await client.delete(number(1))
      await client.quit()
      await appended
      await using next = await connectAgain(options)
      assert.deepEqual(await texts(next, numbers(await next.maildrop())), [message(2)])
    })

    test('a maildrop in use is told as such', async () => {
      const { options, exclusive } = await fill([message(1)])
      await using first = await connectAgain(options)
      if (exclusive) {
        await assert.rejects(Pop3Client.connect(options), (error) => {
          assert.ok(error instanceof AuthenticationError, String(error))
          assert.equal(error.code, 'IN-USE')
          assert.match(error.message, /try again later/)
          return true
        })
      } else await (await Pop3Client.connect(options)).quit()
      assert.equal((await first.stat()).messages, 1)
      await first.quit()
      await (await Pop3Client.connect(options)).quit()
    })

    test('messages come as they are stored where UTF8 is offered, else with headers that anybody can read', async () => {
      const body = 'From: ann@example.org\r\nSubject: \u00e9t\u00e9\r\n\r\n\u00e9\r\n'
      const { options } = await fill([message(1)])
      await using client = await connectAgain(options)
      if (!client.supports('UTF8')) return
      await client.quit()
      await fill([Buffer.from(body)])
      for (const utf8 of [true, false]) {
        await using each = await connectAgain({ ...options, utf8 })
        const text = (await bytesOf(await each.retrieve(number(1)))).toString('utf8')
        assert.equal(text === body, utf8, text)
        if (!utf8) assert.match(text, /^Subject: =\?utf-8\?/im)
      }
    })

    test('a drain that is cut in the middle of a message is taken up where it was', async () => {
      const bodies = [message(1), message(2), large(2_000_000, 3), message(4), message(5)]
      const { options } = await fill(bodies)
      await using proxy = await CuttingProxy.start(options.host, options.port)
      const tls = { servername: options.host, ...options.tls }
      const through = { ...options, host: '127.0.0.1', port: proxy.port, tls }
      // the middle of the third message: kernels could hold all of it, and the cut come too late
      proxy.most = 1_000_000
      const done = new Set<string | undefined>()
      await using cut = await connectAgain(through)
      const maildrop = await cut.maildrop()
      await assert.rejects(
        async () => {
          for await (const { message: n, body } of cut.retrieveAll(numbers(maildrop))) {
            for await (const _ of body ?? []) if (n === 3) proxy.cut()
            done.add(maildrop[n - 1]?.uniqueId)
          }
        },
        (error) => error instanceof ConnectionError && error.trouble === 'closed',
      )
      assert.equal(done.size, 2)
      await assert.rejects(cut.noop(), ConnectionError)
      proxy.down = true
      await assert.rejects(Pop3Client.connect(through), ConnectionError)
      proxy.down = false
      proxy.most = Number.POSITIVE_INFINITY
      await using client = await connectAgain(through)
      const again = await client.maildrop()
      assert.deepEqual(again, maildrop)
      const rest = again.filter(({ uniqueId }) => !done.has(uniqueId))
      const hashes: string[] = []
      for await (const { body } of client.retrieveAll(numbers(rest)))
        hashes.push(hash(body === undefined ? Buffer.of() : await bytesOf(body)))
      assert.deepEqual(
        hashes,
        bodies.slice(2).map((each) => hash(Buffer.from(each))),
      )
      await Promise.all(numbers(again).map((n) => client.delete(n)))
      await client.quit()
      await using last = await connectAgain(options)
      assert.equal((await last.stat()).messages, 0)
    })

    test('a server that is gone is told at the next command, and quit() says that nobody knows', async () => {
      const { options } = await fill([message(1)])
      await using proxy = await CuttingProxy.start(options.host, options.port)
      const tls = { servername: options.host, ...options.tls }
      const through = { ...options, host: '127.0.0.1', port: proxy.port, tls }
      await using client = await connectAgain(through)
      proxy.cut()
      await assert.rejects(client.stat(), ConnectionError)
      await assert.rejects(client.retrieve(number(1)), ConnectionError)
      await using other = await connectAgain(through)
      await other.delete(number(1))
      proxy.cut()
      await assert.rejects(other.quit(), (error) => error instanceof ConnectionError && error.maybeDone)
    })
  })
}

async function bytesOf(body: { bytes(): Promise<Uint8Array> }): Promise<Buffer> {
  return Buffer.from(await body.bytes())
}

/** Logs in; where a session before was cut off, the server may need a moment to notice. */
async function connectAgain(options: Pop3ClientOptions): Promise<Pop3Client> {
  for (let left = 100; ; left -= 1) {
    try {
      return await Pop3Client.connect(options)
    } catch (error) {
      if (left === 0 || !(error instanceof AuthenticationError) || error.code !== 'IN-USE') throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** `1:*` of an empty mailbox is refused by some. */
function ifEmpty(error: unknown): void {
  if (!(error instanceof RefusedError)) throw error
}
