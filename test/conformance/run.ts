/**
 * The transcripts of this project against any server:
 * `npm run conformance -- HOST PORT USER PASS [--tls | --starttls] [--pop3 PORT] [--only NAME] [--json]`.
 * PORT is that of IMAP: what a case begins with is put there with it, for POP3 too. Everything in the account is
 * deleted! With `%n` in USER each case has an account of its own (001, 002, …, with the same password), otherwise
 * cases that look at a whole account are left out.
 *
 * `npm run conformance -- --against malle|dovecot|cyrus[,…] [--write]` starts these by itself; `--write` writes
 * docs/conformance.md.
 * @module
 */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { isSubject, nameOf, SUBJECTS, type Subject, startSubject } from './against.ts'
import { allCases, Conformance, type Peer, type Verdict } from './play.ts'
import { countsRow, differencesTable, type Judged, judge, page } from './report.ts'

const USAGE = `usage: conformance HOST PORT USER PASS [--tls | --starttls] [--pop3 PORT] [--only NAME] [--json]
       conformance --against ${SUBJECTS.join('|')}[,…] [--only NAME] [--write]
`
const PAGE = path.join(import.meta.dirname, '..', '..', 'docs', 'conformance.md')

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tls: { type: 'boolean', default: false },
    starttls: { type: 'boolean', default: false },
    pop3: { type: 'string' },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    against: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
})
const [host, port, user, password] = positionals
const subjects = values.against?.split(',') ?? []
if (subjects.length > 0 && subjects.every(isSubject)) await against(subjects)
else if (
  values.against === undefined &&
  host !== undefined &&
  port !== undefined &&
  user !== undefined &&
  password !== undefined
)
  await oneServer({
    host,
    port: Number(port),
    pop3Port: values.pop3 === undefined ? undefined : Number(values.pop3),
    user,
    password,
    security: values.tls ? 'tls' : values.starttls ? 'starttls' : 'none',
  })
else {
  process.stderr.write(USAGE)
  process.exitCode = 64
}

async function oneServer(peer: Peer): Promise<void> {
  const verdicts = await played(peer)
  if (values.json) process.stdout.write(`${JSON.stringify(verdicts, undefined, 2)}\n`)
  else process.stdout.write(verdicts.map(row).join(''))
  const count = (wanted: Verdict['verdict']) => verdicts.filter(({ verdict }) => verdict === wanted).length
  const [passed, failed] = [count('pass'), count('fail')]
  if (!values.json) process.stdout.write(`\n${passed} passed, ${failed} failed, ${count('not offered')} skipped\n`)
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0
}

async function against(wanted: readonly Subject[]): Promise<void> {
  const judged = new Map<Subject, Judged>()
  for (const subject of wanted) {
    await using started = await startSubject(subject)
    const result = judge(subject, await played(started.peer))
    judged.set(subject, result)
    const { open, stale, passed, notOffered, decided } = result
    if (decided > 0 && values.only === '') process.stdout.write(`${differencesTable(subject)}\n`)
    process.stdout.write(open.map(row).join(''))
    for (const title of stale) process.stdout.write(`a rule stands at a case that passes: ${title}\n`)
    process.stdout.write(`${countsRow(subject, result)}\n`)
    process.stdout.write(`${nameOf(subject)}: ${decided} differ by a rule\n`)
    process.stdout.write(`${passed} passed, ${open.length + stale.length} failed, ${notOffered} skipped\n`)
    if (open.length + stale.length > 0 || passed === 0) process.exitCode = 1
  }
  if (values.write) await writeFile(PAGE, page(judged))
}

async function played(peer: Peer): Promise<readonly Verdict[]> {
  const conformance = new Conformance(peer)
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
  return verdicts
}

function row({ file, title, verdict, why }: Verdict): string {
  return `${verdict.padEnd(12)} ${file.replace('.txt', '').padEnd(28)} ${title}${why === '' ? '' : `\n${' '.repeat(13)}${why}`}\n`
}
