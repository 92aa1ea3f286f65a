/** Index and scan find the same. @module */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import fc from 'fast-check'
import { fold } from '#mail/fold.ts'
import type { MailboxKey, Uid } from '#mail/ids.ts'
import { uidsOf } from '#mail/uid-set.ts'
import { searchMailbox } from '#services/mailbox-search.ts'
import type { Criterion } from '#services/search-criterion.ts'
import type { Snapshot } from '#services/snapshot.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { SearchIndex } from '#store/search-index.ts'
import type { AccountRef } from '#store/types.ts'
import { corpusMessages } from '#testing/corpus.ts'
import { addMessage, openTestStore } from '#testing/store.ts'
import { indexAll, multilingualMail, newFolder, openIndex, snapshotOf, textOf } from './test-kit.ts'

const CORPUS = 60
const LARGEST = 20_000

interface Scene {
  readonly store: MailStore
  readonly account: AccountRef
  readonly inbox: MailboxKey
  readonly index: SearchIndex
  readonly snapshot: Snapshot
  /** Of the message of each UID, from 1. */
  readonly texts: readonly ReturnType<typeof textOf>[]
}

async function openScene(opened: AsyncDisposableStack): Promise<Scene> {
  const folder = opened.use(newFolder())
  const { store, account } = opened.use(await openTestStore())
  const small = corpusMessages().filter(({ bytes }) => bytes.length < LARGEST)
  const every = Math.max(1, Math.floor(small.length / CORPUS))
  const corpus = small.filter((_, at) => at % every === 0).map(({ bytes }) => bytes)
  const messages = [...multilingualMail(60), ...corpus]
  for (const bytes of messages) await addMessage(store, account, 'INBOX', bytes)
  const inbox = (await store.mailboxByName(account, 'INBOX'))?.key
  assert.ok(inbox)
  await indexAll(folder.path, store, account)
  const index = opened.use(await openIndex(folder.path, store, account))
  const snapshot = await snapshotOf(store, account, inbox)
  return { store, account, inbox, index, snapshot, texts: messages.map(textOf) }
}

async function found(scene: Scene, criterion: Criterion, indexed: boolean): Promise<Uid[]> {
  const { store, account, inbox: mailbox, index, snapshot } = scene
  const { signal } = new AbortController()
  const given = indexed ? index : undefined
  return [...uidsOf(await searchMailbox({ store, index: given, account, mailbox, snapshot, criterion, signal }))]
}

/** Somewhere in the texts of the messages. */
function needleOf({ texts }: Scene): fc.Arbitrary<string> {
  const alone = fc.constantFrom('a', 'é', 'ё', '語', '📎', '❤️', ' ', '-', '.', '@', 'ß', 'ſ', '́', '‍', '€', '9')
  const part = fc
    .tuple(fc.nat(texts.length - 1), fc.boolean(), fc.nat(), fc.nat(), fc.integer({ min: 1, max: 24 }))
    .map(([message, inHeader, run, at, length]) => {
      const runs = (inHeader ? texts[message]?.header : texts[message]?.body) ?? []
      const characters = Array.from(runs[run % Math.max(1, runs.length)] ?? '')
      const start = at % Math.max(1, characters.length)
      return characters.slice(start, start + length).join('')
    })
  const long = part.map((text) => text + text)
  return fc.oneof({ weight: 12, arbitrary: part }, { weight: 1, arbitrary: alone }, { weight: 1, arbitrary: long })
}

suite('a search with an index', () => {
  const opened = new AsyncDisposableStack()
  let scene: Scene
  before(async () => {
    scene = await openScene(opened)
  })
  after(() => opened.disposeAsync())

  test('finds a needle in the messages whose text has it, and in no others', async () => {
    let some = 0
    await fc.assert(
      fc.asyncProperty(needleOf(scene), fc.constantFrom('text' as const, 'body' as const), async (text, kind) => {
        const needle = fold(text)
        fc.pre(needle !== '')
        const expected = scene.texts.flatMap(({ header, body }, at) => {
          const runs = kind === 'text' ? [...header, ...body] : body
          return runs.some((run) => run.includes(needle)) ? [at + 1] : []
        })
        if (expected.length > 0) some += 1
        assert.deepEqual(await found(scene, { kind, text: needle }, true), expected, JSON.stringify(needle))
      }),
      { numRuns: Number(process.env['MALLE_NEEDLES'] ?? 150) },
    )
    assert.ok(some > 50, `only ${some} needles were in any message`)
  })

  test('gives the answers of one without, whatever is asked', async () => {
    const text = needleOf(scene)
      .map(fold)
      .filter((needle) => needle !== '')
    const leaf: fc.Arbitrary<Criterion> = fc.oneof(
      text.map((needle): Criterion => ({ kind: 'text', text: needle })),
      text.map((needle): Criterion => ({ kind: 'body', text: needle })),
      fc
        .tuple(fc.constantFrom('subject' as const, 'from' as const, 'to' as const, 'cc' as const), text)
        .map(([column, needle]): Criterion => ({ kind: 'column', column, text: needle })),
      fc
        .tuple(fc.constantFrom('message-id', 'subject', 'received', 'x-none'), text)
        .map(([field, needle]): Criterion => ({ kind: 'header', field, text: needle })),
      fc.constant<Criterion>({ kind: 'header', field: 'message-id', text: '' }),
      fc.nat(100_000).map((octets): Criterion => ({ kind: 'larger', octets })),
      fc.constant<Criterion>({ kind: 'uids', set: [[10 as Uid, 70 as Uid]] }),
    )
    const { criterion } = fc.letrec<{ criterion: Criterion }>((tie) => ({
      criterion: fc.oneof(
        { maxDepth: 2, depthSize: 'small' },
        leaf,
        tie('criterion').map((inner): Criterion => ({ kind: 'not', inner })),
        fc
          .tuple(
            fc.constantFrom('and' as const, 'or' as const),
            fc.array(tie('criterion'), { minLength: 1, maxLength: 3 }),
          )
          .map(([kind, all]): Criterion => ({ kind, all })),
      ),
    }))
    await fc.assert(
      fc.asyncProperty(criterion, async (asked) => {
        assert.deepEqual(await found(scene, asked, true), await found(scene, asked, false))
      }),
      { numRuns: 30 },
    )
  })
})
