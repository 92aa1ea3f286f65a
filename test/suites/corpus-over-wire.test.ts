/** Every message of the corpus, appended and fetched over the wire: not one wrong byte count (RFC 9051 §7.5.2, §6.4.5). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BodyStructure } from '#mail/body-structure.ts'
import { corpusMessages } from '#testing/corpus.ts'
import { ImapLines } from '#testing/imap-client.ts'
import { ANN, TestImapServer } from '#testing/imap-server.ts'
import type { FetchValue } from '#wire/imap/fetch-values.ts'
import { ResponseFramer } from '#wire/imap/framer.ts'
import { parseResponse } from '#wire/imap/response-reader.ts'

/** The values of the only FETCH response to a command, literals and all. */
async function fetchValues(client: ImapLines, command: string): Promise<readonly FetchValue[]> {
  client.send(`${command}\r\n`)
  let whole = ''
  let line = ''
  while (!line.startsWith('f ')) {
    line = (await client.line()) ?? assert.fail('The connection ended')
    whole += `${line}\r\n`
    for (let literal = /\{(\d+)\}$/.exec(line); literal !== null; literal = /\{(\d+)\}$/.exec(line)) {
      whole += await client.bytes(Number(literal[1]))
      line = (await client.line()) ?? assert.fail('The connection ended')
      whole += `${line}\r\n`
      if (line.startsWith('f ')) line = ` ${line}`
    }
  }
  assert.match(line, /^f OK /, command)
  const framer = new ResponseFramer()
  framer.push(Buffer.from(whole, 'latin1'))
  for (;;) {
    const event = framer.next()
    assert.ok(event !== undefined, `no FETCH in the answer to ${command}`)
    if (event.kind === 'literal') framer.buffer()
    if (event.kind !== 'frame') continue
    const response = parseResponse(event.frame)
    if (response.kind === 'FETCH') return response.values
  }
}

function bytesOf(values: readonly FetchValue[], index: number): Buffer {
  const found = values.filter((value) => value.kind === 'BODY[]')[index]
  assert.ok(found?.kind === 'BODY[]' && found.bytes instanceof Uint8Array, `no body ${index}`)
  return Buffer.from(found.bytes)
}

class Walk {
  readonly #client: ImapLines
  readonly #name: string
  parts = 0

  constructor(client: ImapLines, name: string) {
    this.#client = client
    this.#name = name
  }

  async section(section: string): Promise<Buffer> {
    return bytesOf(await fetchValues(this.#client, `f FETCH * (BODY.PEEK[${section}])`), 0)
  }

  /** @param path Part numbers; `undefined` for the body of a message that is no multipart: its part 1. */
  async check(structure: BodyStructure, path: readonly number[], body: Buffer): Promise<void> {
    this.parts += 1
    const where = `${this.#name} part ${path.join('.')}`
    if (structure.kind === 'multipart') return this.#checkMultipart(structure, path, body)
    assert.equal(body.length, structure.size, `${where}: size`)
    if (structure.lines !== undefined) assert.equal(countLf(body), structure.lines, `${where}: lines`)
    if (structure.kind !== 'message' || structure.body === undefined) return
    const header = await this.section([...path, 'HEADER'].join('.'))
    const text = await this.section([...path, 'TEXT'].join('.'))
    assert.ok(Buffer.concat([header, text]).equals(body), `${where}: header and text make the message`)
    await this.#message(structure.body, path, text)
  }

  /** The root of a message: its parts are numbered below it, and a lone one is part 1. */
  async #message(structure: BodyStructure, path: readonly number[], text: Buffer): Promise<void> {
    if (structure.kind === 'multipart') return this.check(structure, path, text)
    const only = [...path, 1]
    const body = await this.section(only.join('.'))
    assert.ok(body.equals(text), `${this.#name} part ${only.join('.')}: the only part is the text`)
    await this.check(structure, only, body)
  }

  /** What stands between the parts is their delimiter, and all of it together is the multipart. */
  async #checkMultipart(
    structure: Extract<BodyStructure, { kind: 'multipart' }>,
    path: readonly number[],
    whole: Buffer,
  ): Promise<void> {
    const boundary = structure.parameters.find(([name]) => name.toLowerCase() === 'boundary')?.[1] ?? ''
    let at = 0
    for (const [index, child] of structure.parts.entries()) {
      const number = [...path, index + 1].join('.')
      const mime = await this.section(`${number}.MIME`)
      const body = await this.section(number)
      const both = Buffer.concat([mime, body])
      const delimiter = whole.indexOf(`--${boundary}`, at, 'latin1')
      const start = delimiter < 0 ? whole.indexOf(both, at) : whole.indexOf(both, Math.max(at, delimiter))
      assert.ok(start >= at, `${this.#name} part ${number}: its octets are not in the multipart`)
      at = start + both.length
      await this.check(child, [...path, index + 1], body)
    }
  }

  async root(structure: BodyStructure): Promise<void> {
    await this.#message(structure, [], await this.section('TEXT'))
  }
}

function countLf(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count += 1
  return count
}

test('every message of the corpus comes back whole, and every part has the size that BODYSTRUCTURE says', async (t) => {
  await using server = await TestImapServer.start({})
  const client = new ImapLines(await server.connect())
  await client.line()
  await client.command(`a LOGIN ${ANN.address} ${ANN.password}`)
  await client.command('b SELECT INBOX')
  let messages = 0
  let parts = 0
  for (const { name, bytes: original } of corpusMessages()) {
    const bytes = Buffer.from(original.filter((byte) => byte !== 0))
    client.send(`c APPEND INBOX {${bytes.length}+}\r\n`)
    client.send(bytes.toString('latin1'))
    client.send('\r\n')
    const answers = await client.command('d NOOP')
    assert.ok(
      answers.some((line) => line.startsWith('c OK')),
      `${name}: ${answers.join(' | ')}`,
    )
    const values = await fetchValues(
      client,
      'f FETCH * (RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[] BODY.PEEK[HEADER] BODY.PEEK[TEXT])',
    )
    assert.ok(bytesOf(values, 0).equals(bytes), `${name}: BODY[] is what was appended`)
    assert.ok(
      Buffer.concat([bytesOf(values, 1), bytesOf(values, 2)]).equals(bytes),
      `${name}: header and text make the message`,
    )
    const size = values.find((value) => value.kind === 'RFC822.SIZE')
    assert.equal(size?.kind === 'RFC822.SIZE' ? size.size : undefined, bytes.length, `${name}: RFC822.SIZE`)
    assert.ok(
      values.some((value) => value.kind === 'ENVELOPE'),
      `${name}: ENVELOPE`,
    )
    const structure = values.find((value) => value.kind === 'BODYSTRUCTURE')
    assert.ok(structure?.kind === 'BODYSTRUCTURE', `${name}: BODYSTRUCTURE`)
    const walk = new Walk(client, name)
    await walk.root(structure.body)
    messages += 1
    parts += walk.parts
  }
  t.diagnostic(`${messages} messages, ${parts} parts`)
  assert.ok(messages > 0)
  client.end()
})
