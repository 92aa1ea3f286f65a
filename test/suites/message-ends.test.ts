import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageEnds } from '../crash/unruly/message-ends.ts'

/** What a client says, and whether octets of a message (m) and its end (e) are there. */
const SAID: readonly (readonly [text: string, what: string])[] = [
  ['MAIL FROM:<a@a.example>\r\nBDAT 9\r\n', ''],
  ['BDAT 3 LA', 'm'],
  ['BDAT 7 LAST\r\n', ''],
  ['\r\n.\r\n..', 'me'],
  ['RSET\r\nBDAT 0 LAST\r\n', 'e'],
  ['DATA\r\n', ''],
  ['Subject: x\r\n\r\nBDAT 3 LAST\r\n..\r\n.x\r\n.\r\n', 'me'],
  ['DATA\r\n', ''],
  ['.\r\n', 'me'],
  ['QUIT\r\n', ''],
]

test('a relay sees where messages are and end, however their octets are cut', () => {
  for (let size = 1; size <= 45; size += 1) {
    const ends = new MessageEnds()
    for (const [index, [text, what]] of SAID.entries()) {
      if (SAID[index - 1]?.[0] === 'DATA\r\n') ends.dataBegins()
      let seen = ''
      for (let at = 0; at < text.length; at += size) {
        const { inside, ended } = ends.push(Buffer.from(text.slice(at, at + size)))
        if (inside && !seen.includes('m')) seen += 'm'
        if (ended) seen += 'e'
      }
      assert.equal(seen, what, `${text} in pieces of ${size}`)
    }
  }
})
