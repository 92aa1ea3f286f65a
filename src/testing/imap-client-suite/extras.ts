/** Annotations, rights and quotas, where the server has them. @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { message } from '../suite-messages.ts'
import type { Bench } from './bench.ts'

/** Somebody whom every server can give rights to. */
const BOB = 'bob@example.org'

export function extraTests(bench: Bench): void {
  test('mailboxes are annotated, whatever the octets (METADATA)', async () => {
    await bench.inMailbox([], async (client, mailbox) => {
      const own = '/private/comment'
      if (!client.capabilities.has('METADATA')) {
        await assert.rejects(client.metadata(mailbox, [own]), { name: 'UnsupportedError', capability: 'METADATA' })
        return
      }
      assert.equal((await client.metadata(mailbox, [own])).values.get(own), undefined)
      const text = 'Grüße, "so"\r\n汉字'
      await client.setMetadata(mailbox, { [own]: text })
      const { values, largestLeftOut } = await client.metadata(mailbox, [own])
      assert.equal(values.get(own)?.toString(), text)
      assert.equal(largestLeftOut, 0)
      const small = await client.metadata(mailbox, [own], { maxSize: 4 })
      assert.equal(small.values.size, 0)
      assert.equal(small.largestLeftOut, Buffer.byteLength(text))
      await client.setMetadata(mailbox, { [own]: undefined })
      assert.equal((await client.metadata(mailbox, [own])).values.size, 0)
      await assert.rejects(client.metadata('Nowhere', [own]), { name: 'RefusedError' })
    })
  })

  test('rights are given, listed and taken (ACL)', async () => {
    await bench.inMailbox([], async (client, mailbox) => {
      if (!client.capabilities.has('ACL')) {
        await assert.rejects(client.acl(mailbox), { name: 'UnsupportedError', capability: 'ACL' })
        return
      }
      const own = await client.rights(mailbox)
      for (const right of 'lrswia') assert.ok(own.includes(right), `${right} is not in ${own}`)
      await client.setAcl(mailbox, BOB, 'lr')
      assert.equal((await client.acl(mailbox)).get(BOB), 'lr')
      await client.setAcl(mailbox, BOB, '+s')
      await client.setAcl(mailbox, BOB, '-r')
      assert.deepEqual(Array.from((await client.acl(mailbox)).get(BOB) ?? '').toSorted(), ['l', 's'])
      const { always, optional } = await client.grantableRights(mailbox, BOB)
      assert.ok([always, ...optional].join('').includes('r'))
      await client.deleteAcl(mailbox, BOB)
      assert.equal((await client.acl(mailbox)).get(BOB), undefined)
      await assert.rejects(client.acl('Nowhere'), { name: 'RefusedError' })
    })
  })

  test('what may be stored is told, and only administrators set it (QUOTA)', async () => {
    await bench.inMailbox([message(1)], async (client, mailbox) => {
      if (!client.capabilities.has('QUOTA')) {
        await assert.rejects(client.quota(mailbox), { name: 'UnsupportedError', capability: 'QUOTA' })
        return
      }
      for (const { root, resources } of await client.quota(mailbox)) {
        assert.equal(typeof root, 'string')
        for (const { usage } of resources) assert.ok(usage >= 0)
      }
      const set = client.setQuota('User quota', [{ resource: 'STORAGE', limit: 1 }])
      await assert.rejects(set, (error: Error) => ['RefusedError', 'UnsupportedError'].includes(error.name))
    })
  })
}
