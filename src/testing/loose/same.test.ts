import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Names } from '../transcript-names.ts'
import { sameResponse } from './same.ts'

const same = (wanted: string, got: string, children = false) =>
  sameResponse(wanted, got, new Names(new Map()), { children })

for (const [wanted, got] of [
  ['* 1 FETCH (UID 3 FLAGS (\\Seen a))', '* 1 FETCH (FLAGS (A \\Seen) UID 3)'],
  ['* 1 FETCH (BODY[TEXT] "abc")', '* 1 FETCH (FLAGS (\\Seen) BODY[TEXT] {3}\r\nabc)'],
  ['* 1 FETCH (BODY[HEADER.FIELDS (TO)] NIL)', '* 1 FETCH (BODY[HEADER.FIELDS ("To")] nil)'],
  ['* 1 FETCH (INTERNALDATE " 5-Feb-2024 03:04:05 -0730")', '* 1 FETCH (INTERNALDATE "05-Feb-2024 10:34:05 +0000")'],
  [
    '* 1 FETCH (BODY ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 3 1))',
    '* 1 FETCH (BODY ("text" "plain" nil NIL NIL "7bit" 3 1))',
  ],
  ['* 1 FETCH (BODYSTRUCTURE ("a" "b" NIL NIL))', '* 1 FETCH (BODYSTRUCTURE ("a" "b"))'],
  ['* 1 FETCH (ENVELOPE (NIL "x" ...', '* 1 FETCH (ENVELOPE (NIL {1}\r\nx NIL NIL))'],
  ['a NO [TRYCREATE] ...', 'a BAD No such mailbox'],
  ['a OK [COPYUID 7 1:3 4:6] ...', 'a OK [COPYUID 7 1,2,3 4:6] Done'],
  ['* LIST (\\HasChildren) "/" foo', '* LIST (\\Marked) "/" "foo"'],
  ['* LIST (\\NonExistent) "/" x', '* LIST (\\Noselect \\NonExistent) "/" x'],
  ['* STATUS x (MESSAGES 1 UIDNEXT 2 ...)', '* STATUS "x" (UIDNEXT 2 MESSAGES 1 UNSEEN 0)'],
  ['* SEARCH 1 2', '* SEARCH 2 1'],
  ['* OK [PERMANENTFLAGS (\\Seen \\*)] ...', '* OK [PERMANENTFLAGS (\\Seen more \\*)] Limited'],
] as const)
  test(`${got.slice(0, 60)} says ${wanted}`, () => assert.ok(same(wanted, got)))

for (const [wanted, got] of [
  ['* 1 FETCH (FLAGS (\\Seen))', '* 1 FETCH (FLAGS (\\Seen \\Deleted))'],
  ['* 1 FETCH (FLAGS ())', '* 2 FETCH (FLAGS ())'],
  ['* 1 FETCH (UID 3 FLAGS ())', '* 1 FETCH (FLAGS ())'],
  ['* 1 FETCH (BODY[TEXT] "abc")', '* 1 FETCH (BODY[TEXT] {3}\r\nabd)'],
  ['* 1 FETCH (BODY[5] NIL)', '* 1 FETCH (BODY[5] "")'],
  ['* 1 FETCH (INTERNALDATE " 5-Feb-2024 03:04:05 -0730")', '* 1 FETCH (INTERNALDATE " 5-Feb-2024 03:04:05 +0000")'],
  ['* 1 FETCH (ENVELOPE (NIL "Subject"))', '* 1 FETCH (ENVELOPE (NIL "subject"))'],
  ['* 1 FETCH (BODYSTRUCTURE ("a" "b" NIL "c"))', '* 1 FETCH (BODYSTRUCTURE ("a" "b" NIL))'],
  ['a OK ...', 'a NO No'],
  ['a NO ...', 'a OK Yes'],
  ['a OK [READ-ONLY] ...', 'a OK [READ-WRITE] Done'],
  ['a OK [COPYUID 7 1:3 4:6] ...', 'a OK [COPYUID 7 1:3 4:5,7] Done'],
  ['* LIST (\\HasChildren) "/" foo', '* LIST (\\HasNoChildren) "/" foo'],
  ['* LIST (\\NonExistent) "/" x', '* LIST () "/" x'],
  ['* LIST () "/" x', '* LIST () "." x'],
  ['* STATUS x (MESSAGES 1)', '* STATUS x (MESSAGES 2)'],
  ['* SEARCH 1 2', '* SEARCH 1 2 3'],
  ['* SEARCH', '* SEARCH (MODSEQ 1)'],
  ['* OK [PERMANENTFLAGS ()] ...', '* OK [PERMANENTFLAGS (\\Seen)] Limited'],
  ['* VANISHED 1:3', '* VANISHED 1:2'],
  ['* 3 EXISTS', '* 4 EXISTS'],
] as const)
  test(`${got} does not say ${wanted}`, () => assert.ok(!same(wanted, got)))

test('children must be told of where they were asked for', () => {
  assert.ok(!same('* LIST (\\HasChildren) "/" foo', '* LIST () "/" foo', true))
})

test('a name stands for the same ever after, and a comparison that fails binds none', () => {
  const bound = new Map<string, string>()
  const names = new Names(bound)
  const asked = { children: false }
  assert.ok(!sameResponse('* 1 FETCH (UID $uid FLAGS (\\Seen))', '* 1 FETCH (UID 4 FLAGS ())', names, asked))
  assert.equal(bound.size, 0)
  assert.ok(sameResponse('* 1 FETCH (UID $uid)', '* 1 FETCH (UID 5)', names, asked))
  assert.ok(!sameResponse('* 2 FETCH (UID $uid)', '* 2 FETCH (UID 6)', names, asked))
})
