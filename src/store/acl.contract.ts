import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailboxKey } from '#mail/ids.ts'
import type { Person, World } from './kit.contract.ts'
import { MAX_ACL_ENTRIES, MAX_FOR_ANYONE } from './limits.ts'

async function listed(person: Person, mailbox: MailboxKey): Promise<string[]> {
  return (await person.store.acl(person.ref, mailbox)).map(({ identifier, rights }) => `${identifier} ${rights}`)
}

/** Rights to mailboxes (RFC 4314). */
export function aclContract(world: () => World): void {
  test('setAcl grants, adds, removes and forgets rights', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    const before = await person.modseq()
    assert.deepEqual(await listed(person, key), [])
    const set = (identifier: string, mode: 'replace' | 'add' | 'remove', rights: string) =>
      person.must('setAcl', { mailbox: key, identifier, mode, rights })
    const { modseq } = await set('bob@example.org', 'replace', 'lrs')
    assert.ok(modseq > before)
    assert.equal(await person.modseq(), modseq)
    await set('anyone', 'add', 'lr')
    await set('-bob@example.org', 'replace', 'w')
    await set('bob@example.org', 'add', 'lx')
    assert.deepEqual(await listed(person, key), ['-bob@example.org w', 'anyone lr', 'bob@example.org lrsx'])
    await set('bob@example.org', 'remove', 'lrs')
    await set('anyone', 'replace', '')
    await set('nobody@example.org', 'remove', 'l')
    assert.deepEqual(await listed(person, key), ['-bob@example.org w', 'bob@example.org x'])
    await set('bob@example.org', 'remove', 'x')
    assert.deepEqual(await listed(person, key), ['-bob@example.org w'])
    assert.deepEqual(await listed(person, 999_999 as MailboxKey), [])
  })

  test('a new mailbox has the rights of its parent, and RENAME and DELETE keep and forget them (RFC 4314 §4)', async () => {
    const person = await world().person()
    const parent = await person.make('a')
    await person.must('setAcl', { mailbox: parent.key, identifier: 'anyone', mode: 'replace', rights: 'lr' })
    const child = await person.make('a/b/c')
    assert.deepEqual(await listed(person, (await person.box('a/b')).key), ['anyone lr'])
    assert.deepEqual(await listed(person, child.key), ['anyone lr'])
    await person.must('setAcl', { mailbox: parent.key, identifier: 'anyone', mode: 'add', rights: 'x' })
    assert.deepEqual(await listed(person, child.key), ['anyone lr'])
    await person.must('renameMailbox', { from: 'a/b', to: 'z' })
    assert.deepEqual(await listed(person, child.key), ['anyone lr'])
    await person.must('deleteMailbox', { mailbox: parent.key })
    assert.deepEqual(await listed(person, parent.key), [])
    assert.deepEqual(await listed(person, (await person.make('a')).key), [])
  })

  test('setAcl refuses what is not there and what is too much', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    const own = { identifier: 'anyone', mode: 'replace', rights: 'l' } as const
    assert.deepEqual(await person.refused('setAcl', { ...own, mailbox: 999_999 as MailboxKey }), {
      kind: 'no-such-mailbox',
    })
    for (let index = 0; index < MAX_ACL_ENTRIES; index += 1)
      await person.must('setAcl', { ...own, mailbox: key, identifier: `p${index}@example.org` })
    assert.deepEqual(await person.refused('setAcl', { ...own, mailbox: key }), {
      kind: 'too-many-acl-entries',
      limit: MAX_ACL_ENTRIES,
    })
    await person.must('setAcl', { ...own, mailbox: key, identifier: 'p0@example.org', rights: 'lr' })
  })

  test('so many mailboxes of an account are for anyone and no more, however they are made', async () => {
    const person = await world().person()
    const give = { identifier: 'anyone', mode: 'replace', rights: 'lr' } as const
    const parent = await person.make('a')
    await person.must('setAcl', { ...give, mailbox: parent.key })
    for (let index = 1; index < MAX_FOR_ANYONE; index += 1) {
      const { key } = await person.make(`a/${index}`)
      if (index === 1) assert.deepEqual(await listed(person, key), ['anyone lr'])
    }
    const { key } = await person.inbox()
    const refusal = { kind: 'too-many-for-anyone', limit: MAX_FOR_ANYONE }
    assert.deepEqual(await person.refused('setAcl', { ...give, mailbox: key }), refusal)
    await person.must('setAcl', { ...give, mailbox: key, identifier: 'bob@example.org' })
    await person.must('setAcl', { ...give, mailbox: parent.key, rights: 'l' })
    assert.deepEqual(await listed(person, (await person.make('a/more')).key), [])
    await person.must('setAcl', { ...give, mailbox: parent.key, rights: '' })
    await person.must('setAcl', { ...give, mailbox: key })
  })

  test('sharedWith finds what others share with somebody, in all accounts', async () => {
    const [ann, ben] = [await world().person(), await world().person()]
    const to = `to-${ann.ref.id}@example.org`
    const inbox = await ann.inbox()
    const [team, none] = [await ben.make('Team/Work'), await ben.make('Not')]
    const share = (person: Person, mailbox: MailboxKey, identifier: string, rights: string) =>
      person.must('setAcl', { mailbox, identifier, mode: 'replace', rights })
    const shared = async () => (await ann.store.sharedWith(to)).filter(({ account }) => account.id >= ann.ref.id)
    assert.deepEqual(await shared(), [])
    await share(ann, inbox.key, to, 'lr')
    await share(ben, team.key, to, 'lrs')
    await share(ben, team.key, 'anyone', 'lw')
    await share(ben, team.key, `-${to}`, 's')
    await share(ben, none.key, to, 'l')
    await share(ben, none.key, '-anyone', 'l')
    await share(ben, (await ben.inbox()).key, `other-${to}`, 'lr')
    assert.deepEqual(await shared(), [
      { account: ann.ref, mailbox: inbox.key, name: 'INBOX', rights: 'lr' },
      { account: ben.ref, mailbox: team.key, name: 'Team/Work', rights: 'lrw' },
    ])
    await ben.must('deleteMailbox', { mailbox: team.key })
    assert.equal((await shared()).length, 1)
    await ann.must('removeAccount', {})
    assert.deepEqual(await shared(), [])
  })

  test('however many mailboxes somebody keeps another from, those that others share with them are found', async () => {
    const [ann, mallory] = [await world().person(), await world().person()]
    const to = `to-${ann.ref.id}@example.org`
    await ann.must('setAcl', { mailbox: (await ann.inbox()).key, identifier: to, mode: 'replace', rights: 'lr' })
    for (const name of ['a', 'b', 'c']) {
      const { key } = await mallory.make(name)
      await mallory.must('setAcl', { mailbox: key, identifier: `-${to}`, mode: 'replace', rights: 'lr' })
    }
    // tests before this one have shared things with everybody
    const found = (await ann.store.sharedWith(to, 3)).filter(({ account }) => account.id >= ann.ref.id)
    assert.deepEqual(found, [{ account: ann.ref, mailbox: (await ann.inbox()).key, name: 'INBOX', rights: 'lr' }])
  })

  test('forgetPeople takes somebody out of every list, and nobody else', async () => {
    const [ann, ben] = [await world().person(), await world().person()]
    const gone = `gone-${ann.ref.id}@example.org`
    const boxes = [await ann.inbox(), await ann.make('a')]
    for (const [person, { key }] of [...boxes.map((box) => [ann, box] as const), [ben, await ben.inbox()] as const])
      for (const identifier of [gone, `-${gone}`, `other-${gone}`])
        await person.must('setAcl', { mailbox: key, identifier, mode: 'replace', rights: 'lr' })
    const before = await ben.modseq()
    const nobody = { addresses: [`nobody-${gone}`] }
    assert.deepEqual(await ann.must('forgetPeople', nobody), { entries: 0 })
    assert.equal(await ben.modseq(), before)
    // each for the shard of the account that is named
    const request = { addresses: [`nobody-${gone}`, gone] }
    const entries = [await ann.must('forgetPeople', request), await ben.must('forgetPeople', request)]
    assert.equal(
      entries.reduce((sum, answer) => sum + answer.entries, 0),
      6,
    )
    assert.ok((await ben.modseq()) > before)
    for (const { key } of boxes) assert.deepEqual(await listed(ann, key), [`other-${gone} lr`])
    assert.deepEqual(await listed(ben, (await ben.inbox()).key), [`other-${gone} lr`])
    const shared = (await ann.store.sharedWith(gone)).filter(({ account }) => account.id >= ann.ref.id)
    assert.deepEqual(shared, [])
  })
}
