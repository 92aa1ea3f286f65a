/** What columns give is what rows give, read one by one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isReplyOrForward } from '#mail/base-subject.ts'
import { collationKey } from '#mail/collation.ts'
import { displayOf, firstAddress } from '#mail/first-addresses.ts'
import { firstValue, headerFields } from '#mail/headers.ts'
import type { MailboxKey, Uid } from '#mail/ids.ts'
import { normaliseMessageId, parseMessageIds } from '#mail/message-ids.ts'
import { uidSetOf, uidsOf } from '#mail/uid-set.ts'
import { flagsOf, SEEN } from '#store/flags.ts'
import type { MailStore } from '#store/mail-store.ts'
import { type AccountRef, type EmailRow, ENVELOPE, HEADER, NARROW } from '#store/types.ts'
import { type MailParts, plainMail } from '#testing/messages.ts'
import { type PlainMessage, type PlainThread, plainThreads } from '#testing/plain-threads.ts'
import { addMessage, openTestStore } from '#testing/store.ts'
import { searchMailbox } from './mailbox-search.ts'
import { type SortBy, type SortOrder, sortMailbox } from './mailbox-sort.ts'
import { type MailboxThreads, type ThreadAlgorithm, threadMailbox } from './mailbox-threads.ts'
import { type Criterion, meets } from './search-criterion.ts'
import type { Snapshot } from './snapshot.ts'
import { SnapshotWalk } from './snapshot-walk.ts'
import { MailboxSnapshots, type SnapshotHandle } from './snapshots.ts'

const DAY = 86_400_000
const BEGIN = Date.UTC(2026, 0, 1)
const signal = new AbortController().signal

const day = fc.integer({ min: -3, max: 12 })
const id = fc.nat(60).map((number) => (number % 7 === 0 ? `<"${number}"@x>` : `<${number}@x>`))
const mail = fc.record({
  subject: fc.constantFrom(
    '',
    'Tea',
    'Re: Tea',
    'RE: tea',
    '[list] Tea',
    'Äpfel',
    'Fwd: äpfel',
    'Re: Re: Coffee',
    'Milk (fwd)',
  ),
  date: fc.oneof(
    day.map((days) => new Date(BEGIN + days * DAY + 3_600_000 * (days & 3)).toUTCString().replace('GMT', '+0200')),
    fc.constant('never'),
  ),
  from: fc.constantFrom('Zoe <a@x.org>', 'b@x.org', '"Äda" <c@x.org>', 'nobody'),
  messageId: fc.option(id, { nil: undefined }),
  inReplyTo: fc.option(id, { nil: undefined, freq: 2 }),
  references: fc.oneof(fc.constant([]), fc.array(id, { maxLength: 5 })),
  long: fc.constantFrom(0, 0, 0, 0, 0, 5_000),
  octets: fc.nat(400),
  came: day,
  seen: fc.boolean(),
})

const atom: fc.Arbitrary<Criterion> = fc.oneof(
  fc.constant<Criterion>({ kind: 'all' }),
  fc.boolean().map((seen): Criterion => ({ kind: 'flags', mask: SEEN, value: seen ? SEEN : 0 })),
  fc
    .constantFrom('larger' as const, 'smaller' as const)
    .chain((kind) => fc.integer({ min: 150, max: 600 }).map((octets): Criterion => ({ kind, octets }))),
  fc
    .tuple(fc.constantFrom('internal' as const, 'saved' as const, 'sent' as const), day, fc.nat(2))
    .map(([of, from, open]): Criterion => {
      const first = BEGIN / DAY + from
      return {
        kind: 'day',
        of,
        from: open === 1 ? Number.NEGATIVE_INFINITY : first,
        before: open === 2 ? Number.POSITIVE_INFINITY : first + 1,
      }
    }),
  day.map((from): Criterion => ({ kind: 'time', from: BEGIN + from * DAY, to: BEGIN + (from + 4) * DAY })),
  fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 200 }).map((some): Criterion => {
    return { kind: 'uids', set: uidSetOf(some.toSorted((a, b) => a - b)) }
  }),
  fc.constantFrom('tea', 'pf', 'x').map((text): Criterion => ({ kind: 'column', column: 'subject', text })),
  fc.nat(700).map((atLeast): Criterion => ({ kind: 'modseq', atLeast: atLeast as never })),
)
const { criterion } = fc.letrec<{ criterion: Criterion }>((tie) => ({
  criterion: fc.oneof(
    { maxDepth: 3 },
    { weight: 2, arbitrary: atom },
    { weight: 1, arbitrary: tie('criterion').map((inner): Criterion => ({ kind: 'not', inner })) },
    {
      weight: 3,
      arbitrary: fc
        .tuple(fc.constantFrom('and' as const, 'or' as const), fc.array(tie('criterion'), { maxLength: 3 }))
        .map(([kind, all]): Criterion => ({ kind, all })),
    },
  ),
}))

const SORTS: readonly SortBy[] = [
  'arrival',
  'cc',
  'sent',
  'display-from',
  'display-to',
  'from',
  'relevance',
  'size',
  'subject',
  'to',
]
const orders: fc.Arbitrary<readonly SortOrder[]> = fc.array(
  fc.record({ by: fc.constantFrom(...SORTS), descending: fc.boolean() }),
  { minLength: 1, maxLength: 3 },
)

interface Scene extends AsyncDisposable {
  readonly store: MailStore
  readonly account: AccountRef
  readonly mailbox: MailboxKey
  readonly handle: SnapshotHandle
}

async function openScene(): Promise<Scene> {
  const opened = await openTestStore()
  const { store, account } = opened
  const mailbox = (await store.mailboxByName(account, 'INBOX'))?.key
  assert.ok(mailbox)
  const handle = new MailboxSnapshots(store).open(account, mailbox)
  return { store, account, mailbox, handle, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() }
}

async function add({ store, account }: Scene, one: Parameters<typeof mailOf>[0]): Promise<void> {
  await addMessage(store, account, 'INBOX', mailOf(one), one.seen ? ['\\Seen'] : [], BEGIN + one.came * DAY)
}

function mailOf(one: typeof mail extends fc.Arbitrary<infer T> ? T : never): Uint8Array {
  const { subject, date, from, messageId, inReplyTo, references, long, octets } = one
  const parts: MailParts = {
    subject,
    date,
    from,
    ...(messageId === undefined ? {} : { messageId }),
    ...(inReplyTo === undefined ? {} : { inReplyTo }),
    header: [
      ...(long > 0 ? [`X-Long: ${'x'.repeat(long)}`] : []),
      ...(references.length > 0 ? [`References: ${references.join('\r\n ')}`] : []),
    ],
    text: 'x'.repeat(octets),
  }
  return plainMail(parts)
}

async function latest({ handle }: Scene): Promise<Snapshot> {
  const snapshot = await handle.refresh(0)
  assert.ok(snapshot)
  return snapshot
}

async function rowsOf({ store, account, mailbox }: Scene, snapshot: Snapshot): Promise<readonly EmailRow[]> {
  const rows: EmailRow[] = []
  const uids = Array.from(snapshot.pages, (page) => [...page.uids]).flat()
  for await (const slice of store.emails(account, mailbox, uidSetOf(uids), NARROW | HEADER | ENVELOPE))
    rows.push(...slice)
  return rows
}

function plainSearch(snapshot: Snapshot, rows: readonly EmailRow[], wanted: Criterion): number[] {
  const found: number[] = []
  const walk = new SnapshotWalk(snapshot)
  for (const row of rows) {
    assert.ok(walk.goTo(row.uid))
    const { uid, flags, modseq } = walk
    const columns = {
      sentDay: row.narrow?.sentDay,
      has: (_: string, text: string) => (row.narrow?.subject ?? '').toLowerCase().includes(text),
    }
    if (meets(wanted, { uid, flags, modseq, row, columns }) === true) found.push(row.uid)
  }
  return found
}

const relevanceOf = (uid: Uid): number => uid % 3

function plainSort(rows: readonly EmailRow[], by: readonly SortOrder[]): number[] {
  const keyOf = (row: EmailRow, one: SortBy): number | string => {
    const address = (list: 'from' | 'to' | 'cc') => row.envelope && firstAddress(row.envelope, list)
    switch (one) {
      case 'arrival':
        return row.internalDate
      case 'sent':
        return row.narrow?.sentAt ?? row.internalDate
      case 'size':
        return row.size
      case 'relevance':
        return -relevanceOf(row.uid)
      case 'subject':
        return collationKey(row.narrow?.baseSubject ?? '')
      case 'display-from':
      case 'display-to': {
        const first = address(one === 'display-from' ? 'from' : 'to')
        return first === undefined ? '' : collationKey(displayOf(first))
      }
      default:
        return collationKey(address(one)?.mailbox ?? '')
    }
  }
  return [...rows]
    .sort((a, b) => {
      for (const { by: one, descending } of by) {
        const [left, right] = [keyOf(a, one), keyOf(b, one)]
        if (left !== right) return left < right === descending ? 1 : -1
      }
      return a.uid - b.uid
    })
    .map(({ uid }) => uid)
}

async function plainMessages({ store, account }: Scene, rows: readonly EmailRow[]): Promise<readonly PlainMessage[]> {
  return Promise.all(
    rows.map(async ({ uid, narrow, internalDate, place, headerSize }): Promise<PlainMessage> => {
      const header = await store.body(account, place).read(0, headerSize ?? 0)
      const fields = headerFields(Buffer.from(header).toString('latin1'))
      const references = parseMessageIds(firstValue(fields, 'references') ?? '')
      const inReplyTo = parseMessageIds(firstValue(fields, 'in-reply-to') ?? '')
      return {
        uid,
        sentAt: narrow?.sentAt ?? internalDate,
        id: narrow?.messageId === undefined ? undefined : normaliseMessageId(narrow.messageId),
        references: (references.length > 0 ? references : inReplyTo.slice(0, 1)).map(normaliseMessageId),
        base: collationKey(narrow?.baseSubject ?? ''),
        answers: isReplyOrForward(narrow?.subject ?? ''),
      }
    }),
  )
}

function textOfPlain(threads: readonly PlainThread[]): string {
  return threads.map(({ message, children }) => `(${message?.uid ?? '-'}${textOfPlain(children)})`).join('')
}

function textOfForest({ uids, forest }: MailboxThreads): string {
  const of = (node: number): string => {
    let text = `(${node < forest.messages ? uids[node] : '-'}`
    for (let child = forest.firstChild[node] ?? -1; child >= 0; child = forest.nextSibling[child] ?? -1)
      text += of(child)
    return `${text})`
  }
  return forest.roots.map(of).join('')
}

interface Asked {
  readonly criterion: Criterion
  readonly orders: readonly SortOrder[]
  readonly algorithm: ThreadAlgorithm
}

/** Searches, sorts and makes threads of what was found, both ways. */
async function compareAll(scene: Scene, asked: readonly Asked[]): Promise<void> {
  const snapshot = await latest(scene)
  const rows = await rowsOf(scene, snapshot)
  const messages = await plainMessages(scene, rows)
  const ground = { ...scene, snapshot, signal }
  for (const { criterion: wanted, orders: by, algorithm } of asked) {
    const found = plainSearch(snapshot, rows, wanted)
    const uids = await searchMailbox({ ...ground, index: undefined, criterion: wanted })
    assert.deepEqual([...uidsOf(uids)], found)
    const these = new Set(found)
    const some = rows.filter(({ uid }) => these.has(uid))
    assert.deepEqual([...(await sortMailbox({ ...ground, uids, orders: by, relevanceOf }))], plainSort(some, by))
    const threads = await threadMailbox({ ...ground, uids, algorithm })
    const wantedThreads = plainThreads(
      messages.filter(({ uid }) => these.has(uid)),
      algorithm,
    )
    assert.equal(textOfForest(threads), textOfPlain(wantedThreads), algorithm)
  }
}

const asked = fc.array(
  fc.record({
    criterion,
    orders,
    algorithm: fc.constantFrom<ThreadAlgorithm>('subject', 'references', 'references-only'),
  }),
  { minLength: 12, maxLength: 12 },
)
const EVERY: readonly Asked[] = (['subject', 'references', 'references-only'] as const).map((algorithm) => ({
  criterion: { kind: 'all' },
  orders: [{ by: 'subject', descending: true }],
  algorithm,
}))

test('SEARCH, SORT and THREAD by columns find what they find by rows, also when mail came and went', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(mail, { minLength: 1, maxLength: 600, size: 'max' }),
      fc.array(mail, { maxLength: 3 }),
      fc.array(fc.integer({ min: 1, max: 600 }), { maxLength: 20 }),
      asked,
      async (mails, more, gone, questions) => {
        await using scene = await openScene()
        for (const one of mails) await add(scene, one)
        await compareAll(scene, [...EVERY, ...questions])
        const { store, account, mailbox } = scene
        const uids = uidSetOf(gone.toSorted((a, b) => a - b))
        await store.write('expunge', { account, by: 'test', mailbox, uids, which: 'any' })
        for (const one of more) await add(scene, one)
        await compareAll(scene, [...questions, ...EVERY])
      },
    ),
    { numRuns: 4, endOnFailure: true },
  ))

test('columns are read once, and again only of pages with news', async () => {
  await using scene = await openScene()
  const { store, account, mailbox } = scene
  for (let number = 0; number < 1_030; number += 1) await addMessage(store, account, 'INBOX', plainMail())
  let read = 0
  const columns = store.columns.bind(store)
  store.columns = async function* (...of) {
    for await (const slice of columns(...of)) {
      read += slice.uids.length
      yield slice
    }
  }
  const sort = async (): Promise<number> => {
    read = 0
    const snapshot = await latest(scene)
    const uids = uidSetOf([...snapshot.pages].flatMap((page) => [...page.uids]))
    const by: readonly SortOrder[] = [{ by: 'sent', descending: true }]
    const sorted = await sortMailbox({ store, account, mailbox, snapshot, signal, uids, orders: by, relevanceOf })
    assert.equal(sorted.length, snapshot.size)
    return read
  }
  assert.equal(await sort(), 1_030)
  assert.equal(await sort(), 0)
  await store.write('changeFlags', {
    account,
    by: 'test',
    mailbox,
    uids: uidSetOf([7]),
    action: 'add',
    flags: flagsOf(['\\Seen']),
    unchangedSince: undefined,
  })
  assert.equal(await sort(), 0)
  await addMessage(store, account, 'INBOX', plainMail())
  assert.equal(await sort(), 7)
})
