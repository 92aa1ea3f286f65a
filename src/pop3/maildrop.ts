import type { MailboxKey, MessageNumber, Uid } from '#mail/ids.ts'
import { type UidSet, uidSetOf } from '#mail/uid-set.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef, MailboxInfo, MaildropPage } from '#store/types.ts'
import { formatUniqueId } from '#wire/pop3/listings.ts'

/** Why a message-number is refused. */
export type NumberRefusal = 'no-such-message' | 'deleted'

const DELETED = 1
const RETRIEVED = 2

/**
 * A mailbox as it was at login, and what the session wants to delete from it (RFC 1939 §4, §5). Columns in typed arrays:
 * 13 octets a message, and the unique-ids that a migration kept.
 */
export class Maildrop {
  readonly account: AccountRef
  /** `undefined`: there is no INBOX yet, and so no message. */
  readonly mailbox: MailboxKey | undefined
  readonly #uidValidity: number
  #uids = new Uint32Array(64)
  #octets = new Float64Array(64)
  readonly #uidls = new UniqueIds()
  /** {@link DELETED}, {@link RETRIEVED}. */
  #marks = new Uint8Array(0)
  readonly #expired: number[] = []
  #count = 0
  #remaining = 0
  #remainingOctets = 0

  private constructor(account: AccountRef, mailbox: MailboxKey | undefined, uidValidity: number) {
    this.account = account
    this.mailbox = mailbox
    this.#uidValidity = uidValidity
  }

  /**
   * Messages come in the order of their UIDs, which is the order in which they arrived in the mailbox (RFC 9051
   * §2.3.1.1); INTERNALDATE may be anything that an APPEND said.
   * @param expiredBefore Messages first downloaded at this time or before are left out: {@link expiredUids}.
   */
  static async open(
    store: MailStore,
    account: AccountRef,
    mailbox: Pick<MailboxInfo, 'key' | 'uidValidity'> | undefined,
    expiredBefore?: number,
  ): Promise<Maildrop> {
    const maildrop = new Maildrop(account, mailbox?.key, mailbox?.uidValidity ?? 0)
    if (mailbox !== undefined) {
      for await (const page of store.maildrop(account, mailbox.key)) {
        maildrop.#add(expiredBefore === undefined ? page : maildrop.#withoutExpired(page, expiredBefore))
      }
    }
    maildrop.#marks = new Uint8Array(maildrop.#count)
    maildrop.reset()
    return maildrop
  }

  /** Messages at login; they have the numbers 1 to this. */
  get count(): number {
    return this.#count
  }

  /** Messages not marked as deleted. */
  get remaining(): number {
    return this.#remaining
  }

  /** Octets of the messages not marked as deleted. */
  get remainingOctets(): number {
    return this.#remainingOctets
  }

  /** `undefined`: the message is there to be named. */
  refusal(message: MessageNumber): NumberRefusal | undefined {
    if (message > this.#count) return 'no-such-message'
    return this.#has(message - 1, DELETED) ? 'deleted' : undefined
  }

  uid(message: MessageNumber): Uid {
    return (this.#uids[message - 1] ?? 0) as Uid
  }

  octets(message: MessageNumber): number {
    return this.#octets[message - 1] ?? 0
  }

  /** Kept from a migration, else UIDVALIDITY and UID; it never changes (design §4). */
  uniqueId(message: MessageNumber): string {
    return this.#uidls.get(message - 1) ?? formatUniqueId(this.#uidValidity, this.uid(message))
  }

  /** Marks a message that {@link refusal} does not refuse. */
  delete(message: MessageNumber): void {
    this.#mark(message, DELETED)
    this.#remaining -= 1
    this.#remainingOctets -= this.octets(message)
  }

  /** Notes that the client has a message, wholly sent. */
  retrieve(message: MessageNumber): void {
    this.#mark(message, RETRIEVED)
  }

  /** Takes all marks of deletion away. */
  reset(): void {
    for (let index = 0; index < this.#count; index += 1) this.#marks[index] = (this.#marks[index] ?? 0) & ~DELETED
    this.#remaining = this.#count
    this.#remainingOctets = 0
    for (let index = 0; index < this.#count; index += 1) this.#remainingOctets += this.#octets[index] ?? 0
  }

  /** UIDs of the messages marked as deleted. */
  deletedUids(): UidSet {
    return uidSetOf(this.#marked((marks) => (marks & DELETED) !== 0))
  }

  /** UIDs of the messages retrieved and not marked as deleted. */
  retrievedUids(): UidSet {
    return uidSetOf(this.#marked((marks) => marks === RETRIEVED))
  }

  /** UIDs of the messages retrieved, whether marked as deleted or not. */
  fetchedUids(): UidSet {
    return uidSetOf(this.#marked((marks) => (marks & RETRIEVED) !== 0))
  }

  /** UIDs of the messages retrieved or marked as deleted. */
  finishedUids(): UidSet {
    return uidSetOf(this.#marked((marks) => marks !== 0))
  }

  /** UIDs of the messages that were left out because their time was over. */
  expiredUids(): UidSet {
    return uidSetOf(this.#expired)
  }

  *#marked(wanted: (marks: number) => boolean): Generator<number, void, void> {
    for (let index = 0; index < this.#count; index += 1) {
      if (wanted(this.#marks[index] ?? 0)) yield this.#uids[index] ?? 0
    }
  }

  #has(index: number, bit: number): boolean {
    return ((this.#marks[index] ?? 0) & bit) !== 0
  }

  #mark(message: MessageNumber, bit: number): void {
    this.#marks[message - 1] = (this.#marks[message - 1] ?? 0) | bit
  }

  #withoutExpired(page: MaildropPage, before: number): MaildropPage {
    const gone = (index: number): boolean => {
      const at = page.downloaded[index] ?? 0
      return at > 0 && at <= before
    }
    const stays = Array.from(page.uids.keys()).filter((index) => !gone(index))
    if (stays.length === page.uids.length) return page
    for (const [index, uid] of page.uids.entries()) if (gone(index)) this.#expired.push(uid)
    return {
      uids: Uint32Array.from(stays, (index) => page.uids[index] ?? 0),
      sizes: Float64Array.from(stays, (index) => page.sizes[index] ?? 0),
      uidls: stays.map((index) => page.uidls[index]),
      downloaded: Float64Array.from(stays, (index) => page.downloaded[index] ?? 0),
    }
  }

  #add({ uids, sizes, uidls }: MaildropPage): void {
    const count = this.#count + uids.length
    if (count > this.#uids.length) {
      const room = Math.max(count, 2 * this.#uids.length)
      const wider = new Uint32Array(room)
      wider.set(this.#uids)
      this.#uids = wider
      const widerOctets = new Float64Array(room)
      widerOctets.set(this.#octets)
      this.#octets = widerOctets
    }
    this.#uids.set(uids, this.#count)
    this.#octets.set(sizes, this.#count)
    for (const [index, uidl] of uidls.entries()) if (uidl !== undefined) this.#uidls.set(this.#count + index, uidl)
    this.#count = count
  }
}

/** Few or many short strings by index, packed: given in ascending order. */
class UniqueIds {
  #bytes: Buffer = Buffer.alloc(0)
  #used = 0
  /** Index and end of each, in order. */
  #indexes = new Uint32Array(0)
  #ends = new Uint32Array(0)
  #count = 0

  set(index: number, text: string): void {
    const end = this.#used + Buffer.byteLength(text, 'latin1')
    if (end > this.#bytes.length) {
      const wider = Buffer.alloc(Math.max(4_096, 2 * end))
      this.#bytes.copy(wider, 0, 0, this.#used)
      this.#bytes = wider
    }
    if (this.#count === this.#ends.length) {
      const room = Math.max(64, 2 * this.#count)
      const indexes = new Uint32Array(room)
      indexes.set(this.#indexes)
      this.#indexes = indexes
      const ends = new Uint32Array(room)
      ends.set(this.#ends)
      this.#ends = ends
    }
    this.#bytes.write(text, this.#used, 'latin1')
    this.#indexes[this.#count] = index
    this.#ends[this.#count] = end
    this.#used = end
    this.#count += 1
  }

  get(index: number): string | undefined {
    let low = 0
    let high = this.#count - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const found = this.#indexes[middle] ?? 0
      if (found === index) {
        const start = middle === 0 ? 0 : (this.#ends[middle - 1] ?? 0)
        return this.#bytes.toString('latin1', start, this.#ends[middle])
      }
      if (found < index) low = middle + 1
      else high = middle - 1
    }
    return undefined
  }
}
