import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '#lib/clock.ts'
import type { AccountId } from '#mail/ids.ts'
import type { AccountRecord, Directory, DkimKeyRecord, NewAccount, ScramVerifier } from './directory.ts'

/** An account as tests make it. */
export function newAccount(address: string, rest: Partial<NewAccount> = {}): NewAccount {
  return {
    address,
    displayName: '',
    passwordHash: undefined,
    scram: undefined,
    protocols: ['imap', 'pop3', 'smtp'],
    limits: { storageBytes: undefined, messages: undefined },
    pop3: { policy: undefined, loginDelaySeconds: undefined },
    enabled: true,
    shard: 0,
    ...rest,
  }
}

/** What every directory must do. */
export function directoryContract(open: (clock: Clock) => Promise<Directory>): void {
  const clock: Clock = { now: () => 1_700_000_000_000 }

  async function withDomain(): Promise<Directory> {
    const directory = await open(clock)
    await directory.addDomain('example.org')
    return directory
  }

  async function add(directory: Directory, address: string, rest: Partial<NewAccount> = {}): Promise<AccountRecord> {
    const answer = await directory.addAccounts([newAccount(address, rest)])
    assert.ok(answer.ok && answer.value[0] !== undefined)
    return answer.value[0]
  }

  function verifier(salt: Uint8Array, iterations: number): ScramVerifier {
    return { salt, iterations, storedKey: new Uint8Array(32).fill(1), serverKey: new Uint8Array(32).fill(2) }
  }

  test('domains are added once, listed by name, and not removed while in use', async () => {
    await using directory = await open(clock)
    assert.deepEqual(await directory.addDomain('example.org'), {
      ok: true,
      value: { name: 'example.org', catchAll: undefined, createdAt: clock.now() },
    })
    await directory.addDomain('a.example')
    assert.deepEqual(
      (await directory.domains()).map((one) => one.name),
      ['a.example', 'example.org'],
    )
    const exists = { kind: 'exists', what: 'domain', name: 'a.example' }
    assert.deepEqual(await directory.addDomain('a.example'), { ok: false, error: exists })
    await directory.setAlias('x@a.example', ['y@example.org'])
    const inUse = { kind: 'in-use', what: 'domain', name: 'a.example' }
    assert.deepEqual(await directory.removeDomain('a.example'), { ok: false, error: inUse })
    await directory.removeAlias('x@a.example')
    await directory.setAlias('x@example.org', ['y@a.example'])
    assert.deepEqual(await directory.removeDomain('a.example'), { ok: false, error: inUse })
    await directory.removeAlias('x@example.org')
    assert.equal((await directory.removeDomain('a.example')).ok, true)
    const noSuch = { kind: 'no-such', what: 'domain', name: 'a.example' }
    assert.deepEqual(await directory.removeDomain('a.example'), { ok: false, error: noSuch })
    assert.deepEqual(await directory.setCatchAll('a.example', undefined), { ok: false, error: noSuch })
    const caught = await directory.setCatchAll('example.org', 'all@example.org')
    assert.equal(caught.ok && caught.value.catchAll, 'all@example.org')
    assert.equal((await directory.domain('example.org'))?.catchAll, 'all@example.org')
    assert.equal(await directory.domain('other.example'), undefined)
  })

  function dkimKey(domain: string, selector: string, rest: Partial<DkimKeyRecord> = {}): DkimKeyRecord {
    const times = { createdAt: 1, activeFrom: 2, retiredFrom: undefined }
    return { domain, selector, algorithm: 'rsa', publicKey: 'MIIB', ...times, ...rest }
  }

  test('signing keys are put in place by selector, all or none, and go with their domain', async () => {
    await using directory = await withDomain()
    await directory.addDomain('a.example')
    const first = dkimKey('example.org', 'zero')
    const second = dkimKey('example.org', 'one', { algorithm: 'ed25519', createdAt: 5, retiredFrom: 9 })
    const other = dkimKey('a.example', 'zero')
    assert.ok((await directory.putDkimKeys([second, first, other])).ok)
    assert.deepEqual(await directory.dkimKeys(), [other, first, second])
    assert.deepEqual(await directory.dkimKeys('example.org'), [first, second])
    const noDomain = { kind: 'no-such', what: 'domain', name: 'b.example' }
    const changed = { ...first, retiredFrom: 7 }
    assert.deepEqual(await directory.putDkimKeys([changed, dkimKey('b.example', 'zero')]), {
      ok: false,
      error: noDomain,
    })
    assert.deepEqual(await directory.dkimKeys('example.org'), [first, second])
    await directory.putDkimKeys([changed])
    assert.deepEqual(await directory.dkimKeys('example.org'), [changed, second])
    assert.ok((await directory.removeDkimKey('example.org', 'zero')).ok)
    const noKey = { kind: 'no-such', what: 'dkim-key', name: 'zero' }
    assert.deepEqual(await directory.removeDkimKey('example.org', 'zero'), { ok: false, error: noKey })
    assert.ok((await directory.removeDomain('example.org')).ok)
    assert.deepEqual(await directory.dkimKeys(), [other])
  })

  test('accounts come back as they were added, by address, id and domain', async () => {
    await using directory = await withDomain()
    await directory.addDomain('b.example')
    const record = await add(directory, 'ann@example.org', {
      displayName: 'Ann Ümlaut',
      passwordHash: '$argon2id$x',
      protocols: ['pop3'],
      limits: { storageBytes: 5_000_000_000_000, messages: 7 },
      enabled: false,
      shard: 3,
      scram: verifier(new Uint8Array(16).fill(9), 4096),
    })
    await add(directory, 'ben@b.example')
    assert.deepEqual(record.limits, { storageBytes: 5_000_000_000_000, messages: 7 })
    assert.equal(record.ref.shard, 3)
    assert.deepEqual(record.protocols, ['pop3'])
    assert.deepEqual(Buffer.from(record.scram?.salt ?? []), Buffer.alloc(16, 9))
    assert.deepEqual(await directory.account('ann@example.org'), record)
    assert.deepEqual(await directory.accountById(record.ref.id), record)
    assert.deepEqual(await directory.accounts('example.org'), [record])
    assert.equal((await directory.accounts()).length, 2)
    assert.deepEqual(await directory.counts(), { accounts: 2, aliases: 0 })
    assert.deepEqual(await directory.counts('b.example'), { accounts: 1, aliases: 0 })
    assert.deepEqual(await directory.counts('c.example'), { accounts: 0, aliases: 0 })
    assert.equal((await directory.oldestAccount('example.org'))?.address, 'ann@example.org')
    assert.equal(await directory.oldestAccount('c.example'), undefined)
    assert.deepEqual(
      await directory.accountsByShard(),
      new Map([
        [0, 1],
        [3, 1],
      ]),
    )
    assert.deepEqual(Buffer.from(await directory.scramSalt(record.ref.id)), Buffer.alloc(16, 9))
  })

  test('settings of sending are kept for each account', async () => {
    await using directory = await withDomain()
    const ann = await add(directory, 'ann@example.org')
    assert.deepEqual([ann.sending, ann.language], [undefined, undefined])
    for (const sending of [
      { copy: true, messagesPerDay: 0, recipientsPerDay: undefined },
      { copy: false, messagesPerDay: undefined, recipientsPerDay: 50 },
    ]) {
      assert.ok((await directory.changeAccount(ann.ref.id, { sending, language: 'fr' })).ok)
      const archive = await directory.archive()
      for (const one of [await directory.accountById(ann.ref.id), archive.accounts[0]])
        assert.deepEqual([one?.sending, one?.language], [sending, 'fr'])
    }
    const none = { copy: false, messagesPerDay: undefined, recipientsPerDay: undefined }
    const changed = await directory.changeAccount(ann.ref.id, { sending: none, language: undefined })
    assert.ok(changed.ok)
    assert.deepEqual(changed.value, ann)
  })

  test('settings of POP3 are kept for each account, and their extremes told', async () => {
    await using directory = await withDomain()
    const none = { policy: undefined, loginDelaySeconds: undefined }
    const ann = await add(directory, 'ann@example.org')
    assert.deepEqual(ann.pop3, none)
    assert.deepEqual(await directory.pop3Extremes(), {
      ownPolicies: false,
      fewestDays: undefined,
      longestDelaySeconds: undefined,
    })
    for (const policy of [
      { kind: 'client' },
      { kind: 'read-only' },
      { kind: 'delete' },
      { kind: 'keep', days: 30 },
    ] as const) {
      const pop3 = { policy, loginDelaySeconds: 60 }
      assert.ok((await directory.changeAccount(ann.ref.id, { pop3 })).ok)
      assert.deepEqual((await directory.accountById(ann.ref.id))?.pop3, pop3)
      const fewestDays = policy.kind === 'keep' ? 30 : policy.kind === 'delete' ? 0 : undefined
      assert.deepEqual(await directory.pop3Extremes(), { ownPolicies: true, fewestDays, longestDelaySeconds: 60 })
    }
    await add(directory, 'ben@example.org', { pop3: { policy: { kind: 'keep', days: 7 }, loginDelaySeconds: 0 } })
    assert.deepEqual(await directory.pop3Extremes(), { ownPolicies: true, fewestDays: 7, longestDelaySeconds: 60 })
    assert.ok((await directory.changeAccount(ann.ref.id, { pop3: none })).ok)
    assert.deepEqual(await directory.pop3Extremes(), { ownPolicies: true, fewestDays: 7, longestDelaySeconds: 0 })
  })

  test('an account is made an administrator, and is one no more', async () => {
    await using directory = await withDomain()
    const ann = await add(directory, 'ann@example.org')
    assert.equal(ann.administrator, false)
    assert.ok((await directory.changeAccount(ann.ref.id, { administrator: true })).ok)
    assert.equal((await directory.accountById(ann.ref.id))?.administrator, true)
    assert.ok((await directory.changeAccount(ann.ref.id, { enabled: true })).ok)
    assert.equal((await directory.account('ann@example.org'))?.administrator, true)
    assert.ok((await directory.changeAccount(ann.ref.id, { administrator: false })).ok)
    assert.equal((await directory.accountById(ann.ref.id))?.administrator, false)
    assert.equal((await add(directory, 'root@example.org', { administrator: true })).administrator, true)
  })

  test('accounts are added all or none', async () => {
    await using directory = await withDomain()
    await add(directory, 'ann@example.org')
    await directory.setAlias('all@example.org', ['ann@example.org'])
    for (const [address, error] of [
      ['ann@example.org', { kind: 'exists', what: 'account', name: 'ann@example.org' }],
      ['all@example.org', { kind: 'exists', what: 'alias', name: 'all@example.org' }],
      ['a@nowhere.example', { kind: 'no-such', what: 'domain', name: 'nowhere.example' }],
    ] as const) {
      const answer = await directory.addAccounts([newAccount('ben@example.org'), newAccount(address)])
      assert.deepEqual(answer, { ok: false, error })
      assert.equal(await directory.account('ben@example.org'), undefined)
    }
  })

  test('an account of thousands is listed whole, by address', async () => {
    await using directory = await withDomain()
    const many = Array.from({ length: 2_500 }, (_, n) => newAccount(`u${n}@example.org`))
    assert.equal((await directory.addAccounts(many)).ok, true)
    const addresses = (await directory.accounts()).map((account) => account.address)
    assert.deepEqual(addresses, many.map((account) => account.address).sort())
  })

  test('a change touches what it names; undefined takes away', async () => {
    await using directory = await withDomain()
    const { ref } = await add(directory, 'ann@example.org', { passwordHash: 'x' })
    const salt = await directory.scramSalt(ref.id)
    assert.equal(salt.length, 16)
    const changed = await directory.changeAccount(ref.id, {
      scram: verifier(salt, 600_000),
      displayName: 'Ann',
      shard: 2,
    })
    assert.ok(changed.ok)
    assert.equal(changed.value.passwordHash, 'x')
    assert.equal(changed.value.scram?.iterations, 600_000)
    assert.equal(changed.value.ref.shard, 2)
    await directory.changeAccount(ref.id, { passwordHash: undefined, scram: undefined })
    const after = await directory.accountById(ref.id)
    assert.equal(after?.passwordHash, undefined)
    assert.equal(after?.scram, undefined)
    assert.equal(after?.displayName, 'Ann')
    assert.deepEqual(await directory.scramSalt(ref.id), salt)
    await assert.rejects(directory.changeAccount(ref.id, { scram: verifier(new Uint8Array(16), 4096) }), /another salt/)
    assert.equal((await directory.changeAccount(99 as AccountId, {})).ok, false)
  })

  test('an account that was read before is read as it is now', async () => {
    await using directory = await withDomain()
    const { ref } = await add(directory, 'ann@example.org', { passwordHash: 'old' })
    const hashes = async () => [
      (await directory.account('ann@example.org'))?.passwordHash,
      (await directory.accountById(ref.id))?.passwordHash,
    ]
    assert.deepEqual(await hashes(), ['old', 'old'])
    await directory.scramSalt(ref.id)
    const wrong = { passwordHash: 'undone', scram: verifier(new Uint8Array(16), 4096) }
    await assert.rejects(directory.changeAccount(ref.id, wrong), /another salt/)
    assert.deepEqual(await hashes(), ['old', 'old'])
    await directory.changeAccount(ref.id, { passwordHash: 'new' })
    assert.deepEqual(await hashes(), ['new', 'new'])
    await directory.removeAccount(ref.id)
    assert.deepEqual(await hashes(), [undefined, undefined])
    await add(directory, 'ann@example.org', { passwordHash: 'other' })
    assert.deepEqual(await hashes(), ['other', undefined])
  })

  test('an id is never used again', async () => {
    await using directory = await withDomain()
    const first = await add(directory, 'ann@example.org')
    assert.equal((await directory.removeAccount(first.ref.id)).ok, true)
    const answer = await directory.removeAccount(first.ref.id)
    assert.equal(!answer.ok && answer.error.kind, 'no-such')
    const second = await add(directory, 'ann@example.org')
    assert.ok(second.ref.id > first.ref.id)
  })

  test('aliases keep their targets in order and are replaced whole', async () => {
    await using directory = await withDomain()
    await add(directory, 'ann@example.org')
    await directory.putDkimKeys([dkimKey('example.org', 'one', { retiredFrom: 9 })])
    await directory.setAlias('sales@example.org', ['b@example.org', 'a@example.org'])
    const record = { address: 'sales@example.org', targets: ['b@example.org', 'a@example.org'], createdAt: clock.now() }
    assert.deepEqual(await directory.alias('sales@example.org'), record)
    await directory.setAlias('sales@example.org', ['c@example.org'])
    assert.deepEqual(await directory.aliases('example.org'), [{ ...record, targets: ['c@example.org'] }])
    assert.deepEqual(await directory.aliases('b.example'), [])
    assert.equal((await directory.aliases()).length, 1)
    assert.deepEqual(await directory.counts('example.org'), { accounts: 1, aliases: 1 })
    const onAccount = await directory.setAlias('ann@example.org', ['c@example.org'])
    assert.equal(!onAccount.ok && onAccount.error.kind, 'exists')
    const nowhere = await directory.setAlias('ann@b.example', ['c@example.org'])
    assert.equal(!nowhere.ok && nowhere.error.kind, 'no-such')
    assert.equal((await directory.removeAlias('sales@example.org')).ok, true)
    assert.equal((await directory.removeAlias('sales@example.org')).ok, false)
    assert.equal(await directory.alias('sales@example.org'), undefined)
  })

  test('app passwords share their account’s salt, are unique by name, and go with the account', async () => {
    await using directory = await withDomain()
    const { ref } = await add(directory, 'ann@example.org')
    const salt = await directory.scramSalt(ref.id)
    const record = {
      account: ref.id,
      name: 'phone',
      protocols: ['imap', 'smtp'] as const,
      sha256: new Uint8Array(32).fill(5),
      scram: [verifier(salt, 4_096), verifier(salt, 600_000)],
    }
    const added = await directory.addAppPassword(record)
    assert.ok(added.ok)
    assert.deepEqual(added.value, { ...record, id: added.value.id, createdAt: clock.now(), lastUsedAt: undefined })
    const again = await directory.addAppPassword(record)
    assert.equal(!again.ok && again.error.kind, 'exists')
    directory.noteAppPasswordUse(added.value.id, 12_345)
    const [read] = await directory.appPasswords(ref.id)
    assert.deepEqual(read, { ...added.value, lastUsedAt: 12_345 })
    assert.equal((await directory.removeAppPassword(ref.id, 'tablet')).ok, false)
    assert.equal((await directory.removeAppPassword(ref.id, 'phone')).ok, true)
    await directory.addAppPassword(record)
    await directory.removeAccount(ref.id)
    assert.deepEqual(await directory.appPasswords(ref.id), [])
    assert.equal((await directory.addAppPassword(record)).ok, false)
  })

  test('a whole directory goes out as data and comes back the same, only where nothing is', async () => {
    await using directory = await withDomain()
    await directory.setCatchAll('example.org', 'all@example.org')
    await add(directory, 'gone@example.org')
    const ann = await add(directory, 'ann@example.org', {
      displayName: 'Ann Ümlaut',
      passwordHash: '$argon2id$x',
      protocols: ['imap', 'smtp'],
      limits: { storageBytes: 5_000_000_000_000, messages: 7 },
      pop3: { policy: { kind: 'keep', days: 30 }, loginDelaySeconds: 5 },
      enabled: false,
      administrator: true,
      shard: 3,
      scram: verifier(new Uint8Array(16).fill(9), 4096),
    })
    const ben = await add(directory, 'ben@example.org')
    const last = await add(directory, 'last@example.org')
    await directory.removeAccount(last.ref.id)
    const salt = await directory.scramSalt(ben.ref.id)
    const scram = [verifier(salt, 4_096), verifier(salt, 600_000)]
    const password = {
      account: ben.ref.id,
      name: 'phone',
      protocols: ['imap'] as const,
      sha256: new Uint8Array(32),
      scram,
    }
    const added = await directory.addAppPassword(password)
    assert.ok(added.ok)
    directory.noteAppPasswordUse(added.value.id, 12_345)
    await directory.setAlias('sales@example.org', ['ben@example.org', 'ann@example.org'])
    const archive = structuredClone(await directory.archive())
    assert.equal(archive.accounts.length, 3)

    await using other = await open({ now: () => 5 })
    await other.addDomain('in.the.way')
    assert.deepEqual(await other.restore(archive), { ok: false, error: { kind: 'directory-not-empty' } })
    await other.removeDomain('in.the.way')
    assert.ok((await other.restore(archive)).ok)
    assert.deepEqual(await other.archive(), archive)
    assert.deepEqual(await other.account('ann@example.org'), ann)
    assert.deepEqual(await other.appPasswords(ben.ref.id), [{ ...added.value, lastUsedAt: 12_345 }])
    // the number of who went is not given again
    assert.ok((await add(other, 'new@example.org')).ref.id > last.ref.id)
  })

  test('the secret is made once', async () => {
    await using directory = await open(clock)
    const secret = await directory.secret()
    assert.equal(secret.length, 32)
    assert.deepEqual(await directory.secret(), secret)
  })
}
