import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseXml } from './xml.ts'

test('parseXml() reads elements, attributes, text, references, comments and CDATA', () => {
  const root = parseXml(
    `\ufeff<?xml version="1.0" encoding="UTF-8"?>\n<!-- a -- b -->\n<a id='1' url="x?a&amp;b">\n  one <b/> &#x41;&#66;<![CDATA[<c>&]]>\n</a>\n<!-- end -->`,
  )
  assert.equal(root.name, 'a')
  assert.deepEqual(
    [...root.attributes],
    [
      ['id', '1'],
      ['url', 'x?a&b'],
    ],
  )
  assert.equal(root.text, 'one  AB<c>&')
  assert.deepEqual(
    root.children.map(({ name, text }) => [name, text]),
    [['b', '']],
  )
})

const BROKEN: readonly (readonly [why: string, document: string])[] = [
  ['nothing', ''],
  ['a document type', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'],
  ['an unknown entity', '<a>&x;</a>'],
  ['a bare ampersand', '<a>b & c</a>'],
  ['a processing instruction', '<a><?php x ?></a>'],
  ['an end tag too few', '<a><b></a>'],
  ['an end tag too many', '<a/></a>'],
  ['two roots', '<a/><b/>'],
  ['text behind', '<a/>b'],
  ['an attribute twice', '<a b="1" b="2"/>'],
  ['an attribute without quotes', '<a b=1/>'],
  ['no end of a comment', '<a><!-- b</a>'],
  ['a control character', '<a>&#27;</a>'],
  ['half a surrogate', '<a>&#xd800;</a>'],
  ['HTML', '<html><head><meta charset=utf-8></head></html>'],
  ['great depth', '<a>'.repeat(100_000)],
  ['too many elements', `<a>${'<b/>'.repeat(100_000)}</a>`],
]
for (const [why, document] of BROKEN)
  test(`parseXml() refuses ${why}`, () => assert.throws(() => parseXml(document), SyntaxError))

test('parseXml() takes no longer for a bad document than for a good one', () => {
  const started = performance.now()
  for (const bad of [`<a${' '.repeat(250_000)}!`, `<a ${'b="" '.repeat(50_000)}!`, `<a>${'&'.repeat(250_000)}</a>`])
    assert.throws(() => parseXml(bad), SyntaxError)
  assert.ok(performance.now() - started < 15_000, 'a quadratic reader takes minutes')
})
