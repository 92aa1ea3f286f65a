/** Plays IMAP conversations as a reader of the RFC would write them (style: tests). @module */
import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import { ImapLines } from './imap-client.ts'
import { ANN, type ImapServerOptions, TestImapServer } from './imap-server.ts'
import { Names, unescape } from './transcript-names.ts'

/** Where a transcript begins. */
export interface Scene {
  readonly options: ImapServerOptions
  /** Done on every new connection before its first line, answers unheard; must be answered OK. */
  readonly commands: readonly string[]
  /** Whether the greeting is a part of the transcript. */
  readonly greeting: boolean
  /** The server to speak to, instead of one made for this transcript. */
  readonly server?: TranscriptServer
}

/** What the player needs of a server. */
export interface TranscriptServer {
  connect(): Promise<Duplex>
  /** Lets time pass. */
  pass(ms: number): void
}

/** A new connection; the transcript begins with the greeting. */
export function connected(options: ImapServerOptions = {}): Scene {
  return { options, commands: [], greeting: true }
}

/** Ann is logged in on every connection. */
export function loggedIn(options: ImapServerOptions = {}, ...commands: readonly string[]): Scene {
  return { options, commands: [`LOGIN ${ANN.address} ${ANN.password}`, ...commands], greeting: false }
}

/** Ann has selected INBOX on every connection, after `commands` such as `ENABLE QRESYNC`. */
export function selected(options: ImapServerOptions = {}, ...commands: readonly string[]): Scene {
  return loggedIn(options, ...commands, 'SELECT INBOX')
}

/** The same scene, on a server that the test keeps and closes. */
export function on(server: TranscriptServer, scene: Scene): Scene {
  return { ...scene, server }
}

/**
 * `C:` is a line of the client; several in a row go out in one piece. `S:` is a whole line of the server. `1C:`, `2C:`
 * speak on two connections. In both, `$name` stands for text without spaces, parentheses, brackets and commas that must
 * be the same ever after; `...` in `S:` for anything. `\xNN` is a byte, in `C:` also `\0`, `\r`, `\n`.
 *
 * `U:` lines in a row are lines of the server in any order, `U?:` among them need not come; `S: <lines>` passes over
 * untagged lines up to the next that is wanted. `A: $old < $new` and `A: $a = 12` compare numbers.
 *
 * `C: <tls>` does the handshake, `C: <end>` closes the client's side, `C: <reset>` vanishes, `C: <piece>` ends the piece,
 * `C~: text` sends without line end, `S: <closed>` awaits the end, `T: 1000` lets so many milliseconds pass.
 * `O:` below a line is what other servers may say in its place (`loose/player.ts`); ours may not.
 * At the end nothing may be left unread. Spaces at the end of a line do not count: `S: +` is an empty challenge.
 */
export async function transcript(text: string, scene: Scene = selected()): Promise<void> {
  if (scene.server !== undefined) return playOn(scene.server, text, scene)
  await using server = await TestImapServer.start(scene.options)
  await playOn(server, text, scene)
  assert.deepEqual(
    server.log.lines.filter(({ level }) => level === 'error'),
    [],
  )
}

async function playOn(server: TranscriptServer, text: string, scene: Scene): Promise<void> {
  const player = new Player(server, scene)
  try {
    for (const line of text.split('\n')) if (line.trim() !== '') await player.play(line.trim())
    await player.finish()
  } finally {
    player.close()
  }
}

interface Speaker {
  readonly lines: ImapLines
  pending: string
  /** `S: <lines>` came: untagged lines are passed over until one is as wanted. */
  passing: boolean
}

interface Wanted {
  readonly said: string
  readonly raw: string
  /** `U?:`: a server that does not know of it leaves it out. */
  readonly optional: boolean
}

class Player {
  readonly names = new Map<string, string>()
  readonly #names = new Names(this.names)
  readonly #server: TranscriptServer
  readonly #scene: Scene
  readonly #speakers = new Map<string, Speaker>()
  /** Lines that may come in any order, and on which connection. */
  #unordered: { readonly who: string; readonly wanted: Wanted[] } | undefined

  constructor(server: TranscriptServer, scene: Scene) {
    this.#server = server
    this.#scene = scene
  }

  async play(raw: string): Promise<void> {
    const match = /^(\d?)(C~|C|S|U\??|O|T|A):(?: (.*))?$/.exec(raw)
    assert.ok(match, `not a line of a transcript: ${raw}`)
    const [, who = '', side, said = ''] = match
    // what others may say instead
    if (side === 'O') return
    if (side === 'U' || side === 'U?') {
      if (this.#unordered?.who !== who) await this.#expectUnordered()
      this.#unordered ??= { who, wanted: [] }
      this.#unordered.wanted.push({ said, raw, optional: side === 'U?' })
      return
    }
    await this.#expectUnordered()
    if (side === 'A') return this.#compare(said)
    if (side === 'T') {
      await this.#sendAll()
      await turns()
      this.#server.pass(Number(said))
      return
    }
    const speaker = this.#speakers.get(who) ?? (await this.#join(who))
    if (side === 'S') await this.#expect(speaker, said, raw)
    else await this.#say(speaker, said, side === 'C~' ? '' : '\r\n')
  }

  async finish(): Promise<void> {
    await this.#expectUnordered()
    await this.#sendAll()
    for (const [who, { lines }] of this.#speakers)
      assert.equal(await lines.unread(), '', `more came than the transcript has, on connection ${who || 1}`)
  }

  close(): void {
    for (const { lines } of this.#speakers.values()) lines.reset()
  }

  async #join(who: string): Promise<Speaker> {
    const speaker = { lines: new ImapLines(await this.#server.connect()), pending: '', passing: false }
    this.#speakers.set(who, speaker)
    if (!this.#scene.greeting) await speaker.lines.line()
    for (const [index, command] of this.#scene.commands.entries()) {
      const answers = await speaker.lines.command(`setup${index} ${command}`)
      assert.match(answers.at(-1) ?? '', /^setup\d+ OK /, `the scene is not set: ${answers.at(-1)}`)
    }
    return speaker
  }

  async #say(speaker: Speaker, said: string, lineEnd: string): Promise<void> {
    switch (said) {
      case '<end>':
        this.#send(speaker)
        return speaker.lines.end()
      case '<reset>':
        this.#send(speaker)
        await turns()
        return speaker.lines.reset()
      case '<piece>':
        this.#send(speaker)
        return turns()
      case '<tls>':
        this.#send(speaker)
        await speaker.lines.secure()
        return
      default:
        speaker.pending += unescape(this.#names.filled(said)) + lineEnd
    }
  }

  async #expectUnordered(): Promise<void> {
    const group = this.#unordered
    this.#unordered = undefined
    if (group === undefined) return
    const speaker = this.#speakers.get(group.who) ?? (await this.#join(group.who))
    this.#send(speaker)
    const { wanted } = group
    while (wanted.length > 0) {
      const line = await speaker.lines.line()
      const found = wanted.findIndex(({ said }) => this.#match(line ?? '', said))
      if (found < 0 && line !== undefined && wanted.every(({ optional }) => optional))
        return speaker.lines.putBack(line)
      if (found < 0)
        assert.equal(line, wanted.map(({ said }) => this.#names.filled(said)).join('\n'), 'none of these lines')
      wanted.splice(found, 1)
    }
  }

  #compare(said: string): void {
    const match = /^(\d+) ([<=]) (\d+)$/.exec(this.#names.filled(said))
    assert.ok(match, `not a comparison: ${this.#names.filled(said)}`)
    const [, left, sign, right] = match
    assert.ok(sign === '<' ? Number(left) < Number(right) : left === right, `does not hold: ${said}: ${match[0]}`)
  }

  async #expect(speaker: Speaker, said: string, raw: string): Promise<void> {
    this.#send(speaker)
    if (said === '<lines>') {
      speaker.passing = true
      return
    }
    let line = await speaker.lines.line()
    while (speaker.passing && line?.startsWith('* ') === true && !this.#match(line, said))
      line = await speaker.lines.line()
    speaker.passing = false
    if (said === '<closed>') return assert.equal(line, undefined, `the end was expected at: ${raw}`)
    assert.notEqual(line, undefined, `the connection ended before: ${raw}`)
    if (!this.#match(line ?? '', said)) assert.equal(line?.trimEnd(), this.#names.filled(said), `at: ${raw}`)
  }

  /** Whether a line is what was said it would be; names that it binds are kept. */
  #match(line: string, said: string): boolean {
    const wanted = said.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    return this.#names.equal(wanted, line) || (line.endsWith(' ') && this.#names.equal(wanted, line.replace(/ +$/, '')))
  }

  #send(speaker: Speaker): void {
    if (speaker.pending !== '') speaker.lines.send(speaker.pending)
    speaker.pending = ''
  }

  async #sendAll(): Promise<void> {
    for (const speaker of this.#speakers.values()) this.#send(speaker)
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
