/**
 * The configuration: each field with its type, default, unit and what it is for, one file a section in `sections/`.
 * `docs/configuration.md` and the annotated sample are generated from here (`reference.ts`). @module
 */
import { availableParallelism } from 'node:os'
import path from 'node:path'
import * as v from 'valibot'
import type { Config } from './config.ts'
import { field, hostName, required } from './fields.ts'
import { referenceOf, type SectionReference } from './section-reference.ts'
import { authSection } from './sections/auth.ts'
import { dnsSection } from './sections/dns.ts'
import { httpSection } from './sections/http.ts'
import { limitsSection } from './sections/limits.ts'
import { listenSection } from './sections/listen.ts'
import { logSection } from './sections/log.ts'
import { pop3Section } from './sections/pop3.ts'
import { publicSection } from './sections/public.ts'
import { queueSection } from './sections/queue.ts'
import { routes } from './sections/route.ts'
import { smtpSection } from './sections/smtp.ts'
import { storeSection } from './sections/store.ts'
import { submissionSection } from './sections/submission.ts'
import { tlsSection } from './sections/tls.ts'
import { workersSection } from './sections/workers.ts'

const schema = v.object(
  {
    hostname: required(hostName(), {
      doc: 'Name of this server as others know it: in greetings, in trace lines and in the self-made certificate.',
      type: 'host name',
      right: 'a full host name in ASCII, such as "mail.example.org"',
      sample: 'mail.example.org',
    }),
    data: field(v.pipe(v.string('is not a string'), v.nonEmpty('is empty')), '/var/lib/malle', {
      doc: 'Folder for everything Malle keeps: mail, accounts, queue, indexes. The first verb that writes makes it, for its owner alone. A relative path counts from the folder of this file.',
      type: 'path',
      right: 'a path in quotes, such as "/var/lib/malle"',
    }),
    user: field(
      v.pipe(v.string('is not a string'), v.regex(/^(?:[A-Za-z_][\w.-]*)?$/, 'is not the name of a user')),
      '',
      {
        doc: 'Who the server runs as when root starts it: it begins again as this user, with ports below 1024 as the only right of root. Certificate, key and this file must be readable for the user. Empty: it stays who started it.',
        type: 'name of a user',
        right: 'the name of a user of this machine, such as "malle"',
        sample: 'malle',
      },
    ),
    route: routes(),
    listen: listenSection,
    tls: tlsSection,
    public: publicSection,
    auth: authSection,
    limits: limitsSection,
    store: storeSection,
    workers: workersSection,
    smtp: smtpSection,
    pop3: pop3Section,
    submission: submissionSection,
    queue: queueSection,
    http: httpSection,
    dns: dnsSection,
    log: logSection,
  },
  'is not a table',
)

/** Every field there is, in the order of the file. */
export function reference(): readonly SectionReference[] {
  return referenceOf(schema)
}

/** Something in a configuration that cannot be: where, and what is wrong with it. */
export interface ConfigIssue {
  /** Keys and indexes from the top. */
  readonly path: readonly (string | number)[]
  readonly kind: 'unknown' | 'missing' | 'wrong'
  /** Continues "limits.line …". */
  readonly wrong: string
}

/** What a configuration is derived with, besides its text. */
export interface Surroundings {
  /** Relative paths count from here. */
  readonly folder: string
  readonly cores: number
  readonly platform: NodeJS.Platform
}

/** Checks values as they came from a file and derives the configuration, or says everything that is wrong. */
export function checkConfig(
  input: unknown,
  surroundings: Partial<Surroundings> = {},
): { readonly ok: true; readonly value: Config } | { readonly ok: false; readonly error: readonly ConfigIssue[] } {
  const around = { folder: process.cwd(), cores: availableParallelism(), platform: process.platform, ...surroundings }
  const checked = v.safeParse(schema, input)
  const issues = misplaced(input)
  if (!checked.success) return { ok: false, error: [...issues, ...checked.issues.map(issueOf)] }
  if (issues.length > 0) return { ok: false, error: issues }
  return { ok: true, value: deepFreeze(derive(checked.output, around)) }
}

/** What valibot does not tell: every unknown key (a strict object names only the first), lists in place of sections. */
function misplaced(input: unknown): ConfigIssue[] {
  const issues: ConfigIssue[] = []
  if (!isTable(input)) return issues
  for (const [key, value] of Object.entries(input)) {
    const section = Object.hasOwn(schema.entries, key) ? reference().find((one) => one.name === key) : undefined
    if (!Object.hasOwn(schema.entries, key)) issues.push({ path: [key], kind: 'unknown', wrong: 'is not known' })
    // For valibot a list is an object too.
    if (section !== undefined && Array.isArray(value)) {
      issues.push({ path: [key], kind: 'wrong', wrong: 'is not a section' })
    }
    if (section !== undefined && isTable(value)) issues.push(...misplacedIn(section, value))
  }
  return issues
}

function misplacedIn(section: SectionReference, table: Readonly<Record<string, unknown>>): ConfigIssue[] {
  const known = new Set(section.fields.map((one) => one.key))
  return Object.entries(table).flatMap(([key, value]): ConfigIssue[] => {
    const path = [...section.name.split('.'), key]
    if (known.has(key)) return []
    const inner = reference().find((one) => one.name === path.join('.'))
    if (inner === undefined) return [{ path, kind: 'unknown', wrong: 'is not known' }]
    if (Array.isArray(value)) return [{ path, kind: 'wrong', wrong: 'is not a section' }]
    return isTable(value) ? misplacedIn(inner, value) : []
  })
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function issueOf(issue: v.BaseIssue<unknown>): ConfigIssue {
  const path = (issue.path ?? []).map((item) => (typeof item.key === 'number' ? item.key : String(item.key)))
  if (issue.kind === 'schema' && issue.expected === 'never') return { path, kind: 'unknown', wrong: 'is not known' }
  if (issue.kind === 'schema' && issue.received === 'undefined') return { path, kind: 'missing', wrong: 'is missing' }
  return { path, kind: 'wrong', wrong: issue.message }
}

function derive(raw: v.InferOutput<typeof schema>, { folder, cores, platform }: Surroundings): Config {
  const {
    user,
    listen: { proxyFrom, ...listen },
    tls,
    route,
    ...rest
  } = raw
  const absolute = (file: string): string => path.resolve(folder, file)
  const located = <T extends { readonly cert: string; readonly key: string }>(files: T): T => ({
    ...files,
    cert: absolute(files.cert),
    key: absolute(files.key),
  })
  return {
    ...rest,
    hostname: rest.hostname.toLowerCase(),
    data: absolute(rest.data),
    user: user === '' ? undefined : user,
    listen,
    proxyFrom,
    tls: {
      clientCa: tls.clientCa === undefined ? undefined : absolute(tls.clientCa),
      files: tls.files === undefined ? undefined : located(tls.files),
      hosts: tls.hosts.map(located),
      acme: tls.acme && {
        ...tls.acme,
        ca: tls.acme.ca === undefined ? undefined : absolute(tls.acme.ca),
        account: tls.acme.account && { ...tls.acme.account, keyFile: absolute(tls.acme.account.keyFile) },
      },
    },
    queue: { ...rest.queue, ca: rest.queue.ca && absolute(rest.queue.ca) },
    routes: route.map(({ passwordFile, ca, ...one }) => ({
      ...one,
      passwordFile: passwordFile && absolute(passwordFile),
      ca: ca && absolute(ca),
    })),
    workers: { count: workerCount(rest.workers.count, cores, platform) },
  }
}

/** Only Linux spreads connections over threads that listen on one address (design §5). */
function workerCount(wanted: number | 'auto', cores: number, platform: NodeJS.Platform): number {
  if (platform !== 'linux') return 1
  return wanted === 'auto' ? Math.max(1, cores - 1) : wanted
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner)
    Object.freeze(value)
  }
  return value
}
