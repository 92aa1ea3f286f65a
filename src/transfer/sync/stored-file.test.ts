import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { storedLineEnds } from '../source-message.ts'
import { storedFile } from './stored-file.ts'

const PIECE = 65_536
const MOST_HELD = 2 * PIECE

/** Around where pieces meet, and in every way in which lines end. */
const FILES: readonly (readonly [what: string, bytes: string])[] = [
  ['small with LF', 'a\nb\n'],
  ['empty', ''],
  ['large with LF', `${'line\n'.repeat(200_000)}end`],
  ['large with CRLF', 'line\r\n'.repeat(200_000)],
  ['large with a CRLF at the end only', `${'line\n'.repeat(100_000)}\r\n`],
  ['large with bare CR', 'line\r'.repeat(100_000)],
  ['a CRLF over two pieces', `${'x'.repeat(PIECE - 1)}\r\n${'y\n'.repeat(200_000)}`],
  ['an LF at the beginning of a piece', `${'x'.repeat(PIECE)}\n${'y'.repeat(300_000)}`],
  ['an LF at the end of a piece', `${'x'.repeat(PIECE - 1)}\n${'y'.repeat(300_000)}`],
  ['one line', 'x'.repeat(1_000_000)],
]

for (const [what, text] of FILES) {
  test(`storedFile() gives ${what} as it is stored, and holds little of it`, async (t) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'malle-stored-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    const file = path.join(folder, 'message')
    await writeFile(file, text, 'latin1')
    const expected = storedLineEnds(Buffer.from(text, 'latin1'))
    const stored = await storedFile(file)
    assert.ok(stored !== undefined)
    assert.equal(stored.size, expected.length)
    for (let turn = 0; turn < 2; turn += 1) {
      const pieces: Uint8Array[] = []
      for await (const piece of stored.bytes()) pieces.push(piece)
      assert.ok(Buffer.concat(pieces).equals(expected))
      if (text.length > 262_144) assert.ok(pieces.every(({ length }) => length <= MOST_HELD))
    }
  })
}

test('storedFile() says that there is none', async () => {
  assert.equal(await storedFile('/nowhere/at/all'), undefined)
})
