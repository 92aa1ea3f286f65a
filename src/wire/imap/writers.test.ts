import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { writeAppendHead } from './append-message.ts'
import { type CommandChunk, CommandWriter } from './command-writer.ts'
import { writeResponse } from './response-format.ts'
import { ResponseWriter } from './response-writer.ts'

function shown(chunks: readonly CommandChunk[]): string {
  return chunks.map(({ bytes, wait }) => Buffer.from(bytes).toString('latin1') + (wait ? '<wait>' : '')).join('')
}

const login = (w: CommandWriter) => w.text('a LOGIN ').astring('bob').sp().astring('\xc3\xa9').chunks()

test('a command waits for "+" at each literal, unless the server takes literals without', () => {
  assert.equal(shown(login(new CommandWriter())), 'a LOGIN bob {2}\r\n<wait>\xc3\xa9\r\n')
  assert.equal(shown(login(new CommandWriter({ literals: 'plus' }))), 'a LOGIN bob {2+}\r\n\xc3\xa9\r\n')
  assert.equal(shown(login(new CommandWriter({ utf8: true }))), 'a LOGIN bob "\xc3\xa9"\r\n')
})

test('LITERAL- is for literals of up to 4096 bytes', () => {
  const size = (bytes: number) => shown(new CommandWriter({ literals: 'minus' }).announce(bytes).chunks())
  assert.equal(size(4096), '{4096+}\r\n\r\n')
  assert.equal(size(4097), '{4097}\r\n<wait>\r\n')
})

test('strings go out as atoms, quoted or as literals, whichever they need', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['a-b]', 'a-b]'],
    ['', '""'],
    ['nil', '"nil"'],
    ['a b', '"a b"'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ['a\nb', '{3}\r\na\nb'],
    ['\xe9', '{1}\r\n\xe9'],
    ['a\0', '~{2}\r\na\0'],
  ]
  for (const [value, wire] of cases)
    assert.equal(Buffer.concat(new ResponseWriter().astring(value).take()).toString('latin1'), wire)
})

test('a message is streamed into APPEND between the chunks of the command', () => {
  const w = new CommandWriter().text('a APPEND ').mailbox('Kept')
  writeAppendHead(w, { flags: ['\\Seen'], date: undefined, utf8: false })
  const chunks = w.announce(1_000_000).chunks()
  assert.deepEqual(
    chunks.map(({ bytes, wait, follow }) => [Buffer.from(bytes).toString(), wait, follow]),
    [
      ['a APPEND Kept (\\Seen) {1000000}\r\n', true, 1_000_000],
      ['\r\n', false, 0],
    ],
  )
})

test('responses follow each other in one writer', () => {
  const w = new ResponseWriter()
  writeResponse(w, { kind: 'EXISTS', number: 3 })
  writeResponse(w, { kind: 'CONDITION', tag: 'a', condition: 'OK', code: { kind: 'READ-WRITE' }, text: 'Done' })
  assert.equal(Buffer.concat(w.take()).toString(), '* 3 EXISTS\r\na OK [READ-WRITE] Done\r\n')
})

test('a response writer keeps the order of text and bytes of any size', () => {
  const size = fc.oneof(fc.nat(20), fc.constantFrom(4095, 5000, 8191, 8192, 70_000))
  const piece = fc.tuple(fc.constantFrom('text', 'raw', 'take'), size)
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const w = new ResponseWriter()
      const taken: Uint8Array[] = []
      let expected = ''
      for (const [kind, length] of pieces) {
        const text = String.fromCharCode(97 + (length % 26)).repeat(length)
        if (kind === 'take') taken.push(...w.take())
        else expected += text
        if (kind === 'text') w.text(text)
        else if (kind === 'raw') w.raw(Buffer.from(text))
      }
      const rest = w.size
      const last = w.take()
      assert.equal(
        last.reduce((sum, { length }) => sum + length, 0),
        rest,
      )
      assert.equal(w.size, 0)
      assert.ok(Buffer.concat([...taken, ...last]).toString() === expected)
    }),
    { numRuns: 60 },
  )
})

test('bytes from 8 KB on are not copied', () => {
  const body = Buffer.alloc(8192)
  assert.ok(new ResponseWriter().literal(body).take().includes(body))
})

test('a line of text cannot end early', () => {
  const bytes = new ResponseWriter().text('* OK ').line('é\r\na OK').take()
  assert.equal(Buffer.concat(bytes).toString('utf8'), '* OK é  a OK\r\n')
})

test('mailbox names go out in the encoding of the session', () => {
  const w = new ResponseWriter()
  w.mailbox('Envoyés').sp()
  w.utf8 = true
  w.mailbox('Envoyés').sp().mailbox('INBOX')
  assert.equal(Buffer.concat(w.take()).toString('utf8'), 'Envoy&AOk-s "Envoyés" INBOX')
})
