import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailboxKey } from '#mail/ids.ts'
import {
  bytesOf,
  messageOf,
  type Person,
  preparedOf,
  someMessages,
  UNLIMITED,
  uids,
  type World,
} from './kit.contract.ts'
import type { Change } from './types.ts'

/** Announcements: after the commit, in commit order, to whom they concern. */
export function watchContract(world: () => World): void {
  /** What comes to a person, and a way to wait for it: hints may merge, so tests wait for a MODSEQ, not for a count. */
  function watched(person: Person): {
    readonly seen: Change[]
    readonly stop: () => void
    until(modseq: number, wanted: (change: Change) => boolean): Promise<Change>
  } {
    const seen: Change[] = []
    const waiting = new Set<() => void>()
    const stop = person.store.watch(person.ref.id, (change) => {
      seen.push(change)
      waiting.forEach((look) => look())
    })
    const until = (modseq: number, wanted: (change: Change) => boolean): Promise<Change> =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = seen.find((change) => change.modseq >= modseq && wanted(change))
          if (found === undefined) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
      })
    return { seen, stop, until }
  }

  const ofMailbox =
    (key: MailboxKey) =>
    (change: Change): boolean =>
      change.kind === 'messages' && change.mailbox === key
  const ofTree = (change: Change): boolean => change.kind === 'mailboxes' && change.mailbox === undefined

  test('whoever is given rights, or loses them, can hear of it', async () => {
    const [ann, bob] = [await world().person(), await world().person()]
    const to = `rights-${ann.ref.id}@example.org`
    const { promise, resolve } = Promise.withResolvers<Change>()
    const heard: Change[] = []
    const stop = bob.store.watchRights(to, (change) => {
      heard.push(change)
      if (heard.length === 2) resolve(change)
    })
    const { key } = await ann.inbox()
    const give = (identifier: string, rights: string) =>
      ann.must('setAcl', { mailbox: key, identifier, mode: 'replace', rights })
    await give(`other-${to}`, 'lr')
    await give(to, 'lr')
    const { modseq } = await give(to, '')
    const change = { account: ann.ref.id, mailbox: undefined, modseq, kind: 'mailboxes', by: 'contract', rightsOf: to }
    assert.deepEqual(await promise, change)
    stop()
    await give(to, 'l')
    await ann.make('after')
    assert.equal(heard.length, 2)
  })

  test('every write is announced with account, mailbox, MODSEQ, kind and who asked', async () => {
    const person = await world().person()
    const inbox = (await person.inbox()).key
    const feed = watched(person)
    const other = await person.make('other')
    await feed.until(await person.modseq(), ofTree)
    const { modseq } = await person.add(inbox, someMessages(3))
    const change = await feed.until(modseq, ofMailbox(inbox))
    assert.deepEqual(change, { account: person.ref.id, mailbox: inbox, modseq, kind: 'messages', by: 'contract' })
    await feed.until((await person.flag(inbox, uids(1), 'add', ['\\Deleted'])).modseq, ofMailbox(inbox))
    const copied = await person.must('copy', { mailbox: inbox, uids: uids(1), target: other.key })
    await feed.until(copied.modseq, ofMailbox(other.key))
    const moved = await person.must('move', { mailbox: inbox, uids: uids(2), target: other.key })
    await feed.until(moved.modseq, ofMailbox(other.key))
    await feed.until(moved.modseq, ofMailbox(inbox))
    const expunged = await person.must('expunge', { mailbox: inbox, uids: undefined, which: 'deleted' })
    await feed.until(expunged.modseq, ofMailbox(inbox))
    await feed.until((await person.must('subscribe', { name: 'x', subscribed: true })).modseq, ofTree)
    await feed.until((await person.must('setLimits', { limits: UNLIMITED })).modseq, ofTree)
    await feed.until((await person.must('renameMailbox', { from: 'other', to: 'another' })).modseq, ofTree)
    await feed.until((await person.must('deleteMailbox', { mailbox: other.key })).modseq, ofTree)
    const removed = await person.must('removeAccount', {})
    await feed.until(removed.modseq, (each) => each.kind === 'account-removed')
    feed.stop()
  })

  test('a delivery is announced to each recipient, under the name of who delivered', async () => {
    const ann = await world().person()
    const bob = await world().person(UNLIMITED, ann.ref.shard)
    const feeds = [watched(ann), watched(bob)]
    await world().store.deliver({
      shard: ann.ref.shard,
      by: 'lmtp',
      body: { kind: 'bytes', bytes: bytesOf('x') },
      email: preparedOf(1),
      recipients: [ann.recipient(), bob.recipient()],
    })
    for (const [index, person] of [ann, bob].entries()) {
      const feed = feeds[index]
      assert.ok(feed)
      const change = await feed.until(await person.modseq(), ofMailbox((await person.inbox()).key))
      assert.equal(change.by, 'lmtp')
      assert.ok(
        feed.seen.every((each) => each.account === person.ref.id),
        'nobody hears of others',
      )
      feed.stop()
    }
  })

  test('who watches all hears of everybody', async () => {
    const people = [await world().person(), await world().person()]
    const heard = new Set<number>()
    const stop = world().store.watchAll(({ account }) => heard.add(account))
    const feeds = people.map(watched)
    for (const [index, person] of people.entries()) {
      const inbox = (await person.inbox()).key
      await feeds[index]?.until((await person.add(inbox, [messageOf()])).modseq, ofMailbox(inbox))
    }
    assert.ok(people.every(({ ref }) => heard.has(ref.id)))
    stop()
    heard.clear()
    for (const [index, person] of people.entries()) {
      const inbox = (await person.inbox()).key
      await feeds[index]?.until((await person.add(inbox, [messageOf()])).modseq, ofMailbox(inbox))
    }
    assert.equal(heard.size, 0)
    for (const feed of feeds) feed.stop()
  })

  test('RENAME of INBOX is announced to who looks at INBOX', async () => {
    const person = await world().person()
    const inbox = (await person.inbox()).key
    await person.add(inbox, someMessages(2))
    const feed = watched(person)
    const { modseq } = await person.must('renameMailbox', { from: 'INBOX', to: 'old' })
    await feed.until(modseq, ofMailbox(inbox))
    await feed.until(modseq, ofTree)
    feed.stop()
  })

  test('announcements come after the commit: who reads at once sees it', async () => {
    const person = await world().person()
    const inbox = (await person.inbox()).key
    const reads: Promise<void>[] = []
    const stop = person.store.watch(person.ref.id, (change) => {
      const check = async (): Promise<void> => {
        const state = await person.store.state(person.ref)
        assert.ok((state?.modseq ?? 0) >= change.modseq)
        const info = await person.store.mailbox(person.ref, inbox)
        assert.ok((info?.highestModseq ?? 0) >= change.modseq)
        const { modseq } = await person.store.changes(person.ref, inbox, 0)
        assert.ok(modseq >= change.modseq)
      }
      reads.push(check())
    })
    await Promise.all(Array.from({ length: 40 }, () => person.add(inbox, [messageOf()])))
    const feed = watched(person)
    const { modseq } = await person.add(inbox, [messageOf()])
    await feed.until(modseq, ofMailbox(inbox))
    assert.ok(reads.length > 0)
    await Promise.all(reads)
    feed.stop()
    stop()
  })

  test('announcements come in commit order, and the last one is never lost', async () => {
    const person = await world().person()
    const boxes = [(await person.inbox()).key, (await person.make('a')).key, (await person.make('b')).key]
    const feed = watched(person)
    const answers = await Promise.all(
      Array.from({ length: 90 }, (_, index) => person.add(boxes[index % 3] ?? assert.fail(), [messageOf()])),
    )
    for (const [index, key] of boxes.entries()) {
      const latest = Math.max(...answers.filter((_, at) => at % 3 === index).map((answer) => answer.modseq))
      await feed.until(latest, ofMailbox(key))
    }
    const modseqs = feed.seen.map((change) => change.modseq)
    assert.deepEqual(
      modseqs,
      modseqs.toSorted((a, b) => a - b),
    )
    feed.stop()
  })

  test('a write that is refused or changes nothing is not announced', async () => {
    const person = await world().person()
    const inbox = (await person.inbox()).key
    await person.add(inbox, [messageOf()])
    const feed = watched(person)
    await person.flag(inbox, uids(1), 'remove', ['\\Seen'])
    await person.must('expunge', { mailbox: inbox, uids: undefined, which: 'deleted' })
    await person.write('createMailbox', { name: 'INBOX', specialUse: undefined })
    await person.must('openAccount', { mailboxes: [], limits: UNLIMITED })
    const { modseq } = await person.flag(inbox, uids(1), 'add', ['\\Seen'])
    await feed.until(modseq, ofMailbox(inbox))
    assert.ok(feed.seen.every((change) => change.modseq >= modseq))
    feed.stop()
  })

  test('several may watch one account; who stopped hears nothing more', async () => {
    const person = await world().person()
    const inbox = (await person.inbox()).key
    const heard: string[] = []
    const both = (): void => void heard.push('both')
    const stops = [person.store.watch(person.ref.id, both), person.store.watch(person.ref.id, both)]
    const feed = watched(person)
    await feed.until((await person.add(inbox, [messageOf()])).modseq, ofMailbox(inbox))
    assert.equal(heard.length, 2)
    stops[0]?.()
    stops[0]?.()
    await feed.until((await person.add(inbox, [messageOf()])).modseq, ofMailbox(inbox))
    assert.equal(heard.length, 3)
    stops[1]?.()
    await feed.until((await person.add(inbox, [messageOf()])).modseq, ofMailbox(inbox))
    assert.equal(heard.length, 3)
    feed.stop()
  })
}
