import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeRights, formatRights, parseRights, RIGHTS, rightsOf } from './acl.ts'

test('rights are read in any order, the old ones stand for others (RFC 4314 §2.1.1)', () => {
  assert.equal(parseRights(''), '')
  assert.equal(parseRights('rwipslxetad'), 'lrswipxtea')
  assert.equal(parseRights('lrswida'), 'lrswitea')
  assert.equal(parseRights('c'), 'kx')
  assert.equal(parseRights('dteee'), 'te')
  for (const bad of ['q', 'lrQ', '0', 'l r', 'é', '+l', '-']) assert.equal(parseRights(bad), undefined, bad)
})

test('c and d are told where one of their members is there', () => {
  assert.equal(formatRights(''), '')
  assert.equal(formatRights('lrs'), 'lrs')
  assert.equal(formatRights('lk'), 'lkc')
  assert.equal(formatRights('xe'), 'xecd')
  assert.equal(formatRights(RIGHTS), `${RIGHTS}cd`)
})

test('rights are replaced, added and removed', () => {
  assert.equal(changeRights('lrs', 'replace', 'wi'), 'wi')
  assert.equal(changeRights('rsi', 'add', 'lxs'), 'lrsix')
  assert.equal(changeRights('lrsix', 'remove', 'slw'), 'rix')
})

test('entries of a person and of anyone add up, negative ones take away (RFC 4314 §2)', () => {
  const entries = [
    { identifier: 'anyone', rights: 'lr' },
    { identifier: 'fred@x', rights: 'rwi' },
    { identifier: '-fred@x', rights: 'w' },
    { identifier: '-anyone', rights: 'p' },
    { identifier: 'ann@x', rights: 'pa' },
  ]
  assert.equal(rightsOf(entries, 'fred@x'), 'lri')
  assert.equal(rightsOf(entries, 'ann@x'), 'lra')
  assert.equal(rightsOf(entries, 'bob@x'), 'lr')
  assert.equal(rightsOf([], 'bob@x'), '')
})
