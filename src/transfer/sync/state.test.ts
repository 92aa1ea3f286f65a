import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { SyncState } from './state.ts'

/** A file of version 1, as it was made until 2026-11-28. */
const VERSION_1 = `
CREATE TABLE pair (id INTEGER PRIMARY KEY, from_name TEXT NOT NULL, to_name TEXT NOT NULL, UNIQUE (from_name, to_name)) STRICT;
CREATE TABLE mailbox (
  id INTEGER PRIMARY KEY, pair INTEGER NOT NULL REFERENCES pair (id), left_name TEXT NOT NULL, right_name TEXT NOT NULL,
  left_validity TEXT, right_validity TEXT, left_mark TEXT, right_mark TEXT,
  UNIQUE (pair, left_name), UNIQUE (pair, right_name)
) STRICT;
CREATE TABLE message (
  mailbox INTEGER NOT NULL REFERENCES mailbox (id), left_key TEXT NOT NULL, right_key TEXT NOT NULL, flags TEXT NOT NULL,
  PRIMARY KEY (mailbox, left_key), UNIQUE (mailbox, right_key)
) STRICT, WITHOUT ROWID;
CREATE TABLE pending (
  mailbox INTEGER NOT NULL REFERENCES mailbox (id), side TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (mailbox, side, key)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
INSERT INTO pair VALUES (1, 'a', 'b');
INSERT INTO mailbox VALUES (1, 1, 'INBOX', 'INBOX', '17', '18', '1 17 3', NULL);
INSERT INTO message VALUES (1, '4', '5', '\\seen'), (1, '6', '7', '');
INSERT INTO pending VALUES (1, 'left', '8');
`

test('SyncState goes on with a file of the first version, and two mailboxes may change names', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-state-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const file = path.join(folder, 'state.db')
  const old = new DatabaseSync(file)
  old.exec(VERSION_1)
  old.close()
  for (let turn = 0; turn < 2; turn += 1) {
    using state = new SyncState(file, 'a', 'b')
    const [inbox] = state.mailboxes()
    assert.deepEqual(
      [inbox?.left.name, inbox?.left.validity, inbox?.left.mark, inbox?.left.since, inbox?.right.mark],
      ['INBOX', '17', '1 17 3', undefined, undefined],
    )
    const pairs = state.pairs(1).map(({ left, right, flags }) => [left, right, ...flags])
    assert.deepEqual(pairs, [
      ['4', '5', '\\seen'],
      ['6', '7'],
    ])
    assert.deepEqual(state.pending(1, 'left'), ['8'])
  }
  using state = new SyncState(file, 'a', 'b')
  const [one, two] = [state.join('A', 'A'), state.join('B', 'B')]
  state.rename([
    { id: one.id, left: 'B', right: 'B' },
    { id: two.id, left: 'A', right: 'A' },
  ])
  assert.deepEqual(
    state.mailboxes().map(({ left }) => left.name),
    ['INBOX', 'B', 'A'],
  )
  state.update(1, [{ left: '4', right: '5', flags: [], leftFlags: ['\\Flagged', 'Mine'] }])
  assert.deepEqual(state.pairs(1)[0], {
    left: '4',
    right: '5',
    flags: [],
    leftFlags: ['\\Flagged', 'Mine'],
    rightFlags: undefined,
  })
})
