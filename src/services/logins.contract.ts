/** Who a login lets in: by password, SCRAM, token and certificate. @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { done, refused } from '#lib/result.ts'
import { scramStoredKey } from '#lib/scram-keys.ts'
import type { Protocol } from '#store/directory.ts'
import type { TokenVerifier } from './oauth-tokens.ts'
import { addAppPassword, type Reach, setUp } from './registry-kit.contract.ts'

export function loginsContract(reach: Reach): void {
  test('a login is answered with the account, by full address, in any case, and by local part', async () => {
    await using s = await setUp(reach)
    const ann = await s.add('ann@example.org', { displayName: 'Ann', shard: 2 })
    await s.connect('a')
    const value = { account: ann.ref, address: 'ann@example.org', displayName: 'Ann', appPassword: undefined }
    for (const login of ['ann@example.org', 'Ann@Example.ORG', 'ann', ' ANN ']) {
      assert.deepEqual(await s.login('a', login, 'secret'), { ok: true, value })
    }
    assert.equal(s.hasher.checks.length, 1)
    const wrong = { ok: false, error: { kind: 'wrong-credentials' } }
    assert.deepEqual(await s.login('a', 'ann', 'Secret'), wrong)
    await s.directory.addDomain('other.example')
    assert.deepEqual(await s.login('a', 'ann', 'secret'), wrong)
    assert.deepEqual(await s.login('nobody', 'ann@example.org', 'secret'), {
      ok: false,
      error: { kind: 'unavailable' },
    })
  })

  test('a POP3 login may name a mailbox, others may not', async () => {
    await using s = await setUp(reach)
    const ann = await s.add('ann@example.org')
    const plus = await s.add('ann+own@example.org')
    await s.connect('a')
    const login = (name: string, protocol: 'pop3' | 'imap', authorizeAs = '') =>
      s.registry.login({ connection: 'a', protocol, login: name, authorizeAs, password: 'secret' })
    for (const [name, detail] of [
      ['ann+Work@example.org', 'Work'],
      ['ANN+Lists/A b+c@Example.ORG', 'Lists/A b+c'],
      ['ann+Work', 'Work'],
    ] as const) {
      const answer = await login(name, 'pop3', name)
      assert.deepEqual(answer.ok && [answer.value.account, answer.value.detail], [ann.ref, detail])
      assert.deepEqual(await login(name, 'imap'), { ok: false, error: { kind: 'wrong-credentials' } })
    }
    const own = await login('ann+own@example.org', 'pop3')
    assert.deepEqual(own.ok && [own.value.account, own.value.detail], [plus.ref, undefined])
    assert.equal((await login('ann+Work', 'pop3', 'ann')).ok, true)
    assert.equal((await login('ann+Work', 'pop3', 'ann+own')).ok, false)
    assert.equal((await login('ben+Work@example.org', 'pop3')).ok, false)
    assert.equal((await login('+Work@example.org', 'pop3')).ok, false)
  })

  test('SCRAM lets in with an app password, and says which', async () => {
    await using s = await setUp(reach)
    const ann = await s.add('ann@example.org')
    await addAppPassword(s.directory, ann, 'phone', 'abc')
    await addAppPassword(s.directory, ann, 'laptop', 'def')
    await s.connect('a')
    const value = { account: ann.ref, address: 'ann@example.org', displayName: '', appPassword: 'laptop' }
    assert.deepEqual(await s.scram('a', 'ann', 'def'), { ok: true, value })
    const wrong = { ok: false, error: { kind: 'wrong-credentials' } }
    assert.deepEqual(await s.scram('a', 'ann', 'secret'), wrong)
    assert.deepEqual(await s.scram('a', 'nobody', 'secret'), wrong)
    const outcome = {
      attempt: { connection: 'a', protocol: 'imap', login: 'ann', authorizeAs: '' },
      matched: 0,
    } as const
    assert.deepEqual(await s.registry.scramFinish(outcome), { ok: false, error: { kind: 'unavailable' } })
  })

  test('an unknown person costs the same hashing and gets a salt that stays', async () => {
    await using s = await setUp(reach)
    const ann = await s.add('ann@example.org')
    await addAppPassword(s.directory, ann, 'phone', 'abc')
    await s.connect('a')
    await s.login('a', 'ann', 'wrong')
    const cost = s.hasher.checks.length
    await s.login('a', 'nobody', 'wrong')
    assert.equal(s.hasher.checks.length, 2 * cost)
    const start = (login: string) =>
      s.registry.scramStart({ connection: 'a', protocol: 'imap', login, authorizeAs: '' })
    const [known, unknown, again] = [await start('ann'), await start('nobody'), await start('nobody')]
    assert.ok(known.ok && unknown.ok && again.ok)
    assert.equal(unknown.value.salt.length, known.value.salt.length)
    assert.equal(unknown.value.iterations, known.value.iterations)
    assert.deepEqual(unknown.value.salt, again.value.salt)
    assert.deepEqual(unknown.value.verifiers, [])
    assert.equal(known.value.verifiers[0]?.storedKey.length, scramStoredKey(new Uint8Array(32)).length)
  })

  test('a token lets in whom it is for, and nobody else', async () => {
    const tokens: TokenVerifier = {
      async verify(token, protocol) {
        if (token === 'down') return refused({ kind: 'unavailable' })
        if (protocol === 'pop3') return refused({ kind: 'scope' })
        return token.startsWith('for.') ? done(token.slice(4).replace('.at.', '@')) : refused({ kind: 'invalid' })
      },
    }
    await using s = await setUp(reach, { authFailuresPerMinute: 3 }, { tokens })
    const ann = await s.add('ann@example.org')
    await s.add('ben@example.org', { enabled: false })
    await s.connect('a')
    const login = (token: string, name = '', protocol: Protocol = 'imap') =>
      s.registry.loginByToken({ connection: 'a', protocol, login: name, token })
    const value = { account: ann.ref, address: 'ann@example.org', displayName: '', appPassword: undefined }
    for (const name of ['', 'ann', 'Ann@Example.ORG']) {
      assert.deepEqual(await login('for.ann.at.example.org', name), { ok: true, value })
    }
    const refusals = [
      [await login('for.ann.at.example.org', 'ben'), { kind: 'not-allowed', why: 'authorization' }],
      [await login('for.ann.at.example.org', '', 'pop3'), { kind: 'not-allowed', why: 'protocol' }],
      [await login('for.ben.at.example.org'), { kind: 'not-allowed', why: 'disabled' }],
      [await login('down'), { kind: 'unavailable' }],
      [await login(''), { kind: 'wrong-credentials' }],
      [await login(''), { kind: 'wrong-credentials' }],
      [await login('for.eve.at.example.org'), { kind: 'wrong-credentials' }],
      [await login('nonsense'), { kind: 'wrong-credentials' }],
    ] as const
    for (const [answer, error] of refusals) assert.deepEqual(answer, { ok: false, error })
    assert.equal((await login('nonsense')).ok, false)
    const slowed = await login('for.ann.at.example.org')
    assert.ok(!slowed.ok && slowed.error.kind === 'throttled')
  })

  test('without an issuer no token is known', async () => {
    await using s = await setUp(reach)
    await s.connect('a')
    const answer = await s.registry.loginByToken({ connection: 'a', protocol: 'imap', login: '', token: 'x' })
    assert.deepEqual(answer, { ok: false, error: { kind: 'unavailable' } })
  })

  test('a certificate lets in one of those it names', async () => {
    await using s = await setUp(reach)
    const ann = await s.add('ann@example.org')
    await s.add('ben@example.org')
    await s.connect('a')
    const login = async (addresses: readonly string[], name = '') => {
      const attempt = { connection: 'a', protocol: 'imap', login: name, addresses } as const
      const answer = await s.registry.loginByCertificate(attempt)
      return answer.ok ? answer.value.address : answer.error.kind
    }
    assert.equal(await login(['Ann@Example.org']), ann.address)
    assert.equal(await login(['eve@example.net', 'ben@example.org']), 'ben@example.org')
    assert.equal(await login(['ann@example.org', 'ben@example.org'], 'ben'), 'ben@example.org')
    assert.equal(await login(['ann@example.org'], 'ben@example.org'), 'not-allowed')
    assert.equal(await login(['eve@example.net']), 'wrong-credentials')
    assert.equal(await login([]), 'wrong-credentials')
  })
}
