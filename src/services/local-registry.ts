/** The registry itself: connections, logins, maildrop locks, recipients. One for the installation, in the main thread. @module */
import { type Clock, systemClock } from '#lib/clock.ts'
import { done, type Result, refused } from '#lib/result.ts'
import type { AccountId, MailboxKey } from '#mail/ids.ts'
import { retentionDays } from '#mail/pop3-policy.ts'
import type { AccountRecord, Directory } from '#store/directory.ts'
import type { HoldReason } from '#store/queue.ts'
import type { AccountRef, QuotaLimits } from '#store/types.ts'
import { AddressTally } from './address-tally.ts'
import { parseAddress } from './addresses.ts'
import { type Authenticated, Authentication } from './authentication.ts'
import { MaildropLocks } from './maildrop-locks.ts'
import { networkTest } from './networks.ts'
import type { TokenVerifier } from './oauth-tokens.ts'
import { type PasswordHasher, passwordHasher } from './passwords.ts'
import { RecentLogins } from './recent-logins.ts'
import { isOwnAddress, resolveRecipient } from './recipients.ts'
import type {
  Asker,
  CertificateAttempt,
  ConnectionId,
  ConnectionInfo,
  ConnectionNote,
  ConnectionRefusal,
  ConnectionView,
  Login,
  LoginRefusal,
  MaildropRefusal,
  PasswordAttempt,
  Pop3Announcement,
  Pop3Terms,
  QuotaRefusal,
  RecipientRefusal,
  Registry,
  Resolution,
  ScramAttempt,
  ScramOutcome,
  ScramSecrets,
  SendingCount,
  SendingRefusal,
  SendingTerms,
  SessionOrder,
  TokenAttempt,
} from './registry.ts'
import type { SendingLedger } from './sending-ledger.ts'
import type { SendingLeft } from './sending-limits.ts'
import type { SenderRewriting } from './srs.ts'
import { LoginThrottle } from './throttle.ts'

/** From `[limits]`; counts of 0 are no limit. */
export interface RegistryLimits {
  readonly connections: number
  readonly connectionsPerUser: number
  readonly connectionsPerAddress: number
  /** Connections on which nobody has logged in; the oldest gives way to a new one. */
  readonly connectionsBeforeLogin: number
  readonly authFailuresPerMinute: number
  /** Networks that no per-address limit counts and no failure slows. */
  readonly exempt: readonly string[]
}

/** The defaults of design §3. */
export const DEFAULT_REGISTRY_LIMITS: RegistryLimits = {
  connections: 20_000,
  connectionsPerUser: 50,
  connectionsPerAddress: 100,
  connectionsBeforeLogin: 2_000,
  authFailuresPerMinute: 10,
  exempt: [],
}

export interface RegistryDeps {
  readonly directory: Directory
  /** Knows the senders of mail that was forwarded; absent: none was rewritten. */
  readonly rewriting?: Pick<SenderRewriting, 'reverse'>
  /** Limits what people send; absent: there are none. */
  readonly sending?: SendingLedger
  readonly limits: RegistryLimits
  /** `auth.scram_for_passwords`. */
  readonly scramForPasswords: boolean
  /**
   * Makes sure that an account's mailboxes are there, before a login or a recipient is answered; `false`: they cannot
   * be made now. `Accounts.ensureOpen` does it.
   */
  readonly ensureOpen?: (account: AccountRecord) => Promise<boolean>
  /** Changes the limits of an account, in the directory and the store; `false`: not now. None: nobody sets quotas over IMAP. */
  readonly setLimits?: (account: AccountRecord, limits: QuotaLimits) => Promise<boolean>
  /** From `[pop3]`, for accounts that have nothing of their own; none: the client decides, no delay. */
  readonly pop3?: Pop3Terms
  /** Where an issuer of tokens is configured (`[auth.oauth]`). */
  readonly tokens?: TokenVerifier | undefined
  readonly clock?: Clock
  readonly hasher?: PasswordHasher
  /** Whether the memory of the process is used up, so that nobody else may come in. */
  readonly overloaded?: () => boolean
  /** See {@link AuthenticationDeps.hold}. */
  readonly hold?: (ms: number) => Promise<void>
  /** How long a POP3 login waits for the maildrop's holder to yield; default 500. */
  readonly maildropWaitMs?: number
}

interface Connection {
  readonly info: ConnectionInfo
  readonly listener: (order: SessionOrder) => void
  note: ConnectionNote
  account: AccountRecord | undefined
  /** Name of the lock it holds or waits for. */
  maildrop: string | undefined
}

/** Protocols that are of no use without a login. */
const LOGS_IN: ReadonlySet<ConnectionInfo['protocol']> = new Set(['imap', 'pop3', 'submission'])

const UNLIMITED: SendingLeft = {
  messages: Number.POSITIVE_INFINITY,
  recipients: Number.POSITIVE_INFINITY,
  limits: { messages: 0, recipients: 0 },
  resumesAt: 0,
}

const DEFAULT_POP3: Pop3Terms = { policy: { kind: 'client' }, loginDelaySeconds: 0 }

export class LocalRegistry implements Registry {
  readonly #deps: RegistryDeps
  readonly #authentication: Authentication
  readonly #maildrops: MaildropLocks
  readonly #connections = new Map<ConnectionId, Connection>()
  /** Those on which nobody has logged in though they are there for it, oldest first. */
  readonly #strangers = new Set<ConnectionId>()
  /** Those of them that were told to go and are not gone. */
  readonly #leaving = new Set<ConnectionId>()
  readonly #byAddress: AddressTally
  readonly #byAccount = new Map<AccountId, Set<ConnectionId>>()
  readonly #lastPop3Logins = new RecentLogins()
  readonly #clock: Clock
  #closing = false

  constructor(deps: RegistryDeps) {
    const { directory, limits, scramForPasswords } = deps
    const clock = deps.clock ?? systemClock
    this.#deps = deps
    this.#clock = clock
    const exempt = networkTest(limits.exempt)
    this.#byAddress = new AddressTally(limits.connectionsPerAddress, exempt)
    const throttle = new LoginThrottle({
      clock,
      failuresPerMinute: limits.authFailuresPerMinute,
      exempt,
    })
    const hasher = deps.hasher ?? passwordHasher
    this.#authentication = new Authentication({
      directory,
      throttle,
      hasher,
      clock,
      scramForPasswords,
      hold: deps.hold,
    })
    this.#maildrops = new MaildropLocks(deps.maildropWaitMs ?? 500, (holder) =>
      this.#order(holder, { kind: 'yield-maildrop' }),
    )
  }

  // --- connections ---

  async connect(
    info: ConnectionInfo,
    listener: (order: SessionOrder) => void,
  ): Promise<Result<void, ConnectionRefusal>> {
    const { connections, connectionsPerAddress, connectionsBeforeLogin } = this.#deps.limits
    const { id, remoteAddress, protocol } = info
    if (this.#connections.has(id)) throw new Error(`There is a connection "${id}" already`)
    if (this.#closing) return refused({ kind: 'closing' })
    if (this.#deps.overloaded?.() === true) return refused({ kind: 'overloaded' })
    if (this.#byAddress.full(remoteAddress)) {
      return refused({ kind: 'too-many-from-address', limit: connectionsPerAddress })
    }
    const full = connections > 0 && this.#connections.size >= connections
    if (full && !this.#makeRoom()) return refused({ kind: 'too-many-connections', limit: connections })
    const crowded =
      LOGS_IN.has(protocol) && connectionsBeforeLogin > 0 && this.#strangers.size >= connectionsBeforeLogin
    if (crowded && !this.#makeRoom()) return refused({ kind: 'too-many-connections', limit: connectionsBeforeLogin })
    this.#connections.set(id, { info, listener, note: {}, account: undefined, maildrop: undefined })
    this.#byAddress.add(remoteAddress)
    if (LOGS_IN.has(protocol)) this.#strangers.add(id)
    return done(undefined)
  }

  /**
   * Sends the oldest connection away on which nobody has logged in.
   * @returns `false`: there is none, or as many as may wait for a login are on their way out.
   */
  #makeRoom(): boolean {
    if (this.#leaving.size >= this.#deps.limits.connectionsBeforeLogin) return false
    for (const id of this.#strangers) {
      this.#strangers.delete(id)
      this.#leaving.add(id)
      this.#order(id, { kind: 'close', why: 'crowded' })
      return true
    }
    return false
  }

  note(id: ConnectionId, note: ConnectionNote): void {
    const connection = this.#connections.get(id)
    if (connection !== undefined) connection.note = { ...connection.note, ...note }
  }

  disconnect(id: ConnectionId): void {
    const connection = this.#connections.get(id)
    if (connection === undefined) return
    this.#connections.delete(id)
    this.#strangers.delete(id)
    this.#leaving.delete(id)
    this.#byAddress.remove(connection.info.remoteAddress)
    this.#release(id, connection)
    if (connection.maildrop !== undefined) this.#maildrops.unlock(connection.maildrop, id)
    this.#authentication.abandon(id)
  }

  // --- logins ---

  async login(attempt: PasswordAttempt): Promise<Result<Login, LoginRefusal>> {
    const connection = this.#connections.get(attempt.connection)
    if (connection === undefined) return refused({ kind: 'unavailable' })
    const answer = await this.#authentication.password(attempt, connection.info.remoteAddress)
    return answer.ok ? this.#enter(attempt.connection, answer.value) : answer
  }

  async scramStart(attempt: ScramAttempt): Promise<Result<ScramSecrets, LoginRefusal>> {
    const connection = this.#connections.get(attempt.connection)
    if (connection === undefined) return refused({ kind: 'unavailable' })
    return this.#authentication.scramStart(attempt, connection.info.remoteAddress)
  }

  async scramFinish(outcome: ScramOutcome): Promise<Result<Login, LoginRefusal>> {
    const id = outcome.attempt.connection
    const connection = this.#connections.get(id)
    if (connection === undefined) return refused({ kind: 'unavailable' })
    const answer = await this.#authentication.scramFinish(outcome, connection.info.remoteAddress)
    return answer.ok ? this.#enter(id, answer.value) : answer
  }

  async loginByToken(attempt: TokenAttempt): Promise<Result<Login, LoginRefusal>> {
    const { tokens } = this.#deps
    const connection = this.#connections.get(attempt.connection)
    if (connection === undefined || tokens === undefined) return refused({ kind: 'unavailable' })
    if (attempt.token === '') return refused({ kind: 'wrong-credentials' })
    const answer = await this.#authentication.proved(attempt, connection.info.remoteAddress, async () => {
      const verdict = await tokens.verify(attempt.token, attempt.protocol)
      return verdict.ok ? done([verdict.value]) : verdict
    })
    return answer.ok ? this.#enter(attempt.connection, answer.value) : answer
  }

  async loginByCertificate(attempt: CertificateAttempt): Promise<Result<Login, LoginRefusal>> {
    const connection = this.#connections.get(attempt.connection)
    if (connection === undefined) return refused({ kind: 'unavailable' })
    const { remoteAddress } = connection.info
    const answer = await this.#authentication.proved(attempt, remoteAddress, async () => done(attempt.addresses))
    return answer.ok ? this.#enter(attempt.connection, answer.value) : answer
  }

  async #enter(id: ConnectionId, who: Authenticated): Promise<Result<Login, LoginRefusal>> {
    const opened = (await this.#deps.ensureOpen?.(who.account)) ?? true
    // the peer may have gone, and the account too
    const connection = this.#connections.get(id)
    const account = await this.#deps.directory.accountById(who.account.ref.id)
    if (!opened || connection === undefined || account === undefined) return refused({ kind: 'unavailable' })
    // a password that was changed meanwhile opens nothing
    if (who.appPassword === undefined && account.passwordHash !== who.account.passwordHash) {
      return refused({ kind: 'wrong-credentials' })
    }
    const sessions = this.#byAccount.get(account.ref.id) ?? new Set<ConnectionId>()
    const limit = this.#deps.limits.connectionsPerUser
    if (limit > 0 && sessions.size >= limit && !sessions.has(id)) return refused({ kind: 'too-many-sessions', limit })
    this.#release(id, connection)
    connection.account = account
    this.#strangers.delete(id)
    this.#byAccount.set(account.ref.id, sessions.add(id))
    const { ref, address, displayName } = account
    const login = { account: ref, address, displayName, appPassword: who.appPassword }
    return done(who.detail === undefined ? login : { ...login, detail: who.detail })
  }

  /** The connection belongs to nobody. */
  #release(id: ConnectionId, connection: Connection): void {
    if (connection.account === undefined) return
    const sessions = this.#byAccount.get(connection.account.ref.id)
    sessions?.delete(id)
    if (sessions?.size === 0) this.#byAccount.delete(connection.account.ref.id)
    connection.account = undefined
  }

  // --- maildrops ---

  async lockMaildrop(
    account: AccountId,
    id: ConnectionId,
    mailbox?: MailboxKey,
  ): Promise<Result<Pop3Terms, MaildropRefusal>> {
    const record = await this.#deps.directory.accountById(account)
    const connection = this.#connections.get(id)
    if (connection === undefined || record === undefined) return refused({ kind: 'unavailable' })
    const terms = this.#termsOf(record)
    const delayMs = terms.loginDelaySeconds * 1_000
    const retryAfterMs = this.#lastPop3Logins.at(account) + delayMs - this.#clock.now()
    if (delayMs > 0 && retryAfterMs > 0) return refused({ kind: 'too-early', retryAfterMs })
    const maildrop = mailbox === undefined ? `${account}` : `${account}/${mailbox}`
    // one at a time, and set before it is held: a connection that goes while it waits gives up its place
    if (connection.maildrop !== undefined && connection.maildrop !== maildrop) this.unlockMaildrop(account, id)
    connection.maildrop = maildrop
    if (!(await this.#maildrops.lock(maildrop, id))) return refused({ kind: 'in-use' })
    if (delayMs > 0) this.#lastPop3Logins.note(account, this.#clock.now(), delayMs)
    return done(terms)
  }

  unlockMaildrop(_account: AccountId, id: ConnectionId): void {
    const connection = this.#connections.get(id)
    if (connection?.maildrop === undefined) return
    this.#maildrops.unlock(connection.maildrop, id)
    connection.maildrop = undefined
  }

  async pop3Announcement(): Promise<Pop3Announcement> {
    const common = this.#deps.pop3 ?? DEFAULT_POP3
    const { ownPolicies, fewestDays, longestDelaySeconds } = await this.#deps.directory.pop3Extremes()
    const days = retentionDays(common.policy)
    return {
      loginDelaySeconds: Math.max(common.loginDelaySeconds, longestDelaySeconds ?? 0),
      loginDelayByUser: longestDelaySeconds !== undefined,
      retentionDays: Math.min(days, fewestDays ?? days),
      retentionByUser: ownPolicies,
    }
  }

  #termsOf({ pop3 }: AccountRecord): Pop3Terms {
    const common = this.#deps.pop3 ?? DEFAULT_POP3
    return {
      policy: pop3.policy ?? common.policy,
      loginDelaySeconds: pop3.loginDelaySeconds ?? common.loginDelaySeconds,
    }
  }

  // --- recipients ---

  async quotaOf(
    connection: ConnectionId,
    address: string,
    limits: QuotaLimits | undefined,
  ): Promise<Result<AccountRef, QuotaRefusal>> {
    const { directory, setLimits } = this.#deps
    const now = await this.#accountNow(connection)
    if (now?.administrator !== true) return refused({ kind: 'not-administrator' })
    const canonical = parseAddress(address)?.address
    const account = canonical === undefined ? undefined : await directory.account(canonical)
    if (account === undefined) return refused({ kind: 'no-such-account' })
    const ready = (await this.#deps.ensureOpen?.(account)) ?? true
    const kept = ready && (limits === undefined || ((await setLimits?.(account, limits)) ?? false))
    return kept ? done(account.ref) : refused({ kind: 'unavailable' })
  }

  async addressesOf(accounts: readonly AccountId[]): Promise<readonly (string | undefined)[]> {
    const { directory } = this.#deps
    return Promise.all(accounts.map(async (id) => (await directory.accountById(id))?.address))
  }

  async sendingTerms(id: ConnectionId): Promise<SendingTerms | undefined> {
    const account = await this.#accountNow(id)
    if (account === undefined) return undefined
    const left = (await this.#deps.sending?.left(account)) ?? UNLIMITED
    return {
      sentCopy: account.sending?.copy ?? false,
      language: account.language,
      messagesLeft: left.messages,
      recipientsLeft: left.recipients,
      messagesLimit: left.limits.messages,
      recipientsLimit: left.limits.recipients,
      resumesAt: left.resumesAt,
    }
  }

  async countSending(id: ConnectionId, message: SendingCount): Promise<Result<HoldReason | undefined, SendingRefusal>> {
    const account = await this.#accountNow(id)
    const remoteAddress = this.#connections.get(id)?.info.remoteAddress
    if (account === undefined || remoteAddress === undefined) return refused({ kind: 'no-sender' })
    return (await this.#deps.sending?.count(account, { ...message, remoteAddress })) ?? done(undefined)
  }

  async uncountSending(id: ConnectionId, message: SendingCount): Promise<void> {
    const account = await this.#accountNow(id)
    const remoteAddress = this.#connections.get(id)?.info.remoteAddress
    if (account === undefined || remoteAddress === undefined) return
    await this.#deps.sending?.uncount(account, { ...message, remoteAddress })
  }

  /** The account of a connection as it is now, not as it was at the login. */
  async #accountNow(id: ConnectionId): Promise<AccountRecord | undefined> {
    const account = this.#connections.get(id)?.account
    return account && this.#deps.directory.accountById(account.ref.id)
  }

  async ownAddresses(
    id: ConnectionId,
    addresses: readonly string[],
    within: 'own' | 'domain',
  ): Promise<readonly boolean[]> {
    const account = this.#connections.get(id)?.account
    if (account === undefined) return addresses.map(() => false)
    const { directory } = this.#deps
    const answers: boolean[] = []
    for (const address of addresses) answers.push(await isOwnAddress(directory, account, address, within))
    return answers
  }

  async resolve(address: string, asker?: Asker): Promise<Result<Resolution, RecipientRefusal>> {
    const { directory, ensureOpen, rewriting } = this.#deps
    const answer = await resolveRecipient(directory, address, asker, rewriting)
    if (!answer.ok || ensureOpen === undefined) return answer
    for (const { account } of answer.value.local) {
      const record = await directory.accountById(account.id)
      // what cannot be opened now is refused for a while by the store itself
      if (record !== undefined) await ensureOpen(record)
    }
    return answer
  }

  // --- administration ---

  /** Every connection, oldest first. */
  sessions(): readonly ConnectionView[] {
    return Array.from(this.#connections.values(), ({ info, note, account }) => ({
      ...info,
      ...note,
      address: account?.address,
    }))
  }

  /** Connections now, of each protocol. */
  counts(): ReadonlyMap<ConnectionInfo['protocol'], number> {
    const counts = new Map<ConnectionInfo['protocol'], number>()
    for (const { info } of this.#connections.values()) counts.set(info.protocol, (counts.get(info.protocol) ?? 0) + 1)
    return counts
  }

  /** Tells a connection to close. @returns Whether there was one. */
  kick(id: ConnectionId): boolean {
    return this.#order(id, { kind: 'close', why: 'kicked' })
  }

  /** Tells every session of an account to close. @returns How many there were. */
  kickAccount(account: AccountId, why: 'kicked' | 'account' = 'kicked'): number {
    const ids = Array.from(this.#byAccount.get(account) ?? [])
    for (const id of ids) this.#order(id, { kind: 'close', why })
    return ids.length
  }

  /** A password for one login as this account, within a minute; it is kept nowhere. */
  issuePass(account: AccountId): string {
    return this.#authentication.issuePass(account)
  }

  /** A password was changed or removed, or the account is gone: nothing verified before counts, its sessions close. */
  accountChanged(account: AccountId): void {
    this.#authentication.forget(account)
    this.kickAccount(account, 'account')
  }

  /** Refuses new connections and tells all to close. */
  stop(): void {
    this.#closing = true
    for (const id of Array.from(this.#connections.keys())) this.#order(id, { kind: 'close', why: 'stopping' })
  }

  #order(id: ConnectionId, order: SessionOrder): boolean {
    const connection = this.#connections.get(id)
    connection?.listener(order)
    return connection !== undefined
  }
}
