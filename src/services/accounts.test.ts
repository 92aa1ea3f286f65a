import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMemoryStore } from '#adapters/memory/memory-store.ts'
import { openDirectory } from '#adapters/sqlite/directory.ts'
import type { Result } from '#lib/result.ts'
import type { MailStore } from '#store/mail-store.ts'
import { Accounts, type AccountsDeps, type AccountsRefusal } from './accounts.ts'
import { appPasswordDigest, passwordHasher, scramVerifier } from './passwords.ts'
import { countingHasher } from './registry-kit.contract.ts'

async function setUp(deps: Partial<AccountsDeps> = {}) {
  const directory = await openDirectory(':memory:')
  const store = openMemoryStore()
  const changed: number[] = []
  const hasher = countingHasher()
  const fixed = {
    directory,
    store,
    shards: 1,
    scramForPasswords: false,
    hasher,
    changed: (id: number) => changed.push(id),
  }
  const accounts = new Accounts({ ...fixed, ...deps })
  await accounts.addDomain('Example.ORG')
  return {
    directory,
    store,
    hasher,
    changed,
    accounts,
    [Symbol.asyncDispose]: async () => {
      await directory[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

function must<T>(answer: Result<T, AccountsRefusal>): T {
  assert.ok(answer.ok, JSON.stringify(answer))
  return answer.value
}

async function refusal(answer: Promise<Result<unknown, AccountsRefusal>>): Promise<string> {
  const result = await answer
  return result.ok ? 'ok' : result.error.kind
}

test('a new account has its mailboxes, its limits and a hash', async () => {
  await using s = await setUp()
  const ann = must(await s.accounts.addAccount({ address: 'Ann@example.org', password: 'secret', storageBytes: 1000 }))
  assert.equal(ann.address, 'ann@example.org')
  assert.deepEqual(ann.protocols, ['imap', 'pop3', 'smtp'])
  assert.ok(ann.passwordHash?.startsWith('$argon2id$'))
  assert.equal((await s.store.state(ann.ref))?.limits.storageBytes, 1000)
  const mailboxes = await s.store.mailboxes(ann.ref)
  assert.deepEqual(
    mailboxes.map(({ name, specialUse }) => [name, specialUse]),
    [
      ['INBOX', undefined],
      ['Archive', 'Archive'],
      ['Drafts', 'Drafts'],
      ['Junk', 'Junk'],
      ['Sent', 'Sent'],
      ['Trash', 'Trash'],
    ],
  )
})

test('accounts go to the shard with the fewest', async () => {
  await using s = await setUp({ shards: 3 })
  const shards: number[] = []
  for (const names of [['a'], ['b', 'c', 'd'], ['e']]) {
    const added = must(await s.accounts.addAccounts(names.map((name) => ({ address: `${name}@example.org` }))))
    shards.push(...added.map(({ ref }) => ref.shard))
  }
  assert.deepEqual(shards, [0, 1, 2, 0, 1])
})

test('accounts that cannot be added are refused before anything is hashed, all of them', async () => {
  await using s = await setUp()
  must(await s.accounts.addAccount({ address: 'ann@example.org' }))
  must(await s.accounts.setAlias('sales@example.org', ['ann@example.org']))
  const good = { address: 'ben@example.org', password: 'secret' }
  for (const [plan, kind] of [
    [{ address: 'ann' }, 'bad-address'],
    [{ address: 'ann@example.org' }, 'exists'],
    [{ address: 'Ben@example.org' }, 'exists'],
    [{ address: 'sales@example.org' }, 'exists'],
    [{ address: 'x@other.example' }, 'no-such'],
    [{ address: 'x@example.org', password: '' }, 'bad-password'],
    [{ address: 'x@example.org', password: 'a\nb' }, 'bad-password'],
    [{ address: 'x@example.org', hash: '{NONE}x' }, 'bad-hash'],
    [{ address: '-ann@example.org' }, 'minus-address'],
  ] as const) {
    assert.equal(await refusal(s.accounts.addAccounts([good, plan])), kind)
  }
  assert.deepEqual(s.hasher.made, [])
  assert.equal(await s.directory.account('ben@example.org'), undefined)
})

test('an imported hash is kept, one in plain text is hashed at once', async () => {
  await using s = await setUp()
  const hash = '$1$045pOv0k$bzG2NIvBeZJ1TvtAHQHUx.'
  const [ann, ben] = must(
    await s.accounts.addAccounts([
      { address: 'ann@example.org', hash },
      { address: 'ben@example.org', hash: '{PLAIN}secret' },
    ]),
  )
  assert.equal(ann?.passwordHash, hash)
  assert.equal(ben?.passwordHash, await s.hasher.make('secret'))
})

test('a change of password, protocols or state ends sessions; other changes do not', async () => {
  await using s = await setUp({ scramForPasswords: true, hasher: passwordHasher })
  const ann = must(await s.accounts.addAccount({ address: 'ann@example.org' }))
  assert.equal(ann.scram, undefined)
  const changed = must(
    await s.accounts.changeAccount('ann@example.org', {
      displayName: 'Ann',
      limits: { storageBytes: 5, messages: 6 },
      protocols: ['imap', 'pop3', 'smtp'],
    }),
  )
  assert.equal(changed.displayName, 'Ann')
  assert.deepEqual((await s.store.state(ann.ref))?.limits, { storageBytes: 5, messages: 6 })
  assert.deepEqual(s.changed, [])
  const withPassword = must(await s.accounts.changeAccount('ann@example.org', { password: 'new' }))
  assert.equal(await passwordHasher.check('new', withPassword.passwordHash), true)
  assert.equal(withPassword.scram?.iterations, 65_536)
  const without = must(await s.accounts.changeAccount('ann@example.org', { password: null }))
  assert.equal(without.passwordHash, undefined)
  assert.equal(without.scram, undefined)
  must(await s.accounts.changeAccount('ann@example.org', { protocols: ['imap'] }))
  must(await s.accounts.changeAccount('ann@example.org', { enabled: false }))
  assert.equal(s.changed.length, 4)
  assert.equal(await refusal(s.accounts.changeAccount('ann@example.org', { password: '' })), 'bad-password')
  assert.equal(await refusal(s.accounts.changeAccount('ben@example.org', {})), 'no-such')
})

test('a new account has a SCRAM verifier from the start where passwords have them', async () => {
  await using s = await setUp({ scramForPasswords: true, hasher: passwordHasher })
  const [own, imported] = must(
    await s.accounts.addAccounts([
      { address: 'ann@example.org', password: 'secret' },
      { address: 'ben@example.org', hash: '{PLAIN}secret' },
    ]),
  )
  for (const account of [own, imported]) {
    const { scram } = account ?? {}
    assert.ok(scram !== undefined)
    const { storedKey } = await scramVerifier('secret', scram.salt, 65_536)
    assert.equal(scram.iterations, 65_536)
    assert.deepEqual(Buffer.from(scram.storedKey), Buffer.from(storedKey))
  }
})

test('a removed account has no mail, no logins and no address', async () => {
  await using s = await setUp()
  const ann = must(await s.accounts.addAccount({ address: 'ann@example.org' }))
  must(await s.accounts.removeAccount('ann@example.org'))
  assert.deepEqual(s.changed, [ann.ref.id])
  assert.equal(await s.store.state(ann.ref), undefined)
  assert.equal(await s.directory.account('ann@example.org'), undefined)
  assert.equal(await s.accounts.ensureOpen(ann), false)
  assert.equal(await refusal(s.accounts.removeAccount('ann@example.org')), 'no-such')
  const again = must(await s.accounts.addAccount({ address: 'ann@example.org' }))
  assert.equal(await s.accounts.ensureOpen(again), true)
})

test('who has an address next has no rights of who had it before', async () => {
  await using s = await setUp()
  const [ann, bob] = must(
    await s.accounts.addAccounts([{ address: 'ann@example.org' }, { address: 'bob@example.org' }]),
  )
  assert.ok(ann !== undefined && bob !== undefined)
  const inbox = await s.store.mailboxByName(ann.ref, 'INBOX')
  assert.ok(inbox !== undefined)
  const grant = async (identifier: string) => {
    const request = { mailbox: inbox.key, identifier, mode: 'replace', rights: 'lr' } as const
    assert.ok((await s.store.write('setAcl', { account: ann.ref, by: 'test', ...request })).ok)
  }
  await grant('bob@example.org')
  await grant('-bob@example.org')
  await grant('anyone')
  must(await s.accounts.removeAccount('bob@example.org'))
  assert.deepEqual(await s.store.acl(ann.ref, inbox.key), [{ identifier: 'anyone', rights: 'lr' }])
  // as an older version left it, or a change that raced with the removal
  await grant('bob@example.org')
  must(await s.accounts.addAccount({ address: 'Bob@example.org' }))
  assert.deepEqual(await s.store.acl(ann.ref, inbox.key), [{ identifier: 'anyone', rights: 'lr' }])
})

test('an account is neither added nor removed while rights of its address cannot be forgotten', async () => {
  let closed = false
  const store = openMemoryStore({ failing: (_, kind) => (closed && kind === 'forgetPeople' ? 'read-only' : undefined) })
  await using s = await setUp({ store })
  const ann = must(await s.accounts.addAccount({ address: 'ann@example.org' }))
  closed = true
  assert.equal(await refusal(s.accounts.addAccount({ address: 'bob@example.org' })), 'store-refuses')
  assert.equal(await s.directory.account('bob@example.org'), undefined)
  assert.equal(await refusal(s.accounts.removeAccount('ann@example.org')), 'store-unavailable')
  assert.notEqual(await store.state(ann.ref), undefined)
  closed = false
  must(await s.accounts.removeAccount('ann@example.org'))
})

test('what a crash left out of the store is made at first use, once', async () => {
  await using s = await setUp()
  const ann = must(await s.accounts.addAccount({ address: 'ann@example.org', storageBytes: 10 }))
  const store = openMemoryStore()
  let writes = 0
  const counting = new Proxy<MailStore>(store, {
    get(target, name) {
      if (name === 'write') writes += 1
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const after = new Accounts({
    directory: s.directory,
    store: counting,
    shards: 1,
    scramForPasswords: false,
    changed: () => undefined,
  })
  assert.deepEqual(await Promise.all([after.ensureOpen(ann), after.ensureOpen(ann)]), [true, true])
  assert.equal(await after.ensureOpen(ann), true)
  assert.equal(writes, 1)
  assert.equal((await store.state(ann.ref))?.limits.storageBytes, 10)
  await s.directory.changeAccount(ann.ref.id, { limits: { storageBytes: 20, messages: undefined } })
  const later = new Accounts({
    directory: s.directory,
    store,
    shards: 1,
    scramForPasswords: false,
    changed: () => undefined,
  })
  assert.equal(await later.ensureOpen({ ...ann, limits: { storageBytes: 20, messages: undefined } }), true)
  assert.equal((await store.state(ann.ref))?.limits.storageBytes, 20)
})

test('aliases and catch-all lead to somebody here, and never back', async () => {
  await using s = await setUp()
  must(await s.accounts.addAccount({ address: 'ann@example.org' }))
  const sales = must(await s.accounts.setAlias('Sales@example.org', ['Ann@example.org', 'ann@EXAMPLE.org']))
  assert.deepEqual(sales.targets, ['ann@example.org'])
  must(await s.accounts.setAlias('all@example.org', ['sales@example.org']))
  assert.equal(await refusal(s.accounts.setAlias('sales@example.org', ['all@example.org'])), 'alias-loop')
  assert.deepEqual((await s.directory.alias('sales@example.org'))?.targets, ['ann@example.org'])
  assert.equal(await refusal(s.accounts.setAlias('x@example.org', ['x@example.org'])), 'no-such-target')
  const away = must(await s.accounts.setAlias('away@example.org', ['Me.Too@EXÄMPLE.net', 'ann@example.org']))
  assert.deepEqual(away.targets, ['Me.Too@xn--exmple-cua.net', 'ann@example.org'])
  assert.equal(await refusal(s.accounts.setAlias('x@example.org', ['me@[192.0.2.1]'])), 'bad-address')
  assert.equal(await refusal(s.accounts.setAlias('x@example.org', [])), 'no-targets')
  assert.equal(await refusal(s.accounts.setAlias('ann@example.org', ['sales@example.org'])), 'exists')
  assert.equal(must(await s.accounts.setCatchAll('example.org', 'ALL@example.org')).catchAll, 'all@example.org')
  assert.equal(await refusal(s.accounts.setCatchAll('example.org', 'x@other.example')), 'no-such-target')
  assert.equal(must(await s.accounts.setCatchAll('example.org', undefined)).catchAll, undefined)
  must(await s.accounts.removeAlias('ALL@example.org'))
  assert.equal(await refusal(s.accounts.removeDomain('example.org')), 'in-use')
  assert.equal(await refusal(s.accounts.addDomain('exa mple')), 'bad-domain')
})

test('an app password is shown once and kept as digest and verifiers', async () => {
  await using s = await setUp()
  const ann = must(await s.accounts.addAccount({ address: 'ann@example.org' }))
  const { record, password } = must(await s.accounts.addAppPassword('ann@example.org', ' phone ', ['imap']))
  assert.equal(record.name, 'phone')
  assert.deepEqual(Buffer.from(record.sha256), appPasswordDigest(password))
  assert.deepEqual(
    record.scram.map(({ iterations }) => iterations),
    [4_096, 65_536],
  )
  assert.equal(must(await s.accounts.appPasswords('ann@example.org')).length, 1)
  assert.equal(await refusal(s.accounts.addAppPassword('ann@example.org', 'phone')), 'exists')
  assert.equal(await refusal(s.accounts.addAppPassword('ann@example.org', '')), 'bad-name')
  must(await s.accounts.removeAppPassword('ann@example.org', 'phone'))
  assert.deepEqual(s.changed, [ann.ref.id])
  assert.equal(await refusal(s.accounts.removeAppPassword('ann@example.org', 'phone')), 'no-such')
})
