/**
 * The transcripts of this project against any server:
 * `npm run conformance -- HOST PORT USER PASS [--tls | --starttls] [--pop3 PORT] [--only NAME] [--json]`.
 * PORT is that of IMAP: what a case begins with is put there with it, for POP3 too. Everything in the account is
 * deleted! With `%n` in USER each case has an account of its own (001, 002, …, with the same password), otherwise
 * cases that look at a whole account are left out.
 * @module
 */
import { parseArgs } from 'node:util'
import { allCases, Conformance, type Verdict } from './play.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tls: { type: 'boolean', default: false },
    starttls: { type: 'boolean', default: false },
    pop3: { type: 'string' },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
})
const [host, port, user, password] = positionals
if (host === undefined || port === undefined || user === undefined || password === undefined) {
  process.stderr.write(
    'usage: conformance HOST PORT USER PASS [--tls | --starttls] [--pop3 PORT] [--only NAME] [--json]\n',
  )
  process.exitCode = 64
} else {
  const conformance = new Conformance({
    host,
    port: Number(port),
    pop3Port: values.pop3 === undefined ? undefined : Number(values.pop3),
    user,
    password,
    security: values.tls ? 'tls' : values.starttls ? 'starttls' : 'none',
  })
  await conformance.look()
  const cases = allCases().filter(({ file, one }) => `${file}: ${one.title}`.includes(values.only))
  const verdicts: Verdict[] = []
  let next = 0
  await Promise.all(
    Array.from({ length: conformance.lanes }, async () => {
      for (let at = next++; at < cases.length; at = next++) {
        const each = cases[at]
        if (each !== undefined) verdicts[at] = await conformance.play(each.file, each.one)
      }
    }),
  )
  if (!values.json) for (const verdict of verdicts) process.stdout.write(row(verdict))
  if (values.json) process.stdout.write(`${JSON.stringify(verdicts, undefined, 2)}\n`)
  const count = (wanted: Verdict['verdict']) => verdicts.filter(({ verdict }) => verdict === wanted).length
  const [passed, failed] = [count('pass'), count('fail')]
  if (!values.json) process.stdout.write(`\n${passed} passed, ${failed} failed, ${count('not offered')} skipped\n`)
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0
}

function row({ file, title, verdict, why }: Verdict): string {
  return `${verdict.padEnd(12)} ${file.replace('.txt', '').padEnd(28)} ${title}${why === '' ? '' : `\n${' '.repeat(13)}${why}`}\n`
}
