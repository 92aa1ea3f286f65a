import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccountId, MailboxKey, Modseq, Uid } from '#mail/ids.ts'
import { flagsOf } from './flags.ts'
import { messageOf, type Person, someMessages, uids, type World } from './kit.contract.ts'
import type { MailboxChanges } from './types.ts'

/** People who are not the owner: `\Seen` of their own, and only the flags that their rights allow (RFC 4314 §4). */
export function guestsContract(world: () => World): void {
  const [bob, cleo] = [900_001 as AccountId, 900_002 as AccountId]
  const ALL = 'swt'

  async function sees(person: Person, mailbox: MailboxKey, guest?: AccountId): Promise<(readonly string[])[]> {
    const page = await person.store.messages(person.ref, mailbox, 0, 5_000, guest)
    return person.flagNames(page.flags)
  }

  function flag(
    person: Person,
    mailbox: MailboxKey,
    guest: { readonly user: AccountId; readonly rights: string },
    set: readonly number[],
    action: 'add' | 'remove' | 'replace',
    names: readonly string[],
    unchangedSince?: number,
  ) {
    const since = unchangedSince as Modseq | undefined
    return person.must('changeFlags', {
      guest,
      mailbox,
      uids: uids(...set),
      action,
      flags: flagsOf(names),
      unchangedSince: since,
    })
  }

  test('each guest has \\Seen of their own, and the owner that of the message', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    await person.add(key, [...someMessages(2), messageOf({ flags: ['\\Seen', 'x'] })])
    assert.deepEqual(await sees(person, key, bob), [[], [], ['x']])
    assert.equal(await person.store.unseen(person.ref, key, bob), 3)
    const answer = await flag(person, key, { user: bob, rights: ALL }, [1, 3], 'add', ['\\Seen', '\\Flagged'])
    assert.deepEqual([...answer.changed.uids], [1, 3])
    assert.deepEqual(await person.flagNames(answer.changed.flags), [
      ['\\Flagged', '\\Seen'],
      ['\\Flagged', '\\Seen', 'x'],
    ])
    assert.deepEqual(await sees(person, key, bob), [['\\Flagged', '\\Seen'], [], ['\\Flagged', '\\Seen', 'x']])
    assert.deepEqual(await sees(person, key, cleo), [['\\Flagged'], [], ['\\Flagged', 'x']])
    assert.deepEqual(await sees(person, key), [['\\Flagged'], [], ['\\Flagged', '\\Seen', 'x']])
    assert.equal((await person.inbox()).unseen, 2)
    assert.equal(await person.store.unseen(person.ref, key, bob), 1)
    await flag(person, key, { user: bob, rights: ALL }, [1], 'replace', [])
    assert.deepEqual((await sees(person, key, bob))[0], [])
    assert.equal(await person.store.unseen(person.ref, key, bob), 2)
    assert.equal(await person.store.unseen(person.ref, key, cleo), 3)
    assert.equal(await person.store.unseen(person.ref, 999_999 as MailboxKey, cleo), 0)
  })

  test('what a guest has seen changes the MODSEQ that this guest sees, and no one else', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    await person.add(key, someMessages(3))
    const before = await person.modseq()
    const { modseq } = await flag(person, key, { user: bob, rights: 's' }, [2], 'add', ['\\Seen'])
    assert.ok(modseq > before)
    assert.equal((await person.inbox()).highestModseq, modseq)
    const since = before as Modseq
    const changed = async (guest?: AccountId) => {
      const answer = await person.store.changes(person.ref, key, since, undefined, guest)
      assert.equal(answer.modseq, modseq)
      return [[...answer.changed.uids], await person.flagNames(answer.changed.flags), [...answer.changed.modseqs]]
    }
    assert.deepEqual(await changed(bob), [[2], [['\\Seen']], [modseq]])
    assert.deepEqual(await changed(cleo), [[], [], []])
    assert.deepEqual(await changed(), [[], [], []])
    const page = await person.store.messages(person.ref, key, 1 as Uid, 1, bob)
    assert.deepEqual([[...page.uids], [...page.modseqs]], [[2], [modseq]])
    // to be unseen again is a change, too
    const later = await flag(person, key, { user: bob, rights: 's' }, [2], 'remove', ['\\Seen'])
    const again = await person.store.changes(person.ref, key, modseq, undefined, bob)
    assert.deepEqual([[...again.changed.uids], [...again.changed.flags]], [[2], [0]])
    assert.equal(again.changed.modseqs[0], later.modseq)
  })

  test('what a guest changes of the message itself is a change for the owner and for other guests', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    await person.add(key, someMessages(300))
    const since = (await person.state()).modseq
    await flag(person, key, { user: bob, rights: ALL }, [2, 250], 'add', ['\\Flagged'])
    for (const guest of [undefined, bob, cleo]) {
      const { changed } = await person.store.changes(person.ref, key, since, undefined, guest)
      assert.deepEqual([...changed.uids], [2, 250], `as ${guest ?? 'owner'}`)
      assert.deepEqual(await person.flagNames(changed.flags), [['\\Flagged'], ['\\Flagged']])
    }
  })

  test('a guest is told of many changes in slices: of messages, of what they have seen, and of both', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    for (let batch = 0; batch < 12; batch += 1) await person.add(key, someMessages(1_000))
    const since = (await person.state()).modseq
    await person.must('changeFlags', {
      guest: { user: bob, rights: ALL },
      mailbox: key,
      uids: [[1, 7_000]] as never,
      action: 'add',
      flags: flagsOf(['\\Seen']),
      unchangedSince: undefined,
    })
    await person.flag(key, [[6_000, 11_000]] as never, 'add', ['\\Flagged'])
    const told: number[] = []
    let cursor: MailboxChanges['next']
    do {
      const slice = await person.store.changes(person.ref, key, since, cursor, bob)
      for (const uid of slice.changed.uids) told.push(uid)
      cursor = slice.next
    } while (cursor !== undefined)
    assert.deepEqual(
      told.toSorted((a, b) => a - b),
      Array.from({ length: 11_000 }, (_, index) => index + 1),
    )
  })

  test('UNCHANGEDSINCE looks at the MODSEQ that the guest sees', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    await person.add(key, someMessages(2))
    const before = await person.modseq()
    await flag(person, key, { user: bob, rights: ALL }, [1], 'add', ['\\Seen'])
    const mine = await flag(person, key, { user: bob, rights: ALL }, [1, 2], 'add', ['\\Flagged'], before)
    assert.deepEqual([mine.modified, [...mine.changed.uids]], [uids(1), [2]])
    const other = await flag(person, key, { user: cleo, rights: ALL }, [1, 2], 'add', ['x'], before)
    assert.deepEqual([other.modified, [...other.changed.uids]], [uids(2), [1]])
  })

  test('changeFlags changes what the rights allow and nothing else', async () => {
    for (const [rights, added, replaced] of [
      ['', ['\\Draft', '\\Seen', 'old'], ['\\Draft', '\\Seen', 'old']],
      ['s', ['\\Draft', '\\Seen', 'old'], ['\\Draft', 'old']],
      ['t', ['\\Deleted', '\\Draft', '\\Seen', 'old'], ['\\Deleted', '\\Draft', '\\Seen', 'old']],
      ['w', ['\\Draft', '\\Flagged', '\\Seen', 'new', 'old'], ['\\Flagged', '\\Seen', 'new']],
      ['swt', ['\\Deleted', '\\Draft', '\\Flagged', '\\Seen', 'new', 'old'], ['\\Deleted', '\\Flagged', 'new']],
    ] as const) {
      const person = await world().person()
      const { key } = await person.inbox()
      await person.add(key, someMessages(2, { flags: ['\\Draft', 'old'] }))
      await flag(person, key, { user: bob, rights: 's' }, [1, 2], 'add', ['\\Seen'])
      await flag(person, key, { user: bob, rights }, [1], 'add', ['\\Deleted', '\\Flagged', 'new'])
      await flag(person, key, { user: bob, rights }, [2], 'replace', ['\\Deleted', '\\Flagged', 'new'])
      assert.deepEqual(await sees(person, key, bob), [added, replaced], `with ${rights}`)
      const deleted = [added, replaced].filter((names) => (names as readonly string[]).includes('\\Deleted'))
      assert.equal((await person.inbox()).deleted, deleted.length)
      assert.equal((await person.inbox()).unseen, 2)
    }
  })

  test('append and replace keep the flags that the rights allow, \\Seen for the guest', async () => {
    const flags = ['\\Deleted', '\\Flagged', '\\Seen', 'x']
    for (const [rights, own] of [
      ['i', []],
      ['it', ['\\Deleted']],
      ['is', ['\\Seen']],
      ['iw', ['\\Flagged', 'x']],
      ['istw', ['\\Deleted', '\\Flagged', '\\Seen', 'x']],
    ] as const) {
      const person = await world().person()
      const { key } = await person.inbox()
      const guest = { user: bob, rights }
      await person.must('append', { guest, mailbox: key, messages: [messageOf({ flags })] })
      const { uidl: _, ...message } = messageOf({ flags })
      await person.add(key, someMessages(1))
      await person.must('replace', { guest, mailbox: key, uid: 2 as Uid, target: key, message })
      const others = own.filter((name) => name !== '\\Seen')
      assert.deepEqual(await sees(person, key, bob), [own, own], `with ${rights}`)
      assert.deepEqual(await sees(person, key, cleo), [others, others])
      assert.deepEqual(await sees(person, key), [others, others])
      assert.equal((await person.inbox()).unseen, 2)
    }
  })

  test('copy and move keep what everybody has seen, and a guest the flags that the rights allow', async () => {
    for (const kind of ['copy', 'move'] as const)
      for (const [rights, own] of [
        ['i', []],
        ['it', ['\\Deleted']],
        ['is', ['\\Seen']],
        ['iw', ['\\Flagged', 'x']],
        ['istw', ['\\Deleted', '\\Flagged', '\\Seen', 'x']],
      ] as const) {
        const person = await world().person()
        const { key } = await person.inbox()
        const target = (await person.make('Team')).key
        await person.add(key, someMessages(3, { flags: ['\\Deleted', '\\Flagged', 'x'] }))
        for (const user of [bob, cleo]) await flag(person, key, { user, rights: 's' }, [1, 3], 'add', ['\\Seen'])
        await person.must(kind, { guest: { user: bob, rights }, mailbox: key, uids: uids(2, 3), target })
        const others = own.filter((name) => name !== '\\Seen')
        assert.deepEqual(await sees(person, target, bob), [others, own], `${kind} with ${rights}`)
        assert.deepEqual(await sees(person, target, cleo), [others, [...others, '\\Seen'].sort()])
        assert.deepEqual(await sees(person, target), [others, others])
        assert.equal((await person.box(target)).deleted, others.includes('\\Deleted') ? 2 : 0)
        assert.equal(await person.store.unseen(person.ref, target, cleo), 1)
        assert.equal(await person.store.unseen(person.ref, key, cleo), kind === 'copy' ? 1 : 0)
      }
  })

  test('what the owner moves or renames stays seen by others, and what goes is forgotten', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    const target = (await person.make('Team')).key
    await person.add(key, someMessages(3))
    await flag(person, key, { user: bob, rights: 's' }, [1, 2, 3], 'add', ['\\Seen'])
    await person.must('move', { mailbox: key, uids: uids(2), target })
    assert.deepEqual(await sees(person, target, bob), [['\\Seen']])
    await person.flag(key, uids(1), 'add', ['\\Deleted'])
    await person.must('expunge', { mailbox: key, uids: undefined, which: 'deleted' })
    assert.equal(await person.store.unseen(person.ref, key, bob), 0)
    await person.must('renameMailbox', { from: 'INBOX', to: 'Old' })
    assert.equal(await person.store.unseen(person.ref, key, bob), 0)
    const old = await person.box('Old')
    assert.deepEqual(await sees(person, old.key, bob), [['\\Seen']])
    await person.add(key, someMessages(1))
    assert.equal(await person.store.unseen(person.ref, key, bob), 1)
  })

  test('mail for a mailbox where nobody may post comes into INBOX', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    const lists = (await person.make('Lists')).key
    const { body, email, trace, flags, internalDate, internalZone } = messageOf()
    const deliver = async (mailbox: string): Promise<MailboxKey | undefined> => {
      const recipient = { account: person.ref, mailbox, trace, flags, internalDate, internalZone }
      const request = { shard: person.ref.shard, by: 'contract', body, email, recipients: [recipient] }
      const [answer] = await person.store.deliver(request)
      return answer?.ok === true ? answer.value.mailbox : undefined
    }
    const set = (mailbox: MailboxKey, identifier: string) =>
      person.must('setAcl', { mailbox, identifier, mode: 'replace', rights: 'lp' })
    assert.equal(await deliver('Lists'), lists)
    await set(lists, 'anyone')
    await set(lists, '-bob@example.org')
    assert.equal(await deliver('Lists'), lists)
    await set(lists, '-anyone')
    assert.equal(await deliver('Lists'), inbox.key)
    await set(inbox.key, '-anyone')
    assert.equal(await deliver('INBOX'), inbox.key)
  })
}
