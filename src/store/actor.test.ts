import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatActor, parseActor } from './actor.ts'

test('parseActor() reads back what formatActor() wrote', () => {
  const full = { service: 'imap', session: 'c1', peer: '::1', address: 'ann@example.org', appPassword: 'my phone' }
  assert.equal(formatActor(full), 'imap\tc1\t::1\tann@example.org\tmy phone')
  for (const actor of [
    full,
    { ...full, appPassword: undefined },
    { ...full, address: undefined, appPassword: undefined },
    { service: 'import', session: undefined, peer: undefined, address: undefined, appPassword: undefined },
  ])
    assert.deepEqual(parseActor(formatActor(actor)), actor)
})

test('formatActor() lets no name of an app password make a field of its own', () => {
  const actor = { service: 'imap', session: 'c1', peer: '::1', address: 'ann@example.org', appPassword: 'a\tb\nc' }
  assert.equal(parseActor(formatActor(actor)).appPassword, 'a b c')
})
