import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseEnvelopeDsn, parseRecipientDsn } from './dsn-parameters.ts'

test('parseEnvelopeDsn() reads RET and ENVID, whatever stands between (RFC 3461 §4.3, §4.4)', () => {
  assert.deepEqual(parseEnvelopeDsn(' SIZE=5 ret=hdrs BODY=8BITMIME ENVID=QQ+3D1+2B+20x'), {
    ok: true,
    value: { ret: 'HDRS', envelopeId: 'QQ=1+ x' },
  })
  assert.deepEqual(parseEnvelopeDsn(''), { ok: true, value: { ret: undefined, envelopeId: undefined } })
  assert.ok(parseEnvelopeDsn(`ENVID=${'x'.repeat(100)}`).ok)
})

for (const [parameters, error] of [
  ['RET=ALL', 'RET'],
  ['RET=', 'RET'],
  ['ENVID=', 'ENVID'],
  ['ENVID=a+2', 'ENVID'],
  ['ENVID=a+3d', 'ENVID'],
  ['ENVID=a=b', 'ENVID'],
  ['ENVID=a+0D+0Ab', 'ENVID'],
  ['ENVID=\u00e9', 'ENVID'],
  [`ENVID=${'x'.repeat(101)}`, 'ENVID'],
] as const)
  test(`parseEnvelopeDsn() refuses ${parameters.slice(0, 20)}`, () =>
    assert.deepEqual(parseEnvelopeDsn(parameters), { ok: false, error }))

test('parseRecipientDsn() reads NOTIFY and ORCPT (RFC 3461 §4.1, §4.2, RFC 6533 §3)', () => {
  assert.deepEqual(parseRecipientDsn('NOTIFY=success,Delay ORCPT=rfc822;Bob+2Bx@Example.ORG', false), {
    ok: true,
    value: { notify: ['SUCCESS', 'DELAY'], originalRecipient: { type: 'rfc822', address: 'Bob+x@Example.ORG' } },
  })
  assert.deepEqual(parseRecipientDsn('NOTIFY=NEVER', false), {
    ok: true,
    value: { notify: [], originalRecipient: undefined },
  })
  assert.deepEqual(parseRecipientDsn('', false), {
    ok: true,
    value: { notify: undefined, originalRecipient: undefined },
  })
  assert.deepEqual(parseRecipientDsn('ORCPT=utf-8;\u00e9@example.org', true), {
    ok: true,
    value: { notify: undefined, originalRecipient: { type: 'utf-8', address: '\u00e9@example.org' } },
  })
})

for (const [parameters, error] of [
  ['NOTIFY=', 'NOTIFY'],
  ['NOTIFY=SOMETIMES', 'NOTIFY'],
  ['NOTIFY=NEVER,SUCCESS', 'NOTIFY'],
  ['NOTIFY=SUCCESS,', 'NOTIFY'],
  ['NOTIFY=SUCCESS,NEVER', 'NOTIFY'],
  ['ORCPT=bob@example.org', 'ORCPT'],
  ['ORCPT=rfc822;', 'ORCPT'],
  ['ORCPT=;bob@example.org', 'ORCPT'],
  ['ORCPT=rfc 822;bob', 'ORCPT'],
  ['ORCPT=rfc822;bob=x', 'ORCPT'],
  ['ORCPT=rfc822;bob+0D+0AX', 'ORCPT'],
  ['ORCPT=rfc822;\u00e9@example.org', 'ORCPT'],
  [`ORCPT=rfc822;${'x'.repeat(494)}`, 'ORCPT'],
] as const)
  test(`parseRecipientDsn() refuses ${parameters.slice(0, 30)}`, () =>
    assert.deepEqual(parseRecipientDsn(parameters, false), { ok: false, error }))
