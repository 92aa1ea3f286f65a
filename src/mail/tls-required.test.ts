import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTlsOptional } from './tls-required.ts'

for (const [header, expected] of [
  ['TLS-Required: No\r\n\r\n', true],
  ['From: a@x.net\r\ntls-required:\r\n no\r\nTo: b@x.net\r\n\r\n', true],
  ['TLS-Required: Yes\r\n\r\n', false],
  ['TLS-Required: No, really\r\n\r\n', false],
  ['TLS-Required: No\r\nTLS-Required: No\r\n\r\n', false],
  ['X-TLS-Required: No\r\n\r\nTLS-Required: No\r\n', false],
  ['', false],
] as const)
  test(`isTlsOptional(${JSON.stringify(header)}) is ${expected}`, () =>
    assert.equal(isTlsOptional(Buffer.from(header)), expected))
