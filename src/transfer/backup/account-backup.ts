/** One account into a backup: bodies that are new, pages that differ, then its file, by rename. @module */
import { mkdir, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '#lib/clock.ts'
import type { EmailKey } from '#mail/ids.ts'
import type { AccountImage, EmailImage } from '#store/image.ts'
import { DamagedBody, type MailStore } from '#store/mail-store.ts'
import type { AccountRef } from '#store/types.ts'
import type { AccountReport } from './backup.ts'
import { accountFolder, readAccountFile, sha256, writeAccountFile } from './files.ts'
import {
  ACCOUNT_FILE,
  type AccountFile,
  BACKUP_FORMAT,
  BackupRefused,
  EMAILS_A_PAGE,
  type EmailEntry,
  formatJson,
  type PackSize,
  pagesOf,
  parseJson,
  type RecordRef,
  type RootPage,
  UIDS_A_PAGE,
} from './format.ts'
import { DamagedRecord, PackReader, PackWriter, packName } from './pack.ts'

/** Bodies up to this are read at once. */
const AT_ONCE = 1_048_576
/** A pack is written anew when less than this share of it is needed, */
const SPARSE = 0.5
/** and so much would be given back. */
const WORTH = 1_048_576

/** What the folder has already. */
interface Before {
  readonly file: AccountFile
  readonly root: RootPage
}

export class AccountBackup {
  readonly #store: MailStore
  readonly #clock: Clock
  readonly #folder: string
  readonly #ref: AccountRef
  readonly #address: string
  readonly #own: string
  readonly #reader: PackReader
  #writer: PackWriter | undefined
  #birth = 0
  /** Pages by their checksum. */
  #pages = new Map<string, RecordRef>()
  #sparse: ReadonlySet<number> = new Set()
  #salvaged: ReadonlyMap<number, RecordRef> = new Map()
  readonly #live = new Map<number, number>()
  #bytes = 0
  #copied = 0
  readonly #unreadable: string[] = []

  constructor(store: MailStore, clock: Clock, folder: string, ref: AccountRef, address: string) {
    this.#store = store
    this.#clock = clock
    this.#folder = folder
    this.#ref = ref
    this.#address = address
    this.#own = accountFolder(folder, ref.id)
    this.#reader = new PackReader(this.#own)
  }

  /** @returns `undefined`: the store has no such account yet. */
  async run(progress: (report: AccountReport) => void): Promise<AccountReport | undefined> {
    const taken = new Date(this.#clock.now()).toISOString()
    const image = await this.#store.image(this.#ref)
    if (image === undefined) return undefined
    try {
      return await this.#keep(image, taken, progress)
    } finally {
      await this.#writer?.abandon()
      await this.#reader.close()
    }
  }

  async #keep(image: AccountImage, taken: string, progress: (report: AccountReport) => void): Promise<AccountReport> {
    await mkdir(this.#own, { recursive: true, mode: 0o700 })
    this.#birth = image.createdAt
    const before = await this.#before(image.createdAt)
    const writer = await this.#openWriter(before)
    const report = (changed: boolean): AccountReport => ({
      changed,
      messages: image.messages.uids.length,
      deleted: image.deleted.uids.length,
      bytes: this.#bytes,
      copied: this.#copied,
      written: writer.written,
      unreadable: this.#unreadable,
    })
    const emails = await this.#emails(image, before, () => progress(report(true)))
    const { messages, deleted, events, tombstones, seen, keywordSets, ...rest } = image
    const root = await this.#page({
      image: rest,
      keywordSets: await this.#page(keywordSets),
      tombstones: await this.#page(tombstones),
      seen: await this.#page(seen),
      messages: await this.#columns(messages),
      deleted: await this.#columns(deleted),
      events: await this.#events(events),
      emails,
    } satisfies RootPage)
    if (before?.file.root.sha256 === root.sha256 && writer.written === 0) return report(false)
    for (const pack of this.#sparse) if (!this.#live.has(pack)) writer.drop(pack)
    await writer.finish()
    const packs = writer.packs.map(({ pack, size }): PackSize => ({ pack, size, live: this.#live.get(pack) ?? 0 }))
    await writeAccountFile(this.#folder, {
      format: BACKUP_FORMAT,
      id: this.#ref.id,
      address: this.#address,
      taken,
      modseq: image.modseq,
      messages: messages.uids.length,
      deleted: deleted.uids.length,
      bytes: this.#bytes,
      root,
      packs,
    })
    const needed = new Set(packs.map(({ pack }) => packName(pack)))
    for (const name of await readdir(this.#own))
      if (name.endsWith('.pack') && !needed.has(name)) await rm(path.join(this.#own, name))
    return report(true)
  }

  /** What is there of this very account; what cannot be read is made anew. */
  async #before(createdAt: number): Promise<Before | undefined> {
    try {
      const file = await readAccountFile(this.#folder, this.#ref.id)
      if (file === undefined) return undefined
      const root = parseJson((await this.#reader.read(file.root)).toString()) as RootPage
      return root.image.createdAt === createdAt ? { file, root } : undefined
    } catch (error) {
      if (error instanceof DamagedRecord) return undefined
      if (error instanceof BackupRefused && error.refusal.kind === 'damaged-backup') return undefined
      throw error
    }
  }

  async #openWriter(before: Before | undefined): Promise<PackWriter> {
    const packs = before?.file.packs ?? []
    const names = before === undefined ? await readdir(this.#own) : []
    if (names.includes(ACCOUNT_FILE)) {
      // Of another account, or damaged: its packs stay as they are until this one is whole.
      const last = Math.max(0, ...names.map((name) => Number.parseInt(name, 10) || 0))
      this.#writer = new PackWriter(this.#own, [], { first: last + 1 })
      return this.#writer
    }
    const writer = new PackWriter(this.#own, packs)
    this.#writer = writer
    this.#salvaged = await writer.salvage(this.#birth)
    this.#sparse = new Set(
      packs.filter(({ size, live }) => live < size * SPARSE && size - live > WORTH).map(({ pack }) => pack),
    )
    if (this.#sparse.has(writer.current)) await writer.turn()
    if (before === undefined) return writer
    const { root } = before
    for (const ref of [before.file.root, ...pagesOf(root)]) this.#known(ref)
    for (const { range: _, ...ref } of root.emails) this.#known(ref)
    return writer
  }

  #known(ref: RecordRef): void {
    if (!this.#sparse.has(ref.pack)) this.#pages.set(ref.sha256, ref)
  }

  /** The page as it is kept: where the same octets are already, or added. */
  async #page(value: unknown): Promise<RecordRef> {
    const bytes = Buffer.from(formatJson(value))
    const known = this.#pages.get(sha256(bytes))
    const ref = known ?? (await this.#mustWrite().add({ kind: 'page', key: 0, birth: this.#birth }, bytes))
    this.#pages.set(ref.sha256, ref)
    this.#lives(ref)
    return ref
  }

  #lives({ pack, length }: RecordRef): void {
    this.#live.set(pack, (this.#live.get(pack) ?? 0) + length)
  }

  #mustWrite(): PackWriter {
    if (this.#writer === undefined) throw new Error('The packs are not open')
    return this.#writer
  }

  /** Columns cut where the mailbox or the range of UIDs changes, so that a change touches one page. */
  async #columns(columns: AccountImage['messages'] | AccountImage['deleted']): Promise<RecordRef[]> {
    const { mailboxes, uids } = columns
    const refs: RecordRef[] = []
    const rangeOf = (index: number): string => `${mailboxes[index]}/${Math.floor((uids[index] ?? 0) / UIDS_A_PAGE)}`
    for (let from = 0; from < uids.length; ) {
      let to = from + 1
      while (to < uids.length && rangeOf(to) === rangeOf(from)) to += 1
      const part = Object.entries(columns).map(([name, values]) => [name, values.slice(from, to)])
      refs.push(await this.#page(Object.fromEntries(part)))
      from = to
    }
    return refs
  }

  /** A page a day: only the last one grows. */
  async #events(events: AccountImage['events']): Promise<RecordRef[]> {
    const refs: RecordRef[] = []
    for (const day of Map.groupBy(events, ({ at }) => Math.floor(at / 86_400_000)).values())
      refs.push(await this.#page(day))
    return refs
  }

  // --- emails ---

  async #emails(image: AccountImage, before: Before | undefined, progress: () => void): Promise<RootPage['emails']> {
    const ranges = new Map(before?.root.emails.map(({ range, ...ref }) => [range, ref]))
    const refs: RootPage['emails'][number][] = []
    let waiting: EmailImage[] = []
    let after: EmailKey | 0 = 0
    const keep = async (): Promise<void> => {
      const [first] = waiting
      if (first === undefined) return
      const range = rangeOfKey(first.key)
      refs.push({ ...(await this.#emailsPage(waiting, ranges.get(range))), range })
      waiting = []
      progress()
    }
    for (;;) {
      const slice: readonly EmailImage[] = await this.#store.imageEmails(this.#ref, after, EMAILS_A_PAGE)
      for (const email of slice) {
        // What came after the image was taken is for the next run.
        if (email.key >= image.next.email) break
        if (waiting[0] !== undefined && rangeOfKey(waiting[0].key) !== rangeOfKey(email.key)) await keep()
        waiting.push(email)
      }
      const last = slice.at(-1)
      if (last === undefined || slice.length < EMAILS_A_PAGE || last.key >= image.next.email) break
      after = last.key
    }
    await keep()
    return refs
  }

  async #emailsPage(emails: readonly EmailImage[], known: RecordRef | undefined): Promise<RecordRef> {
    const entries = new Map((await this.#entries(known)).map((entry) => [entry.key, entry]))
    const kept: EmailEntry[] = []
    for (const email of emails) kept.push(await this.#email(email, entries.get(email.key)))
    return this.#page(kept)
  }

  async #entries(ref: RecordRef | undefined): Promise<readonly EmailEntry[]> {
    if (ref === undefined) return []
    try {
      return parseJson((await this.#reader.read(ref)).toString()) as readonly EmailEntry[]
    } catch (error) {
      if (error instanceof DamagedRecord) return []
      throw error
    }
  }

  async #email(email: EmailImage, known: EmailEntry | undefined): Promise<EmailEntry> {
    const { key, thread, internalDate, internalZone, trace } = email
    const same =
      known !== undefined &&
      known.internalDate === internalDate &&
      known.thread === thread &&
      known.body?.length === email.place.length
    const body = (same ? await this.#keptBody(email, known.body) : undefined) ?? (await this.#body(email))
    if (body !== undefined) {
      this.#bytes += body.length
      this.#lives(body)
    }
    return { key, thread, internalDate, internalZone, trace, body }
  }

  /** Where the body is already, copied where its pack is to go. */
  async #keptBody({ key }: EmailImage, ref: RecordRef | undefined): Promise<RecordRef | undefined> {
    if (ref === undefined || !this.#sparse.has(ref.pack)) return ref
    try {
      return await this.#mustWrite().stream(
        { kind: 'mail', key, birth: this.#birth },
        ref.length,
        this.#reader.stream(ref),
      )
    } catch (error) {
      if (error instanceof DamagedRecord) return undefined
      throw error
    }
  }

  async #body(email: EmailImage): Promise<RecordRef | undefined> {
    const salvaged = this.#salvaged.get(email.key)
    if (salvaged?.length === email.place.length) return salvaged
    for (const place of [email.place, undefined]) {
      try {
        const ref = await this.#copy(place === undefined ? await this.#again(email) : email)
        this.#copied += 1
        return ref
      } catch (error) {
        // Compaction may have moved it since its place was read; it stays where it was for a while.
        if (!(error instanceof DamagedBody)) throw error
      }
    }
    this.#unreadable.push(`${this.#address}: email ${email.key}, ${email.place.length} octets`)
    return undefined
  }

  async #again(email: EmailImage): Promise<EmailImage> {
    const [now] = await this.#store.imageEmails(this.#ref, (email.key - 1) as EmailKey, 1)
    if (now?.key !== email.key) throw new DamagedBody('The email is gone')
    return now
  }

  async #copy({ key, place }: EmailImage): Promise<RecordRef> {
    const body = this.#store.body(this.#ref, place)
    const name = { kind: 'mail', key, birth: this.#birth } as const
    if (body.size <= AT_ONCE) return this.#mustWrite().add(name, await body.read(0, body.size))
    return this.#mustWrite().stream(name, body.size, body.stream(0, body.size))
  }
}

function rangeOfKey(key: number): number {
  return Math.floor(key / EMAILS_A_PAGE)
}
