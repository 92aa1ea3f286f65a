import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeTls, opportunistic, type TlsPolicies, type TlsPolicy, type TlsRefusal } from './tls-policy.ts'

const plain = opportunistic('mx.example.org')
const verified: TlsPolicy = { ...plain, level: 'verified', source: 'mta-sts', why: 'MTA-STS of example.org (enforce)' }

test('describeTls() says what has been verified, and nothing where there was no TLS', () => {
  assert.equal(describeTls(plain, null), undefined)
  assert.equal(describeTls(plain, 'TLSv1.3'), 'TLSv1.3')
  assert.equal(describeTls({ ...plain, level: 'encrypted', source: 'dane' }, 'TLSv1.2'), 'TLSv1.2')
  assert.equal(describeTls({ ...plain, level: 'dane', source: 'dane' }, 'TLSv1.3'), 'TLSv1.3 dane')
  assert.equal(describeTls(verified, 'TLSv1.3'), 'TLSv1.3 mta-sts')
  assert.equal(describeTls({ ...verified, source: 'route' }, 'TLSv1.3'), 'TLSv1.3 verified')
})

test('what hands out policies refuses by a value', async () => {
  const refusal: TlsRefusal = { kind: 'not-listed', reply: '4.7.5 no' }
  const policies: TlsPolicies = {
    policyFor: async (_, host) => (host === 'no' ? { ok: false, error: refusal } : { ok: true, value: plain }),
  }
  assert.deepEqual(await policies.policyFor('example.org', 'no'), { ok: false, error: refusal })
})
