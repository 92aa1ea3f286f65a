import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import type { LocalRegistry } from './local-registry.ts'
import { registryContract } from './registry.contract.ts'
import { setUp } from './registry-kit.contract.ts'
import { RemoteRegistry, serveRegistry } from './remote-registry.ts'

function reach(local: LocalRegistry) {
  const { port1, port2 } = new MessageChannel()
  const stop = serveRegistry(local, port1)
  return {
    registry: new RemoteRegistry(port2),
    near: port1,
    far: port2,
    end: () => {
      stop()
      port1.close()
    },
  }
}

registryContract(reach)

test('a thread that ends gives back what its connections held', async () => {
  await using s = await setUp((local) => ({ registry: local, end: () => undefined }))
  const ann = (await s.add('ann@example.org')).ref.id
  const { registry, near, far } = reach(s.local)
  const info = {
    protocol: 'pop3',
    remoteAddress: '::1',
    remotePort: 1,
    localPort: 110,
    secure: false,
    since: 0,
  } as const
  const orders: unknown[] = []
  await registry.connect({ id: 'far', ...info }, (order) => orders.push(order))
  await registry.lockMaildrop(ann, 'far')
  assert.equal(s.local.sessions().length, 1)
  const closed = Promise.all([once(near, 'close'), once(far, 'close')])
  far.close()
  await closed
  assert.equal(s.local.sessions().length, 0)
  assert.deepEqual(orders, [{ kind: 'close', why: 'stopping' }])
  await s.connect('near')
  assert.equal((await s.registry.lockMaildrop(ann, 'near')).ok, true)
})

test('a fault in the registry is a fault at the session', async () => {
  await using s = await setUp(reach)
  await s.connect('a')
  await assert.rejects(s.connect('a'), /The registry failed: .*There is a connection "a" already/)
})
