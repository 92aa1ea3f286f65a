/** What the suites of the registry share: one that is set up, and a hasher that counts. @module */
import assert from 'node:assert/strict'
import { openDirectory } from '#adapters/sqlite/directory.ts'
import { newAccount } from '#store/directory.contract.ts'
import type { AccountRecord, Directory, NewAccount } from '#store/directory.ts'
import { DEFAULT_REGISTRY_LIMITS, LocalRegistry, type RegistryDeps, type RegistryLimits } from './local-registry.ts'
import { appPasswordDigest, type PasswordHasher, scramVerifier } from './passwords.ts'
import type { ConnectionInfo, PasswordAttempt, Registry, SessionOrder } from './registry.ts'

/** Counts the slow work and makes it quick: a "hash" is the word `hash` and the password. */
export function countingHasher(): PasswordHasher & { readonly checks: string[]; readonly made: string[] } {
  const checks: string[] = []
  const made: string[] = []
  return {
    checks,
    made,
    async check(password, stored) {
      checks.push(password)
      return stored === `$argon2id$v=19$m=19456,t=2,p=1$${password}` || stored === `{PLAIN}${password}`
    },
    async make(password) {
      made.push(password)
      return `$argon2id$v=19$m=19456,t=2,p=1$${password}`
    },
  }
}

export interface Setting extends AsyncDisposable {
  readonly directory: Directory
  readonly local: LocalRegistry
  readonly registry: Registry
  readonly hasher: ReturnType<typeof countingHasher>
  readonly clock: { time: number }
  readonly orders: Map<string, SessionOrder[]>
  add(address: string, rest?: Partial<NewAccount>): Promise<AccountRecord>
  /** Opens a connection that keeps its orders. */
  connect(id: string, rest?: Partial<ConnectionInfo>): Promise<Awaited<ReturnType<Registry['connect']>>>
  login(
    connection: string,
    login: string,
    password: string,
    rest?: Partial<PasswordAttempt>,
  ): ReturnType<Registry['login']>
  /** Logs in by SCRAM-SHA-256 with a password, as a session does. */
  scram(connection: string, login: string, password: string): ReturnType<Registry['login']>
}

/** How an adapter of the registry is reached; the answer ends with the setting. */
export type Reach = (local: LocalRegistry) => { readonly registry: Registry; readonly end: () => void }

export async function setUp(
  reach: Reach,
  limits: Partial<RegistryLimits> = {},
  deps: Partial<RegistryDeps> = {},
): Promise<Setting> {
  const clock = { time: 1_700_000_000_000, now: () => clock.time }
  const directory = await openDirectory(':memory:', clock)
  await directory.addDomain('example.org')
  const hasher = countingHasher()
  const local = new LocalRegistry({
    directory,
    hasher,
    clock,
    limits: { ...DEFAULT_REGISTRY_LIMITS, ...limits },
    scramForPasswords: false,
    maildropWaitMs: 20,
    hold: () => Promise.resolve(),
    ...deps,
  })
  const { registry, end } = reach(local)
  const orders = new Map<string, SessionOrder[]>()
  const protocol = 'imap'
  return {
    directory,
    local,
    registry,
    hasher,
    clock,
    orders,
    async add(address, rest = {}) {
      const passwordHash = `$argon2id$v=19$m=19456,t=2,p=1$secret`
      const answer = await directory.addAccounts([newAccount(address, { passwordHash, ...rest })])
      assert.ok(answer.ok && answer.value[0] !== undefined)
      return answer.value[0]
    },
    connect(id, rest = {}) {
      const info: ConnectionInfo = {
        id,
        protocol,
        remoteAddress: '192.0.2.1',
        remotePort: 50_000,
        localPort: 143,
        secure: false,
        since: clock.time,
        ...rest,
      }
      const kept: SessionOrder[] = []
      orders.set(id, kept)
      return registry.connect(info, (order) => kept.push(order))
    },
    login: (connection, login, password, rest = {}) =>
      registry.login({ connection, protocol, login, password, authorizeAs: '', ...rest }),
    async scram(connection, login, password) {
      const attempt = { connection, protocol, login, authorizeAs: '' } as const
      const started = await registry.scramStart(attempt)
      if (!started.ok) return started
      const { salt, iterations, verifiers } = started.value
      const mine = await scramVerifier(password, salt, iterations)
      const found = verifiers.findIndex(({ storedKey }) => Buffer.compare(storedKey, mine.storedKey) === 0)
      return registry.scramFinish({ attempt, matched: found === -1 ? undefined : found })
    },
    async [Symbol.asyncDispose]() {
      end()
      await directory[Symbol.asyncDispose]()
    },
  }
}

/** Adds an app password whose text is given. */
export async function addAppPassword(
  directory: Directory,
  account: AccountRecord,
  name: string,
  password: string,
  protocols: AccountRecord['protocols'] = ['imap', 'pop3', 'smtp'],
): Promise<void> {
  const salt = await directory.scramSalt(account.ref.id)
  const scram = [await scramVerifier(password, salt, 4_096)]
  const sha256 = appPasswordDigest(password)
  assert.ok((await directory.addAppPassword({ account: account.ref.id, name, protocols, sha256, scram })).ok)
}

/** Waits until messages under way have arrived. */
export async function settled(): Promise<void> {
  for (let n = 0; n < 3; n += 1) await new Promise((resolve) => setImmediate(resolve))
}
