/** What an ImapClient must be able to do with any server; run against our own here, against others in test/peers. @module */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import {
  decodeHeaderText,
  ImapClient,
  type ImapClientOptions,
  type MailboxEvent,
  RefusedError,
  uidSetOf,
  uidsOf,
} from '#client/index.ts'
import { CuttingProxy } from './cutting-proxy.ts'

/** A server, a person in it and how to get there. */
export interface ClientTarget extends AsyncDisposable {
  readonly options: ImapClientOptions & { readonly port: number }
  /** Its IDLE tells of news at once. */
  readonly pushes: boolean
}

const DAY_MS = 86_400_000

function message(n: number, more = ''): string {
  const head = `From: Ann <ann@example.org>\r\nTo: bob@example.org\r\nSubject: number ${n}\r\n`
  const date = `Date: Tue, 14 Nov 2023 22:${String(n % 60).padStart(2, '0')}:20 +0000\r\nMessage-ID: <m${n}@example.org>\r\n`
  return `${head}${date}\r\nText of message ${n}\r\n${more}`
}

const MULTIPART = [
  'From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>',
  'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
  'Date: Wed, 15 Nov 2023 10:00:00 +0000',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=x',
  '',
  '--x',
  'Content-Type: text/plain; charset=utf-8',
  '',
  'Hello',
  '--x',
  'Content-Type: application/octet-stream',
  'Content-Transfer-Encoding: base64',
  '',
  'AAECAwQ=',
  '--x--',
  '',
].join('\r\n')

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Bytes that are text, in lines, and do not deflate to nothing. */
function large(octets: number, seed: number): Buffer {
  const lines: string[] = ['Subject: large\r\n\r\n']
  let length = lines[0]?.length ?? 0
  for (let n = 0; length < octets; n += 1) {
    const line = `${createHash('sha256').update(`${seed} ${n}`).digest('base64')}\r\n`
    lines.push(line)
    length += line.length
  }
  const bytes = Buffer.from(lines.join('').slice(0, octets - 2))
  return Buffer.concat([bytes, Buffer.from('\r\n')])
}

/** Pieces of odd sizes, as a file or a socket would give them. */
async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 60_001)
    yield bytes.subarray(at, at + size)
}

async function eventually(
  events: AsyncIterator<MailboxEvent>,
  wanted: (event: MailboxEvent) => boolean,
): Promise<MailboxEvent[]> {
  const seen: MailboxEvent[] = []
  const timer = setTimeout(() => {
    events.return?.().catch(() => undefined)
  }, 20_000)
  try {
    for (;;) {
      const { done, value } = await events.next()
      assert.ok(done !== true, `it did not come; seen: ${JSON.stringify(seen)}`)
      seen.push(value)
      if (wanted(value)) return seen
    }
  } finally {
    clearTimeout(timer)
  }
}

/** Runs the suite; `open` is called once. */
export function imapClientSuite(name: string, open: () => Promise<ClientTarget>): void {
  describe(`ImapClient with ${name}`, () => {
    let mailboxes = 0
    let opened: Promise<ClientTarget> | undefined
    const target = (): Promise<ClientTarget> => (opened ??= open())

    /** A client in a new mailbox that has these messages. */
    async function inMailbox(
      bodies: readonly (string | Uint8Array)[],
      body: (client: ImapClient, mailbox: string) => Promise<void>,
    ): Promise<void> {
      const { options } = await target()
      await using client = await ImapClient.connect(options)
      mailboxes += 1
      const mailbox = `Suite${mailboxes}`
      await client.create(mailbox)
      if (bodies.length > 0)
        await client.appendAll(
          mailbox,
          bodies.map((each) => ({ body: each })),
        )
      await client.select(mailbox)
      await body(client, mailbox)
      await client.unselect()
      await client.delete(mailbox)
    }

    test('connects as it is told to', async () => {
      const { options } = await target()
      await using client = await ImapClient.connect(options)
      assert.equal(client.secure, (options.security ?? 'tls') !== 'none')
      assert.equal(client.compressed, options.compress === true && client.capabilities.has('COMPRESS=DEFLATE'))
      assert.ok(client.capabilities.has('IMAP4REV1') || client.capabilities.has('IMAP4REV2'))
      assert.equal(client.enabled.has('QRESYNC'), client.capabilities.has('QRESYNC'))
    })

    test('a wrong password is an AuthenticationError', async () => {
      const { options } = await target()
      const credentials = { login: 'login' in options.credentials ? options.credentials.login : '', password: 'wrong' }
      await assert.rejects(ImapClient.connect({ ...options, credentials }), { name: 'AuthenticationError' })
    })

    test('mailboxes are made, listed, renamed, subscribed to and removed, whatever they are called', async () => {
      const { options } = await target()
      await using client = await ImapClient.connect(options)
      const [inbox] = (await client.list({ pattern: 'INBOX' })).filter(({ role }) => role === 'inbox')
      const delimiter = inbox?.delimiter ?? '/'
      const [first, second] = ['Été & 汉字', `Hiver${delimiter}1`]
      await client.create(first)
      const [listed] = (await client.list({ status: true })).filter((each) => each.name === first)
      assert.equal(listed?.status?.MESSAGES, 0)
      assert.equal(listed?.noSelect, false)
      await client.rename(first, second)
      await client.subscribe(second)
      const subscribed = await client.list({ subscribed: true })
      assert.ok(subscribed.some((each) => each.name === second && each.subscribed))
      await client.unsubscribe(second)
      const { MESSAGES, UIDNEXT } = await client.status(second)
      assert.deepEqual([MESSAGES, UIDNEXT], [0, 1])
      await client.delete(second)
      await client.delete('Hiver').catch(() => undefined)
      assert.ok(!(await client.list()).some((each) => each.name === second))
    })

    test('special mailboxes are found by what they are for', async () => {
      const { options } = await target()
      await using client = await ImapClient.connect(options)
      const made: string[] = []
      const before = await client.specialMailboxes()
      for (const [role, mailbox] of [
        ['sent', 'Éléments envoyés'],
        ['trash', 'Papierkorb'],
      ] as const) {
        if (before.has(role)) continue
        await client.create(mailbox)
        made.push(mailbox)
      }
      const special = await client.specialMailboxes()
      assert.deepEqual(
        ['inbox', 'sent', 'trash'].map((role) => special.has(role as 'sent')),
        [true, true, true],
      )
      for (const mailbox of made) await client.delete(mailbox)
    })

    test('a no is a RefusedError', async () => {
      const { options } = await target()
      await using client = await ImapClient.connect(options)
      const refused = (error: unknown): boolean => error instanceof RefusedError
      await assert.rejects(client.select('Nowhere'), refused)
      assert.equal(client.mailbox, undefined)
      await assert.rejects(client.append('Nowhere', { body: message(1) }), { name: 'RefusedError', code: 'TRYCREATE' })
      await assert.rejects(client.append('Nowhere', { body: large(400_000, 1) }), { code: 'TRYCREATE' })
      await assert.rejects(client.search({}), { name: 'MailboxChangedError' })
      await client.noop()
    })

    test('what is appended is what is fetched: bytes, flags, date', async () => {
      await inMailbox([], async (client, mailbox) => {
        const date = new Date(Date.UTC(2020, 1, 29, 12, 34, 56))
        const body = Buffer.from(`${message(1)}8 bit: \xe9\xff\r\n`, 'latin1')
        const appended = await client.append(mailbox, { body, flags: ['\\Seen', 'Keyword'], date })
        const query = {
          flags: true,
          internalDate: true,
          size: true,
          envelope: true,
          body: true,
          headers: ['subject'],
        } as const
        await client.noop()
        const [uid] = uidsOf((await client.search({})).uids)
        assert.ok(uid !== undefined)
        if (appended !== undefined) assert.deepEqual(appended, { uidValidity: client.mailbox?.uidValidity, uid })
        const fetched = await client.fetchOne(uid, query)
        assert.ok(fetched?.body !== undefined)
        assert.deepEqual(await fetched.body.bytes(), body)
        assert.equal(fetched.size, body.length)
        assert.equal(fetched.internalDate.time, date.getTime())
        assert.equal(fetched.envelope.subject, 'number 1')
        assert.match(Buffer.from(fetched.headers ?? []).toString(), /^subject: number 1\r\n\r\n$/i)
        const flags = fetched.flags.filter((flag) => flag !== '\\Recent')
        assert.deepEqual(flags.toSorted(), ['Keyword', '\\Seen'])
        assert.equal(await client.fetchOne(uid + 1, query), undefined)
      })
    })

    test('a large message streams both ways', async () => {
      await inMailbox([], async (client, mailbox) => {
        const bytes = large(3_000_000, 1)
        await client.append(mailbox, { body: inPieces(bytes), size: bytes.length })
        await client.select(mailbox)
        for await (const { body } of client.fetch('1:*', { body: true })) {
          assert.ok(body !== undefined)
          assert.equal(body.size, bytes.length)
          const digest = createHash('sha256')
          let chunks = 0
          for await (const chunk of body) {
            digest.update(chunk)
            chunks += 1
          }
          assert.ok(chunks > 5)
          assert.equal(digest.digest('hex'), hash(bytes))
        }
        const part = await client.fetchOne(1, { body: { offset: 1_000_000, length: 100_000 } })
        assert.deepEqual(await part?.body?.bytes(), bytes.subarray(1_000_000, 1_100_000))
      })
    })

    test('hundreds of messages are appended at once and told one by one', async () => {
      const bodies = Array.from({ length: 250 }, (_, n) => message(n + 1))
      await inMailbox(bodies, async (client) => {
        const seen: number[] = []
        for await (const { number, envelope, flags, size } of client.fetch('1:*', {
          envelope: true,
          flags: true,
          size: true,
        })) {
          seen.push(number)
          assert.ok(Array.isArray(flags))
          assert.equal(envelope.subject, `number ${number}`)
          assert.equal(size, bodies[number - 1]?.length)
          assert.equal(envelope.from?.[0]?.mailbox, 'ann')
        }
        assert.deepEqual(
          seen,
          Array.from({ length: 250 }, (_, n) => n + 1),
        )
        assert.equal(client.mailbox?.exists, 250)
        const odd = bodies.map((_, n) => n + 1).filter((n) => n % 2 === 1)
        let count = 0
        for await (const { uid } of client.fetch(odd, { flags: true })) count += uid % 2
        assert.equal(count, 125)
      })
    })

    test('other commands may be run while bodies are read, however large those are', async () => {
      const bodies = Array.from({ length: 6 }, (_, n) => large(1_500_000 + n, n))
      await inMailbox(bodies, async (client) => {
        const seen: string[] = []
        for await (const { uid, body } of client.fetch('1:*', { body: true })) {
          // before, within and behind the body
          await client.store(uid, { add: ['\\Flagged'] })
          const digest = createHash('sha256')
          let first = true
          for await (const chunk of body ?? []) {
            digest.update(chunk)
            if (first) await client.noop()
            first = false
          }
          seen.push(digest.digest('hex'))
          await client.store(uid, { add: ['\\Seen'] })
        }
        assert.deepEqual(seen, bodies.map(hash))
        const { count } = await client.search({ seen: true, flagged: true }, { countOnly: true })
        assert.equal(count, 6)
      })
    })

    test('bodies that nobody wants are skipped, and a loop may be left', async () => {
      await inMailbox([large(900_000, 1), large(900_000, 2), message(3)], async (client) => {
        const sizes: number[] = []
        for await (const { body } of client.fetch('1:*', { body: true })) sizes.push(body?.size ?? 0)
        assert.deepEqual(sizes, [900_000, 900_000, message(3).length])
        for await (const { body } of client.fetch('1:*', { body: true })) {
          for await (const _ of body ?? []) break
          break
        }
        for await (const { uid } of client.fetch('1:*', { flags: true })) if (uid === 1) break
        assert.equal((await client.search({})).count, 3)
      })
    })

    test('structure and parts', async () => {
      await inMailbox([MULTIPART], async (client) => {
        const parts = [{ part: [1] }, { part: [2], text: 'MIME' }, { part: [2] }, { part: [9] }] as const
        const fetched = await client.fetchOne(1, { bodyStructure: true, envelope: true, parts })
        assert.ok(fetched?.bodyStructure.kind === 'multipart')
        assert.equal(fetched.bodyStructure.parts.length, 2)
        assert.equal(decodeHeaderText(fetched.envelope.subject ?? ''), 'Grüße')
        const texts = new Map<string, string>()
        for await (const { part, text, body } of fetched.parts) {
          const bytes = await body?.bytes()
          if (bytes !== undefined) texts.set(`${part.join('.')} ${text ?? ''}`, bytes.toString())
        }
        assert.equal(texts.get('1 '), 'Hello')
        assert.match(texts.get('2 MIME') ?? '', /octet-stream/)
        assert.equal(texts.get('2 '), 'AAECAwQ=')
        if (!client.capabilities.has('BINARY')) return
        const decoded = await client.fetchOne(1, { parts: [{ part: [2], decoded: true }] })
        for await (const { body, decoded: plain } of decoded?.parts ?? []) {
          assert.equal(plain, true)
          assert.deepEqual([...((await body?.bytes()) ?? [])], [0, 1, 2, 3, 4])
        }
      })
    })

    test('searches', async () => {
      const bodies = [...Array.from({ length: 9 }, (_, n) => message(n + 1)), MULTIPART]
      await inMailbox(bodies, async (client) => {
        await client.store('2:3', { add: ['\\Seen'] })
        await client.store(4, { add: ['Special'] })
        const found = async (query: Parameters<ImapClient['search']>[0]): Promise<number[]> => [
          ...uidsOf((await client.search(query)).uids),
        ]
        assert.deepEqual(await found({ subject: 'number 7' }), [7])
        assert.deepEqual(await found({ seen: true }), [2, 3])
        assert.deepEqual(await found({ keyword: 'Special' }), [4])
        assert.deepEqual(await found({ uids: '5:*', not: { subject: 'number' } }), [10])
        assert.deepEqual(
          await found({ or: [{ subject: 'number 1' }, { subject: 'number 2' }, { subject: 'number 3' }] }),
          [1, 2, 3],
        )
        assert.deepEqual(await found({ subject: 'grüße' }), [10])
        assert.deepEqual(await found({ from: 'ann', header: { 'Message-ID': 'm8@example.org' } }), [8])
        assert.deepEqual(
          await found({ since: new Date(Date.now() - 2 * DAY_MS), sentBefore: new Date(Date.UTC(2023, 10, 14)) }),
          [],
        )
        assert.deepEqual(await found({ text: 'nowhere to be found' }), [])
        const { count, min, max } = await client.search({ from: 'ann' })
        assert.deepEqual([count, min, max], [9, 1, 9])
        assert.equal((await client.search({ from: 'ann' }, { countOnly: true })).count, 9)
        if (client.capabilities.has('SORT')) {
          assert.deepEqual(await client.sort([{ reverse: 'SUBJECT' }], { uids: '1:3' }), [3, 2, 1])
        }
        if (client.capabilities.has('THREAD=REFERENCES')) {
          assert.equal((await client.thread('REFERENCES', { uids: '1:3' })).length > 0, true)
        }
      })
    })

    test('flags are added, removed, set, and left alone where somebody was faster', async () => {
      await inMailbox([message(1), message(2), message(3)], async (client) => {
        const flags = async (): Promise<string[][]> => {
          const all: string[][] = []
          for await (const each of client.fetch('1:*', { flags: true }))
            all.push(each.flags.filter((flag) => flag !== '\\Recent').toSorted())
          return all
        }
        await client.store('1:*', { set: ['\\Seen', 'One'] })
        await client.store(2, { remove: ['One'] })
        await client.store([1, 3], { add: ['\\Flagged'] })
        assert.deepEqual(await flags(), [['One', '\\Flagged', '\\Seen'], ['\\Seen'], ['One', '\\Flagged', '\\Seen']])
        if (!client.capabilities.has('CONDSTORE')) return
        const modseqs: number[] = []
        for await (const { modseq } of client.fetch('1:*', { modseq: true })) modseqs.push(modseq ?? 0)
        const unchangedSince = modseqs[1] as never
        const { modified } = await client.store('1:*', { add: ['Late'], unchangedSince })
        assert.deepEqual([...uidsOf(modified)], [1, 3])
        assert.deepEqual(
          (await flags()).map((each) => each.includes('Late')),
          [false, true, false],
        )
        const changed: number[] = []
        for await (const { uid } of client.fetch(
          '1:*',
          { flags: true },
          { changedSince: Math.max(...modseqs) as never },
        ))
          changed.push(uid)
        assert.deepEqual(changed, [2])
      })
    })

    test('messages are copied, moved and expunged', async () => {
      await inMailbox(
        [1, 2, 3, 4, 5].map((n) => message(n)),
        async (client, mailbox) => {
          const other = `${mailbox}b`
          await client.create(other)
          const copied = await client.copy([1, 2], other)
          if (copied !== undefined)
            assert.deepEqual(
              [[...uidsOf(copied.from)], [...uidsOf(copied.to)]],
              [
                [1, 2],
                [1, 2],
              ],
            )
          await client.move(3, other)
          assert.equal((await client.status(other)).MESSAGES, 3)
          await client.store([4, 5], { add: ['\\Deleted'] })
          await client.expunge(4)
          assert.deepEqual([...uidsOf((await client.search({})).uids)], [1, 2, 5])
          await client.expunge()
          await client.expunge([])
          assert.deepEqual([...uidsOf((await client.search({})).uids)], [1, 2])
          assert.equal(client.mailbox?.exists, 2)
          await assert.rejects(client.copy(1, 'Nowhere'), { code: 'TRYCREATE' })
          await client.delete(other)
        },
      )
    })

    test('who watches hears of new mail, flags and what is gone, and other commands make room for themselves', async () => {
      await inMailbox([message(1), message(2)], async (client, mailbox) => {
        const { options, pushes } = await target()
        await using other = await ImapClient.connect(options)
        await client.select(mailbox, { tracking: 'uids' })
        await other.select(mailbox)
        const events = client.watch()
        const asking = setInterval(() => {
          if (!pushes) client.noop().catch(() => undefined)
        }, 500)
        await other.append(mailbox, { body: message(3) })
        const [exists] = (await eventually(events, ({ kind }) => kind === 'exists')).slice(-1)
        assert.deepEqual(exists, { kind: 'exists', exists: 3, added: 1 })
        assert.equal((await client.fetchOne(3, { size: true }))?.uid, 3)
        await other.store(1, { add: ['\\Flagged'] })
        const flags = (await eventually(events, (event) => event.kind === 'flags' && event.number === 1)).at(-1)
        assert.ok(flags?.kind === 'flags' && flags.flags.includes('\\Flagged'))
        assert.equal(flags.uid, 1)
        await other.store(2, { add: ['\\Deleted'] })
        await other.expunge()
        const gone = (await eventually(events, ({ kind }) => kind === 'expunged' || kind === 'vanished')).at(-1)
        if (gone?.kind === 'vanished') assert.deepEqual(gone.uids, [[2, 2]])
        else assert.deepEqual(gone, { kind: 'expunged', number: 2, uid: 2 })
        assert.equal(client.mailbox?.exists, 2)
        assert.equal(client.mailbox?.numberOf(3), 2)
        clearInterval(asking)
        await events.return?.()
        await client.noop()
      })
    })

    test('who asked hears of mailboxes that are not selected', async () => {
      await inMailbox([message(1)], async (other, mailbox) => {
        const { options } = await target()
        await using client = await ImapClient.connect({ ...options, pollMs: 300 })
        const events = ['MessageNew', 'MessageExpunge', 'FlagChange'] as const
        const wanted = events.map((kind) => (kind === 'MessageNew' ? { kind, items: [] } : { kind }))
        const told = await client.notify([{ filter: { kind: 'personal' }, events: wanted }])
        // where it is done by asking, what is there must have been seen first
        if (!client.capabilities.has('NOTIFY')) await new Promise((resolve) => setTimeout(resolve, 1_000))
        await other.append(mailbox, { body: message(2) })
        const status = (await eventually(told, (event) => event.kind === 'status' && event.mailbox === mailbox)).at(-1)
        assert.ok(status?.kind === 'status')
        assert.equal(status.values.MESSAGES, 2)
        await told.return?.()
        await client.noop()
      })
    })

    test('commands that are not awaited go out together and are answered in their order', async () => {
      await inMailbox(
        Array.from({ length: 20 }, (_, n) => message(n + 1)),
        async (client) => {
          const stores = Array.from({ length: 20 }, (_, n) => client.store(n + 1, { add: [`K${n}`] }))
          const searches = Array.from({ length: 20 }, (_, n) => client.search({ keyword: `K${n}` }))
          await Promise.all(stores)
          const found = (await Promise.all(searches)).map(({ uids }) => uids)
          assert.deepEqual(
            found,
            Array.from({ length: 20 }, (_, n) => uidSetOf([n + 1])),
          )
        },
      )
    })

    for (const tracking of ['none', 'uids', 'flags'] as const) {
      test(`a lost connection is made again, and what changed is told (tracking ${tracking})`, async () => {
        const { options } = await target()
        await using proxy = await CuttingProxy.start(options.host, options.port)
        await inMailbox(
          [1, 2, 3, 4].map((n) => message(n)),
          async (other, mailbox) => {
            const tls = { servername: options.host, ...options.tls }
            await using client = await ImapClient.connect({ ...options, host: '127.0.0.1', port: proxy.port, tls })
            await client.select(mailbox, { tracking })
            const events = client.watch()
            await client.noop()
            proxy.down = true
            proxy.cut()
            await eventually(events, ({ kind }) => kind === 'lost')
            await other.store(1, { add: ['\\Flagged'] })
            await other.store(2, { add: ['\\Deleted'] })
            await other.expunge()
            await other.append(mailbox, { body: message(5) })
            // what is asked now waits for the new connection
            const search = client.search({ flagged: true })
            proxy.down = false
            const told = await eventually(events, ({ kind }) => kind === 'resumed')
            const resumed = told.at(-1)
            assert.ok(resumed?.kind === 'resumed')
            if (client.enabled.has('QRESYNC')) assert.equal(resumed.how, 'qresync')
            if (resumed.how !== 'counted') {
              const vanished = told.flatMap((event) => (event.kind === 'vanished' ? [...uidsOf(event.uids)] : []))
              assert.deepEqual(vanished, [2])
            }
            if (resumed.how === 'qresync' || resumed.how === 'condstore' || tracking === 'flags') {
              const flagged = told.find((event) => event.kind === 'flags' && event.uid === 1)
              assert.ok(flagged?.kind === 'flags' && flagged.flags.includes('\\Flagged'), JSON.stringify(told))
            }
            assert.deepEqual((await search).uids, [[1, 1]])
            assert.equal(client.mailbox?.exists, 4)
            if (tracking !== 'none') assert.deepEqual([...(client.mailbox?.uids() ?? [])], [1, 3, 4, 5])
            if (tracking === 'flags') assert.ok(client.mailbox?.flagsOf(1)?.includes('\\Flagged'))
            await events.return?.()
          },
        )
      })
    }

    test('the end', async () => {
      await (await opened)?.[Symbol.asyncDispose]()
    })
  })
}
