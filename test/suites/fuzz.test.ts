/** Twenty seconds of what `test/fuzz/run.ts` does for minutes, and hostile servers for the readers of our clients. @module */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { suite, test } from 'node:test'
import { commands } from '#imap/commands/index.ts'
import { Random } from '#testing/random.ts'
import { parseTranscriptFile } from '#testing/transcript-file.ts'
import { ResponseFramer } from '#wire/imap/framer.ts'
import { parseResponse } from '#wire/imap/response-reader.ts'
import { SyntaxFault } from '#wire/imap/syntax-fault.ts'
import { parseCapability } from '#wire/pop3/capabilities.ts'
import { parseDropListing, parseScanListing, parseUniqueIdListing } from '#wire/pop3/listings.ts'
import { parseStatusLine } from '#wire/pop3/responses.ts'
import { Installation } from '../crash/server-process.ts'
import { fuzz, megabytes } from '../fuzz/fuzzer.ts'
import { FUZZED } from '../fuzz/imap-commands.ts'
import { mutate } from '../fuzz/mutator.ts'

test('a server under hostile input answers within the protocol, does not grow, and serves others', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-fuzz-'))
  try {
    const installation = await Installation.make(folder, { durability: 'relaxed' })
    const figures = await fuzz({ installation, warmUpMs: 8_000, forMs: 12_000, seed: Date.now() % 1_000_000 })
    t.diagnostic(
      `${JSON.stringify(figures.inputs)}, ${figures.conversations} conversations, ${megabytes(figures.growth)} MB more, ` +
        `bystander ${figures.bystander.answers} answers, ${Math.round(figures.bystander.slowestMs)} ms at most`,
    )
    assert.deepEqual(figures.faults, [])
    assert.equal(figures.crashes, 0)
    // after so short a warm-up the engine still grows into its heap: the ten minutes measure this well
    assert.ok(figures.growth < 160 * 1_048_576, `${megabytes(figures.growth)} MB more`)
    assert.ok(figures.bystander.answers > 20, `the bystander had ${figures.bystander.answers} answers`)
    for (const [protocol, inputs] of Object.entries(figures.inputs))
      assert.ok(inputs > 0, `nothing went to ${protocol}`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('every command of the registry is fuzzed', () => {
  const apart = ['COMPRESS', 'LOGOUT', 'STARTTLS', 'UNAUTHENTICATE']
  assert.deepEqual(
    [...commands.keys()].filter((name) => !FUZZED.includes(name) && !apart.includes(name)),
    [],
  )
})

suite('a hostile server', () => {
  const folder = path.join(import.meta.dirname, '..', 'transcripts')
  const said = readdirSync(folder)
    .filter((name) => name.endsWith('.txt'))
    .flatMap((name) => parseTranscriptFile(readFileSync(path.join(folder, name), 'latin1')))
    .map(({ protocol, lines }) => ({
      protocol,
      said: lines
        .split('\n')
        .map((line) => /^\d?[SU]: (?!<)(.*)$/.exec(line)?.[1])
        .filter((line) => line !== undefined)
        .map((line) => `${line.replaceAll(/\$\w+/g, '7').replaceAll('...', 'x')}\r\n`)
        .join(''),
    }))
    .filter(({ said }) => said !== '')

  test('of IMAP: the reader gives a response or a SyntaxFault', () => {
    const talks = said.filter(({ protocol }) => protocol === 'imap')
    const random = new Random(7)
    let read = 0
    for (let round = 0; round < 2_000; round += 1) {
      const framer = new ResponseFramer()
      framer.push(Buffer.from(mutate(random.pick(talks).said, talks, random), 'latin1'))
      for (let event = framer.next(); event !== undefined; event = framer.next()) {
        if (event.kind === 'literal') {
          // whoever reads for us decides by the size
          if (event.size > 1_000_000) break
          framer.buffer()
        } else if (event.kind === 'frame') {
          try {
            parseResponse(event.frame, { utf8: random.chance(0.5) })
            read += 1
          } catch (error) {
            if (!(error instanceof SyntaxFault)) throw new Error(`at ${event.frame.text}`, { cause: error })
          }
        }
      }
    }
    assert.ok(read > 1_000, `only ${read} responses could be read`)
  })

  test('of POP3: the readers give a value, nothing, or a SyntaxError', () => {
    const talks = said.filter(({ protocol }) => protocol === 'pop3')
    const random = new Random(8)
    for (let round = 0; round < 5_000; round += 1)
      for (const line of mutate(random.pick(talks).said, talks, random).split('\r\n'))
        for (const read of [
          parseStatusLine,
          parseCapability,
          parseDropListing,
          parseScanListing,
          parseUniqueIdListing,
        ]) {
          try {
            read(line)
          } catch (error) {
            if (!(error instanceof SyntaxError)) throw new Error(`${read.name}() at ${line}`, { cause: error })
          }
        }
  })
})
