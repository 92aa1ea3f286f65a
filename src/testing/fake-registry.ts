import { createHmac } from 'node:crypto'
import type { Clock } from '#lib/clock.ts'
import { done, type Result, refused } from '#lib/result.ts'
import { scramClientKeys, scramStoredKey } from '#lib/scram-keys.ts'
import type { AccountId, MailboxKey } from '#mail/ids.ts'
import type {
  CertificateAttempt,
  ConnectionId,
  ConnectionInfo,
  ConnectionNote,
  ConnectionRefusal,
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
  SendingRefusal,
  SendingTerms,
  SessionOrder,
  TokenAttempt,
} from '#services/registry.ts'
import type { HoldReason } from '#store/queue.ts'
import type { AccountRef, QuotaLimits } from '#store/types.ts'

export interface FakeAccount {
  readonly account: AccountRef
  readonly address: string
  readonly password: string
  /** Set: a login with the right password is refused so. */
  readonly refusal?: LoginRefusal
}

const ITERATIONS = 4_096

/** The token with which an account gets in here. */
export function tokenFor(address: string): string {
  return Buffer.from(address).toString('base64url')
}

/** A registry for tests of sessions: a few accounts, no hashing, no throttling; it shows what sessions told it. */
export class FakeRegistry implements Registry {
  readonly connections: Map<ConnectionId, ConnectionInfo & ConnectionNote> = new Map()
  readonly maildrops: Map<AccountId, ConnectionId> = new Map()
  /** Logins tried, without their passwords. */
  readonly attempts: string[] = []
  /** The mailboxes that sessions locked, INBOX without a key. */
  readonly locked: (MailboxKey | undefined)[] = []
  pop3: Pop3Terms = { policy: { kind: 'client' }, loginDelaySeconds: 0 }
  announcement: Pop3Announcement = {
    loginDelaySeconds: 0,
    loginDelayByUser: false,
    retentionDays: Number.POSITIVE_INFINITY,
    retentionByUser: false,
  }
  /** Sets limits for an administrator; whoever asks is one while it is there. */
  setLimits: ((account: AccountRef, limits: QuotaLimits) => Promise<boolean>) | undefined
  /** Set: the next maildrops are refused so. */
  maildropRefusal: MaildropRefusal | undefined
  /** Set: the next connections are refused so. */
  connectRefusal: ConnectionRefusal | undefined
  readonly #listeners = new Map<ConnectionId, (order: SessionOrder) => void>()
  readonly #accounts: readonly FakeAccount[]

  constructor(accounts: readonly FakeAccount[]) {
    this.#accounts = accounts
  }

  /** Sends an order to a session, or to all of them. */
  order(order: SessionOrder, connection?: ConnectionId): void {
    for (const [id, listener] of this.#listeners) if (connection === undefined || id === connection) listener(order)
  }

  async connect(
    info: ConnectionInfo,
    listener: (order: SessionOrder) => void,
  ): Promise<Result<void, ConnectionRefusal>> {
    await Promise.resolve()
    if (this.connectRefusal !== undefined) return refused(this.connectRefusal)
    this.connections.set(info.id, info)
    this.#listeners.set(info.id, listener)
    return done(undefined)
  }

  note(connection: ConnectionId, note: ConnectionNote): void {
    const info = this.connections.get(connection)
    if (info !== undefined) this.connections.set(connection, { ...info, ...note })
  }

  disconnect(connection: ConnectionId): void {
    this.connections.delete(connection)
    this.#listeners.delete(connection)
    for (const [account, holder] of this.maildrops) if (holder === connection) this.maildrops.delete(account)
  }

  async login({ login, authorizeAs, password }: PasswordAttempt): Promise<Result<Login, LoginRefusal>> {
    await Promise.resolve()
    this.attempts.push(login)
    const [, base, detail, domain] = /^([^+@]+)\+([^@]*)(@.*)$/.exec(login) ?? []
    const address = base === undefined ? login : `${base}${domain}`
    const found = this.#accounts.find((one) => one.address === address)
    if (found === undefined || found.password !== password) return refused({ kind: 'wrong-credentials' })
    const allowed = this.#allowed(found, authorizeAs)
    return allowed.ok && detail !== undefined ? done({ ...allowed.value, detail }) : allowed
  }

  async scramStart({ login }: ScramAttempt): Promise<Result<ScramSecrets, LoginRefusal>> {
    this.attempts.push(login)
    const found = this.#accounts.find((one) => one.address === login)
    const salt = createHmac('sha256', 'salt').update(login).digest().subarray(0, 16)
    if (found === undefined) return done({ salt, iterations: ITERATIONS, verifiers: [] })
    const { clientKey, serverKey } = await scramClientKeys(found.password, salt, ITERATIONS)
    const verifier = { salt, iterations: ITERATIONS, storedKey: scramStoredKey(clientKey), serverKey }
    return done({ salt, iterations: ITERATIONS, verifiers: [verifier] })
  }

  async scramFinish({ attempt, matched }: ScramOutcome): Promise<Result<Login, LoginRefusal>> {
    await Promise.resolve()
    const found = this.#accounts.find((one) => one.address === attempt.login)
    if (found === undefined || matched === undefined) return refused({ kind: 'wrong-credentials' })
    return this.#allowed(found, attempt.authorizeAs)
  }

  /** The token of an account is {@link tokenFor} its address. */
  async loginByToken({ login, token }: TokenAttempt): Promise<Result<Login, LoginRefusal>> {
    await Promise.resolve()
    this.attempts.push(login)
    const found = this.#accounts.find((one) => tokenFor(one.address) === token)
    return found === undefined ? refused({ kind: 'wrong-credentials' }) : this.#allowed(found, login)
  }

  async loginByCertificate({ login, addresses }: CertificateAttempt): Promise<Result<Login, LoginRefusal>> {
    await Promise.resolve()
    this.attempts.push(login)
    const found = this.#accounts.find((one) => addresses.includes(one.address))
    return found === undefined ? refused({ kind: 'wrong-credentials' }) : this.#allowed(found, login)
  }

  /** Asks the holder to yield, as the real one does, and gives it a moment. */
  async lockMaildrop(
    account: AccountId,
    connection: ConnectionId,
    mailbox?: MailboxKey,
  ): Promise<Result<Pop3Terms, MaildropRefusal>> {
    if (this.maildropRefusal !== undefined) return refused(this.maildropRefusal)
    this.locked.push(mailbox)
    const holder = this.maildrops.get(account)
    if (holder !== undefined && holder !== connection) {
      this.order({ kind: 'yield-maildrop' }, holder)
      for (let turn = 0; turn < 10 && this.maildrops.has(account); turn += 1) {
        await new Promise((resolve) => setImmediate(resolve))
      }
      if (this.maildrops.has(account)) return refused({ kind: 'in-use' })
    }
    this.maildrops.set(account, connection)
    return done(this.pop3)
  }

  pop3Announcement(): Promise<Pop3Announcement> {
    return Promise.resolve(this.announcement)
  }

  unlockMaildrop(account: AccountId, connection: ConnectionId): void {
    if (this.maildrops.get(account) === connection) this.maildrops.delete(account)
  }

  async quotaOf(
    _connection: ConnectionId,
    address: string,
    limits: QuotaLimits | undefined,
  ): Promise<Result<AccountRef, QuotaRefusal>> {
    if (this.setLimits === undefined) return refused({ kind: 'not-administrator' })
    const found = this.#accounts.find((one) => one.address === address)
    if (found === undefined) return refused({ kind: 'no-such-account' })
    const kept = limits === undefined || (await this.setLimits(found.account, limits))
    return kept ? done(found.account) : refused({ kind: 'unavailable' })
  }

  async addressesOf(accounts: readonly AccountId[]): Promise<readonly (string | undefined)[]> {
    await Promise.resolve()
    return accounts.map((id) => this.#accounts.find((one) => one.account.id === id)?.address)
  }

  async sendingTerms(): Promise<SendingTerms | undefined> {
    await Promise.resolve()
    const most = Number.POSITIVE_INFINITY
    return {
      sentCopy: false,
      language: undefined,
      messagesLeft: most,
      recipientsLeft: most,
      messagesLimit: 0,
      recipientsLimit: 0,
      resumesAt: 0,
    }
  }

  async countSending(): Promise<Result<HoldReason | undefined, SendingRefusal>> {
    await Promise.resolve()
    return done(undefined)
  }

  uncountSending(): Promise<void> {
    return Promise.resolve()
  }

  async ownAddresses(_connection: ConnectionId, addresses: readonly string[]): Promise<readonly boolean[]> {
    await Promise.resolve()
    return addresses.map((address) => this.#accounts.some((one) => one.address === address))
  }

  async resolve(address: string): Promise<Result<Resolution, RecipientRefusal>> {
    await Promise.resolve()
    const found = this.#accounts.find((one) => one.address === address)
    if (found === undefined) return refused({ kind: 'unknown' })
    return done({ local: [{ account: found.account, address: found.address, detail: undefined }], outside: [] })
  }

  #allowed(found: FakeAccount, authorizeAs: string): Result<Login, LoginRefusal> {
    if (found.refusal !== undefined) return refused(found.refusal)
    if (authorizeAs !== '' && authorizeAs !== found.address)
      return refused({ kind: 'not-allowed', why: 'authorization' })
    return done({ account: found.account, address: found.address, displayName: '', appPassword: undefined })
  }
}

/** A clock that tests set. */
export class FakeClock implements Clock {
  ms = 1_700_000_000_000
  now(): number {
    return this.ms
  }
}
