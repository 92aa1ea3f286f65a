import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manyLines, oneLine } from './mail-text.ts'
import { cutToWidth, displayWidth, padToWidth, wrapToWidth } from './width.ts'

const ESCAPES = ['\u001b[2J', '\u001b]0;title\u0007', '\u009b31m', '\u0008\u0008', '\u007f', '\u0090q\u009c', '\ud800']

test('no control character of mail reaches the terminal', () => {
  for (const escape of ESCAPES) {
    assert.doesNotMatch(oneLine(`a${escape}b`), /[\p{Cc}\p{Cs}]/u)
    assert.doesNotMatch(manyLines(`a${escape}b`).replace(/\n/g, ''), /[\p{Cc}\p{Cs}]/u)
  }
  assert.equal(oneLine(' a\r\n\tb \u202egnp.exe\u2066'), 'a b gnp.exe')
  assert.equal(manyLines('a\r\nb\rc\u2028d\te\u202ef'), 'a\nb\nc\nd\tef')
})

test('marks do not pile up over the lines above', () => {
  assert.equal(oneLine(`z${'\u0301'.repeat(300)}a`), `z${'\u0301'.repeat(6)}a`)
  assert.equal(manyLines(`z${'\u0301'.repeat(300)}`), `z${'\u0301'.repeat(6)}`)
  assert.equal(oneLine('กี่ྺྻ'), 'กี่ྺྻ')
})

for (const [text, width] of [
  ['abc', 3],
  ['été', 3],
  ['e\u0301te\u0301', 3],
  ['東京', 4],
  ['ｶﾞ', 2],
  ['한국', 4],
  ['✨', 2],
  ['👩‍👩‍👧', 2],
  ['🇫🇷', 2],
  ['❤️', 2],
  ['هلا', 3],
  ['\u200b', 0],
  ['𠮷', 2],
] as const)
  test(`displayWidth() of ${text} is ${width}`, () => assert.equal(displayWidth(text), width))

test('lines are broken at spaces, and nothing else is changed', () => {
  const text = 'one two three\n\n  indented  words here\nhttps://example.org/long/address it\n東京 からの ご挨拶\n'
  assert.equal(
    wrapToWidth(text, 10),
    'one two\nthree\n\n  indented\nwords here\nhttps://example.org/long/address\nit\n東京\nからの\nご挨拶\n',
  )
  assert.equal(wrapToWidth(text, Number.POSITIVE_INFINITY), text)
  assert.equal(wrapToWidth(text, 80), text)
})

test('a text is cut between characters and never wider than asked', () => {
  assert.equal(cutToWidth('東京からの', 5), '東京…')
  assert.equal(cutToWidth('東京からの', 6), '東京…')
  assert.equal(cutToWidth('abc', 3), 'abc')
  assert.equal(cutToWidth('abcd', 3), 'ab…')
  assert.equal(padToWidth('東', 4), '東  ')
  for (let width = 0; width < 12; width += 1)
    assert.ok(displayWidth(cutToWidth('a東e\u0301👩‍👩‍👧b🇫🇷cdef', width)) <= width, `${width}`)
})
