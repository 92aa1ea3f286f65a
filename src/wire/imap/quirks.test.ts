import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommandFramer, type FrameEvent, ResponseFramer } from './framer.ts'
import { QUIRKS } from './quirks.ts'
import { CommandReader } from './reader.ts'
import { parseResponse } from './response-reader.ts'

/** What a command or response means, by its name; enough for the examples. */
function meaning(line: string): unknown {
  const framer = line.startsWith('C: ') ? new CommandFramer() : new ResponseFramer()
  framer.push(Buffer.from(line.slice(3), 'latin1'))
  let event: FrameEvent | undefined = framer.next()
  if (event?.kind === 'literal') {
    framer.buffer()
    event = framer.next()
  }
  assert.equal(event?.kind, 'frame', line)
  return line.startsWith('C: ') ? command(new CommandReader(event.frame)) : parseResponse(event.frame)
}

function command(r: CommandReader): unknown {
  r.tag()
  switch (r.sp().commandName()) {
    case 'APPEND':
      return [r.sp().mailbox(), r.appendMessage(), r.end()]
    case 'FETCH':
      return [r.sp().messageSet(), r.sp().fetchRequest(), r.end()]
    case 'GETMETADATA':
      return [r.sp().metadataRequest(), r.end()]
    case 'LOGIN':
      return [r.sp().utf8String(), r.sp().utf8String(), r.end()]
    default:
      return assert.fail('The example needs a case here')
  }
}

for (const { name, tolerated, example } of QUIRKS)
  test(`quirk ${name}: ${tolerated}`, () => {
    const [sent, readAs] = example
    const [actual, expected] = [meaning(sent), meaning(readAs)]
    // A name that is not UTF-7 is kept beside the name that it looks like.
    if (name === 'wrong-utf7') assert.deepEqual(actual, { ...Object(expected), mailbox: 'R&D', wireName: 'R&D' })
    else assert.deepEqual(actual, expected)
  })
