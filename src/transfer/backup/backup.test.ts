import assert from 'node:assert/strict'
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { openMemoryStore } from '#adapters/memory/memory-store.ts'
import type { Clock } from '#lib/clock.ts'
import { prepareEmail } from '#mail/prepare.ts'
import { scanMessage } from '#mail/scanner.ts'
import type { DirectoryArchive } from '#store/directory.ts'
import type { AccountImage } from '#store/image.ts'
import { bytesOf, messageOf, type Person, patternOf, stage, uids, World } from '#store/kit.contract.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { NewMessage } from '#store/types.ts'
import { ahead } from './ahead.ts'
import { type BackupReport, backUp } from './backup.ts'
import { BackupRefused } from './format.ts'
import { DamagedRecord, PackReader } from './pack.ts'
import { type RestoreReport, readBackup, restoreBackup } from './restore.ts'
import { mustBeSound } from './sound.ts'
import { verifyBackup } from './verify.ts'

const clock: Clock = { now: () => 1_800_000_000_000 }
const quiet = (): void => {}

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'malle-backup-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function open(store: MailStore = openMemoryStore()): World {
  return new World({ store, close: async () => store[Symbol.asyncDispose]() })
}

function directoryOf(...people: readonly Person[]): DirectoryArchive {
  return {
    secret: Uint8Array.of(1, 2, 3),
    domains: [{ name: 'example.org', catchAll: undefined, createdAt: 5 }],
    accounts: people.map(({ ref }) => ({
      ref,
      address: `p${ref.id}@example.org`,
      displayName: '',
      passwordHash: '$argon2id$x',
      scram: undefined,
      scramSalt: Uint8Array.of(9),
      protocols: ['imap'],
      limits: { storageBytes: undefined, messages: undefined },
      pop3: { policy: undefined, loginDelaySeconds: undefined },
      enabled: true,
      administrator: false,
      createdAt: 7,
    })),
    aliases: [],
    appPasswords: [],
    lastAccount: people.length,
  }
}

function mail(index: number, own: Parameters<typeof messageOf>[0] = {}): NewMessage {
  const body = bytesOf(`Subject: mail ${index}\r\nMessage-ID: <${index}@x>\r\n\r\n${'x'.repeat(200 + index)}\r\n`)
  return { ...messageOf({ body, ...own }), email: prepareEmail(scanMessage(body)) }
}

/** Somebody with mail, flags, deleted mail, and a body that is large. */
async function person(world: World): Promise<Person> {
  const ann = await world.person()
  const inbox = (await ann.inbox()).key
  await ann.add(inbox, [mail(1, { flags: ['\\Seen', 'Work'], uidl: 'one' }), mail(2), mail(3, { trace: 'T: é\r\n' })])
  const large = Buffer.concat([bytesOf('Subject: large\r\n\r\n'), patternOf(2_500_000)])
  const staged = await stage(ann.store, 0, large)
  await ann.add(inbox, [{ ...messageOf({ staged }), email: prepareEmail(scanMessage(large)) }])
  await ann.must('copy', { mailbox: inbox, uids: uids(1), target: (await ann.make('Kept')).key })
  await ann.must('expunge', { mailbox: inbox, uids: uids(2), which: 'any' })
  return ann
}

function run(world: World, folder: string, ...people: readonly Person[]): Promise<BackupReport> {
  return backUp(world.store, clock, { path: folder, directory: directoryOf(...people) }, quiet)
}

async function restoreAll(world: World, folder: string): Promise<RestoreReport> {
  const { manifest, directory } = await readBackup(folder)
  const accounts = directory.accounts
    .filter(({ ref }) => manifest.accounts.some(({ id, mail: has }) => has && id === ref.id))
    .map(({ ref, address }) => ({ id: ref.id, address, to: ref }))
  return restoreBackup(world.store, { path: folder, what: 'all', accounts }, quiet)
}

interface Whole {
  readonly image: AccountImage | undefined
  readonly bodies: readonly unknown[]
}

/** The same, with the numbers of an account that came back where there was none. */
function restored({ image, bodies }: Whole): Whole {
  return { image: image && ahead(image), bodies }
}

/** All of an account, bodies included. */
async function whole({ store }: World, { ref }: Person): Promise<Whole> {
  const emails = await store.imageEmails(ref, 0)
  const bodies = await Promise.all(
    emails.map(async ({ place, ...email }) => [
      email,
      Buffer.concat(await Array.fromAsync(store.body(ref, place).stream(0, place.length))),
    ]),
  )
  return { image: await store.image(ref), bodies }
}

function packs(folder: string, { ref }: Person): string[] {
  return readdirSync(path.join(folder, 'accounts', String(ref.id))).filter((name) => name.endsWith('.pack'))
}

test('what was backed up comes back, and the second run writes only what changed', async (t) => {
  const folder = folderFor(t)
  const world = open()
  const [ann, ben] = [await person(world), await person(world)]
  const nobody = world.stranger()
  const first = await run(world, folder, ann, ben, nobody)
  assert.deepEqual(
    { accounts: first.accounts, changed: first.changed, copied: first.copied, unreadable: first.unreadable },
    { accounts: 3, changed: 2, copied: 8, unreadable: [] },
  )
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const { mode } = statSync(path.join(folder, name))
    assert.equal(mode & 0o077, 0, name)
  }
  const again = await run(world, folder, ann, ben, nobody)
  assert.deepEqual([again.changed, again.copied, again.written], [0, 0, 0])
  assert.equal(again.messages, first.messages)

  await ann.add((await ann.inbox()).key, [mail(9)])
  await ann.flag((await ann.inbox()).key, uids(1), 'add', ['\\Flagged'])
  const third = await run(world, folder, ann, ben, nobody)
  assert.deepEqual([third.changed, third.copied], [1, 1])
  assert.ok(third.written < 10_000, String(third.written))
  const verified = await verifyBackup(folder, quiet)
  assert.deepEqual(verified.damaged, [])
  assert.ok(verified.bytes > 5_000_000)

  const empty = open()
  const report = await restoreAll(empty, folder)
  assert.deepEqual([report.accounts, report.messages, report.lost], [2, 9, []])
  for (const each of [ann, ben]) assert.deepEqual(await whole(empty, each), restored(await whole(world, each)))
  // What is whole already is not brought again.
  assert.deepEqual((await restoreAll(empty, folder)).messages, 9)
  assert.deepEqual(await whole(empty, ann), restored(await whole(world, ann)))
})

test('a run that is broken off anywhere leaves the last backup whole, and the next goes on', async (t) => {
  const folder = folderFor(t)
  const world = open()
  const ann = await person(world)
  await run(world, folder, ann)
  const before = await whole(world, ann)
  const inbox = (await ann.inbox()).key
  await ann.add(
    inbox,
    Array.from({ length: 40 }, (_, index) => mail(index + 10)),
  )
  const old = `${folder}-old`
  t.after(() => rmSync(old, { recursive: true, force: true }))
  cpSync(folder, old, { recursive: true })
  await run(world, folder, ann)
  const pack = path.join('accounts', String(ann.ref.id), '00000001.pack')
  const full = readFileSync(path.join(folder, pack))
  const committed = statSync(path.join(old, pack)).size
  // Whatever of the pack had come to the disk: the account file is the old one.
  for (const end of [committed, committed + 3, committed + 400, committed + 5_000, full.length]) {
    const torn = mkdtempSync(path.join(tmpdir(), 'malle-backup-'))
    t.after(() => rmSync(torn, { recursive: true, force: true }))
    cpSync(old, torn, { recursive: true })
    writeFileSync(path.join(torn, pack), full.subarray(0, end))
    writeFileSync(path.join(torn, 'accounts', String(ann.ref.id), 'account.json.new'), '{"half')
    assert.deepEqual((await verifyBackup(torn, quiet)).damaged, [])
    const empty = open()
    await restoreAll(empty, torn)
    assert.deepEqual(await whole(empty, ann), restored(before))
    const next = await run(world, torn, ann)
    assert.ok(end === committed ? next.copied === 40 : end === full.length ? next.copied === 0 : next.copied <= 40)
    assert.deepEqual((await verifyBackup(torn, quiet)).damaged, [])
    const later = open()
    await restoreAll(later, torn)
    assert.deepEqual(await whole(later, ann), restored(await whole(world, ann)))
  }
})

test('the very first run goes on where it was broken off, and is no backup before its end', async (t) => {
  const folder = folderFor(t)
  const world = open()
  const [ann, ben] = [await person(world), await person(world)]
  await run(world, folder, ann, ben)
  rmSync(path.join(folder, 'malle-backup.json'))
  rmSync(path.join(folder, 'accounts', String(ben.ref.id), 'account.json'))
  await assert.rejects(restoreAll(open(), folder), refusal('backup-unfinished'))
  const next = await run(world, folder, ann, ben)
  assert.deepEqual([next.changed, next.copied], [1, 0])
  const empty = open()
  await restoreAll(empty, folder)
  for (const each of [ann, ben]) assert.deepEqual(await whole(empty, each), restored(await whole(world, each)))
})

test('a flipped bit is found, and costs that one message', async (t) => {
  const folder = folderFor(t)
  const world = open()
  const ann = await person(world)
  await run(world, folder, ann)
  const file = path.join(folder, 'accounts', String(ann.ref.id), '00000001.pack')
  const bytes = readFileSync(file)
  const at = bytes.indexOf('Subject: mail 3')
  bytes[at + 9] = (bytes[at + 9] ?? 0) ^ 1
  writeFileSync(file, bytes)
  const { damaged } = await verifyBackup(folder, quiet)
  assert.equal(damaged.length, 1)
  assert.match(damaged[0] ?? '', /^p1@example\.org, email \d+: 00000001\.pack at octet \d+: the checksum/)
  const empty = open()
  const report = await restoreAll(empty, folder)
  assert.match(report.lost.join(), /^p1@example\.org: Email \d+: 00000001\.pack at octet/)
  const subjects = (await empty.store.image(ann.ref))?.messages.uids
  assert.deepEqual(subjects, [1, 4, 1])
})

test('packs of which little is needed are written anew', async (t) => {
  const folder = folderFor(t)
  const store = openMemoryStore({ retentionMs: 0 })
  const world = open(store)
  const ann = await person(world)
  const inbox = (await ann.inbox()).key
  await run(world, folder, ann)
  await ann.must('expunge', { mailbox: inbox, uids: uids(4), which: 'any' })
  await new Promise((resolve) => {
    setTimeout(resolve, 5)
  })
  await ann.must('expunge', { mailbox: inbox, uids: uids(3), which: 'any' })
  await run(world, folder, ann)
  await run(world, folder, ann)
  assert.deepEqual(packs(folder, ann), ['00000002.pack'])
  assert.ok(statSync(path.join(folder, 'accounts', String(ann.ref.id), '00000002.pack')).size < 50_000)
  assert.deepEqual((await verifyBackup(folder, quiet)).damaged, [])
  const empty = open()
  await restoreAll(empty, folder)
  assert.deepEqual(await whole(empty, ann), restored(await whole(world, ann)))
})

test('an account that was made anew under its number takes nothing from the one before', async (t) => {
  const folder = folderFor(t)
  let now = 1_000
  const store = openMemoryStore({ clock: { now: () => now } })
  const world = open(store)
  const ann = await person(world)
  await run(world, folder, ann)
  await ann.must('removeAccount', {})
  now = 5_000_000
  await ann.must('openAccount', { mailboxes: [], limits: { storageBytes: undefined, messages: undefined } })
  await ann.add((await ann.inbox()).key, [mail(1), mail(77)])
  await run(world, folder, ann)
  assert.deepEqual(packs(folder, ann), ['00000002.pack'])
  const empty = open()
  await restoreAll(empty, folder)
  assert.deepEqual(await whole(empty, ann), restored(await whole(world, ann)))
})

test('accounts that are gone leave the backup with the next run', async (t) => {
  const folder = folderFor(t)
  const world = open()
  const [ann, ben] = [await person(world), await person(world)]
  await run(world, folder, ann, ben)
  await run(world, folder, ben)
  assert.deepEqual(readdirSync(path.join(folder, 'accounts')), [String(ben.ref.id)])
  assert.equal(readdirSync(folder).filter((name) => name.startsWith('directory-')).length, 1)
})

test('one account comes back in its place, or beside what another has', async (t) => {
  const folder = folderFor(t)
  const world = open()
  const ann = await person(world)
  const ben = await world.person()
  const inbox = (await ann.inbox()).key
  for (const identifier of ['anyone', 'ben@example.org', 'gone@example.org', '-gone@example.org'])
    await ann.must('setAcl', { mailbox: inbox, identifier, mode: 'replace', rights: 'lr' })
  await run(world, folder, ann, ben)
  await ann.must('expunge', { mailbox: inbox, uids: undefined, which: 'any' })
  await ann.add(inbox, [mail(50)])
  const before = await ann.state()
  const account = { id: ann.ref.id, address: 'p1@example.org', to: ann.ref }
  const limits = { storageBytes: 77_000_000, messages: undefined }
  const people = ['p1@example.org', 'ben@example.org'].map((address) => ({ id: ann.ref.id, now: ann.ref.id, address }))
  const request = { path: folder, account, people, limits }
  await restoreBackup(world.store, { ...request, what: 'account' }, quiet)
  assert.deepEqual(await ann.uidsIn(inbox), [1, 3, 4])
  assert.deepEqual((await ann.state()).limits, limits)
  assert.ok((await ann.state()).modseq > before.modseq)
  const acl = (await world.store.image(ann.ref))?.mailboxes.find(({ key }) => key === inbox)?.acl
  assert.deepEqual(acl?.map(({ identifier }) => identifier).sort(), ['anyone', 'ben@example.org'])
  assert.equal((await ann.inbox()).uidNext, 6)

  const into = { path: folder, what: 'into', account: { ...account, to: ben.ref }, below: 'Restored' } as const
  const report = await restoreBackup(world.store, into, quiet)
  assert.equal(report.messages, 4)
  assert.deepEqual(await ben.names(), ['INBOX', 'Restored', 'Restored/INBOX', 'Restored/Kept'])
  const flags = (await ben.messages((await ben.box('Restored/INBOX')).key)).map((message) => message.flags)
  assert.deepEqual(flags, [['Work', '\\Seen'], [], []])
})

test('a folder with other things in it, a newer backup and a damaged manifest are refused', async (t) => {
  const folder = folderFor(t)
  const world = open()
  const ann = await person(world)
  writeFileSync(path.join(folder, 'letter.txt'), 'x')
  await assert.rejects(run(world, folder, ann), refusal('not-a-backup'))
  await assert.rejects(readBackup(folder), refusal('not-a-backup'))
  rmSync(path.join(folder, 'letter.txt'))
  await run(world, folder, ann)
  const manifest = path.join(folder, 'malle-backup.json')
  const text = readFileSync(manifest, 'utf8')
  writeFileSync(manifest, text.replace('"format":1', '"format":2'))
  await assert.rejects(readBackup(folder), refusal('newer-backup'))
  await assert.rejects(run(world, folder, ann), refusal('newer-backup'))
  writeFileSync(manifest, text.slice(0, 40))
  await assert.rejects(readBackup(folder), refusal('damaged-backup'))
  writeFileSync(manifest, text)
  const name = readdirSync(folder).find((each) => each.startsWith('directory-')) ?? ''
  chmodSync(path.join(folder, name), 0o600)
  writeFileSync(path.join(folder, name), '{}')
  await assert.rejects(readBackup(folder), refusal('damaged-backup'))
  assert.equal((await verifyBackup(folder, quiet)).damaged.length, 1)
})

function refusal(kind: string): (error: unknown) => boolean {
  return (error) => error instanceof BackupRefused && error.refusal.kind === kind
}

test('an account that is damaged whole does not keep the others from coming back', async (t) => {
  const folder = folderFor(t)
  const world = open()
  const [ann, ben] = [await person(world), await person(world)]
  await run(world, folder, ann, ben)
  const file = path.join(folder, 'accounts', String(ann.ref.id), 'account.json')
  writeFileSync(file, readFileSync(file, 'utf8').replace('"messages":4', '"messages":5'))
  const empty = open()
  const report = await restoreAll(empty, folder)
  assert.deepEqual(report.accounts, 1)
  assert.match(report.lost.join(), /^p1@example\.org: nothing came back/)
  assert.equal(await empty.store.state(ann.ref), undefined)
  assert.deepEqual(await whole(empty, ben), restored(await whole(world, ben)))
})

test('numbers that were given after the backup are not given again by an account that came back', async (t) => {
  const folder = folderFor(t)
  const world = open()
  const ann = await person(world)
  await run(world, folder, ann)
  const kept = (await ann.messages((await ann.inbox()).key)).map(({ uid }) => uid)
  // Clients see these, and the disk is lost.
  await ann.add((await ann.inbox()).key, [mail(50), mail(51)])
  await ann.make('Later')
  const [inbox, now] = [await ann.inbox(), await world.store.image(ann.ref)]
  const account = { id: ann.ref.id, address: 'p1@example.org', to: ann.ref }
  const limits = { storageBytes: undefined, messages: undefined }
  for (const request of [
    { path: folder, what: 'all', accounts: [account] },
    { path: folder, what: 'account', account, people: [], limits },
  ] as const) {
    const empty = open()
    await restoreBackup(empty.store, request, quiet)
    const image = await empty.store.image(ann.ref)
    assert.ok(image !== undefined && now !== undefined)
    const back = image.mailboxes.find(({ name }) => name === 'INBOX')
    assert.ok(back !== undefined)
    assert.equal(back.uidValidity, inbox.uidValidity)
    assert.ok(back.uidNext > inbox.uidNext, 'a UID, and so a UIDL')
    assert.ok(image.modseq > now.modseq, 'a MODSEQ')
    assert.ok(image.next.email > now.next.email && image.next.mailbox > now.next.mailbox, 'an object id')
    assert.deepEqual(
      image.messages.uids.filter((_, index) => image.messages.mailboxes[index] === back.key),
      kept,
    )
    // Whoever asks what happened since hears of everything.
    assert.equal(back.vanishedFloor, image.modseq)
    assert.ok(image.messages.modseqs.every((modseq) => modseq === image.modseq))
  }
})

test('a backup that names what is not its own is damaged, whatever its checksums say', async (t) => {
  const folder = folderFor(t)
  const world = open()
  const ann = await person(world)
  await run(world, folder, ann)
  const manifest = path.join(folder, 'malle-backup.json')
  const text = readFileSync(manifest, 'utf8')
  for (const [from, to] of [
    [/"file":"[^"]*"/, '"file":"../../etc/passwd"'],
    [/"id":\d+/, '"id":"../../elsewhere"'],
  ] as const) {
    writeFileSync(manifest, text.replace(from, to))
    await assert.rejects(readBackup(folder), refusal('damaged-backup'))
  }
  const reader = new PackReader(folder)
  for (const wrong of [{ pack: '../../x' as unknown as number }, { offset: -1 }, { length: 0.5 }])
    await assert.rejects(reader.read({ pack: 1, offset: 0, length: 1, sha256: '', ...wrong }), DamagedRecord)

  const image = await world.store.image(ann.ref)
  assert.ok(image !== undefined)
  mustBeSound(image, 'ann')
  const { messages, mailboxes } = image
  for (const wrong of [
    // the first email of the next account
    { messages: { ...messages, emails: messages.emails.map((key) => key + 2 ** 32) } },
    { messages: { ...messages, emails: messages.emails.slice(1) } },
    { messages: { ...messages, uids: messages.uids.map(() => 0) } },
    { mailboxes: mailboxes.map((mailbox) => ({ ...mailbox, name: `../${'x'.repeat(2_000)}` })) },
    { next: { ...image.next, email: 2 ** 33 } },
  ])
    assert.throws(() => mustBeSound({ ...image, ...wrong }, 'ann'), refusal('damaged-backup'))
})
