import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { plaintextOf } from './imported-passwords.ts'
import {
  appPasswordDigest,
  isKnownHash,
  isOutdatedHash,
  makeAppPassword,
  passwordHasher,
  passwordProblem,
  scramVerifier,
} from './passwords.ts'

/** Made by `doveadm pw` 2.3.19 from "sécret pw", costs lowered. */
const IMPORTED = [
  '{PLAIN}sécret pw',
  '{SSHA}RnPSw2EhGcRe2OC+UNj3XZVz0nOyGmqM',
  '{SSHA256}5GXddMOtxE0ynXeIJeIBk5WXn9PdGVSUmu7FNfMN7X5Hob7e',
  '{SSHA512}sD0hmlrW2P5A4+j7idQnNJpZFE2bAzCRmwdOS79IUm6bCqDiS8EVaQPWwNvTiVzD2SNI3e0RlpYocATogA0AHHLoL00=',
  '{SHA}vcNieP07L9yllgXcZhnaEUvrGOw=',
  '{SHA256}32LNInJDy7EKibORKunzfwfTEmEZijJKIL+BOcc7CMk=',
  '{sha256.hex}df62cd227243cbb10a89b3912ae9f37f07d31261198a324a20bf8139c73b08c9',
  '{SHA512-CRYPT}$6$Khq1GMVTZnHWXZEW$.XyHAqsLxWHJzTWVU/tLzD6K4VtferdEuM.tF9Br.LPCcQjEFJ/C0.LvEnlhQB2gi4yXjKku6sAuxr7njVyb/0',
  '{SHA256-CRYPT}$5$w6H3.nRuxG0pEYgu$.M1CE50M5NqbpmF9Kyoxt7EWMrVK8tOsWgaIwWOeTLB',
  '{MD5-CRYPT}$1$045pOv0k$bzG2NIvBeZJ1TvtAHQHUx.',
  '{BLF-CRYPT}$2y$05$0VGvbViACxY9ymzLDNJEtORRiwDnyKBQFxSaKlN0Xc5kLds2yzPze',
  '$1$045pOv0k$bzG2NIvBeZJ1TvtAHQHUx.',
  '{CRYPT}$2y$05$8VZ4lRqvyNByXiLpigYeZe.03ldotq9IGYTnjzfBoEzGRcRS7D3NK',
  '{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$j+r8IgvqCNyCgQbUGET+yg$pjJnZJd1f83g5ec5+QpVYX+8Cfazzccl3YwfNkW6LxQ',
  '{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$okMONJFJFfoVJHKiLYe11g$fuwxfrLXlcO+6Y73JYWl4UD42JirUeIcCBgkGIdtK/s',
  '{PBKDF2}$1$PptaxSu83uJghkzq$5000$45a3537f9a3bd3242fb2a5fbc60b60fb397f6800',
  '{SCRAM-SHA-256}4096,FTo+2iaHBhiD1SMmE60vjw==,Gk1TglYqPWp5n+Z7zNMwxqAD/atVRwvqkpnxMVdLaPs=,m9l9jU8L1QvZL37BZzVgCliUDQ5KjRZU9AcWkqp3E1k=',
]

for (const stored of IMPORTED) {
  const scheme = stored.slice(0, stored.indexOf('}') + 1)
  test(`${scheme} of Dovecot is checked`, async () => {
    assert.equal(isKnownHash(stored), true)
    assert.equal(isOutdatedHash(stored), true)
    assert.equal(await passwordHasher.check('sécret pw', stored), true)
    assert.equal(await passwordHasher.check('secret pw', stored), false)
  })
}

for (const stored of [
  '',
  'secret',
  '{PLAIN}',
  '{NONE}x',
  '{SSHA}vcNieP07L9yllgXcZhnaEUvrGOw=',
  '{SHA256}AAAA',
  '{SHA}*',
  '$6$salt$',
  '{SHA512-CRYPT}$6$rounds=99999999$salt$abc',
  '{BLF-CRYPT}$2y$31$0VGvbViACxY9ymzLDNJEtORRiwDnyKBQFxSaKlN0Xc5kLds2yzPze',
  '$argon2id$v=19$m=9999999,t=2,p=1$j+r8IgvqCNyCgQbUGET+yg$pjJnZJd1f83g5ec5+QpVYQ',
  '$argon2id$v=19$m=1,t=2,p=1$j+r8IgvqCNyCgQbUGET+yg$pjJnZJd1f83g5ec5+QpVYQ',
  '$argon2id$v=16$m=65536,t=2,p=1$j+r8IgvqCNyCgQbUGET+yg$pjJnZJd1f83g5ec5+QpVYQ',
  '{PBKDF2}$1$salt$99999999$45a3537f9a3bd3242fb2a5fbc60b60fb397f6800',
  '{SCRAM-SHA-256}0,,,',
]) {
  test(`the hash ${JSON.stringify(stored.slice(0, 40))} is of no known form`, () =>
    assert.equal(isKnownHash(stored), false))
}

test('a new hash is argon2id, salted, and right for every form of the same text', async () => {
  const made = await passwordHasher.make('caf\u00e9')
  assert.match(made, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  assert.notEqual(made, await passwordHasher.make('caf\u00e9'))
  assert.equal(isOutdatedHash(made), false)
  assert.equal(await passwordHasher.check('cafe\u0301', made), true)
  assert.equal(await passwordHasher.check('cafe', made), false)
  assert.equal(await passwordHasher.check('', made), false)
  assert.equal(await passwordHasher.check('x'.repeat(2_000), made), false)
  assert.equal(await passwordHasher.check('x', undefined), false)
})

test('an entry in plain text gives its text', () => {
  assert.equal(plaintextOf('{plain}a{b}'), 'a{b}')
  assert.equal(plaintextOf('{SHA}abc'), undefined)
})

test('passwordProblem() names what no protocol can carry', () => {
  assert.equal(passwordProblem('a b ü'), undefined)
  assert.equal(passwordProblem(''), 'empty')
  assert.equal(passwordProblem('a\0b'), 'control-character')
  assert.equal(passwordProblem('\ud800'), 'control-character')
  assert.equal(passwordProblem('x'.repeat(1_025)), 'too-long')
})

test('an app password has 125 random bits and survives how people type it', () => {
  const made = makeAppPassword()
  assert.match(made, /^[a-km-np-z2-9]{5}(-[a-km-np-z2-9]{5}){4}$/)
  assert.notEqual(made, makeAppPassword())
  const digest = appPasswordDigest(made)
  for (const typed of [made.replaceAll('-', ''), made.replaceAll('-', ' '), made.toUpperCase(), ` ${made} `]) {
    assert.deepEqual(appPasswordDigest(typed), digest)
  }
  assert.notDeepEqual(appPasswordDigest('x'), digest)
})

test('a SCRAM verifier is the one of RFC 7677', async () => {
  const verifier = await scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096)
  assert.equal(Buffer.from(verifier.storedKey).toString('base64'), 'WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=')
  assert.equal(Buffer.from(verifier.serverKey).toString('base64'), 'wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=')
})
