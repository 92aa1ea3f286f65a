/** Servers that `npm run conformance -- --against` starts by itself. @module */
import { cyrusLacking, startCyrus } from '../peers/foreign/cyrus.ts'
import { dovecotLacking, startDovecot } from '../peers/foreign/dovecot.ts'
import type { ForeignOptions, ForeignServer } from '../peers/foreign/server.ts'
import { type Started, startOurs } from './ours.ts'
import { allCases } from './play.ts'

const PASSWORD = 'secret'

/** Which, in the order of the report. */
export const SUBJECTS = ['malle', 'dovecot', 'cyrus'] as const
export type Subject = (typeof SUBJECTS)[number]

interface Foreign {
  /** Name and version, as the comments of the transcripts have it. */
  readonly name: string
  readonly about: string
  lacking(): string | false
  start(options: ForeignOptions): Promise<ForeignServer>
}

const FOREIGN: Readonly<Record<Exclude<Subject, 'malle'>, Foreign>> = {
  dovecot: {
    name: 'Dovecot 2.3.19',
    about: 'Debian 12; sdbox, separator `/`',
    lacking: dovecotLacking,
    start: startDovecot,
  },
  cyrus: {
    name: 'Cyrus 3.6.1',
    about: 'Debian 12; `altnamespace`, separator `/`',
    lacking: cyrusLacking,
    start: startCyrus,
  },
}

export function isSubject(text: string): text is Subject {
  return SUBJECTS.some((subject) => subject === text)
}

/** Such as `Dovecot 2.3.19`. */
export function nameOf(subject: Subject): string {
  return subject === 'malle' ? 'Malle' : FOREIGN[subject].name
}

export function aboutOf(subject: Subject): string {
  return subject === 'malle'
    ? 'over the network, in CI; line for line in `test/suites/transcripts.test.ts`'
    : FOREIGN[subject].about
}

/** Starts one with an account for each case. */
export async function startSubject(subject: Subject): Promise<Started> {
  const names = allCases().map((_, index) => `${String(index + 1).padStart(3, '0')}@example.org`)
  if (subject === 'malle') return startOurs(names, PASSWORD)
  const lacking = FOREIGN[subject].lacking()
  if (lacking !== false) throw new Error(lacking)
  const server = await FOREIGN[subject].start({
    accounts: names.map((address) => ({ address, password: PASSWORD })),
  })
  return {
    peer: {
      host: '127.0.0.1',
      port: server.port('imap'),
      pop3Port: server.port('pop3'),
      user: '%n@example.org',
      password: PASSWORD,
      security: 'none',
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
