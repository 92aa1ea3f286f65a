import assert from 'node:assert/strict'
import { getPriority } from 'node:os'
import { test } from 'node:test'
import { helpersGiveWay, helperThreads, THREADS_HAVE_PRIORITIES } from './give-way.ts'

test('the threads on which V8 compiles and collects can be put below the others', {
  skip: !THREADS_HAVE_PRIORITIES,
}, () => {
  const own = getPriority(0)
  const helpers = helperThreads()
  assert.ok(helpers.length > 0)
  const before = helpers.map((thread) => getPriority(thread))
  helpersGiveWay(1)
  assert.deepEqual(
    helpers.map((thread) => getPriority(thread)),
    before.map((priority) => Math.min(19, priority + 1)),
  )
  assert.equal(getPriority(0), own)
})
