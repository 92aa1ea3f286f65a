/** Migrations between servers in this process, honest ones and others; those of real programs are in `test/`. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { openMemoryStore } from '#adapters/memory/memory-store.ts'
import { ConnectionError } from '#client/index.ts'
import { systemClock } from '#lib/clock.ts'
import type { Uid } from '#mail/ids.ts'
import { flagsOf } from '#store/flags.ts'
import type { MailStore } from '#store/mail-store.ts'
import { TestImapServer } from '#testing/imap-server.ts'
import { ScriptedServer, testCertificate } from '#testing/scripted-server.ts'
import { addMessage, messageBytes, openTestStore, type TestStore } from '#testing/store.ts'
import { Tags } from './inbox-key.ts'
import { UniqueIdsChanged } from './inbox-listing.ts'
import { type MigrateReport, type MigrateRequest, migrateMail } from './migrate.ts'

/** A message of a maildrop. */
interface Dropped {
  readonly id: string
  readonly body: string
  /** What LIST says. */
  readonly octets?: number
}

/** A server of POP3 that says what it is told to. */
interface Drop {
  entries: Dropped[]
  readonly commands: string[]
  /** Closes within a message. */
  cut: boolean
  refuses: boolean
  /** Has no TOP. */
  topless: boolean
}

async function pop3(t: TestContext, drop: Drop): Promise<number> {
  const server = await ScriptedServer.start(async (peer) => {
    peer.send('+OK here\r\n')
    for (let line = await peer.line(); line !== undefined; line = await peer.line()) {
      drop.commands.push(line)
      const [verb = '', number = ''] = line.split(' ')
      const { body = '', id = '' } = drop.entries[Number(number) - 1] ?? {}
      const listing = (of: (one: Dropped) => string | number): string =>
        `+OK\r\n${drop.entries.map((one, n) => `${n + 1} ${of(one)}\r\n`).join('')}.\r\n`
      if (verb === 'CAPA') peer.send(`+OK\r\nUSER\r\nUIDL\r\n${drop.topless ? '' : 'TOP\r\n'}.\r\n`)
      else if (verb === 'PASS' && drop.refuses) peer.send('-ERR [AUTH] no\r\n')
      else if (verb === 'LIST') peer.send(listing(({ octets, body: all }) => octets ?? all.length))
      else if (verb === 'UIDL') peer.send(listing(({ id: one }) => one))
      else if (verb === 'TOP' && drop.topless) peer.send('-ERR what\r\n')
      else if (verb === 'TOP') peer.send(`+OK ${id}\r\n${body.slice(0, body.indexOf('\r\n\r\n') + 4)}.\r\n`)
      else if (verb === 'RETR' && drop.cut) {
        peer.send(`+OK\r\n${body.slice(0, body.length / 2)}`)
        peer.socket.end()
        return
      } else if (verb === 'RETR') peer.send(`+OK\r\n${body}${body.endsWith('\r\n') ? '' : '\r\n'}.\r\n`)
      else peer.send('+OK\r\n')
      if (verb === 'QUIT') return void peer.socket.end()
    }
  })
  t.after(() => server[Symbol.asyncDispose]())
  return server.port
}

interface Scene {
  readonly imap: TestImapServer
  readonly drop: Drop
  readonly target: TestStore
  readonly run: (more?: Partial<MigrateRequest>, store?: MailStore) => Promise<MigrateReport>
  /** `unique-id subject` of INBOX here, tags as they are. */
  readonly here: () => Promise<readonly string[]>
  /** UID here of a subject. */
  readonly uidOf: (subject: string) => Promise<Uid>
}

function letter(subject: string, more = ''): string {
  return `From: ann@example.org\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@example.org>\r\n\r\nText\r\n${more}`
}

/** @param subjects Of the INBOX over IMAP, in the order of UIDs. */
async function scene(t: TestContext, subjects: readonly string[], entries: readonly Dropped[]): Promise<Scene> {
  const imap = await TestImapServer.start({ tls: true, messages: subjects.map((one) => ({ body: letter(one) })) })
  t.after(() => imap[Symbol.asyncDispose]())
  const target = await openTestStore()
  t.after(() => target[Symbol.asyncDispose]())
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-migrate-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const drop: Drop = { entries: [...entries], commands: [], cut: false, refuses: false, topless: false }
  const credentials = { login: 'ann@example.org', password: 'secret' }
  const overImap = { host: 'localhost', security: 'starttls', tls: { ca: (await testCertificate()).ca } } as const
  const overPop3 = { host: '127.0.0.1', security: 'none', allowPlaintext: true } as const
  const port = await pop3(t, drop)
  const run: Scene['run'] = (more = {}, store = target.store) =>
    migrateMail(
      store,
      systemClock,
      {
        account: target.account,
        login: 'ann',
        stateFile: path.join(folder, 'state.db'),
        imap: { ...overImap, port: imap.port, credentials },
        pop3: { ...overPop3, port, credentials },
        pop3Guessed: false,
        include: [],
        exclude: [],
        keepDeleted: false,
        emptyToo: false,
        cutover: false,
        verify: false,
        dryRun: false,
        connections: 1,
        signal: new AbortController().signal,
        ...more,
      },
      () => undefined,
    )
  const listing = async (): Promise<readonly { uid: Uid; uidl: string; subject: string }[]> => {
    const inbox = await target.store.mailboxByName(target.account, 'INBOX')
    assert.ok(inbox !== undefined)
    const found: { uid: Uid; uidl: string; subject: string }[] = []
    for await (const { uids, uidls } of target.store.maildrop(target.account, inbox.key))
      for (const [n, uid] of uids.entries()) {
        const bytes = await messageBytes(target.store, target.account, 'INBOX', uid)
        const subject = /^Subject: (.*)\r$/m.exec(Buffer.from(bytes).toString('latin1'))?.[1] ?? ''
        found.push({ uid: uid as Uid, uidl: uidls[n] ?? '-', subject })
      }
    return found
  }
  return {
    imap,
    drop,
    target,
    run,
    here: async () => (await listing()).map(({ uidl, subject }) => `${uidl} ${subject}`),
    uidOf: async (wanted) => {
      const found = (await listing()).find(({ subject }) => subject === wanted)
      assert.ok(found !== undefined)
      return found.uid
    },
  }
}

function dropped(subject: string, id = `id-${subject}`): Dropped {
  return { id, body: letter(subject) }
}

/** What the source notices of it. */
async function marks({ imap: { store, account } }: Scene): Promise<unknown> {
  return store.mailboxes(account)
}

test('the order is that of the maildrop, unique-ids are kept whatever they look like, the source notices nothing', async (t) => {
  const long = '~'.repeat(70)
  const it = await scene(
    t,
    ['a', 'b', 'only-imap', 'c'],
    [dropped('c', '!'), dropped('b', long), dropped('only-pop3', '1.2'), dropped('a', 'UID1-2')],
  )
  const before = await marks(it)
  const report = await it.run({ cutover: true })
  assert.deepEqual(await it.here(), [
    `${new Tags('ann').imap(String((await inboxOf(it)).uidValidity), 3)} only-imap`,
    '! c',
    `${long} b`,
    '1.2 only-pop3',
    'UID1-2 a',
  ])
  assert.deepEqual(report.maildrop, {
    listed: 4,
    byName: 0,
    byHeader: 3,
    ambiguous: 0,
    pop3Only: 1,
    imapOnly: 1,
    unusable: [],
  })
  assert.deepEqual(report.uniqueIds, { compared: 4, missing: 0, inOrder: true })
  assert.deepEqual([report.done, report.copied], [true, 5])
  assert.deepEqual(await marks(it), before)
  // the second time to compare
  const verbs = new Set(it.drop.commands.map((line) => line.split(' ')[0]))
  assert.deepEqual([...verbs].sort(compare), ['CAPA', 'LIST', 'PASS', 'QUIT', 'RETR', 'TOP', 'UIDL', 'USER'])
  assert.equal(it.drop.commands.filter((line) => line.startsWith('RETR')).join(), 'RETR 3,RETR 3')
})

async function inboxOf({ imap: { store, account } }: Pick<Scene, 'imap'>) {
  const inbox = await store.mailboxByName(account, 'INBOX')
  assert.ok(inbox !== undefined)
  return inbox
}

function compare(a: string | undefined, b: string | undefined): number {
  return (a ?? '') < (b ?? '') ? -1 : 1
}

test('unique-ids that are repeated or too long are named and not kept; their messages come once', async (t) => {
  const long = 'y'.repeat(71)
  const it = await scene(t, ['a', 'b'], [dropped('a', 'same'), dropped('b', 'same'), dropped('only-pop3', long)])
  const report = await it.run()
  assert.deepEqual(report.maildrop?.unusable, ['same 2', long])
  const here = await it.here()
  assert.match(here.join('\n'), /^same a\nimap-[0-9a-f]{12}-\d+-2 b\npop3-[0-9a-f]{12}-[0-9a-f]{32} only-pop3$/)
  assert.equal((await it.run({ cutover: true })).done, true)
  assert.deepEqual(await it.here(), here)
})

test('a server without TOP gives whole messages instead, which are matched by their headers', async (t) => {
  const it = await scene(t, ['a', 'b'], [dropped('b'), dropped('a')])
  it.drop.topless = true
  const report = await it.run()
  assert.deepEqual([report.maildrop?.byHeader, report.maildrop?.pop3Only], [2, 0])
  assert.deepEqual(await it.here(), ['id-b b', 'id-a a'])
  assert.equal(it.drop.commands.filter((line) => line.startsWith('TOP')).length, 1)
})

test('a later run brings what is new behind what is there, and asks for no header that is known', async (t) => {
  const it = await scene(t, ['a', 'b'], [dropped('a'), dropped('b')])
  await it.run()
  await it.imap.add({ body: letter('c') })
  await it.imap.add({ mailbox: 'INBOX', body: letter('d') })
  it.drop.entries.push(dropped('c'), dropped('d'))
  it.drop.commands.length = 0
  const report = await it.run({ cutover: true })
  assert.deepEqual(await it.here(), ['id-a a', 'id-b b', 'id-c c', 'id-d d'])
  assert.deepEqual([report.copied, report.done], [2, true])
  assert.equal(it.drop.commands.filter((line) => line.startsWith('TOP')).length, 2)
})

test('flags follow, what was changed here stays; what is gone there goes unless somebody here touched it', async (t) => {
  const subjects = ['a', 'b', 'c', 'd', 'e']
  const it = await scene(
    t,
    subjects,
    subjects.map((one) => dropped(one)),
  )
  await it.run()
  const { store, account } = it.target
  const inbox = await store.mailboxByName(account, 'INBOX')
  assert.ok(inbox !== undefined)
  const at = async (subject: string) => [[await it.uidOf(subject), await it.uidOf(subject)]] as const
  const flag = { account, by: 'test', mailbox: inbox.key, action: 'add', unchangedSince: undefined } as const
  await store.write('changeFlags', { ...flag, uids: await at('b'), flags: flagsOf(['\\Flagged']) })
  await store.write('expunge', { account, by: 'test', mailbox: inbox.key, uids: await at('e'), which: 'any' })
  const there = { account: it.imap.account, by: 'test', mailbox: (await inboxOf(it)).key }
  const uids = (n: number) => [[n as Uid, n as Uid]] as const
  const seen = { ...there, action: 'add', flags: flagsOf(['\\Seen']), unchangedSince: undefined } as const
  await it.imap.store.write('changeFlags', { ...seen, uids: uids(4) })
  await it.imap.store.write('expunge', { ...there, uids: [[2 as Uid, 3 as Uid]], which: 'any' })
  it.drop.entries = it.drop.entries.filter(({ id }) => id !== 'id-b' && id !== 'id-c')
  const kept = await it.run({ keepDeleted: true })
  assert.deepEqual([kept.removed, kept.flagged], [0, 1])
  const report = await it.run({ cutover: true, verify: true })
  assert.deepEqual([report.removed, report.touched, report.copied, report.done], [1, 1, 0, true])
  assert.deepEqual(await it.here(), ['id-a a', 'id-b b', 'id-d d'])
})

test('at the cut-over, mail that came here directly goes behind, unless it was downloaded', async (t) => {
  const it = await scene(t, ['a'], [dropped('a')])
  await it.run()
  const { store, account } = it.target
  await addMessage(store, account, 'INBOX', Buffer.from(letter('direct')))
  await addMessage(store, account, 'INBOX', Buffer.from(letter('downloaded')))
  const inbox = await store.mailboxByName(account, 'INBOX')
  assert.ok(inbox !== undefined)
  const uid = await it.uidOf('downloaded')
  const maildrop = { account, by: 'test', mailbox: inbox.key, downloaded: [[uid, uid]] as const, removed: [] }
  await store.write('applyMaildrop', { ...maildrop, markSeen: false })
  await it.imap.add({ body: letter('b') })
  it.drop.entries.push(dropped('b'))
  assert.equal((await it.run()).putBehind, 0)
  const report = await it.run({ cutover: true })
  assert.deepEqual(await it.here(), ['id-a a', '- downloaded', 'id-b b', '- direct'])
  assert.deepEqual([report.putBehind, report.done], [1, true])
})

test('a server that counts octets as it likes gives whole messages all the same', async (t) => {
  const it = await scene(
    t,
    ['a'],
    [
      { ...dropped('a'), octets: 3 },
      { id: 'p', body: letter('only-pop3', 'x'.repeat(5_000)), octets: 7 },
      { id: 'q', body: letter('other'), octets: 9_999_999 },
    ],
  )
  assert.equal((await it.run({ cutover: true, verify: true })).done, true)
  const bytes = await messageBytes(it.target.store, it.target.account, 'INBOX', await it.uidOf('only-pop3'))
  assert.equal(Buffer.from(bytes).toString('latin1'), letter('only-pop3', 'x'.repeat(5_000)).concat('\r\n'))
})

test('a server that closes within a message ends the run with what came before it whole, and the next one goes on', async (t) => {
  const it = await scene(t, ['a'], [dropped('a'), dropped('only-pop3')])
  it.drop.cut = true
  await assert.rejects(it.run(), ConnectionError)
  assert.ok((await it.here()).every((line) => line === 'id-a a'))
  it.drop.cut = false
  assert.equal((await it.run({ cutover: true })).done, true)
  assert.deepEqual(await it.here(), ['id-a a', 'id-only-pop3 only-pop3'])
})

test('a source that gives its messages other unique-ids ends the run, and nothing is changed', async (t) => {
  const it = await scene(t, ['a', 'b'], [dropped('a'), dropped('b')])
  await it.run()
  await it.imap.add({ body: letter('c') })
  it.drop.entries = [dropped('a', 'new-a'), dropped('b', 'new-b'), dropped('c', 'new-c')]
  await assert.rejects(it.run(), UniqueIdsChanged)
  assert.deepEqual(await it.here(), ['id-a a', 'id-b b'])
})

test('a new message is not taken for an old one like it that POP3 does not show any more', async (t) => {
  const it = await scene(t, ['a'], [dropped('a')])
  await it.run()
  await it.imap.add({ body: letter('a') })
  it.drop.entries = [dropped('a', 'another')]
  const report = await it.run()
  assert.deepEqual(await it.here(), ['id-a a', 'another a'])
  assert.equal(report.removed, 0)
})

test('an INBOX that was made anew with the same unique-ids brings nothing twice; with others the run ends', async (t) => {
  const it = await scene(t, ['a', 'b'], [dropped('a'), dropped('b')])
  await it.run()
  // another UIDVALIDITY, and other UIDs
  const store = openMemoryStore({ clock: { now: () => Date.UTC(2030, 0, 1) } })
  const messages = ['b', 'a', 'c'].map((one) => ({ body: letter(one) }))
  const anew = await TestImapServer.start({ tls: true, store, messages })
  t.after(() => anew[Symbol.asyncDispose]())
  assert.notEqual((await inboxOf({ imap: anew })).uidValidity, (await inboxOf(it)).uidValidity)
  const credentials = { login: 'ann@example.org', password: 'secret' }
  const tls = { ca: (await testCertificate()).ca }
  const imap = { host: 'localhost', security: 'starttls', tls, port: anew.port, credentials } as const
  const kept = [...it.drop.entries, dropped('c')]
  it.drop.entries = kept.map(({ id, body }) => ({ id: `new-${id}`, body }))
  await assert.rejects(it.run({ imap }), UniqueIdsChanged)
  assert.deepEqual(await it.here(), ['id-a a', 'id-b b'])
  it.drop.entries = kept
  const report = await it.run({ imap, cutover: true, verify: true })
  assert.deepEqual(await it.here(), ['id-a a', 'id-b b', 'id-c c'])
  assert.deepEqual([report.renewed, report.copied, report.removed, report.done], [['INBOX'], 1, 0, true])
})

test('what a quota keeps out keeps out what is behind it too, so that the order stays', async (t) => {
  const it = await scene(t, ['a', 'b', 'c'], [dropped('a'), dropped('b'), dropped('c')])
  const { store, account } = it.target
  const limits = { storageBytes: undefined, messages: 1 }
  await store.write('setLimits', { account, by: 'test', limits })
  const full = await it.run({ cutover: true })
  assert.deepEqual(
    full.refused.map(({ why }) => why),
    ['over-quota', 'behind'],
  )
  assert.equal(full.done, false)
  await store.write('setLimits', { account, by: 'test', limits: { storageBytes: undefined, messages: undefined } })
  assert.equal((await it.run({ cutover: true })).done, true)
  assert.deepEqual(await it.here(), ['id-a a', 'id-b b', 'id-c c'])
})

test('a run that dies after messages were stored and before that was written down brings them once, whatever sizes are said', async (t) => {
  const it = await scene(t, ['a', 'b'], [dropped('a'), dropped('b'), { ...dropped('only-pop3'), octets: 3 }])
  let appends = 0
  const dying = new Proxy(it.target.store, {
    get(store, name: keyof MailStore) {
      if (name !== 'write') {
        const value = store[name]
        return typeof value === 'function' ? value.bind(store) : value
      }
      const write: MailStore['write'] = async (kind, request) => {
        const answer = await store.write(kind, request)
        if (kind === 'append' && (appends += 1) === 1) throw new Error('The machine lost its power')
        return answer
      }
      return write
    },
  })
  await assert.rejects(it.run({}, dying), /lost its power/)
  assert.ok((await it.here()).length > 0)
  assert.equal((await it.run({ cutover: true, verify: true })).done, true)
  assert.deepEqual(await it.here(), ['id-a a', 'id-b b', 'id-only-pop3 only-pop3'])
})

test('a run that is stopped ends after what is under way, and the next one goes on', async (t) => {
  const it = await scene(t, ['a', 'b'], [dropped('a'), dropped('b')])
  const stopped = await it.run({ cutover: true, signal: AbortSignal.abort() })
  assert.deepEqual([stopped.stopped, stopped.done, stopped.uniqueIds], [true, false, undefined])
  assert.equal((await it.run({ cutover: true })).done, true)
})

test('without its records a run brings nothing twice', async (t) => {
  const it = await scene(t, ['a', 'b'], [dropped('a'), dropped('b'), { ...dropped('only-pop3'), octets: 3 }])
  await it.imap.store.write('createMailbox', { account: it.imap.account, by: 'test', name: 'X', specialUse: undefined })
  await it.imap.add({ mailbox: 'X', body: letter('x') })
  await it.run()
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-migrate-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const report = await it.run({ cutover: true, stateFile: path.join(folder, 'other.db') })
  // one was fetched again, as its size did not tell, and was not kept again
  assert.deepEqual([report.done, report.copied], [true, 1])
  assert.deepEqual(await it.here(), ['id-a a', 'id-b b', 'id-only-pop3 only-pop3'])
})

test('POP3 alone brings the INBOX; POP3 that was only guessed and lets nobody in is done without', async (t) => {
  const it = await scene(t, ['a'], [dropped('a'), dropped('b')])
  const alone = await it.run({ imap: undefined, cutover: true })
  assert.deepEqual([alone.done, alone.copied, alone.mailboxes], [true, 2, 1])
  assert.deepEqual(await it.here(), ['id-a a', 'id-b b'])
  const other = await scene(t, ['a'], [])
  other.drop.refuses = true
  await assert.rejects(other.run())
  const without = await other.run({ pop3Guessed: true, cutover: true })
  assert.deepEqual([without.pop3Trouble, without.done, without.maildrop], ['refused', true, undefined])
})

test('a message that had been brought without its unique-id comes again with it, and the first one goes', async (t) => {
  const it = await scene(t, ['a', 'b'], [dropped('a'), dropped('b')])
  await it.run({ pop3: undefined })
  assert.match((await it.here()).join(), /^imap-\w+-\d+-1 a,imap-\w+-\d+-2 b$/)
  await it.run({ keepDeleted: true })
  assert.deepEqual(await it.here(), ['id-a a', 'id-b b'])
})

test('two people who go into one account lose nothing, although their servers count alike', async (t) => {
  const it = await scene(t, ['a'], [dropped('a', '1'), dropped('only-pop3', '2')])
  await it.run()
  const other = await scene(t, ['b'], [dropped('b', '1'), dropped('other', '2')])
  const into = { account: it.target.account, login: 'bob' }
  const report = await other.run(into, it.target.store)
  assert.deepEqual([report.copied, report.uniqueIds?.missing], [2, 2])
  assert.deepEqual(await it.here(), ['1 a', '2 only-pop3', '- b', '- other'])
  assert.equal((await other.run(into, it.target.store)).copied, 0)
})
