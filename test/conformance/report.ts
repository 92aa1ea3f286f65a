/** What a run says: which failures a rule decides, and the page of docs/ about it. @module */
import { aboutOf, nameOf, type Subject } from './against.ts'
import { allCases, type Verdict } from './play.ts'

/** The verdicts of one server against what the comments of the transcripts say of it. */
export interface Judged {
  readonly passed: number
  readonly notOffered: number
  /** Failed, and a comment has the rule. */
  readonly decided: number
  /** Failed, and no comment says why. */
  readonly open: readonly Verdict[]
  /** A comment says that it fails, and it does not. */
  readonly stale: readonly string[]
}

export function judge(subject: Subject, verdicts: readonly Verdict[]): Judged {
  const known = new Set(differences(subject).map(({ file, title }) => key(file, title)))
  const count = (wanted: Verdict['verdict']) => verdicts.filter(({ verdict }) => verdict === wanted).length
  const failed = verdicts.filter(({ verdict }) => verdict === 'fail')
  const open = failed.filter(({ file, title }) => !known.has(key(file, title)))
  return {
    passed: count('pass'),
    notOffered: count('not offered'),
    decided: failed.length - open.length,
    open,
    stale: verdicts
      .filter(({ file, title, verdict }) => verdict === 'pass' && known.has(key(file, title)))
      .map(({ file, title }) => key(file, title)),
  }
}

function key(file: string, title: string): string {
  return `${file}: ${title}`
}

interface Row {
  readonly file: string
  readonly title: string
  readonly what: string
  readonly rule: string
  readonly quote: string
}

/** What the transcripts say of a server. */
function differences(subject: Subject): readonly Row[] {
  return allCases().flatMap(({ file, one }) =>
    one.differences
      .filter(({ server }) => server === nameOf(subject))
      .map(({ what, rule, quote }) => ({ file, title: one.title, what, rule, quote })),
  )
}

/** The line of a server in the table. */
export function countsRow(subject: Subject, { passed, decided, open, notOffered }: Judged): string {
  return `| ${nameOf(subject)} (${aboutOf(subject)}) | ${passed} | ${decided} | ${open.length} | ${notOffered} |\n`
}

/** Every difference of a server with the sentence that decides it, as in docs/conformance.md. */
export function differencesTable(subject: Subject): string {
  const rows = differences(subject).map(
    ({ file, title, what, rule, quote }) =>
      `| ${file}: ${title} | ${what} | ${rule}: “${quote.replaceAll('|', '\\|')}” |\n`,
  )
  return `## ${nameOf(subject)}\n\n| case | what it does | rule |\n| --- | --- | --- |\n${rows.join('')}`
}

/** docs/conformance.md. */
export function page(judged: ReadonlyMap<Subject, Judged>): string {
  const rows = [...judged].map(([subject, each]) => countsRow(subject, each)).join('')
  const tables = [...judged.keys()].filter((subject) => subject !== 'malle').map((subject) => differencesTable(subject))
  return `${INTRODUCTION}
| server | passed | differs, by a rule | differs, undecided | not offered |
| --- | --- | --- | --- | --- |
${rows}
${tables.join('\n')}`
}

const INTRODUCTION = `# Conformance

\`npm run conformance -- HOST PORT USER PASS [--tls | --starttls] [--pop3 PORT] [--only NAME] [--json]\` plays \`test/transcripts/\` against any server over the network. It prepares what a case begins with by APPEND and CREATE, and **deletes everything in the account**. With \`%n\` in USER (such as \`%n@example.org\`) each case has an account of its own, 001 and up, with the same password; otherwise cases that look at a whole account are left out. *Not offered*: the server does not announce what the case needs, or only an administrator could prepare it (quota, clock, a certificate).

\`npm run conformance -- --against malle|dovecot|cyrus\` starts one of these by itself (Debian's packages, installed as root or unpacked), prints the table, and fails when a difference is decided by no rule, or when a rule stands at a case that passes. \`--against malle,dovecot,cyrus --write\` writes this page.

Forms and orders that RFCs leave open count as the same (\`src/testing/loose/\`): literals or quoted strings, the order of items and flags, items of a message in one FETCH or several, NO or BAD and the codes of refusals, flags told unasked. Where an RFC leaves what happens open, the case has the other ways as \`O:\` lines (\`test/transcripts/README.md\`). What remains below leaves the letter; the sentence stands beside the case too. A case ends at its first difference.
`
