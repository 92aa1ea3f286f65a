/** Real messages: what `mail` writes as ENVELOPE and BODYSTRUCTURE, read back, is what it found in them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodyStructureOf } from '#mail/build-body-structure.ts'
import { envelopeOf } from '#mail/build-envelope.ts'
import { binaryOf } from '#mail/bytes.ts'
import { headerFields } from '#mail/headers.ts'
import { scanMessage } from '#mail/scanner.ts'
import { corpusMessages } from '#testing/corpus.ts'
import type { FetchValue } from './fetch-values.ts'
import { ResponseFramer } from './framer.ts'
import { formatResponse } from './response-format.ts'
import { parseResponse } from './response-reader.ts'

test('ENVELOPE and BODYSTRUCTURE of the corpus read back', () => {
  let messages = 0
  for (const { name, bytes } of corpusMessages()) {
    messages += 1
    const scanned = scanMessage(bytes)
    const body = bodyStructureOf(scanned.root)
    const envelope = envelopeOf(headerFields(binaryOf(scanned.header)))
    const values: FetchValue[] = [
      { kind: 'BODYSTRUCTURE', body },
      { kind: 'ENVELOPE', envelope },
    ]
    const framer = new ResponseFramer()
    framer.push(formatResponse({ kind: 'FETCH', number: 1, values }))
    const event = framer.next()
    assert.ok(event?.kind === 'frame', name)
    assert.deepEqual(parseResponse(event.frame), withoutNul({ kind: 'FETCH', number: 1, values }), name)
  }
  assert.ok(messages > 0)
})

/** NUL can stand in no string of IMAP (RFC 9051 §9 CHAR8): `mail` leaves it out when it writes. */
function withoutNul(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\0', '')
  if (Array.isArray(value)) return value.map(withoutNul)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutNul(inner)]))
}
