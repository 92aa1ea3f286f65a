import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Turns } from '#lib/turns.ts'
import { ThreadLinks } from './thread-links.ts'
import { byReferences, bySubject, type ThreadForest, type ThreadSubjects } from './thread-tree.ts'

const IDS = 8
const id = fc.integer({ min: 1, max: IDS - 1 })
const mail = fc.record({
  id: fc.oneof(fc.constant(0), id),
  references: fc.array(id, { maxLength: 4 }),
  base: fc.nat(2),
  answers: fc.nat(1),
})

/** Every message once; nodes in the order they are met. */
function messagesOf({ roots, messages, firstChild, nextSibling }: ThreadForest): number[] {
  const met: number[] = []
  const todo = [...roots]
  for (let node = todo.pop(); node !== undefined; node = todo.pop()) {
    if (node < messages) met.push(node)
    for (let child = firstChild[node] ?? -1; child >= 0; child = nextSibling[child] ?? -1) todo.push(child)
    assert.ok(met.length <= messages, 'a loop')
  }
  return met.sort((a, b) => a - b)
}

test('threads of tangled references have every message once, and no dummy with less than two children', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(mail, { maxLength: 12 }),
      fc.constantFrom('references', 'refs', 'subject'),
      async (mails, how) => {
        const turns = new Turns()
        const links = new ThreadLinks(IDS, mails.length)
        mails.forEach((one, index) => links.add(index, one.id, one.references))
        const order = Uint32Array.from(mails, (_, index) => index)
        const subjects: ThreadSubjects = {
          bases: mails.map(({ base }) => base),
          size: 3,
          answers: mails.map(({ answers }) => answers),
        }
        const forest =
          how === 'subject'
            ? await bySubject(order, subjects, turns)
            : await byReferences(order, links, how === 'refs' ? undefined : subjects, turns)
        assert.deepEqual(
          messagesOf(forest),
          mails.map((_, index) => index),
        )
        for (const root of forest.roots) {
          if (root < mails.length) continue
          const first = forest.firstChild[root] ?? -1
          assert.ok(first >= 0 && (forest.nextSibling[first] ?? -1) >= 0)
        }
      },
    ),
    { numRuns: 500 },
  ))

test('a chain of 100,000 answers takes no more than its length, from either end, and lets others have their turn', async () => {
  for (const step of [1, -1]) {
    const count = 100_000
    const links = new ThreadLinks(count + 3, count)
    for (let index = 0; index < count; index += 1) {
      const at = step > 0 ? index : count - index
      links.add(index, at + 2, [at + 1])
    }
    const order = Uint32Array.from({ length: count }, (_, index) => index)
    let turns = 0
    const timer = setInterval(() => {
      turns += 1
    }, 1)
    const subjects: ThreadSubjects = {
      bases: new Uint32Array(count).fill(1),
      size: 2,
      answers: new Uint32Array(count),
    }
    for (const merged of [undefined, subjects])
      assert.equal((await byReferences(order, links, merged, new Turns())).roots.length, 1)
    assert.equal((await bySubject(order, subjects, new Turns())).roots.length, 1)
    clearInterval(timer)
    assert.ok(turns > 1)
  }
})
