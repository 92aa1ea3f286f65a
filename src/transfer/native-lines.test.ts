import assert from 'node:assert/strict'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { NativeLineWriter } from './native-lines.ts'

test('CRLF becomes LF where nothing else ends a line; else all stays, however it is cut', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-lines-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = path.join(folder, 'message')
  const piece = fc.array(fc.constantFrom('a', 'bc', '\r\n', '\r\n', '\r\n', '\n', '\r'), { maxLength: 12 })
  const pure = fc.array(fc.constantFrom('a', 'bc', '\r\n'), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(pure, pure, piece), { maxLength: 6 }), async (pieces) => {
      const chunks = pieces.map((words) => words.join(''))
      const whole = chunks.join('')
      {
        await using handle = await open(file, 'w+')
        const writer = new NativeLineWriter(handle)
        for (const chunk of chunks) await writer.write(Buffer.from(chunk))
        assert.equal(await writer.finish(), (await handle.stat()).size)
        assert.equal(writer.octets, whole.length)
      }
      const mixed = /\r(?!\n)|(?<!\r)\n/.test(whole)
      assert.equal(await readFile(file, 'latin1'), mixed ? whole : whole.replaceAll('\r\n', '\n'))
    }),
    { numRuns: 300 },
  )
})

test('a large message whose last line ends otherwise stays as it came', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-lines-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = path.join(folder, 'message')
  const line = Buffer.from(`${'x'.repeat(997)}\r\n`)
  const before = Buffer.from('here already')
  {
    await using handle = await open(file, 'w+')
    await handle.write(before, 0, before.length, 0)
    const writer = new NativeLineWriter(handle, before.length)
    for (let n = 0; n < 2_000; n += 1) await writer.write(line)
    await writer.write(Buffer.from('the end\n'))
    await writer.finish()
  }
  const expected = Buffer.concat([before, ...Array.from({ length: 2_000 }, () => line), Buffer.from('the end\n')])
  assert.deepEqual(await readFile(file), expected)
})
