import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertLinear } from '#testing/growth.ts'
import { contentFacts } from './content-facts.ts'
import { headerFields } from './headers.ts'
import { decodedParameter, parseParameterised } from './parameters.ts'

const CASES: readonly (readonly [field: string, value: string, parameters: readonly (readonly [string, string])[]])[] =
  [
    ['text/plain', 'text/plain', []],
    ['text/plain; charset=us-ascii (Plain text)', 'text/plain', [['charset', 'us-ascii']]],
    ['text/plain; charset="us-ascii"', 'text/plain', [['charset', 'us-ascii']]],
    ['(a) text (b) / (c) plain (d); (e) x = (f) y', 'text/plain', [['x', 'y']]],
    [
      'a/b; name="a \\"quoted\\" ; name"; z=1',
      'a/b',
      [
        ['name', 'a "quoted" ; name'],
        ['z', '1'],
      ],
    ],
    [
      'a/b; name=my file.pdf; z=1',
      'a/b',
      [
        ['name', 'my file.pdf'],
        ['z', '1'],
      ],
    ],
    ['a/b;; boundary="x";', 'a/b', [['boundary', 'x']]],
    ['multipart/mixed boundary="x"', 'multipart/mixed', [['boundary', 'x']]],
    [
      'a/b; charset=utf-8 boundary=x',
      'a/b',
      [
        ['charset', 'utf-8'],
        ['boundary', 'x'],
      ],
    ],
    [
      'a/b; charset="utf-8" boundary="x"',
      'a/b',
      [
        ['charset', 'utf-8'],
        ['boundary', 'x'],
      ],
    ],
    ['a/b; name="never closed; x=1', 'a/b', [['name', 'never closed; x=1']]],
    ['a/b; novalue; x=1', 'a/b', [['x', '1']]],
    ['; filename="only.txt"', '', [['filename', 'only.txt']]],
    ['a/b (never closed; x=1', 'a/b', []],
    ['', '', []],
  ]
for (const [field, value, parameters] of CASES)
  test(`parseParameterised() reads ${JSON.stringify(field)}`, () => {
    assert.deepEqual(parseParameterised(field), { value, parameters })
  })

test('continuations are joined in the order of their numbers (RFC 2231 §3)', () => {
  const { parameters } = parseParameterised(
    'message/external-body; access-type=URL; URL*1="b.example/"; url*0="ftp://"',
  )
  assert.deepEqual(parameters, [
    ['access-type', 'URL'],
    ['URL', 'ftp://b.example/'],
  ])
})

test('the example of RFC 2231 §4.1 keeps its charset, and decodes', () => {
  const { parameters } = parseParameterised(
    "application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"",
  )
  assert.deepEqual(parameters, [
    ['title*', "us-ascii'en'This%20is%20even%20more%20%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it%21"],
  ])
  assert.equal(decodedParameter(parameters, 'title'), "This is even more ***fun*** isn't it!")
})

test('decodedParameter() reads RFC 2231, RFC 2047 and raw UTF-8', () => {
  const decoded = (field: string) => decodedParameter(parseParameterised(field).parameters, 'name')
  assert.equal(decoded("a/b; name*=utf-8''%C3%A9t%C3%A9.txt"), 'été.txt')
  assert.equal(decoded('a/b; name="=?utf-8?b?w6l0w6k=?=.txt"'), 'été.txt')
  assert.equal(decoded('a/b; name="\xc3\xa9t\xc3\xa9.txt"'), 'été.txt')
  assert.equal(decoded('a/b; name=%20'), '%20')
  assert.equal(decoded('a/b'), undefined)
})

const TYPES: readonly (readonly [field: string, expected: string])[] = [
  ['Content-Type: text/HTML; charset=x', 'text/HTML'],
  ['X: y', 'TEXT/PLAIN'],
  ['Content-Type:', 'TEXT/PLAIN'],
  ['Content-Type: nonsense', 'TEXT/PLAIN'],
  ['Content-Type: /plain', 'TEXT/PLAIN'],
  ['Content-Type: multipart; boundary=x', 'MULTIPART/MIXED'],
  ['Content-Type: image/', 'APPLICATION/OCTET-STREAM'],
]
for (const [field, expected] of TYPES)
  test(`contentFacts() takes ${JSON.stringify(field)} for ${expected}`, () => {
    const { type, subtype } = contentFacts(headerFields(`${field}\r\n\r\n`), false)
    assert.equal(`${type}/${subtype}`, expected)
  })

test('a part of a digest is a message when it says nothing (RFC 2046 §5.1.5)', () => {
  const { type, subtype } = contentFacts([], true)
  assert.equal(`${type}/${subtype}`, 'MESSAGE/RFC822')
})

test('hostile parameters take linear time', () => {
  for (const piece of ['(', ' ', ';', '"', 'a=b ', 'a*0=b;', "a*='';", '( (', '\\'])
    assertLinear(
      (size) => {
        const text = `a/b; ${piece.repeat(size / piece.length)}x`
        return () => parseParameterised(text)
      },
      5_000,
      piece,
    )
})
