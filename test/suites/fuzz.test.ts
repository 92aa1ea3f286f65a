/** Seconds of what `test/fuzz/run.ts` does for minutes; and whether nothing is missing in what is fuzzed. @module */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js'
import { commands } from '#imap/commands/index.ts'
import { COMMANDS } from '#pop3/commands/index.ts'
import { Installation } from '../crash/server-process.ts'
import { judge, type Spoken } from '../fuzz/attack.ts'
import { fuzz, megabytes } from '../fuzz/fuzzer.ts'
import { FUZZED, imapCommand } from '../fuzz/imap-commands.ts'
import { POP3_FUZZED, pop3Command, SMTP_FUZZED, smtpCommand } from '../fuzz/line-commands.ts'

/** Where memory is after a minute or two of this, it has 300 to 360 MB; seconds do not tell how far it has grown until then. */
const MEMORY_OCTETS = 512 * 1_048_576
const WARM_UP_MS = 20_000
/** A round trip of somebody else: on an idle machine it is 1 ms, here five attackers share the cores with it. */
const WITNESS_P99_MS = 1_000

test('a server under hostile input answers within the protocol, stays within its memory, and serves others', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-fuzz-'))
  try {
    const installation = await Installation.make(folder, { durability: 'relaxed' })
    const seed = Date.now() % 1_000_000
    const figures = await fuzz({ installation, warmUpMs: WARM_UP_MS, forMs: 20_000, seed })
    const { witness } = figures
    t.diagnostic(
      `seed ${seed}, ${JSON.stringify(figures.inputs)}, ${figures.responses} responses, ${figures.conversations} conversations; ` +
        `${megabytes(figures.memory.peak)} MB at most; ` +
        `witness ${witness.count} round trips, p99 ${Math.round(witness.p99Ms)} ms, ${Math.round(witness.slowestMs)} ms at most`,
    )
    assert.deepEqual(figures.faults, [])
    assert.equal(figures.crashes, 0)
    assert.ok(figures.memory.peak < MEMORY_OCTETS, `${megabytes(figures.memory.peak)} MB`)
    assert.ok(witness.count > 80, `the witness had ${witness.count} answers`)
    assert.ok(witness.p99Ms < WITNESS_P99_MS, `the witness waited ${Math.round(witness.p99Ms)} ms`)
    for (const [protocol, inputs] of Object.entries(figures.inputs))
      assert.ok(inputs > 0, `nothing went to ${protocol}`)
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
})

suite('nothing is missing', () => {
  /** First words of what is made up, in capitals; of two where one is UID. */
  function said(command: fc.Arbitrary<string>): ReadonlySet<string> {
    const samples = fc.sample(command, { seed: 1, numRuns: 20_000 })
    return new Set(samples.map((text) => /^(?:UID )?[A-Z0-9]+/.exec(text.toUpperCase())?.[0] ?? ''))
  }

  for (const [protocol, registered, grammars, command] of [
    ['IMAP', commands, FUZZED, imapCommand],
    ['POP3', COMMANDS, POP3_FUZZED, pop3Command],
  ] as const)
    test(`every command of ${protocol}'s registry has its grammar in the fuzzer, and is said`, () => {
      assert.ok(registered.size > 10)
      const names = [...registered.keys()]
      assert.deepEqual(
        names.filter((name) => grammars.get(name) === undefined),
        [],
      )
      const heard = said(command)
      assert.deepEqual(
        names.filter((name) => !heard.has(name)),
        [],
      )
    })

  test('every command that the engine of SMTP and LMTP handles is said', () => {
    const handled = Object.getOwnPropertyNames(SMTPConnection.prototype)
      .filter((name) => name.startsWith('handler_'))
      .map((name) => name.slice('handler_'.length))
    assert.ok(handled.length > 10)
    const heard = said(smtpCommand)
    for (const name of [...handled, 'LHLO', 'EXPN']) {
      assert.ok(SMTP_FUZZED.includes(name), name)
      assert.ok(heard.has(name), name)
    }
  })
})

suite('the judge of answers', () => {
  const verdict = (protocol: Spoken, output: string, tags: readonly string[] = []): string | undefined =>
    judge({ protocol, enter: '', inputs: [], tags }, Buffer.from(output, 'latin1'))
  const GREETING = '* OK [CAPABILITY IMAP4rev2 STARTTLS COMPRESS=DEFLATE] ready\r\n'
  const LOGGED_IN = 'a OK [CAPABILITY IMAP4rev2 COMPRESS=DEFLATE] Logged in\r\n'

  test('takes what is within the protocol', () => {
    assert.equal(verdict('imap', `${GREETING}${LOGGED_IN}f0 BAD no\r\nf1 OK done\r\n`, ['f0', 'f1']), undefined)
    assert.equal(verdict('imap', `${GREETING}${LOGGED_IN}* BYE enough\r\n`, ['f0', 'f1']), undefined)
    assert.equal(verdict('imap', `${GREETING}a OK Begin TLS now\r\n`, ['f0']), undefined)
    assert.equal(verdict('pop3', '+OK ready\r\n-ERR no\r\n'), undefined)
    assert.equal(verdict('smtp', '220 ready\r\n250-a\r\n250 b\r\n'), undefined)
  })
  for (const [protocol, output] of [
    ['imap', ''],
    ['imap', `${GREETING}${LOGGED_IN}f0 OK done\r\n`],
    ['imap', `${GREETING}${LOGGED_IN}f0 OK done\r\nf1 WHAT\r\n`],
    ['imap', `${GREETING}* 1 FETCH (FLAGS (\r\nf0 OK done\r\nf1 OK done\r\n`],
    ['imap', `${GREETING}f0 OK done\r\nf1 NO [SERVERBUG] sorry\r\n`],
    ['imap', `${GREETING}* frob\r\nf0 OK done\r\nf1 OK done\r\n`],
    ['pop3', 'hello\r\n'],
    ['pop3', '+OK ready\r\nfrob\r\n'],
    ['pop3', '+OK ready\r\n-ERR [SYS/TEMP] sorry\r\n'],
    ['smtp', '220 ready\r\nfrob\r\n'],
    ['smtp', '220 ready\r\n250'],
    ['lmtp', '220 ready\r\n451 4.3.0 sorry\r\n'],
  ] as const)
    test(`does not take ${JSON.stringify(output.slice(-40))} in ${protocol}`, () =>
      assert.notEqual(verdict(protocol, output, ['f0', 'f1']), undefined))
})
