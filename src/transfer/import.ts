/** Mail from files into an account: mbox, Maildir, `.eml`. @module */
import { open, readdir, stat } from 'node:fs/promises'
import type { Clock } from '#lib/clock.ts'
import type { MailboxKey } from '#mail/ids.ts'
import { prepareEmail } from '#mail/prepare.ts'
import { scanMessage } from '#mail/scanner.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef, NewMessage, StagedBody } from '#store/types.ts'
import { readEml, readEmlFolder } from './eml-folder.ts'
import { isMaildir, readMaildir } from './maildir.ts'
import { readMbox } from './mbox.ts'
import { readMboxFolder } from './mbox-folder.ts'
import type { SourceItem, SourceMessage, SourceProblem } from './source-message.ts'

export type SourceFormat = 'mbox' | 'maildir' | 'eml'

export interface ImportRequest {
  readonly account: AccountRef
  /** Absolute. */
  readonly path: string
  /** Where the top of the source goes; its folders go below, unless it is INBOX: then beside. */
  readonly mailbox: string
  readonly limitBytes: number
  /** Reads and reports, changes nothing. */
  readonly dryRun: boolean
}

export interface ImportReport {
  readonly format: SourceFormat
  readonly messages: number
  readonly bytes: number
  readonly mailboxes: Readonly<Record<string, number>>
  /** The first 1,000. */
  readonly problems: readonly SourceProblem[]
  readonly skipped: number
}

/** Why mail was not taken in. */
export type ImportRefusal =
  | { readonly kind: 'nothing-there'; readonly path: string }
  /** Neither an mbox, a Maildir, a message, nor a folder with any of them in it. */
  | { readonly kind: 'no-mail'; readonly path: string }
  /** The mailbox cannot be made or written; the `messages` before are kept. */
  | { readonly kind: 'mailbox-refuses'; readonly mailbox: string; readonly why: string; readonly messages: number }

/** An import that ends early. */
export class ImportRefused extends Error {
  readonly refusal: ImportRefusal

  constructor(refusal: ImportRefusal) {
    super(`The import is refused: ${refusal.kind}`)
    this.refusal = refusal
  }
}

const BATCH_MESSAGES = 200
/** What a batch is copied to stays in the cache, and its memory is used again. */
const BATCH_BYTES = 2 * 1024 * 1024
/** Bodies up to this size travel with the request; larger ones go into a file first. */
const MOST_WITH_REQUEST = 1024 * 1024
const MOST_PROBLEMS = 1_000

/** What kind of source a path is. @throws {ImportRefused} */
async function detectSource(source: string): Promise<SourceFormat> {
  const about = await stat(source).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })
  if (about === undefined) throw new ImportRefused({ kind: 'nothing-there', path: source })
  if (about.isDirectory()) {
    if (await holdsMaildir(source)) return 'maildir'
    if (await holds(source, /\.eml$/i)) return 'eml'
    if (await holds(source, /\.mbox$/i)) return 'mbox'
    throw new ImportRefused({ kind: 'no-mail', path: source })
  }
  if (/\.eml$/i.test(source)) return 'eml'
  await using handle = await open(source, 'r')
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(256), 0, 256, 0)
  const begin = buffer.toString('latin1', 0, bytesRead)
  if (/^(?:\xef\xbb\xbf)?\s*From /.test(begin)) return 'mbox'
  // RFC 5322 §2.2: a field name and a colon
  if (/^[!-9;-~]+[ \t]*:/.test(begin)) return 'eml'
  throw new ImportRefused({ kind: 'no-mail', path: source })
}

async function holds(directory: string, name: RegExp): Promise<boolean> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries.some((entry) => entry.isFile() && name.test(entry.name))
}

async function holdsMaildir(directory: string): Promise<boolean> {
  if (await isMaildir(directory)) return true
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory() && (await holdsMaildir(`${directory}/${entry.name}`))) return true
  }
  return false
}

/** Takes every message in; those of a mailbox keep their order. @throws {ImportRefused} */
export async function importMail(
  store: MailStore,
  clock: Clock,
  request: ImportRequest,
  progress: (report: ImportReport) => void,
): Promise<ImportReport> {
  const format = await detectSource(request.path)
  const run = new ImportRun(store, clock, request, format)
  for await (const item of itemsOf(format, request)) {
    await run.take(item)
    progress(run.report())
  }
  await run.finish()
  return run.report()
}

async function* itemsOf(format: SourceFormat, { path, limitBytes }: ImportRequest): AsyncGenerator<SourceItem> {
  switch (format) {
    case 'mbox':
      if ((await stat(path)).isDirectory()) yield* readMboxFolder(path, limitBytes)
      else yield* readMbox(path, limitBytes)
      return
    case 'maildir':
      yield* readMaildir(path, limitBytes)
      return
    case 'eml':
      if ((await stat(path)).isDirectory()) {
        yield* readEmlFolder(path, limitBytes)
        // Where messages lie about as files, there may be mailboxes as files between them.
        yield* readMboxFolder(path, limitBytes)
      } else yield await readEml(path, limitBytes)
  }
}

class ImportRun {
  readonly #store: MailStore
  readonly #clock: Clock
  readonly #request: ImportRequest
  readonly #format: SourceFormat
  readonly #mailboxes = new Map<string, MailboxKey>()
  readonly #counts = new Map<string, number>()
  readonly #problems: SourceProblem[] = []
  #batch: SourceMessage[] = []
  #batchBytes = 0
  /** The batch before is written while the next one is read and prepared. */
  #writing: Promise<void> | undefined
  #messages = 0
  #bytes = 0
  #skipped = 0

  constructor(store: MailStore, clock: Clock, request: ImportRequest, format: SourceFormat) {
    this.#store = store
    this.#clock = clock
    this.#request = request
    this.#format = format
  }

  report(): ImportReport {
    return {
      format: this.#format,
      messages: this.#messages,
      bytes: this.#bytes,
      mailboxes: Object.fromEntries(this.#counts),
      problems: this.#problems,
      skipped: this.#skipped,
    }
  }

  async take(item: SourceItem): Promise<void> {
    if (item.kind === 'problem') {
      this.#skipped += 1
      if (this.#problems.length < MOST_PROBLEMS)
        this.#problems.push({ origin: item.origin, problem: item.problem, detail: item.detail })
      return
    }
    const { message } = item
    if (
      this.#batch.length > 0 &&
      (this.#batch[0]?.mailbox !== message.mailbox ||
        this.#batch.length >= BATCH_MESSAGES ||
        this.#batchBytes + message.bytes.length > BATCH_BYTES)
    ) {
      await this.flush()
    }
    this.#batch.push(message)
    this.#batchBytes += message.bytes.length
  }

  async flush(): Promise<void> {
    const batch = this.#batch
    this.#batch = []
    this.#batchBytes = 0
    const first = batch[0]
    if (first === undefined) return
    const name = this.#nameOf(first.mailbox)
    const messages = this.#request.dryRun ? [] : await this.#prepare(batch)
    await this.#written()
    this.#writing = this.#write(name, batch, messages)
    // It is waited for before the next one, and at the end.
    this.#writing.catch(() => undefined)
  }

  /** Settled when everything is on disk. */
  async finish(): Promise<void> {
    await this.flush()
    await this.#written()
  }

  async #written(): Promise<void> {
    const writing = this.#writing
    this.#writing = undefined
    await writing
  }

  async #write(name: string, batch: readonly SourceMessage[], messages: readonly NewMessage[]): Promise<void> {
    if (!this.#request.dryRun) await this.#append(name, messages)
    this.#messages += batch.length
    for (const { bytes } of batch) this.#bytes += bytes.length
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + batch.length)
  }

  #nameOf(mailbox: string): string {
    const top = this.#request.mailbox
    if (mailbox === '') return top
    return top === 'INBOX' ? mailbox : `${top}/${mailbox}`
  }

  async #prepare(batch: readonly SourceMessage[]): Promise<readonly NewMessage[]> {
    const messages: NewMessage[] = []
    for (const { bytes, flags, date } of batch) {
      const email = prepareEmail(scanMessage(bytes))
      const at = date ?? email.sentAt ?? this.#clock.now()
      messages.push({
        body: bytes.length <= MOST_WITH_REQUEST ? { kind: 'bytes', bytes } : await this.#staged(bytes),
        email,
        trace: new Uint8Array(),
        flags,
        internalDate: Math.floor(at / 1000) * 1000,
        internalZone: 0,
        uidl: undefined,
      })
    }
    return messages
  }

  async #staged(bytes: Uint8Array): Promise<StagedBody> {
    const stage = this.#store.stage(this.#request.account.shard)
    await stage.write(bytes)
    return stage.finish()
  }

  async #append(name: string, messages: readonly NewMessage[]): Promise<void> {
    const mailbox = await this.#mailbox(name)
    const { account } = this.#request
    const answer = await this.#store.write('append', { account, by: 'import', mailbox, messages })
    if (!answer.ok) throw this.#refused(name, answer.error.kind)
  }

  async #mailbox(name: string): Promise<MailboxKey> {
    const known = this.#mailboxes.get(name)
    if (known !== undefined) return known
    const { account } = this.#request
    const found = await this.#store.mailboxByName(account, name)
    let key = found?.key
    if (key === undefined) {
      const made = await this.#store.write('createMailbox', { account, by: 'import', name, specialUse: undefined })
      if (!made.ok) throw this.#refused(name, made.error.kind)
      await this.#store.write('subscribe', { account, by: 'import', name, subscribed: true })
      key = made.value.mailbox.key
    }
    this.#mailboxes.set(name, key)
    return key
  }

  #refused(mailbox: string, why: string): ImportRefused {
    return new ImportRefused({ kind: 'mailbox-refuses', mailbox, why, messages: this.#messages })
  }
}
