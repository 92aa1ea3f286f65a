import { test } from 'node:test'
import { selected, transcript } from '#testing/transcript.ts'

let days = 0

/** A message of the day after the one before. */
function message(fields: Readonly<Record<string, string>>): { body: string; date: number } {
  days += 1
  const date = Date.UTC(2024, 0, days)
  const lines = Object.entries({ ...fields, date: new Date(date).toUTCString() })
  return { body: `${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\nx\r\n`, date }
}

function threads(
  algorithm: string,
  expected: string,
  messages: readonly Readonly<Record<string, string>>[],
): Promise<void> {
  return transcript(
    `
    C: a THREAD ${algorithm} UTF-8 ALL
    S: * THREAD${expected === '' ? '' : ` ${expected}`}
    S: a OK Threaded
    `,
    selected({ messages: messages.map(message) }),
  )
}

test('THREAD with bad arguments is BAD, with an unknown charset NO', () =>
  transcript(
    `
    C: a THREAD REFERENCES
    S: a BAD An argument is missing ...
    C: b THREAD HOPE UTF-8 ALL
    S: b BAD That way to make threads is not known here
    C: c THREAD REFS KOI8-R ALL
    S: c NO [BADCHARSET (US-ASCII UTF-8)] That charset is not known here
    C: d UID THREAD ORDEREDSUBJECT UTF-8 SUBJECT nothing
    S: * THREAD
    S: d OK Threaded
    `,
    selected(),
  ))

test('ORDEREDSUBJECT puts all answers below the eldest message', () =>
  threads('ORDEREDSUBJECT', '(1)(2 (3)(5))(4 6)', [
    { subject: 'one' },
    { subject: 'Re: two' },
    { subject: 'two' },
    { subject: 'three' },
    { subject: 'Fwd: TWO (fwd)' },
    { subject: '[list] three' },
  ]))

const CHAIN = [
  { 'message-id': '<2@x>', subject: 'a' },
  { 'message-id': '<3@x>', references: '<2@x>', subject: 'b' },
  { 'message-id': '<4@x>', references: '<2@x> <3@x>', subject: 'c' },
  { 'message-id': '<5@x>', references: '<2@x> <3@x>', subject: 'd' },
  { 'message-id': '<6@x>', 'in-reply-to': 'Your mail <4@x> of Monday <5@x>', subject: 'e' },
]

for (const algorithm of ['REFERENCES', 'REFS']) {
  test(`${algorithm} makes a tree of answers`, () => threads(algorithm, '(1 2 (3 5)(4))', CHAIN))

  test(`${algorithm} has siblings without a parent where their parent is not there`, () =>
    threads(algorithm, '((1)(2 3))', [
      { 'message-id': '<1@x>', references: '<0@x>', subject: 'a' },
      { 'message-id': '<2@x>', references: '<0@x> <9@x>', subject: 'b' },
      { 'message-id': '<3@x>', references: '<0@x> <9@x> <2@x> <8@x>', subject: 'c' },
    ]))

  test(`${algorithm} leaves out a missing parent that has one child`, () =>
    threads(algorithm, '(1)(2 3)', [
      { 'message-id': '<1@x>', references: '<0@x>', subject: 'a' },
      { 'message-id': '<2@x>', references: '<7@x>', subject: 'b' },
      { 'message-id': '<3@x>', references: '<2@x> <6@x> <5@x>', subject: 'c' },
    ]))

  test(`${algorithm} makes no loops`, () =>
    threads(algorithm, '(2 1)(3)', [
      { 'message-id': '<1@x>', references: '<2@x>', subject: 'a' },
      { 'message-id': '<2@x>', references: '<1@x>', subject: 'b' },
      { 'message-id': '<3@x>', references: '<3@x> <3@x>', subject: 'c' },
    ]))

  test(`${algorithm} uses an id that comes twice for the first message, and unquotes ids`, () =>
    threads(algorithm, algorithm === 'REFS' ? '(2)(1 3)' : '(1 3)(2)', [
      { 'message-id': '<"1"@x>', subject: 'a' },
      { 'message-id': '<1@x>', subject: 'b' },
      { 'message-id': '<3@x>', references: '<1@x>', subject: 'c' },
    ]))
}

test('REFERENCES joins threads of one base subject, REFS does not and puts the newest thread last', async () => {
  const messages = [
    { 'message-id': '<1@x>', subject: 'plan' },
    { 'message-id': '<2@x>', subject: 'lunch' },
    { 'message-id': '<3@x>', subject: 'Re: plan' },
    { 'message-id': '<4@x>', references: '<1@x>', subject: 'Re: plan' },
  ]
  await threads('REFERENCES', '(1 (3)(4))(2)', messages)
  await threads('REFS', '(2)(3)(1 4)', messages)
})

test('REFERENCES makes siblings of threads of one subject that are no answers, or all are', async () => {
  await threads('REFERENCES', '((1)(2)(3))', [{ subject: 'x' }, { subject: 'x' }, { subject: 'Re: x' }])
  await threads('REFERENCES', '((1)(2))', [{ subject: 'Re: x' }, { subject: 'Fwd: x' }])
  await threads('REFERENCES', '(2 1)', [{ subject: 'Re: x' }, { subject: 'x' }])
  await threads('REFERENCES', '(1)(2)', [{ subject: '' }, { subject: 'Re:' }])
  await threads('REFERENCES', '((1)(2)(3)(4))', [
    { references: '<a@x>', subject: 'x' },
    { references: '<a@x>', subject: 'y' },
    { references: '<b@x>', subject: 'x' },
    { references: '<b@x>', subject: 'z' },
  ])
})

test('UID THREAD answers for what the search finds', () =>
  transcript(
    `
    C: a UID THREAD REFS UTF-8 2:*
    S: * THREAD (2 (3 5)(4))
    S: a OK Threaded
    `,
    selected({ messages: CHAIN.map(message) }),
  ))
