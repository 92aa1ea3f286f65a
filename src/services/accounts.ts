/** Administration of domains, accounts, aliases and app passwords; directory and store kept in step. @module */
import { randomBytes } from 'node:crypto'
import { done, type Result, refused } from '#lib/result.ts'
import { Turns } from '#lib/turns.ts'
import type { AccountId } from '#mail/ids.ts'
import type {
  AccountRecord,
  AliasRecord,
  AppPasswordRecord,
  Directory,
  DirectoryRefusal,
  DomainRecord,
  NewAccount,
  PersonLanguage,
  Pop3Settings,
  Protocol,
  SendingSettings,
} from '#store/directory.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { QuotaLimits } from '#store/types.ts'
import { AccountOpening } from './account-opening.ts'
import { parseAddress, parseDomain, parseOutsideAddress } from './addresses.ts'
import { plaintextOf } from './imported-passwords.ts'
import {
  appPasswordDigest,
  isKnownHash,
  makeAppPassword,
  type PasswordHasher,
  type PasswordProblem,
  passwordHasher,
  passwordProblem,
  SCRAM_ROUNDS,
  SCRAM_ROUNDS_FOR_PEOPLE,
  scramVerifier,
} from './passwords.ts'
import { type RecipientDirectory, resolveRecipient } from './recipients.ts'

/** Why an administrator's wish was not carried out; nothing was changed unless the kind says so. */
export type AccountsRefusal =
  | DirectoryRefusal
  | { readonly kind: 'bad-address'; readonly text: string }
  /** Begins with `-`, which in lists of rights stands for what people do not have (RFC 4314 §2). */
  | { readonly kind: 'minus-address'; readonly address: string }
  | { readonly kind: 'bad-domain'; readonly text: string }
  | { readonly kind: 'bad-password'; readonly address: string; readonly problem: PasswordProblem }
  /** No scheme we can check. */
  | { readonly kind: 'bad-hash'; readonly address: string }
  | { readonly kind: 'bad-name'; readonly text: string }
  | { readonly kind: 'no-targets'; readonly address: string }
  /** The target of an alias or catch-all is nobody here. */
  | { readonly kind: 'no-such-target'; readonly target: string; readonly why: 'not-local' | 'unknown' | 'bad-address' }
  | { readonly kind: 'alias-loop'; readonly address: string }
  /** The directory was changed; the store follows when it can write again. */
  | { readonly kind: 'store-unavailable'; readonly address: string }
  /** The store cannot write now. */
  | { readonly kind: 'store-refuses' }

/** An account to be made. */
export interface AccountPlan {
  readonly address: string
  readonly displayName?: string | undefined
  /** Without password and hash: app passwords only. */
  readonly password?: string | undefined
  /** Of another system; replaced at the first login. */
  readonly hash?: string | undefined
  /** All when not given. */
  readonly protocols?: readonly Protocol[] | undefined
  readonly storageBytes?: number | undefined
  readonly messages?: number | undefined
}

/** What to change; fields that are not given stay. */
export interface AccountWish {
  readonly displayName?: string
  /** `null`: none, app passwords only. */
  readonly password?: string | null
  readonly protocols?: readonly Protocol[]
  readonly limits?: QuotaLimits
  /** From the next POP3 login on. */
  readonly pop3?: Pop3Settings
  readonly sending?: SendingSettings
  readonly language?: PersonLanguage | undefined
  readonly enabled?: boolean
  readonly administrator?: boolean
}

export interface AccountsDeps {
  readonly directory: Directory
  readonly store: MailStore
  /** How many shards there are. */
  readonly shards: number
  readonly scramForPasswords: boolean
  /** After a change that ends logins: `LocalRegistry.accountChanged` forgets what was verified and closes sessions. */
  readonly changed: (account: AccountId) => void
  readonly hasher?: PasswordHasher
}

const ALL_PROTOCOLS: readonly Protocol[] = ['imap', 'pop3', 'smtp']
/** Accounts whose mailboxes are made at once. */
const OPENING_AT_ONCE = 100
/** RFC 5802 §5.1 leaves it open; as the directory makes them. */
const SCRAM_SALT_OCTETS = 16
const HASHING_AT_ONCE = 4

/** Addresses come as people write them and are made canonical here. */
export class Accounts {
  readonly #deps: AccountsDeps
  readonly #directory: Directory
  readonly #hasher: PasswordHasher
  readonly #opening: AccountOpening

  constructor(deps: AccountsDeps) {
    this.#deps = deps
    this.#directory = deps.directory
    this.#hasher = deps.hasher ?? passwordHasher
    this.#opening = new AccountOpening(deps.store)
  }

  /** See {@link AccountOpening.ensureOpen}; given to the registry. */
  ensureOpen(account: AccountRecord): Promise<boolean> {
    return this.#opening.ensureOpen(account)
  }

  // --- domains ---

  async addDomain(text: string): Promise<Result<DomainRecord, AccountsRefusal>> {
    const name = parseDomain(text)
    return name === undefined ? refused({ kind: 'bad-domain', text }) : this.#directory.addDomain(name)
  }

  async removeDomain(text: string): Promise<Result<void, AccountsRefusal>> {
    const name = parseDomain(text)
    return name === undefined ? refused({ kind: 'bad-domain', text }) : this.#directory.removeDomain(name)
  }

  /** @param target An address here, or `undefined` for none. */
  async setCatchAll(text: string, target: string | undefined): Promise<Result<DomainRecord, AccountsRefusal>> {
    const name = parseDomain(text)
    if (name === undefined) return refused({ kind: 'bad-domain', text })
    if (target === undefined) return this.#directory.setCatchAll(name, undefined)
    const parsed = await this.#target(target)
    return parsed.ok ? this.#directory.setCatchAll(name, parsed.value) : parsed
  }

  // --- accounts ---

  async account(text: string): Promise<Result<AccountRecord, AccountsRefusal>> {
    const address = parseAddress(text)?.address
    if (address === undefined) return refused({ kind: 'bad-address', text })
    const account = await this.#directory.account(address)
    return account === undefined ? refused({ kind: 'no-such', what: 'account', name: address }) : done(account)
  }

  async addAccount(plan: AccountPlan): Promise<Result<AccountRecord, AccountsRefusal>> {
    const answer = await this.addAccounts([plan])
    if (!answer.ok) return answer
    const [account] = answer.value
    if (account === undefined) throw new Error(`The account "${plan.address}" was added and is not there`)
    return done(account)
  }

  /**
   * Adds all or none, in one transaction; then makes their mailboxes. What a crash leaves out of the latter is made at
   * the first login or delivery.
   */
  async addAccounts(plans: readonly AccountPlan[]): Promise<Result<readonly AccountRecord[], AccountsRefusal>> {
    // before the hashing, which takes 50 ms a password
    const problem = await this.checkAccounts(plans)
    if (problem !== undefined) return refused(problem)
    // before they exist nobody can give them anything: what is there was the former bearers'
    const addresses = plans.map(({ address }) => parseAddress(address)?.address ?? address)
    if (!(await this.#opening.forgetRights(addresses, this.#deps.shards))) return refused({ kind: 'store-refuses' })
    const shards = await this.#shards()
    const secrets = await inGroups(plans, HASHING_AT_ONCE, (plan) => this.#newSecretsOf(plan))
    const accounts = plans.map(
      (plan, index): NewAccount => ({
        address: parseAddress(plan.address)?.address ?? plan.address,
        displayName: plan.displayName ?? '',
        passwordHash: secrets[index]?.passwordHash,
        scram: secrets[index]?.scram,
        protocols: plan.protocols ?? ALL_PROTOCOLS,
        limits: { storageBytes: plan.storageBytes, messages: plan.messages },
        pop3: { policy: undefined, loginDelaySeconds: undefined },
        enabled: true,
        shard: shards.next(),
      }),
    )
    const added = await this.#directory.addAccounts(accounts)
    if (added.ok) await inGroups(added.value, OPENING_AT_ONCE, (account) => this.#opening.ensureOpen(account))
    return added
  }

  /** Why these accounts cannot be added, `undefined` when they can; changes nothing. */
  async checkAccounts(plans: readonly AccountPlan[]): Promise<AccountsRefusal | undefined> {
    const turns = new Turns()
    const seen = new Set<string>()
    const domains = new Set((await this.#directory.domains()).map(({ name }) => name))
    for (const { address: text, password, hash } of plans) {
      const parsed = parseAddress(text)
      if (parsed === undefined) return { kind: 'bad-address', text }
      const { address, domain } = parsed
      if (address.startsWith('-')) return { kind: 'minus-address', address }
      if (!domains.has(domain)) return { kind: 'no-such', what: 'domain', name: domain }
      const account = seen.has(address) || (await this.#directory.account(address)) !== undefined
      if (account) return { kind: 'exists', what: 'account', name: address }
      if ((await this.#directory.alias(address)) !== undefined) return { kind: 'exists', what: 'alias', name: address }
      const problem = password === undefined ? undefined : passwordProblem(password)
      if (problem !== undefined) return { kind: 'bad-password', address, problem }
      if (hash !== undefined && !isKnownHash(hash)) return { kind: 'bad-hash', address }
      seen.add(address)
      if (turns.over) await turns.share()
    }
    return undefined
  }

  /** A new password or none, other protocols or a closed account end the sessions there are. */
  async changeAccount(text: string, wish: AccountWish): Promise<Result<AccountRecord, AccountsRefusal>> {
    const account = await this.account(text)
    if (!account.ok) return account
    const { ref, address } = account.value
    const { password, limits, ...rest } = wish
    const problem = typeof password === 'string' ? passwordProblem(password) : undefined
    if (problem !== undefined) return refused({ kind: 'bad-password', address, problem })
    const secrets = password === undefined ? {} : await this.#secretsOf(ref.id, password)
    const changed = await this.#directory.changeAccount(ref.id, {
      ...rest,
      ...secrets,
      ...(limits === undefined ? {} : { limits }),
    })
    if (!changed.ok) return changed
    const narrower =
      wish.protocols !== undefined && !account.value.protocols.every((one) => wish.protocols?.includes(one))
    if (password !== undefined || wish.enabled === false || narrower) this.#deps.changed(ref.id)
    if (limits !== undefined && !(await this.#opening.setLimits(changed.value))) {
      return refused({ kind: 'store-unavailable', address })
    }
    return changed
  }

  /**
   * Removes an account and its mail: logins end, then go the rights that others gave it, its mail, and the account. A
   * crash in between leaves a closed account, and the same wish again removes it.
   */
  async removeAccount(text: string): Promise<Result<void, AccountsRefusal>> {
    const account = await this.account(text)
    if (!account.ok) return account
    const { ref, address } = account.value
    await this.#directory.changeAccount(ref.id, { enabled: false })
    this.#deps.changed(ref.id)
    const forgotten = await this.#opening.forgetRights([address], this.#deps.shards)
    if (!forgotten || !(await this.#opening.remove(account.value)))
      return refused({ kind: 'store-unavailable', address })
    return this.#directory.removeAccount(ref.id)
  }

  // --- aliases ---

  /**
   * Makes or replaces an alias. A target in a domain of ours must lead to somebody, and none back to the alias; any other
   * is on another server, where mail is forwarded to.
   */
  async setAlias(text: string, targets: readonly string[]): Promise<Result<AliasRecord, AccountsRefusal>> {
    const address = parseAddress(text)?.address
    if (address === undefined) return refused({ kind: 'bad-address', text })
    const canonical = new Set<string>()
    for (const target of targets) {
      const parsed = (await this.#outside(target)) ?? (await this.#target(target))
      if (!parsed.ok) return parsed
      canonical.add(parsed.value)
    }
    if (canonical.size === 0) return refused({ kind: 'no-targets', address })
    const alias = { address, targets: Array.from(canonical), createdAt: 0 }
    const wished = await resolveRecipient(withAlias(this.#directory, alias), address)
    if (!wished.ok && wished.error.kind === 'alias-loop') return refused({ kind: 'alias-loop', address })
    return this.#directory.setAlias(address, alias.targets)
  }

  async removeAlias(text: string): Promise<Result<void, AccountsRefusal>> {
    const address = parseAddress(text)?.address
    return address === undefined ? refused({ kind: 'bad-address', text }) : this.#directory.removeAlias(address)
  }

  // --- app passwords ---

  /** Makes an app password; its text is told this once. */
  async addAppPassword(
    text: string,
    name: string,
    protocols: readonly Protocol[] = ALL_PROTOCOLS,
  ): Promise<Result<{ readonly record: AppPasswordRecord; readonly password: string }, AccountsRefusal>> {
    const trimmed = name.trim().normalize('NFC')
    if (!/^[^\p{Cc}]{1,100}$/u.test(trimmed)) return refused({ kind: 'bad-name', text: name })
    const account = await this.account(text)
    if (!account.ok) return account
    const { id } = account.value.ref
    const password = makeAppPassword()
    const salt = await this.#directory.scramSalt(id)
    // both counts, so that it works whether or not people's own passwords have verifiers (see ScramSecrets)
    const scram = await Promise.all(
      [SCRAM_ROUNDS, SCRAM_ROUNDS_FOR_PEOPLE].map((rounds) => scramVerifier(password, salt, rounds)),
    )
    const sha256 = appPasswordDigest(password)
    const added = await this.#directory.addAppPassword({ account: id, name: trimmed, protocols, sha256, scram })
    return added.ok ? done({ record: added.value, password }) : added
  }

  async appPasswords(text: string): Promise<Result<readonly AppPasswordRecord[], AccountsRefusal>> {
    const account = await this.account(text)
    return account.ok ? done(await this.#directory.appPasswords(account.value.ref.id)) : account
  }

  /** All sessions of the account end, as with every password that is taken away. */
  async removeAppPassword(text: string, name: string): Promise<Result<void, AccountsRefusal>> {
    const account = await this.account(text)
    if (!account.ok) return account
    const { id } = account.value.ref
    const removed = await this.#directory.removeAppPassword(id, name.trim().normalize('NFC'))
    if (removed.ok) this.#deps.changed(id)
    return removed
  }

  // --- parts ---

  /** `undefined`: not an address of another server. */
  async #outside(text: string): Promise<Result<string, AccountsRefusal> | undefined> {
    const parsed = parseAddress(text)
    if (parsed === undefined || (await this.#directory.domain(parsed.domain)) !== undefined) return undefined
    return done(parseOutsideAddress(text) ?? parsed.address)
  }

  async #target(text: string): Promise<Result<string, AccountsRefusal>> {
    const parsed = parseAddress(text)
    if (parsed === undefined) return refused({ kind: 'bad-address', text })
    const resolved = await resolveRecipient(this.#directory, parsed.address)
    if (resolved.ok) return done(parsed.address)
    const { kind } = resolved.error
    if (kind === 'alias-loop') return refused({ kind, address: parsed.address })
    return refused({ kind: 'no-such-target', target: parsed.address, why: kind })
  }

  /** A plain text that came as a hash is hashed at once. With a hash alone, SCRAM works from the first login on. */
  async #newSecretsOf({ password, hash }: AccountPlan) {
    const text = password ?? (hash === undefined ? undefined : plaintextOf(hash))
    if (text === undefined) return { passwordHash: hash, scram: undefined }
    return this.#secrets(text, () => randomBytes(SCRAM_SALT_OCTETS))
  }

  async #secretsOf(id: AccountId, password: string | null) {
    if (password === null) return { passwordHash: undefined, scram: undefined }
    return this.#secrets(password, () => this.#directory.scramSalt(id))
  }

  async #secrets(password: string, salt: () => Uint8Array | Promise<Uint8Array>) {
    const passwordHash = await this.#hasher.make(password)
    if (!this.#deps.scramForPasswords) return { passwordHash, scram: undefined }
    const scram = await scramVerifier(password, await salt(), SCRAM_ROUNDS_FOR_PEOPLE)
    return { passwordHash, scram }
  }

  /** Gives each new account to the shard with the fewest. */
  async #shards(): Promise<{ next(): number }> {
    const known = await this.#directory.accountsByShard()
    const counts = Array.from({ length: this.#deps.shards }, (_, shard) => known.get(shard) ?? 0)
    return {
      next: () => {
        const shard = counts.indexOf(Math.min(...counts))
        counts[shard] = (counts[shard] ?? 0) + 1
        return shard
      },
    }
  }
}

/** The directory as it would be with one more alias. */
function withAlias(directory: Directory, alias: AliasRecord): RecipientDirectory {
  return {
    domains: () => directory.domains(),
    domain: (name) => directory.domain(name),
    account: (address) => directory.account(address),
    oldestAccount: (domain) => directory.oldestAccount(domain),
    alias: async (address) => (address === alias.address ? alias : directory.alias(address)),
  }
}

/** `work` for each, some at once; answers in their order. */
async function inGroups<T, V>(all: readonly T[], atOnce: number, work: (one: T) => Promise<V>): Promise<V[]> {
  const values: V[] = []
  for (let start = 0; start < all.length; start += atOnce) {
    values.push(...(await Promise.all(all.slice(start, start + atOnce).map(work))))
  }
  return values
}
