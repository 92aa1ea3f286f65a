/** One account out of a backup. @module */
import type { MailboxKey, Uid } from '#mail/ids.ts'
import { type PreparedEmail, prepareEmail } from '#mail/prepare.ts'
import { MessageScanner, scanMessage } from '#mail/scanner.ts'
import { ANYONE } from '#store/acl.ts'
import { type Flags, keywordSetId, systemFlags } from '#store/flags.ts'
import { type AccountImage, type ImageRows, NO_ROWS, type RestoredEmail } from '#store/image.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef, NewMessage, QuotaLimits, StagedBody } from '#store/types.ts'
import type { WriteKind, Writes } from '#store/writes.ts'
import { ahead } from './ahead.ts'
import { accountFolder, readAccountFile } from './files.ts'
import { type AccountFile, BackupRefused, type EmailEntry, parseJson, type RecordRef, type RootPage } from './format.ts'
import { DamagedRecord, PackReader } from './pack.ts'
import { mustBeSound } from './sound.ts'

const BY = 'restore'
/** Emails of one request to the store, and their octets. */
const MOST_EMAILS = 200
const MOST_OCTETS = 8_388_608
/** Messages of one request. */
const MOST_ROWS = 2_000
/** Bodies up to this are in memory at once. */
const AT_ONCE = 1_048_576

/** What came back of an account. */
export interface AccountRestored {
  readonly messages: number
  readonly deleted: number
  readonly bytes: number
  /** What was lost, in sentences without a full stop. */
  readonly lost: readonly string[]
}

/** The account as the backup has it, opened for reading. */
export class BackedUpAccount implements AsyncDisposable {
  readonly file: AccountFile
  readonly image: AccountImage
  readonly #store: MailStore
  readonly #reader: PackReader
  readonly #emails: RootPage['emails']
  readonly #lost: string[]
  #bytes = 0

  private constructor(
    store: MailStore,
    file: AccountFile,
    reader: PackReader,
    image: AccountImage,
    emails: RootPage['emails'],
    lost: string[],
  ) {
    this.file = file
    this.image = image
    this.#store = store
    this.#reader = reader
    this.#emails = emails
    this.#lost = lost
  }

  /** @throws {BackupRefused} where not even the account's own pages can be read. */
  static async open(store: MailStore, folder: string, id: number, address: string): Promise<BackedUpAccount> {
    const file = await readAccountFile(folder, id)
    if (file === undefined) throw new BackupRefused({ kind: 'not-in-backup', address })
    const reader = new PackReader(accountFolder(folder, id))
    const page = async (ref: RecordRef): Promise<unknown> => parseJson((await reader.read(ref)).toString())
    const lost: string[] = []
    const columns = async (refs: readonly RecordRef[]): Promise<Record<string, readonly unknown[]>> => {
      const all: Record<string, unknown[]> = {}
      for (const ref of refs) {
        const part = await page(ref).catch((error: unknown) => {
          if (!(error instanceof DamagedRecord)) throw error
          lost.push(`A page of the list of messages: ${error.message}`)
          return {}
        })
        for (const [name, values] of Object.entries(part as Record<string, readonly unknown[]>)) {
          all[name] ??= []
          for (const value of values) all[name].push(value)
        }
      }
      return all
    }
    const list = async (refs: readonly RecordRef[]): Promise<AccountImage['events']> => {
      const all: AccountImage['events'][number][] = []
      for (const ref of refs) all.push(...((await page(ref)) as AccountImage['events']))
      return all.map((event) => ({ ...event, to: event.to ?? undefined, detail: event.detail ?? undefined }))
    }
    try {
      const root = (await page(file.root)) as RootPage
      const image: AccountImage = {
        ...root.image,
        limits: {
          storageBytes: root.image.limits.storageBytes ?? undefined,
          messages: root.image.limits.messages ?? undefined,
        },
        retentionDays: root.image.retentionDays ?? undefined,
        mailboxes: root.image.mailboxes.map((mailbox) => ({ ...mailbox, specialUse: mailbox.specialUse ?? undefined })),
        keywordSets: (await page(root.keywordSets)) as AccountImage['keywordSets'],
        tombstones: (await page(root.tombstones)) as AccountImage['tombstones'],
        seen: (await page(root.seen)) as AccountImage['seen'],
        goneLimitBytes: root.image.goneLimitBytes ?? undefined,
        goneMailboxes: root.image.goneMailboxes.map((gone) => ({
          ...gone,
          specialUse: gone.specialUse ?? undefined,
          restoredAs: gone.restoredAs ?? undefined,
        })),
        events: await list(root.events),
        messages: { ...NO_ROWS.messages, ...(await columns(root.messages)) },
        deleted: { ...NO_ROWS.deleted, ...(await columns(root.deleted)) },
      }
      mustBeSound(image, address)
      return new BackedUpAccount(store, file, reader, image, root.emails, lost)
    } catch (error) {
      await reader.close()
      if (!(error instanceof DamagedRecord)) throw error
      throw new BackupRefused({ kind: 'damaged-backup', what: `${address}: ${error.message}` }, { cause: error })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.close()
  }

  /**
   * Brings it into the store as that account; where there is none now, with numbers that go {@link ahead}.
   * @param here What is somebody's own, and their rights, become theirs by `people`; `undefined`: everything is as it was.
   */
  async restore(
    to: AccountRef,
    how: 'new' | 'replace',
    here: { readonly people: readonly SamePerson[]; readonly limits: QuotaLimits } | undefined,
    progress: (report: AccountRestored) => void,
  ): Promise<AccountRestored> {
    await this.#write('beginRestore', { account: to, by: BY })
    const lost = how === 'new' || (await this.#store.state(to)) === undefined
    const { messages, deleted, events, ...image } = lost ? ahead(this.image) : this.image
    let batch: RestoredEmail[] = []
    let octets = 0
    const flush = async (): Promise<void> => {
      const emails = batch
      ;[batch, octets] = [[], 0]
      if (emails.length > 0) await this.#write('restoreEmails', { account: to, by: BY, emails })
      progress(this.#report(messages.uids.length, deleted.uids.length))
    }
    const first = firstPlaces(this.image)
    for await (const entry of this.#entries()) {
      const at = first.get(entry.key)
      if (at === undefined) continue
      const read = await this.#body(entry, to.shard)
      if (read === undefined) continue
      const { key, thread, internalDate, internalZone, trace } = entry
      batch.push({
        key: key as RestoredEmail['key'],
        thread: thread as RestoredEmail['thread'],
        internalDate,
        internalZone,
        trace,
        ...read,
        at,
      })
      octets += read.body.kind === 'bytes' ? read.body.bytes.length : 0
      if (batch.length >= MOST_EMAILS || octets >= MOST_OCTETS) await flush()
    }
    await flush()
    const bring = (rows: Partial<ImageRows>): Promise<unknown> =>
      this.#write('restoreMessages', {
        account: to,
        by: BY,
        rows: { ...NO_ROWS, ...rows },
      })
    for (const part of slices(messages)) await bring({ messages: part })
    for (const part of slices(deleted)) await bring({ deleted: part })
    for (let at = 0; at < events.length; at += MOST_ROWS) await bring({ events: events.slice(at, at + MOST_ROWS) })
    await this.#write('endRestore', {
      account: to,
      by: BY,
      image: here === undefined ? image : { ...mapped(image, here.people), limits: here.limits },
      how,
    })
    return this.#report(messages.uids.length, deleted.uids.length)
  }

  /** Brings its messages into another account beside what is there, below a mailbox of their own. */
  async append(
    to: AccountRef,
    mailboxOf: (name: string) => Promise<MailboxKey>,
    progress: (report: AccountRestored) => void,
  ): Promise<AccountRestored> {
    const { image } = this
    const names = new Map(image.mailboxes.map(({ key, name }) => [key as number, name]))
    const entries = new Map<number, EmailEntry>()
    for await (const entry of this.#entries()) entries.set(entry.key, entry)
    const { mailboxes, uids, flags, emails } = image.messages
    let messages = 0
    for (let from = 0; from < uids.length; ) {
      const mailbox = mailboxes[from] ?? 0
      const target = await mailboxOf(names.get(mailbox) ?? String(mailbox))
      const batch: NewMessage[] = []
      let [index, octets] = [from, 0]
      for (; index < uids.length && mailboxes[index] === mailbox; index += 1) {
        if (batch.length >= MOST_EMAILS || octets >= MOST_OCTETS) break
        const entry = entries.get(emails[index] ?? 0)
        const read = entry === undefined ? undefined : await this.#body(entry, to.shard)
        if (entry === undefined || read === undefined) continue
        const { trace, internalDate, internalZone } = entry
        batch.push({
          ...read,
          trace,
          internalDate,
          internalZone,
          flags: flagsIn(image, flags[index] ?? 0),
          uidl: undefined,
        })
        octets += read.body.kind === 'bytes' ? read.body.bytes.length : 0
      }
      from = index
      await this.#write('append', { account: to, by: BY, mailbox: target, messages: batch })
      messages += batch.length
      progress(this.#report(messages, 0))
    }
    return this.#report(messages, 0)
  }

  #report(messages: number, deleted: number): AccountRestored {
    return { messages, deleted, bytes: this.#bytes, lost: this.#lost }
  }

  async *#entries(): AsyncGenerator<EmailEntry, void, void> {
    for (const { range, ...ref } of this.#emails) {
      let page: readonly EmailEntry[]
      try {
        page = parseJson((await this.#reader.read(ref)).toString()) as readonly EmailEntry[]
      } catch (error) {
        if (!(error instanceof DamagedRecord)) throw error
        this.#lost.push(`Emails of range ${range}: ${error.message}`)
        continue
      }
      yield* page
    }
  }

  /** The body, staged, with what is prepared of it; `undefined`: it is lost. */
  async #body(
    { key, body }: EmailEntry,
    shard: number,
  ): Promise<{ readonly body: StagedBody; readonly email: PreparedEmail } | undefined> {
    if (body === undefined) {
      this.#lost.push(`Email ${key} could not be read when the backup was made`)
      return undefined
    }
    const stage = this.#store.stage(shard)
    try {
      let email: PreparedEmail
      if (body.length <= AT_ONCE) {
        const bytes = await this.#reader.read(body)
        await stage.write(bytes)
        email = prepareEmail(scanMessage(bytes))
      } else {
        const scanner = new MessageScanner()
        for await (const chunk of this.#reader.stream(body)) {
          scanner.push(chunk)
          await stage.write(chunk)
        }
        email = prepareEmail(scanner.end())
      }
      this.#bytes += body.length
      return { body: await stage.finish(), email }
    } catch (error) {
      await stage.abandon()
      if (!(error instanceof DamagedRecord)) throw error
      this.#lost.push(`Email ${key}: ${error.message}`)
      return undefined
    }
  }

  async #write<K extends WriteKind>(kind: K, request: Writes[K]['request']): Promise<Writes[K]['value']> {
    const answer = await this.#store.write(kind, request)
    if (answer.ok) return answer.value
    throw new BackupRefused({ kind: 'restore-refused', address: this.file.address, why: answer.error.kind })
  }
}

/** Where each email is first: what the store notes beside its body. */
function firstPlaces(image: AccountImage): ReadonlyMap<number, RestoredEmail['at']> {
  const places = new Map<number, RestoredEmail['at']>()
  const names = new Map(image.mailboxes.map(({ key, name }) => [key as number, name]))
  const { messages, deleted } = image
  for (const { key, name } of image.goneMailboxes) names.set(key, name)
  const note = (columns: typeof messages | typeof deleted): void => {
    for (const [index, email] of columns.emails.entries()) {
      if (places.has(email)) continue
      const mailbox = columns.mailboxes[index] ?? 0
      places.set(email, {
        mailbox: mailbox as MailboxKey,
        mailboxName: names.get(mailbox) ?? '',
        uid: (columns.uids[index] ?? 1) as Uid,
        flags: flagsIn(image, columns.flags[index] ?? 0),
      })
    }
  }
  note(messages)
  note(deleted)
  return places
}

function flagsIn({ keywordSets }: Pick<AccountImage, 'keywordSets'>, packed: number): Flags {
  const set = keywordSetId(packed)
  return { system: systemFlags(packed), keywords: set === 0 ? [] : (keywordSets[set - 1] ?? []) }
}

/** Somebody who has the same account here as in the backup. */
export interface SamePerson {
  /** In the backup. */
  readonly id: number
  /** Here. */
  readonly now: number
  readonly address: string
}

/** What is somebody's own, and the rights they were given, are theirs here too; of nobody, they go. */
function mapped(
  image: Writes['endRestore']['request']['image'],
  people: readonly SamePerson[],
): Writes['endRestore']['request']['image'] {
  const users = new Map(people.map(({ id, now }) => [id, now]))
  const identifiers = new Set([ANYONE, ...people.map(({ address }) => address)])
  const own = (entries: typeof image.metadata): typeof image.metadata =>
    entries.flatMap((entry) => {
      const user = entry.user === 0 ? 0 : users.get(entry.user)
      return user === undefined ? [] : [{ ...entry, user: user as typeof entry.user }]
    })
  return {
    ...image,
    metadata: own(image.metadata),
    mailboxes: image.mailboxes.map((mailbox) => ({
      ...mailbox,
      metadata: own(mailbox.metadata),
      acl: mailbox.acl.filter(({ identifier }) => identifiers.has(identifier.replace(/^-/, ''))),
    })),
    seen: image.seen.flatMap((seen) => {
      const user = users.get(seen.user)
      return user === undefined ? [] : [{ ...seen, user: user as typeof seen.user }]
    }),
  }
}

/** Columns in parts that the writer takes at a stretch. */
function* slices<T extends object>(columns: T): Generator<T, void, void> {
  const lists = Object.entries(columns) as [string, readonly unknown[]][]
  const length = lists[0]?.[1].length ?? 0
  for (let from = 0; from < length; from += MOST_ROWS)
    yield Object.fromEntries(lists.map(([name, list]) => [name, list.slice(from, from + MOST_ROWS)])) as T
}
