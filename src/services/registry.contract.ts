import assert from 'node:assert/strict'
import { test } from 'node:test'
import { done, refused } from '#lib/result.ts'
import type { AccountRecord } from '#store/directory.ts'
import { loginsContract } from './logins.contract.ts'
import { maildropsContract } from './maildrops.contract.ts'
import { type Reach, settled, setUp } from './registry-kit.contract.ts'

/** What every way to the registry must do. */
export function registryContract(reach: Reach): void {
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
    // notes may wait for what is asked next
    await s.registry.pop3Announcement()
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

  loginsContract(reach)
  maildropsContract(reach)
}
