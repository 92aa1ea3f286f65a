/** An account into another shard: everything is copied while people go on, then what has changed while they wait. @module */
import type { EmailKey } from '#mail/ids.ts'
import { type PreparedEmail, prepareEmail } from '#mail/prepare.ts'
import { MessageScanner } from '#mail/scanner.ts'
import { keywordSetId, systemFlags } from '#store/flags.ts'
import type { AccountImage, EmailImage, ImageRows, RestoredEmail } from '#store/image.ts'
import { DamagedBody, type MailStore } from '#store/mail-store.ts'
import type { AccountRef, StagedBody } from '#store/types.ts'
import type { WriteKind, Writes } from '#store/writes.ts'
import { MoveRefused } from './move-refused.ts'

export interface MoveRequest {
  readonly account: AccountRef
  readonly shard: number
  /** Mail whose bytes cannot be read is lost by the move; without this such mail refuses it. */
  readonly leaveUnreadable: boolean
}

export interface MoveReport {
  readonly messages: number
  readonly bytes: number
  /** Emails whose bytes cannot be read, see `malle check`: they are not in the new place. */
  readonly unreadable: number
}

const BY = 'move'
const MOST_EMAILS = 100
const MOST_OCTETS = 8_388_608
const MOST_ROWS = 2_000
const CHUNK = 262_144

/**
 * Copies the account, freezes it, copies the rest, and leaves the copy on hold. From the freeze on the account takes no
 * writes; whoever called thaws it when anything fails, or goes on.
 */
export async function copyAccount(
  store: MailStore,
  { account: from, shard, leaveUnreadable }: MoveRequest,
  progress: (report: MoveReport) => void,
): Promise<MoveReport> {
  const to: AccountRef = { id: from.id, shard }
  const run = new Copy(store, from, to, progress)
  const before = await store.image(from)
  if (before === undefined) throw new MoveRefused('no-such-account')
  await run.write('beginRestore', { account: to, by: BY })
  await run.emails(before)
  if (run.unreadable > 0 && !leaveUnreadable) throw new MoveRefused('unreadable')
  await run.write('freeze', { account: from, by: BY, frozen: true })
  const image = await store.image(from)
  if (image === undefined) throw new MoveRefused('no-such-account')
  await run.emails(image)
  if (run.unreadable > 0 && !leaveUnreadable) throw new MoveRefused('unreadable')
  return run.rows(image)
}

class Copy {
  readonly #store: MailStore
  readonly #from: AccountRef
  readonly #to: AccountRef
  readonly #progress: (report: MoveReport) => void
  #after: EmailKey | 0 = 0
  #messages = 0
  #bytes = 0
  #unreadable = 0

  constructor(store: MailStore, from: AccountRef, to: AccountRef, progress: (report: MoveReport) => void) {
    this.#store = store
    this.#from = from
    this.#to = to
    this.#progress = progress
  }

  get unreadable(): number {
    return this.#unreadable
  }

  async write<K extends WriteKind>(kind: K, request: Writes[K]['request']): Promise<void> {
    const answer = await this.#store.write(kind, request)
    if (!answer.ok) throw new MoveRefused(answer.error.kind)
  }

  /** Emails that the image has and that were not copied yet. */
  async emails(image: AccountImage): Promise<void> {
    const places = firstPlaces(image)
    for (;;) {
      const slice = await this.#store.imageEmails(this.#from, this.#after, MOST_EMAILS)
      let batch: RestoredEmail[] = []
      let octets = 0
      const flush = async (): Promise<void> => {
        const emails = batch
        ;[batch, octets] = [[], 0]
        if (emails.length > 0) await this.write('restoreEmails', { account: this.#to, by: BY, emails })
      }
      for (const email of slice) {
        if (email.key >= image.next.email) break
        this.#after = email.key
        const at = places.get(email.key)
        const copied = at === undefined ? undefined : await this.#email(email)
        if (at === undefined || copied === undefined) continue
        const { key, thread, internalDate, internalZone, trace } = email
        batch.push({ key, thread, internalDate, internalZone, trace, ...copied, at })
        this.#bytes += email.place.length
        octets += copied.body.kind === 'bytes' ? copied.body.bytes.length : 0
        if (octets >= MOST_OCTETS) await flush()
      }
      await flush()
      this.#progress(this.#report())
      const last = slice.at(-1)
      if (last === undefined || slice.length < MOST_EMAILS || last.key >= image.next.email) return
    }
  }

  async #email(email: EmailImage): Promise<{ readonly body: StagedBody; readonly email: PreparedEmail } | undefined> {
    for (const again of [false, true]) {
      const [now] = again ? await this.#store.imageEmails(this.#from, (email.key - 1) as EmailKey, 1) : [email]
      if (now?.key !== email.key) return undefined
      const stage = this.#store.stage(this.#to.shard)
      const scanner = new MessageScanner()
      try {
        const body = this.#store.body(this.#from, now.place)
        for (let at = 0; at < body.size; at += CHUNK) {
          const chunk = await body.read(at, Math.min(at + CHUNK, body.size))
          scanner.push(chunk)
          await stage.write(chunk)
        }
        return { body: await stage.finish(), email: prepareEmail(scanner.end()) }
      } catch (error) {
        await stage.abandon()
        // Compaction may have moved it since its place was read.
        if (!(error instanceof DamagedBody)) throw error
      }
    }
    this.#unreadable += 1
    return undefined
  }

  async rows({ messages, deleted, events, ...image }: AccountImage): Promise<MoveReport> {
    const none: ImageRows = { messages: slice(messages, 0, 0), deleted: slice(deleted, 0, 0), events: [] }
    const bring = (rows: Partial<ImageRows>): Promise<void> =>
      this.write('restoreMessages', { account: this.#to, by: BY, rows: { ...none, ...rows } })
    for (let at = 0; at < messages.uids.length; at += MOST_ROWS)
      await bring({ messages: slice(messages, at, at + MOST_ROWS) })
    for (let at = 0; at < deleted.uids.length; at += MOST_ROWS)
      await bring({ deleted: slice(deleted, at, at + MOST_ROWS) })
    for (let at = 0; at < events.length; at += MOST_ROWS) await bring({ events: events.slice(at, at + MOST_ROWS) })
    await this.write('endRestore', { account: this.#to, by: BY, image, how: 'hold' })
    this.#messages = messages.uids.length
    return this.#report()
  }

  #report(): MoveReport {
    return { messages: this.#messages, bytes: this.#bytes, unreadable: this.#unreadable }
  }
}

function slice<T extends object>(columns: T, from: number, to: number): T {
  const lists = Object.entries(columns) as [string, readonly unknown[]][]
  return Object.fromEntries(lists.map(([name, list]) => [name, list.slice(from, to)])) as T
}

/** Where each email is first. */
function firstPlaces({ mailboxes, goneMailboxes, keywordSets, messages, deleted }: AccountImage) {
  const names = new Map([...goneMailboxes, ...mailboxes].map(({ key, name }) => [key as number, name]))
  const places = new Map<number, RestoredEmail['at']>()
  for (const columns of [messages, deleted])
    for (const [index, email] of columns.emails.entries()) {
      if (places.has(email)) continue
      const flags = columns.flags[index] ?? 0
      places.set(email, {
        mailbox: (columns.mailboxes[index] ?? 0) as RestoredEmail['at']['mailbox'],
        mailboxName: names.get(columns.mailboxes[index] ?? 0) ?? '',
        uid: (columns.uids[index] ?? 1) as RestoredEmail['at']['uid'],
        flags: { system: systemFlags(flags), keywords: keywordSets[keywordSetId(flags) - 1] ?? [] },
      })
    }
  return places
}
