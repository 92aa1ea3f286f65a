/** An index over a store in memory, without threads, and mail in many languages, for the tests of this folder. @module */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { systemClock } from '#lib/clock.ts'
import { fold } from '#mail/fold.ts'
import type { MailboxKey } from '#mail/ids.ts'
import { searchableTextOf } from '#mail/searchable.ts'
import type { Snapshot } from '#services/snapshot.ts'
import { MailboxSnapshots } from '#services/snapshots.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { SearchIndex } from '#store/search-index.ts'
import type { AccountRef } from '#store/types.ts'
import { indexPath } from './index-file.ts'
import { Indexer } from './indexer.ts'
import { AccountSearcher } from './searcher.ts'

/** A new folder; disposing it removes it. */
export function newFolder(): Disposable & { readonly path: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'malle-search-'))
  return { path: folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

/** Brings an index up to date, or makes it. */
export async function indexAll(folder: string, store: MailStore, account: AccountRef): Promise<void> {
  const indexer = await Indexer.open(indexPath(folder, account.id), store, account, systemClock, (message) => {
    throw new Error(message)
  })
  try {
    while ((await indexer.step()).more);
  } finally {
    indexer.close()
  }
}

/** The index of one account. */
export async function openIndex(
  folder: string,
  store: MailStore,
  account: AccountRef,
): Promise<SearchIndex & Disposable> {
  const searcher = await AccountSearcher.open(folder, store, account)
  if (!(searcher instanceof AccountSearcher)) throw new Error(`There is no index: ${searcher}`)
  return {
    find: (_, mailbox, texts) => searcher.find(mailbox, texts),
    want: () => undefined,
    [Symbol.dispose]: () => searcher.close(),
  }
}

/** What a mailbox holds now. */
export async function snapshotOf(store: MailStore, account: AccountRef, mailbox: MailboxKey): Promise<Snapshot> {
  const handle = new MailboxSnapshots(store).open(account, mailbox)
  const snapshot = await handle.refresh(0)
  handle.close()
  if (snapshot === undefined) throw new Error('There is no such mailbox')
  return snapshot
}

/** The folded text of a message as searches define it: runs, of which none goes on in another. */
export function textOf(message: Uint8Array): { readonly header: readonly string[]; readonly body: readonly string[] } {
  const text: Record<'header' | 'body', string[]> = { header: [], body: [] }
  for (const { where, text: piece, continued } of searchableTextOf(message)) {
    const runs = text[where]
    if (continued) runs.push((runs.pop() ?? '') + fold(piece))
    else runs.push(fold(piece))
  }
  return text
}

const PHRASES = [
  'The quarterly report is attached, as agreed on Monday.',
  'Grüße aus der Straße am Fluß; SCHÖNE GRÜẞE!',
  'Un été à l’ombre — déjà vu, cœur et naïveté',
  'Ein Fußgänger-Überweg (A-7/b), 3,50 € netto',
  'Привет, как дела? Ёлка и ежик',
  'Καλημέρα κόσμε, ὁ Ὀδυσσεύς ΣΊΣΥΦΟΣ σίσυφος',
  'नमस्ते दुनिया, यह एक परीक्षण है',
  'สวัสดีชาวโลก ทดสอบ',
  '日本語のテスト。東京都、カタカナ ﾊﾝｶｸ',
  '안녕하세요 세계',
  'שלום עולם و مرحبا بالعالم',
  '📎 file 👨‍👩‍👧 family 🇫🇷 ❤️ done ✅✅',
  'İstanbul ıssız I i, ﬁne ﬂow ½ x² Å Å',
  'e\u0301te\u0301 against été, Z\u0335\u0321a\u0328lgo',
  'foo_bar-baz.qux@example.org <1234.5678@mx-7.example.net> a+b=c $9 ~x^y`',
  'https://example.org/path?query=value&other=%20#fragment',
  `long${'abcdefghij'.repeat(70)}end`,
]

/** Messages with these phrases, in turn and mixed: in subjects, names, texts, HTML and file names. */
export function multilingualMail(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, number) => {
    const phrase = (step: number): string => PHRASES[(number * step + step) % PHRASES.length] ?? ''
    const encoded = (text: string): string => `=?utf-8?B?${Buffer.from(text.slice(0, 45)).toString('base64')}?=`
    const html = `<p>${phrase(5)} <b>w${number}</b>ord <script>hidden${number}</script></p>`
    return Buffer.from(
      [
        `From: ${encoded(phrase(2))} <sender${number}@example.net>`,
        `To: someone@example.org`,
        `Subject: ${encoded(phrase(1))}`,
        `Message-ID: <${number}.${number * 7_919}@mx.example.net>`,
        'MIME-Version: 1.0',
        'Content-Type: multipart/mixed; boundary="b"',
        '',
        '--b',
        'Content-Type: text/plain; charset=utf-8',
        '',
        `${phrase(1)} ${phrase(3)}\r\n${phrase(7)} number ${number}`,
        '--b',
        'Content-Type: text/html; charset=utf-8',
        'Content-Transfer-Encoding: base64',
        '',
        Buffer.from(html).toString('base64').replaceAll(/.{76}/g, '$&\r\n'),
        '--b',
        `Content-Type: application/pdf; name="file-${number}.pdf"`,
        '',
        'opaque octets',
        '--b--',
        '',
      ].join('\r\n'),
    )
  })
}
