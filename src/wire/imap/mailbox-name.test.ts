import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { charOf } from './arbitraries.ts'
import { decodeMailboxName, decodeModifiedUtf7, encodeMailboxName, encodeModifiedUtf7 } from './mailbox-name.ts'
import { SyntaxFault } from './syntax-fault.ts'

const TABLE: readonly (readonly [name: string, wire: string])[] = [
  ['', ''],
  ['Sent Items', 'Sent Items'],
  ['R&D', 'R&-D'],
  ['&&', '&-&-'],
  // RFC 3501 §5.1.3
  ['~peter/mail/台北/日本語', '~peter/mail/&U,BTFw-/&ZeVnLIqe-'],
  ['Entwürfe', 'Entw&APw-rfe'],
  ['é&è', '&AOk-&-&AOg-'],
  ['Envoyés à moi', 'Envoy&AOk-s &AOA- moi'],
  ['😀', '&2D3eAA-'],
  ['\t', '&AAk-'],
  ['Отправленные', '&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-'],
]

for (const [name, wire] of TABLE)
  test(`modified UTF-7 of ${JSON.stringify(name)} is ${wire}`, () => {
    assert.equal(encodeModifiedUtf7(name), wire)
    assert.equal(decodeModifiedUtf7(wire), name)
  })

const REFUSED: readonly (readonly [wire: string, offset: number, why: string])[] = [
  ['a&', 1, 'no end'],
  ['a&AOk', 1, 'no end'],
  ['R&D-', 1, 'bits missing'],
  ['&A-', 0, 'bits missing'],
  ['&AOl-', 0, 'bits left over that are not zero'],
  ['&AOkA-', 0, 'an octet left over'],
  ['&AOk=-', 0, 'padding'],
  ['&U/BT-', 0, '/ in place of ,'],
  ['&AGE-', 0, 'ASCII encoded'],
  ['&ACY-', 0, '& encoded'],
  ['&AOkAYQ-', 0, 'ASCII encoded within a run'],
  ['&AOk-&AOk-', 5, 'two runs in place of one'],
  ['&2D0-', 0, 'the first half of a pair alone'],
  ['&3gA-', 0, 'the second half of a pair alone'],
  ['&3gDYPQ-', 0, 'a pair in the wrong order'],
  ['a\xe9', 1, '8-bit'],
  ['a\t', 1, 'a control'],
  ['&AOk-\x7f', 5, 'DEL'],
  ['&AAA-', 0, 'NUL'],
  ['&AA0-', 0, 'CR'],
  ['&AAo-', 0, 'LF'],
]

for (const [wire, offset, why] of REFUSED)
  test(`a mailbox name with ${why} is refused: ${JSON.stringify(wire)}`, () => {
    assert.throws(
      () => decodeMailboxName(wire, false, 100),
      (error: unknown) => error instanceof SyntaxFault && error.offset === 100 + offset,
    )
  })

test('a mailbox name reads back in both encodings', () => {
  const name = fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed() && !/[\0\r\n]|^inbox$/i.test(text))
  fc.assert(
    fc.property(name, fc.boolean(), (text, utf8) => {
      assert.equal(decodeMailboxName(encodeMailboxName(text, utf8), utf8), text)
    }),
  )
})

test('a mailbox has one spelling in modified UTF-7: what is taken is what would be written', () => {
  fc.assert(
    fc.property(fc.string({ unit: charOf('&AOk-,/E2D3eAAy a') }), (wire) => {
      let name: string
      try {
        name = decodeModifiedUtf7(wire)
      } catch (error) {
        assert.ok(error instanceof SyntaxFault)
        return
      }
      assert.equal(encodeModifiedUtf7(name), wire)
    }),
    { numRuns: 2000 },
  )
})

test('INBOX is INBOX in any case, and only as the whole name', () => {
  assert.equal(decodeMailboxName('iNbOx'), 'INBOX')
  assert.equal(decodeMailboxName('inbox/a'), 'inbox/a')
})

test('a UTF-8 name that is not UTF-8 is refused', () => {
  assert.throws(() => decodeMailboxName('\xe9', true), SyntaxFault)
  assert.equal(decodeMailboxName('\xc3\xa9 & co', true), 'é & co')
})
