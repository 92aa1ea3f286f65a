import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assertLinear } from '#testing/growth.ts'
import { DotStuffer, DotUnstuffer, type Unstuffed } from './dot-stuffing.ts'
import { LineFramer } from './line-framer.ts'

function stuff(...chunks: string[]): string {
  const stuffer = new DotStuffer()
  const out = chunks.map((chunk) => Buffer.from(stuffer.push(Buffer.from(chunk, 'latin1'))))
  return Buffer.concat([...out, stuffer.end()]).toString('latin1')
}

function unstuff(chunks: readonly string[], bareLf = false): { body: string; rest: string | undefined } {
  const unstuffer = new DotUnstuffer(bareLf)
  let body = ''
  for (const [index, chunk] of chunks.entries()) {
    const found = unstuffer.push(Buffer.from(chunk, 'latin1'))
    body += Buffer.from(found.body).toString('latin1')
    if (found.rest !== undefined) {
      return { body, rest: Buffer.from(found.rest).toString('latin1') + chunks.slice(index + 1).join('') }
    }
  }
  return { body, rest: undefined }
}

for (const [body, wire] of [
  ['', '.\r\n'],
  ['a\r\n', 'a\r\n.\r\n'],
  ['a', 'a\r\n.\r\n'],
  ['a\n', 'a\n\r\n.\r\n'],
  ['a\r', 'a\r\r\n.\r\n'],
  ['.', '..\r\n.\r\n'],
  ['.\r\n', '..\r\n.\r\n'],
  ['..\r\n', '...\r\n.\r\n'],
  ['a\r\n.\r\nb\r\n', 'a\r\n..\r\nb\r\n.\r\n'],
  ['a\n.\nb\r\n', 'a\n..\nb\r\n.\r\n'],
  ['a\r.\rb\r\n', 'a\r.\rb\r\n.\r\n'],
  ['a.b\r\n', 'a.b\r\n.\r\n'],
] as const)
  test(`DotStuffer writes ${JSON.stringify(body)}`, () => assert.equal(stuff(body), wire))

const bytes = fc.string({ unit: fc.constantFrom('.', '\r', '\n', 'a', '\r\n', '\r\n.', '\n.', '\0') })

test('DotUnstuffer reads back what DotStuffer wrote, with CRLF at the end, and stops there', () => {
  fc.assert(
    fc.property(fc.array(bytes), (chunks) => {
      const body = chunks.join('')
      const whole = body === '' || body.endsWith('\r\n') ? body : `${body}\r\n`
      const wire = stuff(...chunks)
      assert.equal(wire, stuff(body))
      assert.deepEqual(unstuff([`${wire}+OK`]), { body: whole, rest: '+OK' })
    }),
    { numRuns: 1_000 },
  )
})

test('DotUnstuffer gives the same body wherever the bytes are cut', () => {
  const wire = `${stuff('.a\r\n..\r\n\n.\nb\r.\r\n.\rx\r\nlast')}+OK next\r\n`
  const whole = unstuff([wire])
  assert.equal(whole.rest, '+OK next\r\n')
  for (let cut = 0; cut <= wire.length; cut += 1) {
    assert.deepEqual(unstuff([wire.slice(0, cut), wire.slice(cut)]), whole)
  }
  assert.deepEqual(unstuff(wire.split('')), whole)
})

test('DotUnstuffer takes a dot and a bare LF for the end only from a server that ends lines so', () => {
  assert.deepEqual(unstuff(['a\n.\nb\r\n.\r\n']), { body: 'a\n.\nb\r\n', rest: '' })
  assert.deepEqual(unstuff(['a\n.\nb\r\n.\r\n'], true), { body: 'a\n', rest: 'b\r\n.\r\n' })
  assert.deepEqual(unstuff(['a\n.\r\nrest']), { body: 'a\n', rest: 'rest' })
})

test('DotUnstuffer keeps what a server did not stuff', () => {
  assert.deepEqual(unstuff(['.a\r\n.\rb\r\n.\r\n']), { body: '.a\r\n.\rb\r\n', rest: '' })
})

test('DotStuffer is linear over the worst bytes, and copies nothing when it has nothing to do', () => {
  const plain = Buffer.alloc(262_144, 'x')
  assert.equal(new DotStuffer().push(plain).buffer, plain.buffer)
  assertLinear((size) => {
    const worst = Buffer.from('\n.'.repeat(size))
    const stuffer = new DotStuffer()
    return () => assert.equal(stuffer.push(worst).length, size * 3)
  }, 65_536)
})

test('a client reads lines and bodies in turn, wherever the bytes are cut', () => {
  const body = 'a: b\r\n\r\n.\r\nlast'
  const wire = `+OK one\r\n${stuff(body)}-ERR [AUTH] two\r\n+OK\r\n${stuff('')}`
  const read = (chunks: readonly string[]): string[] => {
    const framer = LineFramer.forResponses()
    const found: string[] = []
    let unstuffer: DotUnstuffer | undefined
    let text = ''
    const look = (): void => {
      for (;;) {
        if (unstuffer === undefined) {
          const event = framer.next()
          if (event?.kind !== 'line') return
          found.push(event.text)
          if (event.text.startsWith('+OK')) unstuffer = new DotUnstuffer(event.bareLf)
          continue
        }
        const piece: Unstuffed = unstuffer.push(framer.takeRest())
        text += Buffer.from(piece.body).toString('latin1')
        if (piece.rest === undefined) return
        framer.push(piece.rest)
        found.push(text)
        text = ''
        unstuffer = undefined
      }
    }
    for (const chunk of chunks) {
      framer.push(Buffer.from(chunk, 'latin1'))
      look()
    }
    return found
  }
  const whole = ['+OK one', `${body}\r\n`, '-ERR [AUTH] two', '+OK', '']
  for (let cut = 0; cut <= wire.length; cut += 1) assert.deepEqual(read([wire.slice(0, cut), wire.slice(cut)]), whole)
  assert.deepEqual(read(wire.split('')), whole)
})
