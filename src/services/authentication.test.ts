import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addAppPassword, type Reach, setUp } from './registry-kit.contract.ts'

const here: Reach = (local) => ({ registry: local, end: () => undefined })
const WRONG = { ok: false, error: { kind: 'wrong-credentials' } }

test('a password that was right is not hashed again for a while, unless it changes', async () => {
  await using s = await setUp(here)
  const ann = await s.add('ann@example.org')
  await s.connect('a')
  for (let n = 0; n < 3; n += 1) assert.equal((await s.login('a', 'ann', 'secret')).ok, true)
  assert.equal(s.hasher.checks.length, 1)
  assert.deepEqual(await s.login('a', 'ann', 'secreT'), WRONG)
  assert.equal(s.hasher.checks.length, 2)
  s.clock.time += 10 * 60_000
  assert.equal((await s.login('a', 'ann', 'secret')).ok, true)
  assert.equal(s.hasher.checks.length, 3)
  await s.directory.changeAccount(ann.ref.id, { passwordHash: undefined })
  assert.deepEqual(await s.login('a', 'ann', 'secret'), WRONG)
})

test('many connections of one person at once cost one hash', async () => {
  await using s = await setUp(here)
  await s.add('ann@example.org')
  const ids = Array.from({ length: 20 }, (_, n) => `c${n}`)
  for (const id of ids) await s.connect(id)
  const answers = await Promise.all(ids.map((id) => s.login(id, 'ann', 'secret')))
  assert.ok(answers.every(({ ok }) => ok))
  assert.ok(s.hasher.checks.length <= 4, String(s.hasher.checks.length))
})

test('failures are throttled before anything is hashed, many at once too', async () => {
  await using s = await setUp(here, { authFailuresPerMinute: 5 })
  await s.add('ann@example.org')
  const ids = Array.from({ length: 30 }, (_, n) => `c${n}`)
  for (const id of ids) await s.connect(id)
  const answers = await Promise.all(ids.map((id) => s.login(id, 'ann', `guess ${id}`)))
  const kinds = answers.map((answer) => (answer.ok ? 'ok' : answer.error.kind))
  assert.ok(kinds.filter((kind) => kind === 'wrong-credentials').length <= 8, kinds.join())
  assert.ok(kinds.includes('throttled'))
  const hashed = s.hasher.checks.length
  const right = await s.login('c0', 'ann', 'secret')
  assert.ok(!right.ok && right.error.kind === 'throttled' && right.error.retryAfterMs > 0)
  const started = await s.registry.scramStart({ connection: 'c0', protocol: 'imap', login: 'ann', authorizeAs: '' })
  assert.ok(!started.ok && started.error.kind === 'throttled')
  assert.equal(s.hasher.checks.length, hashed)
  s.clock.time += 120_000
  assert.equal((await s.login('c0', 'ann', 'secret')).ok, true)
})

test('wrong SCRAM proofs are throttled as wrong passwords are', async () => {
  await using s = await setUp(here, { authFailuresPerMinute: 3 })
  const ann = await s.add('ann@example.org')
  await addAppPassword(s.directory, ann, 'phone', 'abc')
  await s.connect('a')
  for (let n = 0; n < 3; n += 1) assert.deepEqual(await s.scram('a', 'ann', 'wrong'), WRONG)
  const answer = await s.scram('a', 'ann', 'abc')
  assert.ok(!answer.ok && answer.error.kind === 'throttled')
})

test('an app password lets in without hashing, for its protocols', async () => {
  await using s = await setUp(here)
  const ann = await s.add('ann@example.org', { protocols: ['imap', 'smtp'] })
  await addAppPassword(s.directory, ann, 'phone', 'abc', ['imap', 'pop3'])
  await s.connect('a')
  const answer = await s.login('a', 'ann', 'abc')
  assert.equal(answer.ok && answer.value.appPassword, 'phone')
  assert.equal(s.hasher.checks.length, 0)
  assert.equal((await s.directory.appPasswords(ann.ref.id))[0]?.lastUsedAt, s.clock.time)
  const scope = { ok: false, error: { kind: 'not-allowed', why: 'protocol' } }
  assert.deepEqual(await s.login('a', 'ann', 'abc', { protocol: 'smtp' }), scope)
  assert.deepEqual(await s.login('a', 'ann', 'abc', { protocol: 'pop3' }), scope)
  assert.deepEqual(await s.login('a', 'ann', 'secret', { protocol: 'pop3' }), scope)
  assert.equal((await s.login('a', 'ann', 'secret', { protocol: 'smtp' })).ok, true)
})

test('what is not allowed is said after right credentials only', async () => {
  await using s = await setUp(here)
  await s.add('ann@example.org')
  await s.add('off@example.org', { enabled: false })
  await s.add('pop@example.org', { protocols: ['pop3'] })
  await s.connect('a')
  const why = async (...args: Parameters<typeof s.login>) => {
    const answer = await s.login(...args)
    return answer.ok ? 'ok' : answer.error.kind === 'not-allowed' ? answer.error.why : answer.error.kind
  }
  assert.equal(await why('a', 'off', 'secret'), 'disabled')
  assert.equal(await why('a', 'off', 'wrong'), 'wrong-credentials')
  assert.equal(await why('a', 'pop', 'secret'), 'protocol')
  assert.equal(await why('a', 'pop', 'wrong'), 'wrong-credentials')
  assert.equal(await why('a', 'ann', 'secret', { authorizeAs: 'pop@example.org' }), 'authorization')
  assert.equal(await why('a', 'ann', 'wrong', { authorizeAs: 'pop@example.org' }), 'wrong-credentials')
  assert.equal(await why('a', 'ann', 'secret', { authorizeAs: 'Ann@Example.org' }), 'ok')
  assert.equal(await why('a', 'ann', 'secret', { authorizeAs: 'ann' }), 'ok')
})

test('an imported hash is replaced at the first login, and only then', async () => {
  await using s = await setUp(here)
  const ann = await s.add('ann@example.org', { passwordHash: '{PLAIN}secret' })
  await s.connect('a')
  assert.deepEqual(await s.login('a', 'ann', 'wrong'), WRONG)
  assert.equal((await s.directory.accountById(ann.ref.id))?.passwordHash, '{PLAIN}secret')
  assert.equal((await s.login('a', 'ann', 'secret')).ok, true)
  const kept = await s.directory.accountById(ann.ref.id)
  assert.equal(kept?.passwordHash, '$argon2id$v=19$m=19456,t=2,p=1$secret')
  assert.equal(kept?.scram, undefined)
  assert.equal((await s.login('a', 'ann', 'secret')).ok, true)
  assert.equal(s.hasher.checks.length, 2)
})

test('where configured, the first login makes a SCRAM verifier beside the hash', async () => {
  await using s = await setUp(here, {}, { scramForPasswords: true })
  const ann = await s.add('ann@example.org')
  await s.connect('a')
  assert.deepEqual(await s.scram('a', 'ann', 'secret'), WRONG)
  assert.equal((await s.login('a', 'ann', 'secret')).ok, true)
  assert.equal((await s.directory.accountById(ann.ref.id))?.scram?.iterations, 65_536)
  const answer = await s.scram('a', 'ann', 'secret')
  assert.ok(answer.ok)
  assert.equal(answer.value.appPassword, undefined)
})

test('a SCRAM exchange does not outlive the password it began with', async () => {
  await using s = await setUp(here)
  const ann = await s.add('ann@example.org')
  await addAppPassword(s.directory, ann, 'phone', 'abc')
  await s.connect('a')
  const attempt = { connection: 'a', protocol: 'imap', login: 'ann', authorizeAs: '' } as const
  await s.registry.scramStart(attempt)
  await s.directory.removeAppPassword(ann.ref.id, 'phone')
  assert.deepEqual(await s.registry.scramFinish({ attempt, matched: 0 }), WRONG)
  await s.registry.scramStart(attempt)
  s.registry.disconnect('a')
  await s.connect('a')
  const answer = await s.registry.scramFinish({ attempt, matched: 0 })
  assert.ok(!answer.ok && answer.error.kind === 'unavailable')
})

test('an empty login or password, and ones nobody could have, are wrong and no fault', async () => {
  await using s = await setUp(here, { authFailuresPerMinute: 0 })
  await s.add('ann@example.org', { passwordHash: undefined })
  await s.connect('a')
  for (const login of ['', '@', 'a b', '\0', '\ud800', 'x'.repeat(100_000), 'ann@@example.org', 'ann']) {
    for (const password of ['', 'x'.repeat(100_000), '\ud800']) {
      assert.deepEqual(await s.login('a', login, password), WRONG)
    }
  }
})
