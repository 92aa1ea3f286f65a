/**
 * The configuration: each field with its type, default, unit and what it is for. `docs/configuration.md` and the
 * annotated sample are generated from here (`reference.ts`). @module
 */
import { availableParallelism } from 'node:os'
import path from 'node:path'
import * as v from 'valibot'
import { type Pop3Policy, parsePop3Policy } from '#mail/pop3-policy.ts'
import { type Config, LISTENERS, type Listener } from './config.ts'
import {
  field,
  integer,
  type ListenAddress,
  listenAddresses,
  networks,
  oneOf,
  required,
  size,
  sizeOrAuto,
  text,
  yesOrNo,
} from './fields.ts'
import { deriveOAuth, oauthSection } from './oauth-section.ts'
import { type FieldReference, referenceOf, type SectionReference } from './sections.ts'

export type { Config, Listener }
export { LISTENERS }

function listener(doc: string, usual: readonly string[]): ReturnType<typeof field<string[], ListenAddress[]>> {
  return field(listenAddresses(), [], {
    doc,
    type: 'list of "host:port"',
    right: 'a list such as ["[::]:143"]; port 0 takes a free one, an empty list is off',
    sample: usual,
  })
}

function count(
  least: number,
  most: number,
  fallback: number,
  doc: string,
  unit?: string,
): ReturnType<typeof field<number, number>> {
  const type = `integer, ${least} to ${most}`
  const right = `a whole number from ${least} to ${most}`
  return field(integer(least, most), fallback, unit === undefined ? { doc, type, right } : { doc, type, right, unit })
}

function pemFile(doc: string): ReturnType<typeof field<string, string>> {
  return field(text(), '', { doc, type: 'path', right: 'the path of a PEM file in quotes' })
}

function pop3Policy(): v.GenericSchema<string, Pop3Policy> {
  return v.pipe(
    v.string('is not a string'),
    v.check((written) => parsePop3Policy(written) !== undefined, 'is not one of the words known here'),
    v.transform((written): Pop3Policy => parsePop3Policy(written) ?? { kind: 'client' }),
  )
}

const HOST_NAME = /^(?=.{1,253}$)(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*$/

const schema = v.object(
  {
    hostname: required(v.pipe(v.string('is not a string'), v.regex(HOST_NAME, 'is not a host name')), {
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
    listen: v.optional(
      v.object(
        {
          imap: listener('IMAP, with STARTTLS.', ['[::]:143']),
          imaps: listener('IMAP over TLS from the first byte.', ['[::]:993']),
          pop3: listener('POP3, with STLS.', ['[::]:110']),
          pop3s: listener('POP3 over TLS from the first byte.', ['[::]:995']),
          lmtp: listener('LMTP: mail from your own MTA. It asks for no password, so keep it on loopback.', [
            '127.0.0.1:24',
          ]),
          smtp: listener('SMTP: mail from anywhere for the domains here.', ['[::]:25']),
          submission: listener('Submission: mail from people with accounts, with STARTTLS.', ['[::]:587']),
          submissions: listener('Submission over TLS from the first byte.', ['[::]:465']),
          http: listener('HTTP: `/healthz` and `/metrics`. It is not encrypted, so keep it on loopback.', [
            '127.0.0.1:8080',
          ]),
          https: listener('The same over TLS.', []),
          proxy_from: field(networks(), [], {
            doc: 'Proxies in front of the mail listeners (HAProxy, nginx, a load balancer): connections from these addresses must begin with the PROXY protocol, version 1 or 2, which says where they really come from. From anybody else it is not understood.',
            type: 'list of addresses and networks',
            right: 'a list such as ["10.0.0.1", "10.1.0.0/16"]',
          }),
        },
        'is not a section',
      ),
      {},
    ),
    tls: v.optional(
      v.object(
        {
          cert: pemFile(
            'Certificate chain in PEM form. Without it Malle makes a certificate of its own, which no client trusts, and warns.',
          ),
          key: pemFile('Private key of `cert` in PEM form.'),
          client_ca: pemFile(
            'Certificates of the authorities whose client certificates are taken: a client that shows one logs in with AUTH=EXTERNAL as the account whose address is in it (subjectAltName, rfc822Name). Empty: none is asked for.',
          ),
          hosts: field(
            v.array(
              v.strictObject(
                {
                  name: v.pipe(v.string('is not a string'), v.regex(HOST_NAME, 'is not a host name')),
                  cert: v.pipe(v.string('is not a string'), v.nonEmpty('is empty')),
                  key: v.pipe(v.string('is not a string'), v.nonEmpty('is empty')),
                },
                'is not a table with name, cert and key',
              ),
              'is not a list of tables',
            ),
            [],
            {
              doc: 'Further certificates for clients that ask for another host name (SNI): tables `[[tls.hosts]]` with `name`, `cert` and `key`.',
              type: 'list of tables',
              right: '[[tls.hosts]] with name = "imap.example.net", cert = "…" and key = "…"',
            },
          ),
        },
        'is not a section',
      ),
      {},
    ),
    auth: v.optional(
      v.object(
        {
          allow_plaintext: field(yesOrNo(), false, {
            doc: 'Takes passwords over connections without TLS. For tests on loopback only.',
            type: 'true or false',
            right: 'true or false without quotes',
          }),
          scram_for_passwords: field(yesOrNo(), false, {
            doc: "Keeps a SCRAM verifier beside each person's password, so that SCRAM works with it and not only with app passwords. The verifier is weaker than argon2id if the store is ever stolen.",
            type: 'true or false',
            right: 'true or false without quotes',
          }),
          unauthenticate: field(yesOrNo(), true, {
            doc: 'Lets IMAP clients log out and in as somebody else on one connection (UNAUTHENTICATE). To be switched off behind a proxy that lets everything through after the login.',
            type: 'true or false',
            right: 'true or false without quotes',
          }),
          oauth: v.optional(oauthSection, {}),
        },
        'is not a section',
      ),
      {},
    ),
    limits: v.optional(
      v.object(
        {
          connections: count(1, 1_000_000, 20_000, 'Connections open at once, all protocols together.'),
          connections_per_user: count(1, 100_000, 50, 'Connections one account may have open at once.'),
          connections_per_address: count(1, 1_000_000, 100, 'Connections one IP address may have open at once.'),
          connections_before_login: count(
            10,
            1_000_000,
            2_000,
            'Connections of mail clients on which nobody has logged in yet; when there are more, the oldest of them is closed.',
          ),
          memory: field(sizeOrAuto('256MB', '1024GB'), 'auto', {
            doc: 'Memory of the server above which new connections are told to come back later, while those there are go on. `auto`: three quarters of what the machine, or its control group, has.',
            type: 'size or "auto"',
            unit: 'octets with B, KB, MB or GB (KB = 1,024)',
            right: '"auto", or a number with its unit in quotes, such as "4GB", from "256MB" to "1024GB"',
          }),
          auth_failures_per_minute: count(
            1,
            10_000,
            10,
            'Wrong passwords from one address or for one account before it must wait; five times as many from one network (IPv4 /24, IPv6 /48). From a third of them on, answers come later and later.',
            'a minute',
          ),
          mailboxes_for_anyone: count(
            0,
            10_000,
            100,
            'Mailboxes that one account may share with everybody (`anyone`): each of them is in the LIST of all. What is shared already stays.',
          ),
          message_size: field(size('64KB', '2GB'), '50MB', {
            doc: 'The largest message that comes in, by whichever way.',
            type: 'size',
            unit: 'octets with B, KB, MB or GB (KB = 1,024)',
            right: 'a number with its unit in quotes, such as "50MB", from "64KB" to "2GB"',
          }),
          line: field(size('8KB', '1MB'), '64KB', {
            doc: 'The longest command line.',
            type: 'size',
            unit: 'octets with B, KB, MB or GB (KB = 1,024)',
            right: 'a number with its unit in quotes, such as "64KB", from "8KB" to "1MB"',
          }),
          idle_minutes: count(
            30,
            10_080,
            30,
            'Silence after which an IMAP session ends (RFC 9051 §5.4 asks for 30 at least).',
            'minutes',
          ),
          exempt: field(networks(), [], {
            doc: 'Addresses and networks that no limit by address counts and no failed login slows, such as your own webmail.',
            type: 'list of addresses and networks',
            right: 'a list such as ["127.0.0.1", "::1", "10.0.0.0/8"]',
            sample: ['127.0.0.1', '::1'],
          }),
        },
        'is not a section',
      ),
      {},
    ),
    store: v.optional(
      v.object(
        {
          url: field(
            v.pipe(v.string('is not a string'), v.literal('embedded:', 'is not a store this release has')),
            'embedded:',
            {
              doc: 'Where mail is kept: `embedded:` is inside the data folder, with no other server.',
              type: 'URL',
              right: '"embedded:"',
            },
          ),
          durability: field(oneOf(['full', 'relaxed']), 'full', {
            doc: '`full`: every acknowledged change is on disk. `relaxed`: a power cut may take the last seconds; for a bulk import only.',
            type: '"full" or "relaxed"',
            right: '"full" or "relaxed"',
          }),
          shards: count(
            1,
            64,
            1,
            'Databases that mail is spread over, each with a writer thread of its own; at most half the cores. It may grow later, never shrink.',
          ),
          retention_days: count(
            1,
            3_650,
            30,
            'Days that deleted mail is kept before it and its space are gone for good; `malle undelete` brings it back. Nobody sees it, and it does not count in the quota of the account.',
            'days',
          ),
          deleted_size: field(size('0B', '1000GB'), '10GB', {
            doc: 'Deleted mail that one account may have; above, the oldest is gone for good earlier than its days, though never within one.',
            type: 'size',
            unit: 'octets with B, KB, MB or GB (KB = 1,024)',
            right: 'a number with its unit in quotes, such as "10GB", from "0B" to "1000GB"',
          }),
          history_days: count(
            1,
            3_650,
            90,
            'Days that `malle history` looks back: what happened to each message, and who did it. Of an account, the last 100,000 changes are kept.',
            'days',
          ),
        },
        'is not a section',
      ),
      {},
    ),
    workers: v.optional(
      v.object(
        {
          count: field(
            v.union([v.literal('auto'), integer(1, 256)], 'is neither "auto" nor a whole number from 1 to 256'),
            'auto',
            {
              doc: 'Threads that speak with clients. `auto`: one for each core but one, on Linux; elsewhere one.',
              type: '"auto" or integer, 1 to 256',
              right: '"auto" or a whole number from 1 to 256',
            },
          ),
        },
        'is not a section',
      ),
      {},
    ),
    smtp: v.optional(
      v.object(
        {
          bare_newline: field(oneOf(['reject', 'normalise']), 'reject', {
            doc: 'What port 25 does with a CR or LF that stands alone in a message: refuse the message, as it may be an attempt at smuggling, or make it CRLF.',
            type: '"reject" or "normalise"',
            right: '"reject" or "normalise"',
          }),
        },
        'is not a section',
      ),
      {},
    ),
    pop3: v.optional(
      v.object(
        {
          policy: field(pop3Policy(), 'client', {
            doc: 'What becomes of messages that were downloaded. `client`: the client deletes them, or not. `delete`: they go at QUIT. `keep=DAYS`: they go so many days after their first download. `read-only`: POP3 changes nothing. An account may have its own (`malle account set --pop3-policy`).',
            type: '"client", "delete", "keep=DAYS" or "read-only"',
            right: '"client", "delete", "keep=30" or "read-only"',
          }),
          login_delay: count(
            0,
            86_400,
            0,
            'Least time between two POP3 logins of an account, 0 for none; earlier ones are refused. An account may have its own.',
            'seconds',
          ),
          mark_seen: field(yesOrNo(), false, {
            doc: 'Whether messages downloaded over POP3 count as read in IMAP (`\\Seen`), from QUIT on.',
            type: 'true or false',
            right: 'true or false without quotes',
          }),
          language: field(oneOf(['en', 'fr']), 'en', {
            doc: 'What a POP3 client gets that asks for the language of the house (`LANG *`).',
            type: '"en" or "fr"',
            right: '"en" or "fr"',
          }),
        },
        'is not a section',
      ),
      {},
    ),
    log: v.optional(
      v.object(
        {
          level: field(oneOf(['debug', 'info', 'warn', 'error']), 'info', {
            doc: 'How much is logged, as JSON lines on standard error.',
            type: '"debug", "info", "warn" or "error"',
            right: '"debug", "info", "warn" or "error"',
          }),
        },
        'is not a section',
      ),
      {},
    ),
  },
  'is not a table',
)

export type { FieldReference, SectionReference }

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
  const { tls } = checked.output
  if (tls.cert !== '' && tls.key === '')
    issues.push({ path: ['tls', 'key'], kind: 'wrong', wrong: 'is empty while tls.cert is not' })
  if (tls.key !== '' && tls.cert === '')
    issues.push({ path: ['tls', 'cert'], kind: 'wrong', wrong: 'is empty while tls.key is not' })
  const { issuer, audience } = checked.output.auth.oauth
  if (issuer !== '' && audience.length === 0)
    issues.push({
      path: ['auth', 'oauth', 'audience'],
      kind: 'wrong',
      wrong: 'is empty while auth.oauth.issuer is not',
    })
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
  const { proxy_from: proxyFrom, ...listen } = raw.listen
  const absolute = (file: string): string => path.resolve(folder, file)
  return {
    hostname: raw.hostname.toLowerCase(),
    data: absolute(raw.data),
    user: raw.user === '' ? undefined : raw.user,
    listen,
    proxyFrom,
    tls: {
      clientCa: raw.tls.client_ca === '' ? undefined : absolute(raw.tls.client_ca),
      files: raw.tls.cert === '' ? undefined : { cert: absolute(raw.tls.cert), key: absolute(raw.tls.key) },
      hosts: raw.tls.hosts.map((host) => ({
        name: host.name.toLowerCase(),
        cert: absolute(host.cert),
        key: absolute(host.key),
      })),
    },
    auth: {
      allowPlaintext: raw.auth.allow_plaintext,
      scramForPasswords: raw.auth.scram_for_passwords,
      unauthenticate: raw.auth.unauthenticate,
      oauth: deriveOAuth(raw.auth.oauth),
    },
    limits: {
      connections: raw.limits.connections,
      connectionsPerUser: raw.limits.connections_per_user,
      connectionsPerAddress: raw.limits.connections_per_address,
      connectionsBeforeLogin: raw.limits.connections_before_login,
      memoryBytes: raw.limits.memory,
      authFailuresPerMinute: raw.limits.auth_failures_per_minute,
      mailboxesForAnyone: raw.limits.mailboxes_for_anyone,
      messageBytes: raw.limits.message_size,
      lineBytes: raw.limits.line,
      idleMs: raw.limits.idle_minutes * 60_000,
      exempt: raw.limits.exempt,
    },
    store: {
      url: raw.store.url,
      durability: raw.store.durability,
      shards: raw.store.shards,
      retentionDays: raw.store.retention_days,
      deletedBytes: raw.store.deleted_size,
      historyDays: raw.store.history_days,
    },
    workers: { count: workerCount(raw.workers.count, cores, platform) },
    smtp: { bareNewline: raw.smtp.bare_newline },
    pop3: {
      policy: raw.pop3.policy,
      loginDelaySeconds: raw.pop3.login_delay,
      markSeen: raw.pop3.mark_seen,
      language: raw.pop3.language,
    },
    log: { level: raw.log.level },
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
