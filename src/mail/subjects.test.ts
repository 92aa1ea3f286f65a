import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertLinear } from '#testing/growth.ts'
import { baseSubject } from './base-subject.ts'
import { parseMessageIds } from './message-ids.ts'

const SUBJECTS: readonly (readonly [subject: string, base: string])[] = [
  ['hello', 'hello'],
  ['Re: hello', 'hello'],
  ['re: RE : Fwd: fw: hello', 'hello'],
  ['Re[2]: hello', 'hello'],
  ['Re [list]: hello', 'hello'],
  ['[list] Re: [list] hello', 'hello'],
  ['[a] [b]   hello', 'hello'],
  ['hello (fwd) (FWD)  ', 'hello'],
  ['[fwd: hello]', 'hello'],
  ['[Fwd: Re: hello (fwd)] (fwd)', 'hello'],
  ['[a][b]', '[b]'],
  ['[a]', '[a]'],
  ['Re:', ''],
  ['Reply: hello', 'Reply: hello'],
  ['Reg: x', 'Reg: x'],
  ['a\t b\r\n  c', 'a b c'],
  ['[un closed hello', '[un closed hello'],
  ['', ''],
]
for (const [subject, base] of SUBJECTS)
  test(`baseSubject() of ${JSON.stringify(subject)}`, () => assert.equal(baseSubject(subject), base))

test('a subject of brackets takes linear time', () => {
  const hostile = (pieces: string, end = '') =>
    assertLinear(
      (size) => {
        const subject = end === '' ? pieces.repeat(size) : `${pieces.repeat(size)}x${end.repeat(size)}`
        return () => baseSubject(subject)
      },
      10_000,
      pieces,
    )
  for (const piece of ['[a]', '[', '[fwd:', '(fwd)', 're:', '[a]re:', ' ']) hostile(piece)
  hostile('[fwd:', ']')
})

test('parseMessageIds() takes what stands in angle brackets', () => {
  assert.deepEqual(parseMessageIds('<a@b>\r\n <c@\r\n d> junk <> <e@f'), ['<a@b>', '<c@d>'])
  assert.deepEqual(parseMessageIds('Your message of Tuesday'), [])
})

test('parseMessageIds() keeps the first and the newest of very many', () => {
  const ids = parseMessageIds(Array.from({ length: 1_000 }, (_, i) => `<${i}@x>`).join(' '))
  assert.equal(ids.length, 200)
  assert.equal(ids[0], '<0@x>')
  assert.equal(ids.at(-1), '<999@x>')
})
