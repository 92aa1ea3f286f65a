import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDirectory } from '#adapters/sqlite/directory.ts'
import { newAccount } from '#store/directory.contract.ts'
import type { Directory } from '#store/directory.ts'
import { resolveRecipient } from './recipients.ts'
import { SenderRewriting } from './srs.ts'

async function directoryOf(accounts: readonly string[], aliases: Readonly<Record<string, readonly string[]>> = {}) {
  const directory = await openDirectory(':memory:')
  await directory.addDomain('example.org')
  await directory.addAccounts(accounts.map((name) => newAccount(`${name}@example.org`)))
  for (const [name, targets] of Object.entries(aliases)) {
    await directory.setAlias(
      `${name}@example.org`,
      targets.map((target) => (target.includes('@') ? target : `${target}@example.org`)),
    )
  }
  return directory
}

/** `ann, ben+detail` or the refusal. */
async function resolved(directory: Directory, address: string): Promise<string> {
  const answer = await resolveRecipient(directory, address)
  if (!answer.ok) return answer.error.kind
  const { local, outside } = answer.value
  return [
    ...local.map((one) => one.address.replace('@example.org', '') + (one.detail === undefined ? '' : `+${one.detail}`)),
    ...outside.map(({ address, through }) => `${address} by ${through?.replace('@example.org', '')}`),
  ].join(', ')
}

test('accounts, aliases, details and catch-all', async () => {
  await using directory = await directoryOf(['ann', 'ben', 'ann+own'], {
    sales: ['ann', 'ben'],
    all: ['sales', 'ann', 'ben+all'],
    stale: ['gone'],
    half: ['gone', 'ben'],
    'tagged+x': ['ben'],
  })
  for (const [address, expected] of [
    ['ann@example.org', 'ann'],
    ['ANN@EXAMPLE.ORG.', 'ann'],
    ['"ann"@example.org', 'ann'],
    ['ann+a+b@example.org', 'ann+a+b'],
    ['ann+@example.org', 'ann+'],
    ['ann+own@example.org', 'ann+own'],
    ['ann+own+x@example.org', 'ann+own+x'],
    ['sales@example.org', 'ann, ben'],
    ['sales+x@example.org', 'ann+x, ben+x'],
    ['all@example.org', 'ann, ben'],
    ['tagged+x@example.org', 'ben'],
    ['tagged+y@example.org', 'unknown'],
    ['half@example.org', 'ben'],
    ['stale@example.org', 'unknown'],
    ['nobody@example.org', 'unknown'],
    ['ann@other.example', 'not-local'],
    ['ann@[192.0.2.1]', 'not-local'],
    ['ann', 'bad-address'],
    ['ann lee@example.org', 'bad-address'],
    ['', 'bad-address'],
  ] as const) {
    assert.equal(await resolved(directory, address), expected, address)
  }
  await directory.setCatchAll('example.org', 'sales@example.org')
  assert.equal(await resolved(directory, 'nobody@example.org'), 'ann, ben')
  assert.equal(await resolved(directory, 'nobody+x@example.org'), 'ann, ben')
  assert.equal(await resolved(directory, 'stale@example.org'), 'ann, ben')
  await directory.setCatchAll('example.org', 'gone@example.org')
  assert.equal(await resolved(directory, 'nobody@example.org'), 'unknown')
})

test('aliases that lead back to themselves, and too far, are refused', async () => {
  await using directory = await directoryOf(['ann'], {
    a: ['b', 'ann'],
    b: ['c'],
    c: ['a'],
    d: ['e', 'f'],
    e: ['ann'],
    f: ['e'],
  })
  for (const name of ['a', 'b', 'c']) assert.equal(await resolved(directory, `${name}@example.org`), 'alias-loop')
  assert.equal(await resolved(directory, 'd@example.org'), 'ann')
  for (let n = 0; n < 60; n += 1) await directory.setAlias(`n${n}@example.org`, [`n${n + 1}@example.org`])
  await directory.setAlias('n60@example.org', ['ann@example.org'])
  assert.equal(await resolved(directory, 'n0@example.org'), 'alias-loop')
  assert.equal(await resolved(directory, 'n20@example.org'), 'ann')
})

test('an alias leads to 1,000 accounts at most', async () => {
  const names = Array.from({ length: 1_001 }, (_, n) => `u${n}`)
  await using directory = await directoryOf(names, { most: names.slice(1), more: names })
  assert.equal((await resolved(directory, 'most@example.org')).split(', ').length, 1_000)
  assert.equal(await resolved(directory, 'more@example.org'), 'alias-loop')
})

test('aliases lead outside, and only our own people name outside addresses', async () => {
  await using directory = await directoryOf(['ann'], {
    away: ['Ann.Lee@Else.example'],
    list: ['ann', 'away', 'Ben@else.example', 'ann.lee@ELSE.example'],
    half: ['gone', 'Ben@else.example'],
    round: ['Ben@else.example', 'round'],
  })
  assert.equal(await resolved(directory, 'away@example.org'), 'Ann.Lee@else.example by away')
  assert.equal(await resolved(directory, 'AWAY+x@example.org'), 'Ann.Lee@else.example by away')
  assert.equal(
    await resolved(directory, 'list@example.org'),
    'ann, Ann.Lee@else.example by list, Ben@else.example by list, ann.lee@else.example by list',
  )
  assert.equal(await resolved(directory, 'half@example.org'), 'Ben@else.example by half')
  assert.equal(await resolved(directory, 'round@example.org'), 'alias-loop')
  await directory.setCatchAll('example.org', 'away@example.org')
  assert.equal(await resolved(directory, 'nobody@example.org'), 'Ann.Lee@else.example by away')

  assert.equal(await resolved(directory, 'Ben@Else.example'), 'not-local')
  const named = await resolveRecipient(directory, 'Ben@Else.example', 'own')
  assert.deepEqual(named, { ok: true, value: { local: [], outside: [{ address: 'Ben@else.example' }] } })
  for (const [address, kind] of [
    ['ben@[192.0.2.1]', 'not-local'],
    ['ben@', 'bad-address'],
    ['ben', 'bad-address'],
  ] as const)
    assert.deepEqual(await resolveRecipient(directory, address, 'own'), { ok: false, error: { kind } })
  // percent and bang forms are names of people here, never ways to somewhere else
  await directory.setCatchAll('example.org', undefined)
  for (const address of [
    'ben%else.example@example.org',
    'else.example!ben@example.org',
    '"ben@else.example"@example.org',
  ])
    assert.equal(await resolved(directory, address), 'unknown', address)
})

test('an alias leads to 1,000 addresses outside at most', async () => {
  const outside = Array.from({ length: 1_001 }, (_, n) => `u${n}@else.example`)
  await using directory = await directoryOf([], { most: outside.slice(1), more: outside })
  assert.equal((await resolved(directory, 'most@example.org')).split(', ').length, 1_000)
  assert.equal(await resolved(directory, 'more@example.org'), 'alias-loop')
})

test('postmaster is always somebody', async () => {
  await using directory = await directoryOf(['zoe', 'ann'])
  await directory.addDomain('a.example')
  assert.equal(await resolved(directory, 'Postmaster@example.org'), 'zoe')
  assert.equal(await resolved(directory, 'postmaster+x@example.org'), 'zoe')
  assert.equal(await resolved(directory, 'POSTMASTER'), 'zoe')
  assert.equal(await resolved(directory, 'postmaster@a.example'), 'unknown')
  await directory.setCatchAll('example.org', 'ann@example.org')
  assert.equal(await resolved(directory, 'postmaster@example.org'), 'ann')
  await directory.setAlias('postmaster@example.org', ['ann@example.org', 'zoe@example.org'])
  assert.equal(await resolved(directory, 'postmaster@example.org'), 'ann, zoe')
})

test('mail to a rewritten sender goes to that sender, on other servers or here, whatever the catch-all is', async () => {
  await using directory = await directoryOf(['ann', 'all'])
  await directory.setCatchAll('example.org', 'all@example.org')
  const rewriting = new SenderRewriting(new Uint8Array(32), { now: () => 1_700_000_000_000 })
  const find = async (address: string): Promise<unknown> => {
    const answer = await resolveRecipient(directory, address, 'anyone', rewriting)
    if (!answer.ok) return answer.error.kind
    const { local, outside } = answer.value
    return [...local.map(({ address }) => address), ...outside.map(({ address, through }) => [address, through])]
  }
  for (const sender of ['Bob@other.example', `${'long'.repeat(16)}@other.example`, '"b o b"@other.example']) {
    const rewritten = rewriting.forward(sender, 'example.org')
    assert.deepEqual(await find(rewritten), [[sender, rewritten]])
    // without the secret it is an address like others
    const plain = await resolveRecipient(directory, rewritten)
    assert.deepEqual(plain.ok ? plain.value.outside : [], [])
  }
  assert.deepEqual(await find(rewriting.forward('ann@example.org', 'example.org')), ['ann@example.org'])
  assert.deepEqual(await find(rewriting.forward('ann@example.org', 'example.org').replace('ann', 'eve')), [
    'all@example.org',
  ])
  // a domain that is not ours
  assert.equal(await find(rewriting.forward('bob@other.example', 'third.example')), 'not-local')
})
