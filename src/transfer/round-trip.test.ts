import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { openMemoryStore } from '#adapters/memory/memory-store.ts'
import { type Clock, systemClock } from '#lib/clock.ts'
import type { AccountId } from '#mail/ids.ts'
import { uidSetOf } from '#mail/uid-set.ts'
import { flagNames, keywordSetId, systemFlags } from '#store/flags.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef } from '#store/types.ts'
import { exportMail } from './export.ts'
import { importMail } from './import.ts'
import { mailboxOfMaildirFolder, maildirFolder } from './maildir-names.ts'

const clock: Clock = systemClock
const account: AccountRef = { id: 1 as AccountId, shard: 0 }

async function openAccount(): Promise<MailStore> {
  const store = openMemoryStore()
  await store.write('openAccount', {
    account,
    by: 'test',
    mailboxes: [],
    limits: { storageBytes: undefined, messages: undefined },
  })
  return store
}

interface Picture {
  readonly mailbox: string
  readonly text: string
  readonly flags: readonly string[]
  readonly date: number
}

async function pictureOf(store: MailStore): Promise<Picture[]> {
  const sets = await store.keywordSets(account, 0)
  const picture: Picture[] = []
  for (const { key, name } of await store.mailboxes(account)) {
    const page = await store.messages(account, key, 0)
    for await (const rows of store.emails(account, key, uidSetOf(page.uids), 0)) {
      for (const row of rows) {
        const packed = page.flags[page.uids.indexOf(row.uid)] ?? 0
        const body = store.body(account, row.place)
        const bytes = await body.read(0, body.size)
        picture.push({
          mailbox: name,
          text: Buffer.from(bytes).toString('latin1'),
          flags: flagNames({ system: systemFlags(packed), keywords: sets[keywordSetId(packed)] ?? [] }),
          date: row.internalDate,
        })
      }
    }
  }
  return picture
}

const MBOX = [
  'From ann@example.org Mon Nov 23 20:45:00 2026',
  'Status: RO',
  'X-Status: AF',
  'X-Keywords: $Forwarded work',
  'Subject: first',
  '',
  'A line',
  '>From here it was quoted',
  '>>From here twice',
  '',
  'From nobody, just text',
  '',
  '',
  'From bob@example.org Mon Nov 23 20:46:00 2026',
  'Subject: second',
  '',
  'Ends with blank lines',
  '',
  '',
  '',
].join('\n')

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'malle-transfer-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const importOf = (source: string, mailbox = 'INBOX') => ({
  account,
  path: source,
  mailbox,
  limitBytes: 50_000_000,
  dryRun: false,
})

test('an mbox is read with its flags, dates and quoted From lines', () =>
  inFolder(async (folder) => {
    const file = path.join(folder, 'a.mbox')
    await writeFile(file, MBOX)
    const store = await openAccount()
    const report = await importMail(store, clock, importOf(file), () => undefined)
    assert.equal(report.messages, 2)
    const [first, second] = await pictureOf(store)
    assert.deepEqual(first?.flags, ['\\Answered', '\\Flagged', '\\Seen', '$Forwarded', 'work'])
    assert.equal(first?.date, Date.UTC(2026, 10, 23, 20, 45))
    assert.equal(
      first?.text,
      'Subject: first\r\n\r\nA line\r\nFrom here it was quoted\r\n>From here twice\r\n\r\nFrom nobody, just text\r\n\r\n',
    )
    assert.equal(second?.text, 'Subject: second\r\n\r\nEnds with blank lines\r\n\r\n\r\n'.slice(0, -2))
  }))

test('a folder with messages and mailboxes as files is taken in whole', () =>
  inFolder(async (folder) => {
    await mkdir(path.join(folder, 'old'))
    await writeFile(path.join(folder, 'old', '1.eml'), 'Subject: one\n\nText\n')
    await writeFile(path.join(folder, 'old', 'letters.mbox'), MBOX)
    const store = await openAccount()
    const report = await importMail(store, clock, importOf(folder), () => undefined)
    assert.deepEqual(report.mailboxes, { old: 1, 'old/letters': 2 })
    assert.equal((await pictureOf(store)).length, 3)
  }))

for (const format of ['maildir', 'mbox'] as const) {
  test(`an account exported as ${format} and imported again is the same`, () =>
    inFolder(async (folder) => {
      const eml = path.join(folder, 'eml')
      await mkdir(path.join(eml, 'Projets été', 'v1.0 & more'), { recursive: true })
      await writeFile(path.join(eml, '1.eml'), 'Subject: one\n\nFrom the start\n>From quoted\n')
      await writeFile(path.join(eml, '2.eml'), 'Subject: crlf\r\n\r\nText\r\nFrom x\r\n')
      await writeFile(path.join(eml, 'Projets été', '3.eml'), 'Subject: mixed\r\n\r\none\ntwo\r\n')
      await writeFile(
        path.join(eml, 'Projets été', 'v1.0 & more', '10.eml'),
        Buffer.from('Subject: \xe9\n\n\xff\xfe raw\n', 'latin1'),
      )
      const mbox = path.join(folder, 'a.mbox')
      await writeFile(mbox, MBOX)
      const store = await openAccount()
      await importMail(store, clock, importOf(mbox), () => undefined)
      await importMail(store, clock, importOf(eml), () => undefined)
      const before = await pictureOf(store)
      assert.equal(before.length, 6)
      const target = path.join(folder, 'out')
      const report = await exportMail(
        store,
        clock,
        { account, path: target, format, mailbox: undefined },
        () => undefined,
      )
      assert.equal(report.messages, 6)
      const again = await openAccount()
      if (format === 'maildir') await importMail(again, clock, importOf(target), () => undefined)
      else {
        for (const mailbox of Object.keys(report.mailboxes)) {
          await importMail(
            again,
            clock,
            importOf(path.join(target, `${maildirFolder(mailbox).slice(1)}.mbox`), mailbox),
            () => undefined,
          )
        }
      }
      assert.deepEqual(await pictureOf(again), before)
    }))
}

test('names of mailboxes survive as Maildir++ folders', () => {
  for (const name of ['INBOX', 'a/b/c', 'Entwürfe', 'v1.0', 'R&D', '日本語/台北', 'a b', '~x']) {
    assert.equal(mailboxOfMaildirFolder(maildirFolder(name)), name)
  }
})
