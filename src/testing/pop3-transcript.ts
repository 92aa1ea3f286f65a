import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { ReceivedText } from './received-text.ts'
import { unescape } from './transcript-names.ts'

/** A client by hand, where a transcript does not do. */
export class TestClient {
  readonly socket: Socket
  readonly #received: ReceivedText

  constructor(socket: Socket) {
    this.socket = socket
    this.#received = new ReceivedText(socket)
  }

  /** Sends lines in one piece. */
  send(...lines: readonly string[]): void {
    this.socket.write(lines.map((line) => `${line}\r\n`).join(''), 'latin1')
  }

  /** The next line without CRLF; `undefined` at the end. */
  line(): Promise<string | undefined> {
    return this.#received.line()
  }

  /** Lines up to and without the one that is a dot. */
  async multiline(): Promise<string[]> {
    const lines: string[] = []
    for (let line = await this.line(); line !== '.' && line !== undefined; line = await this.line()) lines.push(line)
    return lines
  }

  /** Sends a command and gives the first line of its answer. */
  async ask(command: string): Promise<string | undefined> {
    this.send(command)
    return this.line()
  }

  /** Reads the greeting and logs in as Ann. */
  async login(): Promise<this> {
    await this.line()
    await this.ask('USER ann@example.org')
    const answer = await this.ask('PASS secret')
    assert.match(answer ?? '', /^\+OK/)
    return this
  }
}

interface Speaker {
  socket: Socket
  received: ReceivedText
  /** Said, but not sent yet: a batch goes out before the next line is awaited. */
  pending: string
  /** `S: <lines>` came: lines are passed over until one is as wanted. */
  passing: boolean
}

/** What a transcript is played against. */
export interface TranscriptPeer {
  /** Not ours: what stands after `O:` will do as well as the line above it. */
  readonly foreign?: boolean
  connect(): Promise<Socket>
}

/**
 * Plays a transcript: `C:` a line of the client (several in a row are sent in one piece), `S:` a whole line of the
 * server. `1C:`, `2C:` speak on two connections. In server lines, `$name` stands for anything without spaces and must
 * be the same ever after; `...` for anything at all. In client lines, `$name` is put in. On both sides the escapes
 * `\0`, `\r`, `\n` and `\xHH` count.
 *
 * `O:` below a line of the server is what other servers may say in its place.
 *
 * Special lines: `C: <tls>` does the TLS handshake, `C: <end>` closes the client's side, `C: <reset>` vanishes,
 * `S: <closed>` awaits the end, `S: <lines>` passes over lines up to the next that is wanted.
 * @returns what the names stand for.
 */
export async function pop3Transcript(
  text: string,
  peer: TranscriptPeer,
  names: Record<string, string> = {},
): Promise<Record<string, string>> {
  const speakers = new Map<string, Speaker>()
  try {
    const rows = text.split('\n')
    for (const [at, raw] of rows.entries()) {
      const match = /^\s*(\d?)([CSO]):(?: (.*))?$/.exec(raw)
      if (match === null) {
        assert.equal(raw.trim(), '', `not a line of a transcript: ${raw}`)
        continue
      }
      const [, number = '', side, said = ''] = match
      let speaker = speakers.get(number)
      if (speaker === undefined) {
        const socket = await peer.connect()
        speaker = { socket, received: new ReceivedText(socket), pending: '', passing: false }
        speakers.set(number, speaker)
      }
      if (side === 'C') await say(speaker, said, names)
      if (side === 'S') {
        const other = peer.foreign === true ? /^\s*\d?O: (.*)$/.exec(rows[at + 1] ?? '')?.[1] : undefined
        await expect(speaker, said, names, raw, other)
      }
    }
    for (const speaker of speakers.values()) send(speaker)
  } finally {
    for (const { socket } of speakers.values()) socket.destroy()
  }
  return names
}

function send(speaker: Speaker): void {
  if (speaker.pending !== '') speaker.socket.write(speaker.pending, 'latin1')
  speaker.pending = ''
}

async function say(speaker: Speaker, said: string, names: Record<string, string>): Promise<void> {
  if (said === '<end>') {
    send(speaker)
    speaker.socket.end()
  } else if (said === '<reset>') {
    send(speaker)
    speaker.socket.destroy()
  } else if (said === '<tls>') {
    send(speaker)
    speaker.socket.removeAllListeners('data')
    const secure = connectTls({ socket: speaker.socket, rejectUnauthorized: false })
    secure.on('error', () => undefined)
    speaker.socket = secure
    speaker.received = new ReceivedText(secure)
    await new Promise<void>((resolve, reject) => {
      secure.once('secureConnect', resolve)
      secure.once('close', () => reject(new Error('The TLS handshake failed')))
    })
  } else {
    const named = said.replace(/\$(\w+)/g, (whole, name: string) => names[name] ?? whole)
    speaker.pending += `${unescape(named)}\r\n`
  }
}

/** Whether a line that names nothing is as wanted. */
function matches(line: string, said: string): boolean {
  const parts = unescape(said).split('...')
  return new RegExp(`^${parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('.*')}$`, 's').test(line)
}

async function expect(
  speaker: Speaker,
  said: string,
  names: Record<string, string>,
  raw: string,
  other?: string,
): Promise<void> {
  send(speaker)
  if (said === '<lines>') {
    speaker.passing = true
    return
  }
  let line = await speaker.received.line()
  while (speaker.passing && line !== undefined && line !== '.' && !matches(line, said))
    line = await speaker.received.line()
  speaker.passing = false
  if (said === '<closed>') {
    assert.equal(line, undefined, `expected the end at: ${raw.trim()}`)
    return
  }
  assert.notEqual(line, undefined, `the connection ended before: ${raw.trim()}`)
  if (other !== undefined && line === other) return
  const wanted: string[] = []
  const pattern = unescape(said).replace(/\$(\w+)|\.\.\.|[\\^$.*+?()[\]{}|]/g, (part, name: string | undefined) => {
    if (part === '...') return '.*'
    if (name === undefined) return `\\${part}`
    const known = names[name]
    if (known !== undefined) return known.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    wanted.push(name)
    return '(\\S+)'
  })
  const match = new RegExp(`^${pattern}$`, 's').exec(line ?? '')
  assert.ok(match, `\nexpected ${said}\n     got ${line}`)
  for (const [index, name] of wanted.entries()) names[name] = match[index + 1] ?? ''
}
