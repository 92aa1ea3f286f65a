import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccountId, MailboxKey } from '#mail/ids.ts'
import { flagsOf } from './flags.ts'
import { type AccountImage, NO_ROWS, type RestoredEmail } from './image.ts'
import {
  bytesOf,
  messageOf,
  type Person,
  patternOf,
  preparedOf,
  stage,
  UNLIMITED,
  uids,
  type World,
} from './kit.contract.ts'

async function imageOf(person: Person): Promise<AccountImage> {
  const image = await person.store.image(person.ref)
  assert.ok(image)
  return image
}

/** Emails of a person, staged for another shard. */
async function emailsFor(person: Person, shard: number): Promise<RestoredEmail[]> {
  const found: RestoredEmail[] = []
  for (;;) {
    const slice = await person.store.imageEmails(person.ref, found.at(-1)?.key ?? 0, 3)
    for (const { place, ...email } of slice) {
      const body = await stage(person.store, shard, await person.body({ place }))
      const at = { mailbox: 1 as MailboxKey, mailboxName: 'INBOX', uid: 1 as never, flags: flagsOf([]) }
      found.push({ ...email, body, email: preparedOf(place.length), at })
    }
    if (slice.length < 3) return found
  }
}

/** Brings an image of one person back as another. */
async function bring(from: Person, image: AccountImage, to: Person, how: 'new' | 'replace' | 'hold'): Promise<number> {
  await to.must('beginRestore', {})
  await to.must('restoreEmails', { emails: await emailsFor(from, to.ref.shard) })
  const { messages, deleted, events, ...rest } = image
  await to.must('restoreMessages', { rows: { ...NO_ROWS, messages } })
  await to.must('restoreMessages', { rows: { ...NO_ROWS, deleted, events } })
  return (await to.must('endRestore', { image: rest, how })).modseq
}

/** Somebody with some of everything. */
async function rich(world: World): Promise<Person> {
  const person = await world.person({ storageBytes: 90_000_000, messages: 500 })
  const inbox = (await person.inbox()).key
  const kept = await person.make('Kept/été', 'Archive')
  const gone = await person.make('gone')
  await person.must('subscribe', { name: 'elsewhere', subscribed: true })
  await person.add(inbox, [
    messageOf({ flags: ['\\Seen', 'Work'], trace: 'T: 1\r\n', internalDate: 1_650_000_000_000, internalZone: 120 }),
    messageOf({ staged: await stage(person.store, person.ref.shard, patternOf(1_500_000)), uidl: 'old-uidl' }),
    messageOf({ body: patternOf(3_000, 3), flags: ['\\Flagged', 'work', 'other'] }),
    messageOf({ body: patternOf(4_000, 4) }),
    messageOf({ body: patternOf(5_000, 5) }),
  ])
  await person.must('copy', { mailbox: inbox, uids: uids([1, 3]), target: kept.key })
  await person.must('move', { mailbox: inbox, uids: uids(4), target: kept.key })
  await person.add(gone.key, [messageOf({ body: patternOf(600, 6) })])
  await person.must('deleteMailbox', { mailbox: gone.key })
  await person.must('expunge', { mailbox: inbox, uids: uids(5), which: 'any' })
  await person.must('setAcl', { mailbox: kept.key, identifier: 'ben@example.org', mode: 'replace', rights: 'lrs' })
  await person.must('setMetadata', {
    mailbox: kept.key,
    user: person.ref.id,
    entries: [
      { name: '/shared/comment', value: bytesOf('ours') },
      { name: '/private/comment', value: bytesOf('mine') },
    ],
  })
  const guest = { user: 900_000 as AccountId, rights: 'lrs' }
  const seen = { guest, mailbox: kept.key, uids: uids([1, 2]), action: 'add', flags: flagsOf(['\\Seen']) } as const
  await person.must('changeFlags', { ...seen, unchangedSince: undefined })
  await person.must('applyMaildrop', { mailbox: inbox, downloaded: uids(1), markSeen: false, removed: [] })
  return person
}

/** All that readers of the account can tell. */
async function told(person: Person): Promise<unknown> {
  const boxes = await person.store.mailboxes(person.ref)
  return {
    picture: await person.picture(),
    keywords: await person.store.keywordSets(person.ref, 0),
    boxes: await Promise.all(
      boxes.map(async ({ key }) => ({
        acl: await person.store.acl(person.ref, key),
        metadata: (await person.store.metadata(person.ref, key, person.ref.id)).map(({ name, value }) => [
          name,
          Buffer.from(value).toString(),
        ]),
        unseen: await person.store.unseen(person.ref, key, 900_000 as AccountId),
        changes: await person.store.changes(person.ref, key, 0),
        emails: await Promise.all(
          (await person.emails(key)).map(async ({ place, ...row }) => [row, Buffer.from(await person.body({ place }))]),
        ),
        maildrop: await Array.fromAsync(person.store.maildrop(person.ref, key)),
      })),
    ),
  }
}

/** Whole accounts, out and in again. */
export function restoreContract(world: () => World): void {
  test('an account that comes back is what it was, in every number', async () => {
    const ann = await rich(world())
    const image = await imageOf(ann)
    const twin = world().stranger()
    assert.equal(await bring(ann, image, twin, 'new'), image.modseq)
    // what is one person's own is that of their number, which the twin has not
    const other = (await told(twin)) as { boxes: { metadata: unknown[] }[] }
    const own = (await told(ann)) as { boxes: { metadata: unknown[][] }[] }
    for (const box of own.boxes) box.metadata = box.metadata.filter(([name]) => name !== '/private/comment')
    assert.deepEqual(other, own)
    const back = await imageOf(twin)
    assert.deepEqual(back, image)
    // deleted mail of a mailbox that is no more, too
    const [gone] = back.goneMailboxes
    assert.ok(gone?.name === 'gone' && back.deleted.mailboxes.includes(gone.key))
    assert.ok(back.events.length > 5)
    // and both go on alike
    const validity = async (person: Person): Promise<number> => (await person.make('new')).uidValidity
    assert.ok((await validity(twin)) > Math.max(...back.mailboxes.map(({ uidValidity }) => uidValidity)))
    assert.deepEqual((await twin.add((await twin.inbox()).key, [messageOf()])).uids, [6])
    assert.ok((await twin.email((await twin.inbox()).key, 6)).email >= back.next.email)
  })

  test('threads go on where an account came back', async () => {
    const ann = await world().person()
    const email = { messageId: '<1@x>', baseSubject: 'CONTRACT' }
    await ann.add((await ann.inbox()).key, [messageOf({ email })])
    const twin = world().stranger()
    await twin.must('beginRestore', {})
    const emails = await emailsFor(ann, twin.ref.shard)
    await twin.must('restoreEmails', { emails: emails.map((each) => ({ ...each, email: preparedOf(9, email) })) })
    const { messages, deleted, events, ...image } = await imageOf(ann)
    const rows = { messages, deleted, events }
    await twin.must('restoreMessages', { rows })
    await twin.must('endRestore', { image, how: 'new' })
    const inbox = (await twin.inbox()).key
    await twin.add(inbox, [messageOf({ email: { ...email, messageId: '<2@x>', references: ['<1@x>'] } }), messageOf()])
    const [first, second, third] = (await twin.emails(inbox)).map(({ thread }) => thread)
    assert.equal(second, first)
    assert.notEqual(third, first)
  })

  test('nobody sees an account that is on its way, and what was not begun is refused', async () => {
    const ann = await rich(world())
    const { messages, deleted, events, ...image } = await imageOf(ann)
    const rows = { messages, deleted, events }
    const twin = world().stranger()
    const nothing = { ok: false, error: { kind: 'no-such-restore' } }
    const emails = await emailsFor(ann, twin.ref.shard)
    assert.deepEqual(await twin.write('restoreEmails', { emails }), nothing)
    assert.deepEqual(await twin.write('restoreMessages', { rows }), nothing)
    assert.deepEqual(await twin.write('endRestore', { image, how: 'new' }), nothing)
    assert.deepEqual(await twin.write('settleRestore', { keep: true }), nothing)
    await twin.must('beginRestore', {})
    await twin.must('restoreEmails', { emails })
    await twin.must('restoreMessages', { rows })
    assert.equal(await twin.store.state(twin.ref), undefined)
    assert.deepEqual(await twin.store.mailboxes(twin.ref), [])
    assert.equal(await twin.store.image(twin.ref), undefined)
    assert.deepEqual(await twin.store.imageEmails(twin.ref, 0), [])
    // begun anew, all that came is forgotten
    await twin.must('beginRestore', {})
    await twin.must('restoreMessages', { rows })
    await twin.must('endRestore', { image, how: 'new' })
    const state = await twin.state()
    assert.equal(state.usage.messages, 0)
    assert.equal(state.modseq, image.modseq)
  })

  test('an account that is there is in the way of a new one, and is replaced where that is asked for', async () => {
    const ann = await rich(world())
    const before = await ann.state()
    await ann.must('beginRestore', {})
    const { messages, deleted, events, ...image } = await imageOf(ann)
    const rows = { messages, deleted, events }
    await ann.must('restoreMessages', { rows })
    assert.deepEqual(await ann.write('endRestore', { image, how: 'new' }), {
      ok: false,
      error: { kind: 'account-exists' },
    })
    assert.deepEqual(await ann.state(), before)
  })

  test('an account that goes back in time gives no number twice and hides nothing from who knew it', async () => {
    const ann = await rich(world())
    const inbox = (await ann.inbox()).key
    const image = await imageOf(ann)
    const old = await ann.box(inbox)
    const kept = await ann.box('Kept/été')
    const emails = await emailsFor(ann, ann.ref.shard)
    // what clients saw since
    await ann.add(inbox, [messageOf({ flags: ['brand-new'] }), messageOf()])
    await ann.must('expunge', { mailbox: inbox, uids: uids(2), which: 'any' })
    await ann.must('deleteMailbox', { mailbox: kept.key })
    const now = await ann.state()
    const sets = await ann.store.keywordSets(ann.ref, 0)
    const { email } = await ann.email(inbox, 7)

    const { messages, deleted, events, ...rest } = image
    const rows = { messages, deleted, events }
    await ann.must('beginRestore', {})
    await ann.must('restoreEmails', { emails })
    await ann.must('restoreMessages', { rows })
    const { modseq } = await ann.must('endRestore', { image: rest, how: 'replace' })
    assert.ok(modseq > now.modseq)
    const box = await ann.inbox()
    assert.equal(box.uidValidity, old.uidValidity)
    assert.equal(box.uidNext, 8)
    assert.deepEqual(await ann.uidsIn(inbox), [1, 2, 3])
    const changes = await ann.store.changes(ann.ref, inbox, now.modseq)
    assert.deepEqual([...changes.changed.uids], [1, 2, 3])
    assert.equal(changes.complete, false)
    // its name was free meanwhile: what a client remembers of it may be something else
    const back = await ann.box('Kept/été')
    assert.ok(back.uidValidity > kept.uidValidity)
    assert.equal(back.messages, 4)
    // threads of the server remember sets by their number
    assert.deepEqual((await ann.store.keywordSets(ann.ref, 0)).slice(0, sets.length), sets)
    assert.deepEqual((await ann.messages(inbox))[2]?.flags, ['Work', '\\Flagged', 'other'])
    await ann.add(inbox, [messageOf()])
    assert.ok((await ann.email(inbox, 8)).email > email)
  })

  test('an account of another origin takes the place with UIDVALIDITYs that are new', async () => {
    const ann = await rich(world())
    const ben = await world().person(UNLIMITED, ann.ref.shard)
    await ben.add((await ben.inbox()).key, [messageOf({ flags: ['his'] })])
    const [first] = [await ben.inbox()]
    const image = { ...(await imageOf(ann)), createdAt: 12_345 }
    await bring(ann, image, ben, 'replace')
    const validities = (await ben.store.mailboxes(ben.ref)).map(({ uidValidity }) => uidValidity)
    assert.ok(Math.min(...validities) > first.uidValidity)
    assert.equal(new Set(validities).size, validities.length)
    const names = async (person: Person) =>
      (await person.messages((await person.inbox()).key)).map(({ flags }) => flags)
    assert.deepEqual(await names(ben), await names(ann))
  })

  test('a frozen account takes no writes and no mail, and can be read, thawed and removed', async () => {
    const ann = await rich(world())
    const ben = await world().person(UNLIMITED, ann.ref.shard)
    const inbox = (await ann.inbox()).key
    await ann.must('freeze', { frozen: true })
    assert.deepEqual(await ann.store.frozenAccounts(ann.ref.shard), [ann.ref.id])
    const moving = { ok: false, error: { kind: 'unavailable', reason: 'moving' } }
    const before = await ann.picture()
    assert.deepEqual(await ann.write('append', { mailbox: inbox, messages: [messageOf()] }), moving)
    assert.deepEqual(await ann.write('createMailbox', { name: 'x', specialUse: undefined }), moving)
    assert.deepEqual(await ann.write('beginRestore', {}), moving)
    const { body, email } = messageOf()
    const recipients = [ann.recipient(), ben.recipient()]
    const delivered = await ann.store.deliver({ shard: ann.ref.shard, by: 'x', body, email, recipients })
    assert.deepEqual([delivered[0], delivered[1]?.ok], [moving, true])
    assert.deepEqual(await ann.picture(), before)
    await ann.must('freeze', { frozen: false })
    assert.deepEqual(await ann.store.frozenAccounts(ann.ref.shard), [])
    await ann.add(inbox, [messageOf()])
    await ann.must('freeze', { frozen: true })
    await ann.must('removeAccount', {})
    assert.deepEqual(await ann.store.frozenAccounts(ann.ref.shard), [])
  })

  test('an account on hold waits to be shown, or dropped', async () => {
    const ann = await rich(world())
    const image = await imageOf(ann)
    const twin = world().stranger(ann.ref.shard)
    await bring(ann, image, twin, 'hold')
    assert.equal(await twin.store.state(twin.ref), undefined)
    assert.ok((await twin.store.heldRestores(twin.ref.shard)).includes(twin.ref.id))
    await twin.must('settleRestore', { keep: true })
    assert.deepEqual(await imageOf(twin), image)
    assert.ok(!(await twin.store.heldRestores(twin.ref.shard)).includes(twin.ref.id))
    const other = world().stranger(ann.ref.shard)
    await bring(ann, image, other, 'hold')
    await other.must('settleRestore', { keep: false })
    assert.equal(await other.store.state(other.ref), undefined)
    assert.deepEqual(await other.write('settleRestore', { keep: true }), {
      ok: false,
      error: { kind: 'no-such-restore' },
    })
    // one that has come meanwhile stays
    await bring(ann, image, twin, 'hold')
    assert.deepEqual(await twin.write('settleRestore', { keep: true }), {
      ok: false,
      error: { kind: 'account-exists' },
    })
    await twin.must('settleRestore', { keep: false })
  })
}
