import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { anotherTurn } from './turns.ts'

function work(ms: number): void {
  const begun = performance.now()
  while (performance.now() - begun < ms);
}

test('many short pieces of work that come in one turn are done in several, in their order', async () => {
  let turns = 0
  let over = false
  const counting = (async () => {
    while (!over) {
      await nextTurn()
      turns += 1
    }
  })()
  const done: number[] = []
  const most = new Map<number, number>()
  await Promise.all(
    Array.from({ length: 20 }, async (_, piece) => {
      const later = anotherTurn()
      if (later !== undefined) await later
      work(3)
      done.push(piece)
      most.set(turns, (most.get(turns) ?? 0) + 1)
    }),
  )
  over = true
  await counting
  assert.deepEqual(
    done,
    Array.from({ length: 20 }, (_, piece) => piece),
  )
  // the second piece of a turn ends after its time is used up; turns are counted somewhere within them
  assert.ok(Math.max(...most.values()) <= 4, `${Math.max(...most.values())} pieces in one turn`)
  assert.ok(turns >= 5)
})

test('where there is time, nothing is waited for', async () => {
  await nextTurn()
  assert.equal(anotherTurn(), undefined)
})
