/** Who holds a maildrop, and on which terms. @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccountId, MailboxKey } from '#mail/ids.ts'
import { type Reach, settled, setUp } from './registry-kit.contract.ts'

export function maildropsContract(reach: Reach): void {
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
}
