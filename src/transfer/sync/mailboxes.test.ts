/** Mailboxes that are renamed, deleted, made anew, subscribed to, or for a special use. */
import assert from 'node:assert/strict'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, test } from 'node:test'
import type { ImapClient } from '#client/imap/imap-client.ts'
import { contentsOf, letterOf, SyncPair } from '#testing/sync-pair.ts'
import { type WholeServer, wholeServer } from '#testing/whole-server.ts'
import { MaildirSide } from './maildir-side.ts'

let started: Promise<WholeServer> | undefined
const whole = (): Promise<WholeServer> =>
  (started ??= wholeServer({ auth: { allow_plaintext: true }, limits: { exempt: ['127.0.0.0/8'] } }))
after(async () => (await started)?.[Symbol.asyncDispose]())

async function fill(client: ImapClient, names: readonly string[]): Promise<void> {
  for (const name of names) {
    if (name !== 'INBOX') await client.create(name)
    await client.append(name, { body: letterOf(name), flags: ['\\Seen'] })
  }
}

async function same({ left, right }: SyncPair): Promise<readonly string[]> {
  const [lefts, rights] = [await contentsOf(left), await contentsOf(right)]
  assert.deepEqual(rights, lefts)
  return Object.keys(lefts)
}

for (const twoWay of [false, true]) {
  test(`${twoWay ? 'both ways' : 'one way'}, a renamed mailbox is renamed with all below it, and nothing is carried again`, async () => {
    await using pair = await SyncPair.make(await whole())
    await fill(pair.left, ['INBOX', 'Work', 'Work/Deep', 'Work/Deep/Est', 'Other'])
    await pair.run({ twoWay })
    await pair.left.rename('Work', 'Projects')
    await pair.left.rename('Other', 'Projects/Other')
    const dry = await pair.run({ twoWay, dryRun: true })
    assert.deepEqual([dry.renamed, dry.copied], [4, 0])
    const report = await pair.run({ twoWay })
    assert.deepEqual([report.copied, report.removed, report.made, report.notes], [0, 0, 0, []])
    assert.ok(report.renamed >= 2)
    const names = await same(pair)
    assert.ok(names.includes('Projects/Deep/Est') && names.includes('Projects/Other') && !names.includes('Work'))
    const again = await pair.run({ twoWay, verify: 'bodies' })
    assert.deepEqual([again.renamed, again.copied, again.verified?.differences], [0, 0, []])
    // the other side's own name is its own affair one way
    await pair.right.rename('Projects', 'Mine')
    const other = await pair.run({ twoWay })
    assert.deepEqual([other.copied, other.removed, other.made], [0, 0, 0])
    const left = Object.keys(await contentsOf(pair.left))
    assert.equal(left.includes('Mine/Deep'), twoWay)
    assert.equal(left.includes('Projects/Deep'), !twoWay)
  })
}

test('a renamed mailbox whose new name is taken on the other side stays with its partner', async () => {
  await using pair = await SyncPair.make(await whole())
  await fill(pair.left, ['A', 'B'])
  await pair.run({ twoWay: true })
  // the names of both change places
  await pair.left.rename('A', 'C')
  await pair.left.rename('B', 'A')
  await pair.left.rename('C', 'B')
  for (let n = 0; n < 2; n += 1) {
    const report = await pair.run({ twoWay: true })
    assert.equal(report.removed, 0)
  }
  const subjects = (contents: Record<string, readonly string[]>): string =>
    Object.values(contents)
      .flat()
      .filter((line) => /^[AB] /.test(line))
      .sort()
      .join()
  const [lefts, rights] = [await contentsOf(pair.left), await contentsOf(pair.right)]
  assert.equal(subjects(lefts).split(',').length, subjects(rights).split(',').length)
  assert.deepEqual(new Set(subjects(lefts).split(',')), new Set(subjects(rights).split(',')))
})

test('a mailbox that is gone goes from the other side when it is asked for, and only with what was on both', async () => {
  await using pair = await SyncPair.make(await whole())
  await fill(pair.left, ['INBOX', 'Old', 'Old/Below', 'Kept', 'Anew', 'Stays', 'Stays too'])
  const both = { twoWay: true, mailboxDeletions: true }
  await pair.run(both)
  await pair.left.delete('Old')
  await pair.right.delete('Kept')
  await pair.left.append('Kept', { body: letterOf('new') })
  const asked = await pair.run({ twoWay: true })
  assert.deepEqual(asked.notes.map(({ kind, mailbox, side }) => `${kind} ${mailbox} ${side}`).sort(), [
    'gone Kept right',
    'gone Old left',
  ])
  const dry = await pair.run({ ...both, dryRun: true })
  assert.deepEqual([dry.removedMailboxes, dry.notes.length], [1, 1])
  const report = await pair.run(both)
  assert.deepEqual([report.removedMailboxes, report.removed, report.copied], [1, 1, 0])
  assert.deepEqual(report.notes, [{ kind: 'new-messages', mailbox: 'Kept', side: 'right' }])
  const right = await pair.right.list()
  assert.ok(right.every(({ name, noSelect }) => name !== 'Old' || noSelect))
  assert.ok(right.some(({ name }) => name === 'Old/Below'))
  assert.equal((await contentsOf(pair.left))['Kept']?.length, 2)
  // the same name, another mailbox
  await pair.left.delete('Anew')
  await pair.right.delete('Anew')
  await pair.right.create('Anew')
  await pair.right.append('Anew', { body: letterOf('anew') })
  const anew = await pair.run(both)
  assert.deepEqual(
    [anew.removedMailboxes, anew.notes.map(({ kind }) => kind).sort()],
    [0, ['made-anew', 'new-messages']],
  )
  assert.equal((await contentsOf(pair.right))['Anew']?.length, 1)
})

test('where half of all mailboxes are gone at once, none is deleted unasked', async () => {
  await using pair = await SyncPair.make(await whole())
  const names = ['A', 'B', 'C', 'D', 'E', 'F']
  await fill(pair.left, names)
  const wanted = ([name]: readonly string[]): boolean => name?.length === 1
  await pair.run({ wanted })
  for (const name of names.slice(0, 4)) await pair.left.delete(name)
  const spared = await pair.run({ wanted, mailboxDeletions: true })
  assert.deepEqual([spared.sparedMailboxes, spared.removedMailboxes], [4, 0])
  // left out is not gone
  const some = await pair.run({ wanted: ([name]) => name === 'E', mailboxDeletions: true, emptyToo: true })
  assert.equal(some.removedMailboxes, 0)
  const told = await pair.run({ wanted, mailboxDeletions: true, emptyToo: true })
  assert.deepEqual([told.removedMailboxes, told.removed], [4, 4])
  assert.deepEqual(
    Object.keys(await contentsOf(pair.right)).filter((name) => name.length === 1),
    ['E', 'F'],
  )
})

test('subscriptions go both ways, and one way only from the first to the second', async () => {
  await using pair = await SyncPair.make(await whole())
  const subscribed = async (client: ImapClient): Promise<string> =>
    (await client.list({ subscribed: true }))
      .map(({ name }) => name)
      .filter((name) => name.length === 1)
      .sort()
      .join('')
  for (const name of ['A', 'B', 'C']) await pair.left.create(name)
  for (const name of ['A', 'B', 'C']) await pair.left[name === 'C' ? 'unsubscribe' : 'subscribe'](name)
  await pair.run()
  assert.equal(await subscribed(pair.right), 'AB')
  await pair.left.unsubscribe('A')
  await pair.right.unsubscribe('B')
  const one = await pair.run()
  assert.deepEqual([one.subscribed, await subscribed(pair.left), await subscribed(pair.right)], [1, 'B', ''])
  await pair.right.subscribe('C')
  const both = await pair.run({ twoWay: true })
  assert.equal(both.subscribed, 2)
  assert.deepEqual([await subscribed(pair.left), await subscribed(pair.right)], ['C', 'C'])
  assert.equal((await pair.run({ twoWay: true })).subscribed, 0)
})

test('special uses go both ways, whatever the mailboxes are called', async () => {
  await using pair = await SyncPair.make(await whole())
  const roleOf = async (client: ImapClient, name: string): Promise<string | undefined> =>
    (await client.list()).find((each) => each.name === name)?.role
  for (const client of [pair.left, pair.right])
    for (const { name, role } of await client.list())
      if (role !== undefined && role !== 'inbox') await client.delete(name)
  await pair.left.create('Gesendet', '\\Sent')
  await pair.right.create('Sent Items', '\\Sent')
  await pair.left.create('Papierkorb', '\\Trash')
  await pair.right.create('Brouillons', '\\Drafts')
  await pair.left.append('Gesendet', { body: letterOf('sent') })
  await pair.right.append('Brouillons', { body: letterOf('draft') })
  const report = await pair.run({ twoWay: true })
  assert.deepEqual([report.copied, report.made], [2, 2])
  assert.equal((await contentsOf(pair.right))['Sent Items']?.length, 1)
  assert.equal(await roleOf(pair.right, 'Papierkorb'), 'trash')
  assert.equal(await roleOf(pair.left, 'Brouillons'), 'drafts')
})

for (const end of ['left', 'right'] as const) {
  test(`where UIDs of the ${end} mean other messages than before, all are compared and none is deleted`, async () => {
    await using pair = await SyncPair.make(await whole())
    await pair.left.create('Box')
    for (let n = 0; n < 6; n += 1) await pair.left.append('Box', { body: letterOf(n) })
    const both = { twoWay: true, wanted: ([name]: readonly string[]) => name === 'Box' }
    await pair.run(both)
    const client = pair[end]
    await client.delete('Box')
    await client.create('Box')
    for (const n of [4, 3, 2, 'new']) await client.append('Box', { body: letterOf(n) })
    const report = await pair.run(both)
    assert.deepEqual(report.renewed, ['Box'])
    assert.deepEqual([report.matched, report.copied, report.removed], [3, 4, 0])
    assert.equal((await contentsOf(pair.left))['Box']?.length, 7)
    await same(pair)
    assert.equal((await pair.run({ ...both, verify: 'bodies' })).verified?.compared, 7)
  })
}

test('a Maildir folder that is renamed or deleted takes its partner along', async () => {
  await using pair = await SyncPair.make(await whole())
  const maildir = path.join(pair.folder, 'Mail')
  const file = (...names: string[]): string => path.join(maildir, ...names)
  for (const folder of ['.', '.Été', '.Gone'])
    for (const each of ['cur', 'new', 'tmp']) await mkdir(file(folder, each), { recursive: true })
  for (const [n, folder] of ['.', '.Été', '.Gone'].entries())
    await writeFile(file(folder, 'cur', `${n}.x:2,S`), letterOf(n))
  const run = async (more = {}) => {
    const left = await MaildirSide.open(maildir)
    return pair.run({ left, twoWay: true, mailboxDeletions: true, ...more })
  }
  const first = await run()
  assert.equal(first.copied, 3)
  await rename(file('.Été'), file('.Autumn.Leaves'))
  await rm(file('.Gone'), { recursive: true })
  const report = await run()
  assert.deepEqual([report.renamed, report.removedMailboxes, report.copied], [1, 1, 0])
  const right = await contentsOf(pair.right)
  assert.equal(right['Autumn/Leaves']?.length, 1)
  assert.ok(!('Été' in right) && !('Gone' in right))
  await pair.right.rename('Autumn/Leaves', 'Winter')
  await pair.right.create('Sent too')
  await run()
  assert.ok((await readdir(maildir)).includes('.Winter'))
  await pair.right.delete('Winter')
  assert.equal((await run()).removedMailboxes, 1)
  assert.ok(!(await readdir(maildir)).includes('.Winter'))
})
