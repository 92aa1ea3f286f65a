/** Mail of an account into files: a Maildir++ or one mbox a mailbox. @module */
import { mkdir, open, readdir } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '#lib/clock.ts'
import type { Uid } from '#mail/ids.ts'
import { uidSetOf } from '#mail/uid-set.ts'
import { type Flags, keywordSetId, systemFlags } from '#store/flags.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef, EmailRow, MailboxInfo } from '#store/types.ts'
import { MaildirWriter } from './maildir.ts'
import { maildirFolder } from './maildir-names.ts'
import { formatMboxMessage } from './mbox.ts'
import { fileLineEnds } from './source-message.ts'

export interface ExportRequest {
  readonly account: AccountRef
  /** Absolute; made when it is not there, refused when something is in it. */
  readonly path: string
  readonly format: 'maildir' | 'mbox'
  /** `undefined`: all. */
  readonly mailbox: string | undefined
}

export interface ExportReport {
  readonly messages: number
  readonly bytes: number
  readonly mailboxes: Readonly<Record<string, number>>
  /** Messages that lost keywords, because Maildir has 26 letters a folder. */
  readonly keywordsLost: number
}

/** Why nothing was written. */
export type ExportRefusal =
  | { readonly kind: 'folder-not-empty'; readonly path: string }
  | { readonly kind: 'no-such-mailbox'; readonly mailbox: string }

/** An export that does not begin. */
export class ExportRefused extends Error {
  readonly refusal: ExportRefusal

  constructor(refusal: ExportRefusal) {
    super(`The export is refused: ${refusal.kind}`)
    this.refusal = refusal
  }
}

/** A destination of one mailbox's messages, in UID order. */
interface Target {
  add(bytes: Uint8Array, flags: Flags, date: number): Promise<void>
  close(): Promise<void>
}

const SLICE = 500

/** Writes every message with its flags and date. */
export async function exportMail(
  store: MailStore,
  clock: Clock,
  request: ExportRequest,
  progress: (report: ExportReport) => void,
): Promise<ExportReport> {
  const { account } = request
  const mailboxes = (await store.mailboxes(account)).filter(
    ({ name }) => request.mailbox === undefined || name === request.mailbox,
  )
  if (mailboxes.length === 0) throw new ExportRefused({ kind: 'no-such-mailbox', mailbox: request.mailbox ?? 'INBOX' })
  await mkdir(request.path, { recursive: true, mode: 0o700 })
  if ((await readdir(request.path)).length > 0)
    throw new ExportRefused({ kind: 'folder-not-empty', path: request.path })
  const counts: Record<string, number> = {}
  let messages = 0
  let bytes = 0
  let keywordsLost = 0
  for (const mailbox of mailboxes) {
    const maildir =
      request.format === 'maildir'
        ? new MaildirWriter(request.path, request.mailbox === undefined ? mailbox.name : 'INBOX', clock.now())
        : undefined
    const target = maildir === undefined ? await mboxTarget(request.path, mailbox.name) : maildirTarget(maildir)
    await maildir?.open()
    counts[mailbox.name] = 0
    for await (const { row, flags } of messagesOf(store, account, mailbox)) {
      const whole = await readWhole(store, account, row)
      await target.add(fileLineEnds(whole), flags, row.internalDate)
      messages += 1
      bytes += whole.length
      counts[mailbox.name] = (counts[mailbox.name] ?? 0) + 1
      progress({ messages, bytes, mailboxes: counts, keywordsLost })
    }
    await target.close()
    keywordsLost += maildir?.keywordsLost ?? 0
  }
  return { messages, bytes, mailboxes: counts, keywordsLost }
}

function maildirTarget(writer: MaildirWriter): Target {
  return { add: (bytes, flags, date) => writer.add([bytes], flags, date), close: () => writer.close() }
}

async function mboxTarget(folder: string, mailbox: string): Promise<Target> {
  // The same encoding as in a Maildir keeps any name a single, safe file name.
  const handle = await open(path.join(folder, `${maildirFolder(mailbox).slice(1)}.mbox`), 'wx', 0o600)
  return {
    add: async (bytes, flags, date) => handle.writeFile(formatMboxMessage(bytes, flags, date)),
    close: () => handle.close(),
  }
}

async function* messagesOf(
  store: MailStore,
  account: AccountRef,
  mailbox: MailboxInfo,
): AsyncGenerator<{ readonly row: EmailRow; readonly flags: Flags }> {
  const keywordSets = [...(await store.keywordSets(account, 0))]
  let after: Uid | 0 = 0
  for (;;) {
    const page = await store.messages(account, mailbox.key, after, SLICE)
    const flagsByUid = new Map(Array.from(page.uids, (uid, index) => [uid, page.flags[index] ?? 0]))
    for await (const rows of store.emails(account, mailbox.key, uidSetOf(page.uids), 0)) {
      for (const row of rows) {
        if (row.gone) continue
        const packed = flagsByUid.get(row.uid) ?? 0
        const set = keywordSetId(packed)
        while (set >= keywordSets.length) {
          const more = await store.keywordSets(account, keywordSets.length)
          if (more.length === 0) throw new Error(`The keyword set ${set} is not in the store`)
          keywordSets.push(...more)
        }
        yield { row, flags: { system: systemFlags(packed), keywords: keywordSets[set] ?? [] } }
      }
    }
    if (page.uids.length < SLICE) return
    after = page.uids[page.uids.length - 1] as Uid
  }
}

async function readWhole(store: MailStore, account: AccountRef, row: EmailRow): Promise<Uint8Array> {
  const body = store.body(account, row.place)
  const chunks: Uint8Array[] = [row.trace]
  for await (const chunk of body.stream(0, body.size)) chunks.push(chunk)
  return Buffer.concat(chunks)
}
