/** Messages that a number makes: the same number, the same bytes. @module */
import { Random } from '#testing/random.ts'

const LINE = 78
const POOL_LINES = 20_000
/** Lines of 76 characters; every 50th begins with a dot, for what stuffs dots. */
const pool = makePool()

function makePool(): Buffer {
  const random = new Random(4_711)
  const bytes = Buffer.alloc(LINE * POOL_LINES)
  for (let line = 0; line < POOL_LINES; line += 1) {
    for (let column = 0; column < LINE - 2; column += 1) bytes[line * LINE + column] = 33 + random.below(94)
    if (line % 50 === 0) bytes[line * LINE] = 0x2e
    bytes.write('\r\n', line * LINE + LINE - 2)
  }
  return bytes
}

/** Few are so large that they get a file of their own. */
function lines(random: Random): number {
  const kind = random.below(1_000)
  if (kind < 8) return random.between(13_500, 17_000)
  if (kind < 200) return random.between(50, 700)
  return random.between(1, 40)
}

/** The message of a token. */
export function messageOf(token: number): Buffer {
  const random = new Random(token * 7_919)
  const length = lines(random)
  const from = random.below(POOL_LINES - length)
  const header = [
    `Date: Mon, 23 Nov 2026 10:00:${String(token % 60).padStart(2, '0')} +0000`,
    `From: Sender ${token % 17} <sender${token % 17}@example.net>`,
    'To: someone@example.org',
    `Subject: Message ${token}`,
    `Message-ID: <${token}@crash.example.net>`,
    `X-Crash-Token: ${token}`,
  ]
  return Buffer.concat([
    Buffer.from(`${header.join('\r\n')}\r\n\r\n`),
    pool.subarray(from * LINE, (from + length) * LINE),
  ])
}

/** The token in a message or in its header. */
export function tokenOf(bytes: Uint8Array): number | undefined {
  const found = /^X-Crash-Token: (\d+)\r$/m.exec(Buffer.from(bytes.subarray(0, 4_096)).toString('latin1'))
  return found === null ? undefined : Number(found[1])
}
