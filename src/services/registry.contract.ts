import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDirectory } from '#adapters/sqlite/directory.ts'
import { done, refused } from '#lib/result.ts'
import { scramStoredKey } from '#lib/scram-keys.ts'
import type { AccountId, MailboxKey } from '#mail/ids.ts'
import { newAccount } from '#store/directory.contract.ts'
import type { AccountRecord, Directory, NewAccount, Protocol } from '#store/directory.ts'
import { DEFAULT_REGISTRY_LIMITS, LocalRegistry, type RegistryDeps, type RegistryLimits } from './local-registry.ts'
import type { TokenVerifier } from './oauth-tokens.ts'
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
async function settled(): Promise<void> {
  for (let n = 0; n < 3; n += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** What every way to the registry must do. */
export function registryContract(reach: Reach): void {
  test('quotas of others are for administrators, as they are now', async () => {
    const changed: unknown[] = []
    await using s = await setUp(
      reach,
      {},
      {
        setLimits: async ({ address }, limits) => {
          changed.push([address, limits])
          return true
        },
      },
    )
    const limits = { storageBytes: 1_024, messages: undefined }
    const ann = await s.add('ann@example.org')
    const ben = await s.add('ben@example.org')
    await s.connect('c1')
    assert.deepEqual(await s.registry.quotaOf('c1', 'ben@example.org', limits), refused({ kind: 'not-administrator' }))
    assert.ok((await s.login('c1', 'ann@example.org', 'secret')).ok)
    assert.deepEqual(await s.registry.quotaOf('c1', 'ben@example.org', limits), refused({ kind: 'not-administrator' }))
    await s.directory.changeAccount(ann.ref.id, { administrator: true })
    assert.deepEqual(await s.registry.quotaOf('c1', 'Ben@Example.org', limits), done(ben.ref))
    assert.deepEqual(await s.registry.quotaOf('c1', 'ben@example.org', undefined), done(ben.ref))
    assert.deepEqual(await s.registry.quotaOf('c1', 'nobody@example.org', limits), refused({ kind: 'no-such-account' }))
    assert.deepEqual(changed, [['ben@example.org', limits]])
  })

  test('connections are counted, in all and by address, and given back', async () => {
    await using s = await setUp(reach, { connections: 3, connectionsPerAddress: 2, exempt: ['127.0.0.0/8'] })
    const mx = { protocol: 'smtp' } as const
    assert.deepEqual(await s.connect('a', mx), { ok: true, value: undefined })
    await s.connect('b', mx)
    const fromThere = { kind: 'too-many-from-address', limit: 2 }
    assert.deepEqual(await s.connect('c', mx), { ok: false, error: fromThere })
    assert.equal((await s.connect('d', { ...mx, remoteAddress: '127.0.0.1' })).ok, true)
    const all = { kind: 'too-many-connections', limit: 3 }
    assert.deepEqual(await s.connect('e', { ...mx, remoteAddress: '192.0.2.2' }), { ok: false, error: all })
    s.registry.disconnect('a')
    s.registry.disconnect('a')
    s.registry.disconnect('c')
    assert.equal((await s.connect('f', mx)).ok, true)
    assert.equal((await s.connect('g', mx)).ok, false)
    s.registry.disconnect('b')
    s.registry.disconnect('f')
    for (const id of ['h', 'i']) assert.equal((await s.connect(id, { ...mx, remoteAddress: '127.0.0.1' })).ok, true)
  })

  test('an IPv6 customer is one address', async () => {
    await using s = await setUp(reach, { connectionsPerAddress: 2 })
    for (const [id, remoteAddress, ok] of [
      ['a', '2001:db8::1', true],
      ['b', '2001:db8::2', true],
      ['c', '2001:db8::3', false],
      ['d', '2001:db8:0:1::1', true],
    ] as const) {
      assert.equal((await s.connect(id, { remoteAddress })).ok, ok, id)
    }
    s.registry.disconnect('a')
    assert.equal((await s.connect('e', { remoteAddress: '2001:db8::4' })).ok, true)
  })

  test('of those who do not log in the oldest gives way, and nobody who did', async () => {
    await using s = await setUp(reach, { connections: 4, connectionsBeforeLogin: 2 })
    await s.add('ann@example.org')
    await s.connect('ann')
    assert.equal((await s.login('ann', 'ann', 'secret')).ok, true)
    await s.connect('mx', { protocol: 'smtp' })
    for (const id of ['a', 'b', 'c']) assert.equal((await s.connect(id)).ok, true, id)
    await settled()
    const crowded = [{ kind: 'close', why: 'crowded' }]
    assert.deepEqual(
      ['ann', 'mx', 'a', 'b', 'c'].map((id) => s.orders.get(id)),
      [[], [], crowded, [], []],
    )
    s.registry.disconnect('a')
    // all places are taken
    assert.equal((await s.connect('mx2', { protocol: 'smtp' })).ok, true)
    await settled()
    assert.deepEqual(s.orders.get('b'), crowded)
    // one that will not go makes no room for ever more
    assert.equal((await s.connect('d')).ok, true)
    assert.deepEqual(await s.connect('e'), refused({ kind: 'too-many-connections', limit: 4 }))
    s.registry.disconnect('b')
    assert.equal((await s.connect('f')).ok, true)
    assert.deepEqual(s.orders.get('ann'), [])
  })

  test('nobody comes in while memory is used up, and who is in stays', async () => {
    let overloaded = false
    await using s = await setUp(reach, {}, { overloaded: () => overloaded })
    await s.connect('a')
    overloaded = true
    assert.deepEqual(await s.connect('b'), refused({ kind: 'overloaded' }))
    assert.deepEqual(s.orders.get('a'), [])
    overloaded = false
    assert.equal((await s.connect('b')).ok, true)
  })

  test('a login is answered with the account, by full address, in any case, and by local part', async () => {
    await using s = await setUp(reach)
    const ann = await s.add('ann@example.org', { displayName: 'Ann', shard: 2 })
    await s.connect('a')
    const value = { account: ann.ref, address: 'ann@example.org', displayName: 'Ann', appPassword: undefined }
    for (const login of ['ann@example.org', 'Ann@Example.ORG', 'ann', ' ANN ']) {
      assert.deepEqual(await s.login('a', login, 'secret'), { ok: true, value })
    }
    assert.equal(s.hasher.checks.length, 1)
    const wrong = { ok: false, error: { kind: 'wrong-credentials' } }
    assert.deepEqual(await s.login('a', 'ann', 'Secret'), wrong)
    await s.directory.addDomain('other.example')
    assert.deepEqual(await s.login('a', 'ann', 'secret'), wrong)
    assert.deepEqual(await s.login('nobody', 'ann@example.org', 'secret'), {
      ok: false,
      error: { kind: 'unavailable' },
    })
  })

  test('sessions of an account are counted, listed and kicked', async () => {
    await using s = await setUp(reach, { connectionsPerUser: 2 })
    const ann = await s.add('ann@example.org')
    for (const id of ['a', 'b', 'c']) await s.connect(id)
    assert.equal((await s.login('a', 'ann', 'secret')).ok, true)
    assert.equal((await s.login('a', 'ann', 'secret')).ok, true)
    assert.equal((await s.login('b', 'ann', 'secret')).ok, true)
    const error = { kind: 'too-many-sessions', limit: 2 }
    assert.deepEqual(await s.login('c', 'ann', 'secret'), { ok: false, error })
    s.registry.note('a', { client: 'mutt', secure: true, compressed: true })
    s.registry.note('a', { mailbox: 'INBOX' })
    s.registry.note('gone', { mailbox: 'INBOX' })
    await settled()
    const [view, , last] = s.local.sessions()
    assert.deepEqual(
      { ...view, since: 0 },
      {
        id: 'a',
        protocol: 'imap',
        remoteAddress: '192.0.2.1',
        remotePort: 50_000,
        localPort: 143,
        secure: true,
        compressed: true,
        since: 0,
        client: 'mutt',
        mailbox: 'INBOX',
        address: 'ann@example.org',
      },
    )
    assert.equal(last?.address, undefined)
    assert.deepEqual(s.local.counts(), new Map([['imap', 3]]))
    assert.equal(s.local.kick('c'), true)
    assert.equal(s.local.kick('x'), false)
    assert.equal(s.local.kickAccount(ann.ref.id), 2)
    await settled()
    for (const id of ['a', 'b', 'c']) assert.deepEqual(s.orders.get(id), [{ kind: 'close', why: 'kicked' }])
    s.registry.disconnect('a')
    assert.equal((await s.login('c', 'ann', 'secret')).ok, true)
  })

  test('a changed account is known no more and its sessions close; others stay', async () => {
    await using s = await setUp(reach)
    const ann = await s.add('ann@example.org')
    await s.add('ben@example.org')
    for (const id of ['a', 'b']) await s.connect(id)
    await s.login('a', 'ann', 'secret')
    await s.login('b', 'ben', 'secret')
    await s.directory.changeAccount(ann.ref.id, { passwordHash: await s.hasher.make('new') })
    s.local.accountChanged(ann.ref.id)
    await settled()
    assert.deepEqual(s.orders.get('a'), [{ kind: 'close', why: 'account' }])
    assert.deepEqual(s.orders.get('b'), [])
    assert.equal((await s.login('b', 'ann', 'secret')).ok, false)
    assert.equal((await s.login('b', 'ann', 'new')).ok, true)
  })

  test('stopping refuses connections and closes those there are', async () => {
    await using s = await setUp(reach)
    await s.connect('a')
    s.local.stop()
    await settled()
    assert.deepEqual(s.orders.get('a'), [{ kind: 'close', why: 'stopping' }])
    assert.deepEqual(await s.connect('b'), { ok: false, error: { kind: 'closing' } })
  })

  test('SCRAM lets in with an app password, and says which', async () => {
    await using s = await setUp(reach)
    const ann = await s.add('ann@example.org')
    await addAppPassword(s.directory, ann, 'phone', 'abc')
    await addAppPassword(s.directory, ann, 'laptop', 'def')
    await s.connect('a')
    const value = { account: ann.ref, address: 'ann@example.org', displayName: '', appPassword: 'laptop' }
    assert.deepEqual(await s.scram('a', 'ann', 'def'), { ok: true, value })
    const wrong = { ok: false, error: { kind: 'wrong-credentials' } }
    assert.deepEqual(await s.scram('a', 'ann', 'secret'), wrong)
    assert.deepEqual(await s.scram('a', 'nobody', 'secret'), wrong)
    const outcome = {
      attempt: { connection: 'a', protocol: 'imap', login: 'ann', authorizeAs: '' },
      matched: 0,
    } as const
    assert.deepEqual(await s.registry.scramFinish(outcome), { ok: false, error: { kind: 'unavailable' } })
  })

  test('a maildrop is held by one; others ask it to yield, wait, and get it in turn', async () => {
    await using s = await setUp(reach, {}, { maildropWaitMs: 200 })
    const ann = (await s.add('ann@example.org')).ref.id
    for (const id of ['a', 'b', 'c', 'd']) await s.connect(id)
    assert.equal((await s.registry.lockMaildrop(ann, 'a')).ok, true)
    assert.equal((await s.registry.lockMaildrop(ann, 'a')).ok, true)
    const second = s.registry.lockMaildrop(ann, 'b')
    const third = s.registry.lockMaildrop(ann, 'c')
    await settled()
    assert.deepEqual(s.orders.get('a'), [{ kind: 'yield-maildrop' }, { kind: 'yield-maildrop' }])
    s.registry.disconnect('a')
    assert.equal((await second).ok, true)
    s.registry.unlockMaildrop(ann, 'b')
    assert.equal((await third).ok, true)
    assert.deepEqual(await s.registry.lockMaildrop(ann, 'd'), { ok: false, error: { kind: 'in-use' } })
    s.registry.disconnect('d')
    s.registry.disconnect('c')
    assert.equal((await s.registry.lockMaildrop(ann, 'b')).ok, true)
    const nobody = await s.registry.lockMaildrop(99 as AccountId, 'b')
    assert.deepEqual(nobody, { ok: false, error: { kind: 'unavailable' } })
  })

  test('each mailbox is a maildrop of its own, and a connection holds one', async () => {
    await using s = await setUp(reach)
    const ann = (await s.add('ann@example.org')).ref.id
    for (const id of ['a', 'b']) await s.connect(id)
    const work = 7 as MailboxKey
    assert.equal((await s.registry.lockMaildrop(ann, 'a')).ok, true)
    assert.equal((await s.registry.lockMaildrop(ann, 'b', work)).ok, true)
    assert.deepEqual(await s.registry.lockMaildrop(ann, 'a', work), { ok: false, error: { kind: 'in-use' } })
    assert.equal((await s.registry.lockMaildrop(ann, 'b')).ok, true)
    assert.equal((await s.registry.lockMaildrop(ann, 'a', work)).ok, true)
  })

  test('a maildrop comes with its terms, and not before the login delay is over', async () => {
    const pop3 = { policy: { kind: 'keep', days: 30 }, loginDelaySeconds: 0 } as const
    await using s = await setUp(reach, {}, { pop3 })
    const ann = (await s.add('ann@example.org')).ref.id
    for (const id of ['a', 'b']) await s.connect(id)
    const common = { loginDelayByUser: false, retentionByUser: false }
    const everybody = { ...common, loginDelaySeconds: 0, retentionDays: 30 }
    assert.deepEqual(await s.registry.pop3Announcement(), everybody)
    assert.deepEqual(await s.registry.lockMaildrop(ann, 'a'), { ok: true, value: pop3 })
    const own = { policy: { kind: 'delete' }, loginDelaySeconds: 60 } as const
    await s.directory.changeAccount(ann, { pop3: own })
    assert.deepEqual(await s.registry.pop3Announcement(), {
      loginDelaySeconds: 60,
      loginDelayByUser: true,
      retentionDays: 0,
      retentionByUser: true,
    })
    assert.deepEqual(await s.registry.lockMaildrop(ann, 'a'), { ok: true, value: own })
    s.registry.unlockMaildrop(ann, 'a')
    s.clock.time += 59_000
    await s.directory.changeAccount(ann, { pop3: { ...own, policy: { kind: 'read-only' } } })
    const { retentionDays, retentionByUser } = await s.registry.pop3Announcement()
    assert.deepEqual([retentionDays, retentionByUser], [30, true])
    const early = { ok: false, error: { kind: 'too-early', retryAfterMs: 1_000 } }
    assert.deepEqual(await s.registry.lockMaildrop(ann, 'b'), early)
    assert.deepEqual(await s.registry.lockMaildrop(ann, 'b', 7 as MailboxKey), early)
    s.clock.time += 1_000
    assert.equal((await s.registry.lockMaildrop(ann, 'b')).ok, true)
  })

  test('a POP3 login may name a mailbox, others may not', async () => {
    await using s = await setUp(reach)
    const ann = await s.add('ann@example.org')
    const plus = await s.add('ann+own@example.org')
    await s.connect('a')
    const login = (name: string, protocol: 'pop3' | 'imap', authorizeAs = '') =>
      s.registry.login({ connection: 'a', protocol, login: name, authorizeAs, password: 'secret' })
    for (const [name, detail] of [
      ['ann+Work@example.org', 'Work'],
      ['ANN+Lists/A b+c@Example.ORG', 'Lists/A b+c'],
      ['ann+Work', 'Work'],
    ] as const) {
      const answer = await login(name, 'pop3', name)
      assert.deepEqual(answer.ok && [answer.value.account, answer.value.detail], [ann.ref, detail])
      assert.deepEqual(await login(name, 'imap'), { ok: false, error: { kind: 'wrong-credentials' } })
    }
    const own = await login('ann+own@example.org', 'pop3')
    assert.deepEqual(own.ok && [own.value.account, own.value.detail], [plus.ref, undefined])
    assert.equal((await login('ann+Work', 'pop3', 'ann')).ok, true)
    assert.equal((await login('ann+Work', 'pop3', 'ann+own')).ok, false)
    assert.equal((await login('ben+Work@example.org', 'pop3')).ok, false)
    assert.equal((await login('+Work@example.org', 'pop3')).ok, false)
  })

  test('one who waits for a maildrop and goes does not get it', async () => {
    await using s = await setUp(reach, {}, { maildropWaitMs: 200 })
    const ann = (await s.add('ann@example.org')).ref.id
    for (const id of ['a', 'b', 'c']) await s.connect(id)
    await s.registry.lockMaildrop(ann, 'a')
    const second = s.registry.lockMaildrop(ann, 'b')
    const third = s.registry.lockMaildrop(ann, 'c')
    s.registry.disconnect('b')
    s.registry.disconnect('a')
    assert.equal((await second).ok, false)
    assert.equal((await third).ok, true)
  })

  test('a recipient is resolved, and what was not there is made first', async () => {
    const opened: string[] = []
    const ensureOpen = async ({ address }: AccountRecord): Promise<boolean> => {
      opened.push(address)
      return address !== 'full@example.org'
    }
    await using s = await setUp(reach, {}, { ensureOpen })
    const ann = await s.add('ann@example.org')
    const value = { local: [{ account: ann.ref, address: 'ann@example.org', detail: 'lists' }], outside: [] }
    const outside = { local: [], outside: [{ address: 'Ben@other.example' }] }
    assert.deepEqual(await s.registry.resolve('Ben@other.example', 'own'), { ok: true, value: outside })
    assert.deepEqual(await s.registry.resolve('Ben@other.example'), { ok: false, error: { kind: 'not-local' } })
    assert.deepEqual(await s.registry.resolve('Ann+lists@example.org'), { ok: true, value })
    assert.deepEqual(await s.registry.resolve('ben@example.org'), { ok: false, error: { kind: 'unknown' } })
    await s.add('full@example.org')
    await s.connect('a')
    assert.deepEqual(await s.login('a', 'full', 'secret'), { ok: false, error: { kind: 'unavailable' } })
    assert.equal((await s.login('a', 'ann', 'secret')).ok, true)
    assert.deepEqual(opened, ['ann@example.org', 'full@example.org', 'ann@example.org'])
  })

  test('an unknown person costs the same hashing and gets a salt that stays', async () => {
    await using s = await setUp(reach)
    const ann = await s.add('ann@example.org')
    await addAppPassword(s.directory, ann, 'phone', 'abc')
    await s.connect('a')
    await s.login('a', 'ann', 'wrong')
    const cost = s.hasher.checks.length
    await s.login('a', 'nobody', 'wrong')
    assert.equal(s.hasher.checks.length, 2 * cost)
    const start = (login: string) =>
      s.registry.scramStart({ connection: 'a', protocol: 'imap', login, authorizeAs: '' })
    const [known, unknown, again] = [await start('ann'), await start('nobody'), await start('nobody')]
    assert.ok(known.ok && unknown.ok && again.ok)
    assert.equal(unknown.value.salt.length, known.value.salt.length)
    assert.equal(unknown.value.iterations, known.value.iterations)
    assert.deepEqual(unknown.value.salt, again.value.salt)
    assert.deepEqual(unknown.value.verifiers, [])
    assert.equal(known.value.verifiers[0]?.storedKey.length, scramStoredKey(new Uint8Array(32)).length)
  })

  test('a token lets in whom it is for, and nobody else', async () => {
    const tokens: TokenVerifier = {
      async verify(token, protocol) {
        if (token === 'down') return refused({ kind: 'unavailable' })
        if (protocol === 'pop3') return refused({ kind: 'scope' })
        return token.startsWith('for.') ? done(token.slice(4).replace('.at.', '@')) : refused({ kind: 'invalid' })
      },
    }
    await using s = await setUp(reach, { authFailuresPerMinute: 3 }, { tokens })
    const ann = await s.add('ann@example.org')
    await s.add('ben@example.org', { enabled: false })
    await s.connect('a')
    const login = (token: string, name = '', protocol: Protocol = 'imap') =>
      s.registry.loginByToken({ connection: 'a', protocol, login: name, token })
    const value = { account: ann.ref, address: 'ann@example.org', displayName: '', appPassword: undefined }
    for (const name of ['', 'ann', 'Ann@Example.ORG']) {
      assert.deepEqual(await login('for.ann.at.example.org', name), { ok: true, value })
    }
    const refusals = [
      [await login('for.ann.at.example.org', 'ben'), { kind: 'not-allowed', why: 'authorization' }],
      [await login('for.ann.at.example.org', '', 'pop3'), { kind: 'not-allowed', why: 'protocol' }],
      [await login('for.ben.at.example.org'), { kind: 'not-allowed', why: 'disabled' }],
      [await login('down'), { kind: 'unavailable' }],
      [await login(''), { kind: 'wrong-credentials' }],
      [await login(''), { kind: 'wrong-credentials' }],
      [await login('for.eve.at.example.org'), { kind: 'wrong-credentials' }],
      [await login('nonsense'), { kind: 'wrong-credentials' }],
    ] as const
    for (const [answer, error] of refusals) assert.deepEqual(answer, { ok: false, error })
    assert.equal((await login('nonsense')).ok, false)
    const slowed = await login('for.ann.at.example.org')
    assert.ok(!slowed.ok && slowed.error.kind === 'throttled')
  })

  test('without an issuer no token is known', async () => {
    await using s = await setUp(reach)
    await s.connect('a')
    const answer = await s.registry.loginByToken({ connection: 'a', protocol: 'imap', login: '', token: 'x' })
    assert.deepEqual(answer, { ok: false, error: { kind: 'unavailable' } })
  })

  test('a certificate lets in one of those it names', async () => {
    await using s = await setUp(reach)
    const ann = await s.add('ann@example.org')
    await s.add('ben@example.org')
    await s.connect('a')
    const login = async (addresses: readonly string[], name = '') => {
      const attempt = { connection: 'a', protocol: 'imap', login: name, addresses } as const
      const answer = await s.registry.loginByCertificate(attempt)
      return answer.ok ? answer.value.address : answer.error.kind
    }
    assert.equal(await login(['Ann@Example.org']), ann.address)
    assert.equal(await login(['eve@example.net', 'ben@example.org']), 'ben@example.org')
    assert.equal(await login(['ann@example.org', 'ben@example.org'], 'ben'), 'ben@example.org')
    assert.equal(await login(['ann@example.org'], 'ben@example.org'), 'not-allowed')
    assert.equal(await login(['eve@example.net']), 'wrong-credentials')
    assert.equal(await login([]), 'wrong-credentials')
  })
}
