import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Output } from './output.ts'

const PIECE = Buffer.alloc(1_000, 'x')

test('memory is written again only once the system has taken what was in it', async () => {
  let unsent = 0
  let waiting: Uint8Array[] = []
  const sink = async (chunks: readonly Uint8Array[]): Promise<void> => {
    waiting.push(...chunks)
    unsent += chunks.length
  }
  const written = async (out: Output, letter: string): Promise<void> => {
    for (let piece = 0; piece < 200; piece += 1) out.raw(Buffer.alloc(1_000, letter))
    await out.flush()
  }
  const text = (chunks: readonly Uint8Array[]): string => Buffer.concat(chunks).toString('latin1')
  const out = new Output(sink, () => unsent)
  await written(out, 'a')
  await written(out, 'b')
  assert.equal(text(waiting), 'a'.repeat(200_000) + 'b'.repeat(200_000), 'it waits to go out')
  const slow = waiting
  waiting = []
  const other = new Output(
    async (chunks) => void waiting.push(...chunks),
    () => 0,
  )
  await written(other, 'c')
  const taken = new Set(waiting.map(({ buffer }) => buffer))
  waiting = []
  await written(other, 'd')
  assert.ok(
    waiting.some(({ buffer }) => taken.has(buffer)),
    'what is out is used again',
  )
  assert.equal(text(slow), 'a'.repeat(200_000) + 'b'.repeat(200_000))
})

test('utf8Bytes() writes what string() writes', () => {
  const written = (utf8: boolean, write: (out: Output) => unknown): string => {
    const out = new Output(() => undefined)
    out.utf8 = utf8
    out.raw(PIECE)
    write(out)
    out.text('.')
    return Buffer.concat(out.take()).toString('latin1')
  }
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.string({ minLength: 1_000, maxLength: 1_100 })),
      fc.boolean(),
      (text, utf8) => {
        const bytes = Buffer.from(text)
        const expected = written(utf8, (out) => out.string(bytes.toString('latin1')))
        assert.equal(
          written(utf8, (out) => out.utf8Bytes(bytes)),
          expected,
        )
      },
    ),
    {
      examples: [
        ['', false],
        ['say "no" \\', false],
        ['é', true],
        ['\r', false],
        ['x\n', false],
        ['\0', true],
      ],
    },
  )
})
