import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { normaliseUidSet, uidSetHas } from '#mail/uid-set.ts'
import { UidList } from './uid-list.ts'

const step = fc.oneof(
  fc.record({ do: fc.constant('grow' as const), by: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ do: fc.constant('learn' as const), number: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ do: fc.constant('remove' as const), number: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ do: fc.constant('vanish' as const), first: fc.integer({ min: 1, max: 30 }), length: fc.nat(3) }),
)

test('UidList does what a plain array would', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const list = new UidList()
      let plain: { uid: number; known: boolean }[] = []
      let next = 1
      for (const each of steps) {
        switch (each.do) {
          case 'grow':
            for (let n = 0; n < each.by; n += 1) plain.push({ uid: (next += 1), known: false })
            list.grow(plain.length)
            break
          case 'learn': {
            const message = plain[each.number - 1]
            if (message === undefined) break
            message.known = true
            list.set(each.number, message.uid as never)
            break
          }
          case 'remove': {
            if (each.number > plain.length) break
            const [gone] = plain.splice(each.number - 1, 1)
            assert.equal(list.remove(each.number), gone?.known === true ? gone.uid : undefined)
            break
          }
          case 'vanish': {
            const set = normaliseUidSet([[each.first, each.first + each.length]])
            const before = plain.length
            plain = plain.filter(({ uid, known }) => !(known && uidSetHas(set, uid)))
            assert.equal(list.removeUids(set), before - plain.length)
          }
        }
        assert.equal(list.length, plain.length)
        assert.equal(list.unknown, plain.filter(({ known }) => !known).length)
        const first = plain.findIndex(({ known }) => !known)
        assert.equal(list.firstUnknown, first < 0 ? undefined : first + 1)
        plain.forEach(({ uid, known }, index) => {
          assert.equal(list.uidOf(index + 1), known ? uid : undefined)
          assert.equal(list.numberOf(uid), known ? index + 1 : undefined)
        })
        assert.deepEqual(
          [...list.known()],
          plain.filter(({ known }) => known).map(({ uid }) => uid),
        )
      }
    }),
  )
})
