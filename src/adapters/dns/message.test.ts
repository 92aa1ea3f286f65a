import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, encode, type Packet } from 'dns-packet'
import fc from 'fast-check'
import { parseZone } from '#testing/zone-file.ts'
import { formatQuestion, type Question, readReply } from './message.ts'
import { readA, readAaaa, readCaa, readHost, readMx, readSrv, readTlsa, readTxt } from './records.ts'

const question: Question = { id: 4711, name: 'example.org', type: 'MX' }
const ANSWERS = parseZone(`
  example.org. MX 10 mx.example.org.
  example.org. TXT "some text"
  example.org. CAA 0 issue "x"
  example.org. TLSA 3 1 1 0011
  example.org. SRV 0 0 1 mx.example.org.
  example.org. SOA ns.example.org. x.example.org. 1 2 3 4 5
`)

function reply(change: Partial<Packet> = {}, flags = 0): Buffer {
  return encode({
    type: 'response',
    id: question.id,
    flags,
    questions: [{ name: 'EXAMPLE.org', type: 'MX', class: 'IN' }],
    answers: ANSWERS,
    ...change,
  })
}

const READERS: readonly ((record: Answer) => unknown)[] = [
  readMx,
  readA,
  readAaaa,
  readTxt,
  readTlsa,
  readSrv,
  readCaa,
  readHost,
]

test('readReply() takes an answer to the question, whatever case it has', () => {
  const read = readReply(reply(), question, readMx)
  assert.ok(read.kind === 'records')
  assert.deepEqual(read.records, [{ preference: 10, exchange: 'mx.example.org' }])
  assert.equal(read.authentic, false)
  const authentic = readReply(reply({}, 0x20), question, readMx)
  assert.ok(authentic.kind === 'records' && authentic.authentic)
})

const other = { class: 'IN' } as const
for (const [what, bytes] of [
  ['of another id', reply({ id: 4712 })],
  ['that is a question', formatQuestion(question, true)],
  ['to another name', reply({ questions: [{ name: 'example.com', type: 'MX', ...other }] })],
  ['to another type', reply({ questions: [{ name: 'example.org', type: 'A', ...other }] })],
  ['to no question', reply({ questions: [] })],
  ['shorter than a header', reply().subarray(0, 11)],
  ['without bytes', Buffer.alloc(0)],
] as const) {
  test(`readReply() overhears an answer ${what}`, () => {
    assert.deepEqual(readReply(bytes, question, readMx), { kind: 'foreign' })
  })
}

test('readReply() finds what points in circles unreadable', () => {
  const bytes = Buffer.concat([reply({ questions: [], answers: [] }), Buffer.from([0xc0, 0x0c, 0, 15, 0, 1])])
  bytes.writeUInt16BE(1, 4)
  assert.deepEqual(readReply(bytes, question, readMx), { kind: 'unreadable' })
})

test('readReply() takes no records of other names', () => {
  const planted = parseZone('other.example. MX 1 evil.example.\nexample.org. TXT x')
  assert.equal(readReply(reply({ answers: planted }), question, readMx).kind, 'none')
})

test('readReply() refuses hosts that are no names', () => {
  const answers: Answer[] = [{ name: 'example.org', type: 'MX', ttl: 1, data: { preference: 1, exchange: 'a\r\nb' } }]
  assert.deepEqual(readReply(reply({ answers }), question, readMx), {
    kind: 'failed',
    reason: 'records that cannot be read',
    withoutEdns: false,
  })
})

test('readReply() does not keep what says that it lasts for ever', () => {
  const answers: Answer[] = [{ name: 'example.org', type: 'MX', ttl: 2 ** 32 - 1, data: { exchange: 'mx.example' } }]
  const read = readReply(reply({ answers }), question, readMx)
  assert.ok(read.kind === 'records' && read.ttl === 0)
})

test('readReply() sees a referral, from a server that does not resolve', () => {
  const authorities = parseZone('org. NS ns.example.')
  const read = readReply(reply({ answers: [], authorities }), question, readMx)
  assert.ok(read.kind === 'failed' && /referral/.test(read.reason))
})

test('readReply() tells the extended error of a resolver that validates', () => {
  const bogus = Buffer.from([0, 6, ...Buffer.from('signature')])
  const additionals: Answer[] = [
    {
      type: 'OPT',
      name: '.',
      udpPayloadSize: 1232,
      extendedRcode: 0,
      ednsVersion: 0,
      flags: 0,
      flag_do: true,
      options: [],
    },
  ]
  const bytes = Buffer.concat([
    reply({ answers: [], additionals }, 2).subarray(0, -2),
    Buffer.from([0, bogus.length + 4, 0, 15, 0, bogus.length]),
    bogus,
  ])
  const read = readReply(bytes, question, readMx)
  assert.ok(read.kind === 'failed')
  assert.equal(read.reason, 'SERVFAIL (DNSSEC bogus)')
})

test('readReply() never throws, whatever comes', () => {
  const valid = reply({ authorities: ANSWERS, additionals: ANSWERS })
  const mutated = fc
    .array(fc.tuple(fc.nat(valid.length - 3), fc.nat(255)), { maxLength: 12 })
    .chain((changes) => fc.tuple(fc.constant(changes), fc.integer({ min: 12, max: valid.length })))
    .map(([changes, length]) => {
      const bytes = Buffer.from(valid)
      for (const [at, octet] of changes) bytes[at + 2] = octet
      return bytes.subarray(0, length)
    })
  const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.concat([valid.subarray(0, 12), bytes]))
  fc.assert(
    fc.property(
      fc.oneof(mutated, noise, fc.uint8Array({ maxLength: 600 })),
      fc.constantFrom(...READERS),
      (bytes, read) => {
        // the bit that says that it is an answer, so that it is read on
        if (bytes.length > 2) bytes[2] = (bytes[2] ?? 0) | 0x80
        readReply(bytes, question, read)
      },
    ),
    { numRuns: 3000 },
  )
})

test('an answer cut at any octet is foreign or unreadable', () => {
  const whole = reply()
  for (let length = 0; length < whole.length; length += 1) {
    const { kind } = readReply(whole.subarray(0, length), question, readMx)
    assert.ok(kind === 'foreign' || kind === 'unreadable', `${length}: ${kind}`)
  }
})
