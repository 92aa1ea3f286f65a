import type { MailboxKey, MessageNumber, Uid } from '#mail/ids.ts'
import { type UidSet, uidSetOf } from '#mail/uid-set.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef, MaildropPage } from '#store/types.ts'
import { formatUniqueId } from '#wire/pop3/listings.ts'

/** Why a message-number is refused. */
export type NumberRefusal = 'no-such-message' | 'deleted'

/**
 * INBOX as it was at login, and what the session wants to delete from it (RFC 1939 §4, §5). Columns in typed arrays:
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
  /** 1: to be deleted. */
  #deleted = new Uint8Array(0)
  #count = 0
  #remaining = 0
  #remainingOctets = 0

  private constructor(account: AccountRef, mailbox: MailboxKey | undefined, uidValidity: number) {
    this.account = account
    this.mailbox = mailbox
    this.#uidValidity = uidValidity
  }

  static async open(store: MailStore, account: AccountRef): Promise<Maildrop> {
    const inbox = await store.mailboxByName(account, 'INBOX')
    const maildrop = new Maildrop(account, inbox?.key, inbox?.uidValidity ?? 0)
    if (inbox !== undefined) {
      for await (const page of store.maildrop(account, inbox.key)) maildrop.#add(page)
    }
    maildrop.#deleted = new Uint8Array(maildrop.#count)
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
    return this.#deleted[message - 1] === 1 ? 'deleted' : undefined
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
    this.#deleted[message - 1] = 1
    this.#remaining -= 1
    this.#remainingOctets -= this.octets(message)
  }

  /** Takes all marks away. */
  reset(): void {
    this.#deleted.fill(0)
    this.#remaining = this.#count
    this.#remainingOctets = 0
    for (let index = 0; index < this.#count; index += 1) this.#remainingOctets += this.#octets[index] ?? 0
  }

  /** UIDs of the messages marked. */
  deletedUids(): UidSet {
    return uidSetOf(this.#marked())
  }

  *#marked(): Generator<number, void, void> {
    for (let index = 0; index < this.#count; index += 1) {
      if (this.#deleted[index] === 1) yield this.#uids[index] ?? 0
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
