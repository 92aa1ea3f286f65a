import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Output } from '../output.ts'
import { ReadRoom } from './read-room.ts'

const BODY = 100_000

/** A system that takes what it is given when it is told to; until then it looks at the memory of others. */
function scene(): { readonly out: Output; readonly waiting: Uint8Array[]; readonly take: () => string } {
  const waiting: Uint8Array[] = []
  const out = new Output(
    (chunks) => {
      waiting.push(...chunks)
      return undefined
    },
    () => waiting.reduce((sum, { length }) => sum + length, 0),
  )
  const take = (): string => Buffer.concat(waiting.splice(0)).toString('latin1')
  return { out, waiting, take }
}

async function write(out: Output, room: ReadRoom, letter: string): Promise<void> {
  out.raw(room.take(BODY).fill(letter.charCodeAt(0)))
  await out.flush()
  room.turnOver()
}

test('a body that has not gone out is not written over', async () => {
  const { out, take } = scene()
  using room = new ReadRoom(out)
  const letters = Array.from({ length: 26 }, (_, at) => String.fromCharCode(97 + at))
  for (const letter of letters) await write(out, room, letter)
  assert.equal(take(), letters.map((letter) => letter.repeat(BODY)).join(''))
})

test('memory is used again once the system has taken what was in it, also by the next FETCH', async () => {
  const { out, take } = scene()
  const memory = new Set<unknown>()
  for (let command = 0; command < 3; command += 1) {
    using room = new ReadRoom(out)
    for (let body = 0; body < 30; body += 1) {
      await write(out, room, 'x')
      memory.add(room.take(0).buffer)
      take()
      room.turnOver()
    }
  }
  assert.equal(memory.size, 1)
})

test('the memory of a FETCH that ends before its bodies went out is nobody else’s', async () => {
  const { out, take } = scene()
  {
    using room = new ReadRoom(out)
    await write(out, room, 'a')
  }
  using room = new ReadRoom(out)
  await write(out, room, 'b')
  assert.equal(take(), 'a'.repeat(BODY) + 'b'.repeat(BODY))
})
