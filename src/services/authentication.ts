/**
 * Who somebody is: throttle first, then the cache, then hashing (design §5, §9). Unknown people and wrong passwords
 * get the same answer after the same work.
 * @module
 */
import { timingSafeEqual } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '#lib/clock.ts'
import { done, type Result, refused } from '#lib/result.ts'
import { saslPrep } from '#lib/sasl-prep.ts'
import { hmacSha256 } from '#lib/scram-keys.ts'
import type { AccountId } from '#mail/ids.ts'
import type { AccountRecord, AppPasswordRecord, Directory, Protocol } from '#store/directory.ts'
import { canonicalLocal, parseAddress } from './addresses.ts'
import { CredentialCache } from './credential-cache.ts'
import { FairQueue } from './fair-queue.ts'
import { LoginPasses } from './login-passes.ts'
import type { TokenRefusal } from './oauth-tokens.ts'
import {
  appPasswordDigest,
  isOutdatedHash,
  type PasswordHasher,
  SCRAM_ROUNDS,
  SCRAM_ROUNDS_FOR_PEOPLE,
  scramVerifier,
} from './passwords.ts'
import type { LoginRefusal, PasswordAttempt, ScramAttempt, ScramOutcome, ScramSecrets } from './registry.ts'
import type { LoginThrottle } from './throttle.ts'

export interface AuthenticationDeps {
  readonly directory: Directory
  readonly throttle: LoginThrottle
  readonly hasher: PasswordHasher
  readonly clock: Clock
  /** Keep SCRAM verifiers of people's own passwords (`auth.scram_for_passwords`). */
  readonly scramForPasswords: boolean
  /** Waits so many milliseconds before a failure is answered. */
  readonly hold?: ((ms: number) => Promise<void>) | undefined
}

/** Somebody who may log in by the protocol they used. */
export interface Authenticated {
  readonly account: AccountRecord
  /** Name of the app password, `undefined` for the person's own. */
  readonly appPassword: string | undefined
  /** What stood behind the `+` of a POP3 login. */
  readonly detail: string | undefined
}

type Answer = Result<Authenticated, LoginRefusal>

type Refused = Extract<Result<never, LoginRefusal>, { readonly ok: false }>

/** A password that was right: the person's own, or one of their app passwords; or something that is no password. */
type Credential = { readonly kind: 'own' | 'proof' } | { readonly kind: 'app'; readonly record: AppPasswordRecord }

/** Who says they are whom, by whatever means. */
type NamedAttempt = Pick<ScramAttempt, 'connection' | 'protocol' | 'login'>

/** Whom a login names. */
interface Named {
  /** Canonical; the key of failures. */
  readonly login: string
  readonly detail: string | undefined
}

interface PendingScram extends Named {
  readonly account: AccountRecord | undefined
  /** In the order of the verifiers given out. */
  readonly credentials: readonly Credential[]
}

/** Waiting passwords: beyond these, `unavailable` is the answer rather than one minutes late. */
const MOST_WAITING = 1_000
const MOST_WAITING_PER_ADDRESS = 200

/** Checks credentials against the directory. One for the installation, in the main thread. */
export class Authentication {
  readonly #deps: AuthenticationDeps
  readonly #cache: CredentialCache
  readonly #queue: FairQueue
  readonly #pending = new Map<string, PendingScram>()
  readonly #passes: LoginPasses

  constructor(deps: AuthenticationDeps) {
    this.#deps = deps
    this.#cache = new CredentialCache(deps.clock)
    this.#passes = new LoginPasses(deps.clock)
    this.#queue = new FairQueue({
      atOnce: Math.max(1, Math.floor(availableParallelism() / 2)),
      waiting: MOST_WAITING,
      waitingPerKey: MOST_WAITING_PER_ADDRESS,
    })
  }

  /** Checks a login and its password. */
  async password(attempt: PasswordAttempt, remoteAddress: string): Promise<Answer> {
    const named = await this.#named(attempt)
    const { login } = named
    const throttled = this.#throttled(remoteAddress, login)
    if (throttled !== undefined) return throttled
    const account = await this.#deps.directory.account(login)
    const credential = await this.#quickly(account, attempt.password)
    if (credential !== undefined && account !== undefined) {
      return this.#admit(attempt, remoteAddress, named, account, credential)
    }
    const check = () => this.#slowly(login, remoteAddress, attempt.password)
    const right = await this.#queue.run(remoteAddress, check, this.#deps.throttle.rank(remoteAddress, login))
    if (right === undefined) return refused({ kind: 'unavailable' })
    if (!right.ok) return right.error.kind === 'wrong-credentials' ? this.#answerWrong(remoteAddress, login) : right
    return this.#admit(attempt, remoteAddress, named, right.value, { kind: 'own' })
  }

  /** What SCRAM's server-first message says; remembered for the connection until {@link scramFinish}. */
  async scramStart(attempt: ScramAttempt, remoteAddress: string): Promise<Result<ScramSecrets, LoginRefusal>> {
    const { directory, scramForPasswords } = this.#deps
    const named = await this.#named(attempt)
    const { login } = named
    const throttled = this.#throttled(remoteAddress, login)
    if (throttled !== undefined) return throttled
    // one count for all, known or not, so that it tells nothing
    const iterations = scramForPasswords ? SCRAM_ROUNDS_FOR_PEOPLE : SCRAM_ROUNDS
    const account = await directory.account(login)
    const offers = account === undefined ? [] : await this.#offers(account, iterations)
    this.#pending.set(attempt.connection, { ...named, account, credentials: offers.map((offer) => offer.credential) })
    const verifiers = offers.map((offer) => offer.verifier)
    const salt = verifiers[0]?.salt ?? hmacSha256(await directory.secret(), `scram-salt ${login}`).subarray(0, 16)
    return done({ salt, iterations, verifiers })
  }

  /** Takes what a session made of the proof. */
  async scramFinish({ attempt, matched }: ScramOutcome, remoteAddress: string): Promise<Answer> {
    const pending = this.#pending.get(attempt.connection)
    this.#pending.delete(attempt.connection)
    if (pending === undefined) return refused({ kind: 'unavailable' })
    const { login, account } = pending
    const throttled = this.#throttled(remoteAddress, login)
    if (throttled !== undefined) return throttled
    const credential = matched === undefined ? undefined : pending.credentials[matched]
    if (account === undefined || credential === undefined) return this.#wrong(remoteAddress, login)
    const now = await this.#deps.directory.accountById(account.ref.id)
    if (now === undefined || !(await this.#stillThere(now, account, credential))) {
      return this.#wrong(remoteAddress, login)
    }
    return this.#admit(attempt, remoteAddress, pending, now, credential)
  }

  /**
   * Lets in who has shown by other means than a password whom they are.
   * @param proof The addresses shown; asked for once the throttle has let it through.
   */
  async proved(
    { connection, protocol, login: name }: NamedAttempt,
    remoteAddress: string,
    proof: () => Promise<Result<readonly string[], TokenRefusal>>,
  ): Promise<Answer> {
    const attempt = { connection, protocol, login: name, authorizeAs: '' }
    const named = name === '' ? undefined : await this.#named(attempt)
    // a failure without a name must not slow down others who give none
    const key = named?.login ?? `proof from ${remoteAddress}`
    const throttled = this.#throttled(remoteAddress, key)
    if (throttled !== undefined) return throttled
    const shown = await proof()
    if (!shown.ok) {
      switch (shown.error.kind) {
        case 'invalid':
          return this.#wrong(remoteAddress, key)
        case 'scope':
          return refused({ kind: 'not-allowed', why: 'protocol' })
        case 'unavailable':
          return refused({ kind: 'unavailable' })
      }
    }
    let somebodyElse = false
    for (const text of shown.value) {
      const address = parseAddress(text)?.address
      const account = address === undefined ? undefined : await this.#deps.directory.account(address)
      if (account === undefined) continue
      if (named === undefined || named.login === account.address) {
        const who = { login: account.address, detail: named?.detail }
        return this.#admit(attempt, remoteAddress, who, account, { kind: 'proof' })
      }
      somebodyElse = true
    }
    return somebodyElse ? refused({ kind: 'not-allowed', why: 'authorization' }) : this.#wrong(remoteAddress, key)
  }

  /** Forgets an exchange that its connection will not finish. */
  abandon(connection: string): void {
    this.#pending.delete(connection)
  }

  /** A password for one login as this account: see {@link LoginPasses}. */
  issuePass(account: AccountId): string {
    return this.#passes.issue(account)
  }

  /** Forgets what was verified of an account: its password changed or it is gone. */
  forget(account: number): void {
    this.#passes.forget(account)
    this.#cache.forget(account)
  }

  #throttled(remoteAddress: string, login: string): Refused | undefined {
    const retryAfterMs = this.#deps.throttle.waitMs(remoteAddress, login)
    return retryAfterMs > 0 ? refused({ kind: 'throttled', retryAfterMs }) : undefined
  }

  #wrong(remoteAddress: string, login: string): Promise<Refused> {
    this.#deps.throttle.failed(remoteAddress, login)
    return this.#answerWrong(remoteAddress, login)
  }

  /** The answer to a failure that was counted, as late as the throttle says. */
  async #answerWrong(remoteAddress: string, login: string): Promise<Refused> {
    const ms = this.#deps.throttle.delayMs(remoteAddress, login)
    if (ms > 0) await (this.#deps.hold ?? hold)(ms)
    return refused({ kind: 'wrong-credentials' })
  }

  /** What can be told in microseconds: passes, the cache and app passwords. */
  async #quickly(account: AccountRecord | undefined, password: string): Promise<Credential | undefined> {
    if (account !== undefined && this.#passes.take(account.ref.id, password)) return { kind: 'proof' }
    if (account !== undefined && this.#cache.has(account, password)) return { kind: 'own' }
    const digest = appPasswordDigest(password)
    const records = account === undefined ? [] : await this.#deps.directory.appPasswords(account.ref.id)
    const record = records.find(({ sha256 }) => sha256.length === digest.length && timingSafeEqual(sha256, digest))
    return record && { kind: 'app', record }
  }

  /** Hashing, in its turn; what others learned or did meanwhile counts. */
  async #slowly(login: string, remoteAddress: string, password: string): Promise<Result<AccountRecord, LoginRefusal>> {
    const throttled = this.#throttled(remoteAddress, login)
    if (throttled !== undefined) return throttled
    const account = await this.#deps.directory.account(login)
    if (account !== undefined && this.#cache.has(account, password)) return done(account)
    const right = await this.#deps.hasher.check(password, account?.passwordHash)
    if (!right || account === undefined) {
      // counted before the next one of this address is looked at
      this.#deps.throttle.failed(remoteAddress, login)
      return refused({ kind: 'wrong-credentials' })
    }
    const kept = await this.#renew(account, password)
    this.#cache.add(kept, password)
    return done(kept)
  }

  /** Replaces an imported hash, and makes the SCRAM verifier where one is wanted, now that the password is known. */
  async #renew(account: AccountRecord, password: string): Promise<AccountRecord> {
    const { directory, hasher, scramForPasswords } = this.#deps
    const { id } = account.ref
    const outdated = account.passwordHash !== undefined && isOutdatedHash(account.passwordHash)
    const lacksScram = scramForPasswords && account.scram?.iterations !== SCRAM_ROUNDS_FOR_PEOPLE
    if (!outdated && !lacksScram) return account
    const passwordHash = outdated ? await hasher.make(password) : account.passwordHash
    const scram = lacksScram
      ? await scramVerifier(password, await directory.scramSalt(id), SCRAM_ROUNDS_FOR_PEOPLE)
      : account.scram
    // the password may have been changed while we hashed
    const now = await directory.accountById(id)
    if (now === undefined || now.passwordHash !== account.passwordHash) return account
    const changed = await directory.changeAccount(id, { passwordHash, scram })
    return changed.ok ? changed.value : account
  }

  async #offers(account: AccountRecord, iterations: number) {
    const appPasswords = await this.#deps.directory.appPasswords(account.ref.id)
    const all = [
      { credential: { kind: 'own' } as const, scram: account.scram === undefined ? [] : [account.scram] },
      ...appPasswords.map((record) => ({ credential: { kind: 'app', record } as const, scram: record.scram })),
    ]
    return all.flatMap(({ credential, scram }) => {
      const verifier = scram.find((one) => one.iterations === iterations)
      return verifier === undefined ? [] : [{ credential, verifier }]
    })
  }

  /** Whether a password was not taken away during the exchange. */
  async #stillThere(now: AccountRecord, before: AccountRecord, credential: Credential): Promise<boolean> {
    if (credential.kind !== 'app') return now.passwordHash === before.passwordHash
    const records = await this.#deps.directory.appPasswords(now.ref.id)
    return records.some((record) => record.id === credential.record.id)
  }

  /** The credentials are right; may they be used for this? */
  async #admit(
    attempt: ScramAttempt,
    remoteAddress: string,
    { login, detail }: Named,
    account: AccountRecord,
    credential: Credential,
  ): Promise<Answer> {
    const { throttle, directory, clock } = this.#deps
    throttle.succeeded(remoteAddress, login)
    const { authorizeAs, protocol } = attempt
    // whoever names the same mailbox twice means themselves
    const oneself = authorizeAs === '' || authorizeAs === attempt.login
    if (!oneself && (await this.#canonicalLogin(authorizeAs)) !== account.address) {
      return refused({ kind: 'not-allowed', why: 'authorization' })
    }
    if (!account.enabled) return refused({ kind: 'not-allowed', why: 'disabled' })
    const scopes: readonly (readonly Protocol[])[] =
      credential.kind === 'app' ? [account.protocols, credential.record.protocols] : [account.protocols]
    if (!scopes.every((protocols) => protocols.includes(protocol))) {
      return refused({ kind: 'not-allowed', why: 'protocol' })
    }
    if (credential.kind === 'app') directory.noteAppPasswordUse(credential.record.id, clock.now())
    return done({ account, appPassword: credential.kind === 'app' ? credential.record.name : undefined, detail })
  }

  /** POP3 may name a mailbox behind a `+` (`ann+Work@example.org`), unless that is an account of its own. */
  async #named({ login: text, protocol }: ScramAttempt): Promise<Named> {
    const login = await this.#canonicalLogin(text)
    const parts = protocol === 'pop3' ? splitLogin(text.trim()) : undefined
    if (parts === undefined || (await this.#deps.directory.account(login)) !== undefined) {
      return { login, detail: undefined }
    }
    return { login: await this.#canonicalLogin(parts.base), detail: parts.detail }
  }

  /**
   * The address a login means: itself, or the local part where only one domain exists.
   * Text that is neither is kept, as the key of its failures.
   */
  async #canonicalLogin(text: string): Promise<string> {
    const trimmed = text.trim()
    const parsed = parseAddress(trimmed) ?? parseAddress(saslPrep(trimmed) ?? '')
    if (parsed !== undefined) return parsed.address
    const local = trimmed.includes('@') ? undefined : canonicalLocal(trimmed)
    if (local === undefined) return trimmed.slice(0, 255)
    const domains = await this.#deps.directory.domains()
    const [only] = domains
    return only === undefined || domains.length > 1 ? local : `${local}@${only.name}`
  }
}

function hold(ms: number): Promise<void> {
  return delay(ms, undefined, { ref: false })
}

/** Parts a login at its first `+`. The detail is a mailbox's name, so it is kept as written, spaces and case. */
function splitLogin(text: string): { readonly base: string; readonly detail: string } | undefined {
  const at = text.lastIndexOf('@')
  const local = at < 0 ? text : text.slice(0, at)
  const plus = local.indexOf('+')
  if (plus <= 0 || local.startsWith('"')) return undefined
  return { base: local.slice(0, plus) + (at < 0 ? '' : text.slice(at)), detail: local.slice(plus + 1) }
}
