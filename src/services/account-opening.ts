import type { AccountId } from '#mail/ids.ts'
import type { AccountRecord } from '#store/directory.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { QuotaLimits } from '#store/types.ts'
import type { MailboxPlan } from '#store/writes.ts'

/** What a new account starts with, subscribed; INBOX has no special use (RFC 6154 §2). */
const DEFAULT_MAILBOXES: readonly MailboxPlan[] = [
  { name: 'INBOX', specialUse: undefined, subscribed: true },
  { name: 'Drafts', specialUse: 'Drafts', subscribed: true },
  { name: 'Sent', specialUse: 'Sent', subscribed: true },
  { name: 'Junk', specialUse: 'Junk', subscribed: true },
  { name: 'Trash', specialUse: 'Trash', subscribed: true },
  { name: 'Archive', specialUse: 'Archive', subscribed: true },
]

const BY = 'accounts'
/** In a request that is for a whole shard. */
const NOBODY = 0 as AccountId

/**
 * Keeps the store in step with the directory. The directory is written first, so a crash in between leaves an account
 * without mailboxes or with yesterday's limits: both are made good here, at the account's first use in this process.
 */
export class AccountOpening {
  readonly #store: MailStore
  /** Known to be open with the limits of the directory. */
  readonly #open = new Set<number>()
  readonly #opening = new Map<number, Promise<boolean>>()
  readonly #removing = new Set<number>()

  constructor(store: MailStore) {
    this.#store = store
  }

  /** @returns `false` when the store cannot make the account now, or it is being removed. */
  ensureOpen(account: AccountRecord): Promise<boolean> {
    const { id } = account.ref
    if (this.#removing.has(id)) return Promise.resolve(false)
    if (this.#open.has(id)) return Promise.resolve(true)
    const under = this.#opening.get(id)
    if (under !== undefined) return under
    const opening = this.#doOpen(account).finally(() => this.#opening.delete(id))
    this.#opening.set(id, opening)
    return opening
  }

  async #doOpen({ ref, limits }: AccountRecord): Promise<boolean> {
    const state = await this.#store.state(ref)
    if (state === undefined) {
      const answer = await this.#store.write('openAccount', {
        account: ref,
        by: BY,
        mailboxes: DEFAULT_MAILBOXES,
        limits,
      })
      if (!answer.ok) return false
    } else if (!sameLimits(state.limits, limits)) {
      // logging in goes on with the old ones when they cannot be set now
      if (!(await this.setLimits({ ref, limits }))) return true
    }
    if (!this.#removing.has(ref.id)) this.#open.add(ref.id)
    return true
  }

  /** @returns `false` when the store cannot do it now; the next opening tries again. */
  async setLimits({ ref, limits }: Pick<AccountRecord, 'ref' | 'limits'>): Promise<boolean> {
    this.#open.delete(ref.id)
    const answer = await this.#store.write('setLimits', { account: ref, by: BY, limits })
    return answer.ok || answer.error.kind === 'no-such-account'
  }

  /**
   * Takes people out of the rights to mailboxes of others, so that nobody has any because somebody else had their address.
   * @returns `false` when the store cannot write now.
   */
  async forgetRights(addresses: readonly string[], shards: number): Promise<boolean> {
    for (let shard = 0; shard < shards; shard += 1) {
      const account = { id: NOBODY, shard }
      const answer = await this.#store.write('forgetPeople', { account, by: BY, addresses })
      if (!answer.ok) return false
    }
    return true
  }

  /** From here on the account does not open; `false`: the store cannot remove its mail now, and it opens again. */
  async remove({ ref }: AccountRecord): Promise<boolean> {
    this.#removing.add(ref.id)
    this.#open.delete(ref.id)
    await this.#opening.get(ref.id)
    const answer = await this.#store.write('removeAccount', { account: ref, by: BY })
    if (answer.ok || answer.error.kind === 'no-such-account') return true
    this.#removing.delete(ref.id)
    return false
  }
}

function sameLimits(one: QuotaLimits, other: QuotaLimits): boolean {
  return one.storageBytes === other.storageBytes && one.messages === other.messages
}
