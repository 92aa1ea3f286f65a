/** Whose mail `malle migrate` brings: one person, or a list in CSV (RFC 4180). @module */
import { EXIT } from '#lib/exit-codes.ts'
import { parseCsv } from '#services/account-csv.ts'
import { CliError } from './cli-error.ts'
import { say } from './language.ts'
import { type NamedServer, parseServer, type SourceServers } from './migrate-servers.ts'
import { sentenceOf } from './refusals.ts'

/** One person. */
export interface MigratedUser {
  /** Here. */
  readonly address: string
  /** There. */
  readonly login: string
  /** Own password there; `undefined` where somebody else logs in for them. */
  readonly password: string | undefined
  readonly servers: SourceServers
  /** A file for `account add --from` with this one account; `undefined`: too little is known for it. */
  readonly account: string | undefined
}

/** Columns as `account add --from` takes them, and how to get at the mail there. */
const ACCOUNT = ['address', 'password', 'hash', 'name', 'quota', 'messages', 'protocols'] as const
const SOURCE = ['login', 'source_password', 'imap', 'pop3'] as const
const COLUMNS: readonly string[] = [...ACCOUNT, ...SOURCE]
type Column = (typeof ACCOUNT)[number] | (typeof SOURCE)[number]

/** One person without a list. */
export function oneUser(address: string, servers: SourceServers, password: string | undefined): MigratedUser {
  const login = servers.imap?.login ?? servers.pop3?.login ?? address
  const account = password === undefined ? undefined : accountCsv({ address, password })
  return { address, login, password, servers, account }
}

/**
 * The people of a list.
 * @param servers Of all who have none of their own.
 * @param master Somebody else logs in for them.
 * @throws {CliError}
 */
export function usersOfCsv(
  file: string,
  text: string,
  servers: SourceServers,
  master: boolean,
): readonly MigratedUser[] {
  const wrong = (sentence: string): CliError => new CliError(EXIT.badData, `${file}: ${sentence}`)
  const records = parseCsv(text.replace(/^\ufeff/, ''))
  if (!records.ok) throw wrong(sentenceOf(records.error))
  const [heading, ...rest] = records.value
  const columns = (heading?.fields ?? []).map((field) => field.trim().toLowerCase())
  const unknown = columns.find((column) => !COLUMNS.includes(column))
  const line = heading?.line ?? 1
  if (unknown !== undefined) throw wrong(sentenceOf({ kind: 'unknown-column', line, column: unknown, known: COLUMNS }))
  const twice = columns.find((column, n) => columns.indexOf(column) !== n)
  if (twice !== undefined) throw wrong(sentenceOf({ kind: 'twice', line, column: twice }))
  if (!columns.includes('address')) throw wrong(sentenceOf({ kind: 'no-address-column', line }))
  const seen = new Set<string>()
  return rest.map(({ line: at, fields }) => {
    if (fields.length !== columns.length) {
      const refusal = { kind: 'field-count', line: at, fields: fields.length, columns: columns.length } as const
      throw wrong(sentenceOf(refusal))
    }
    const of = (column: Column): string => fields[columns.indexOf(column)] ?? ''
    const bad = (column: Column, value: string): CliError =>
      wrong(sentenceOf({ kind: 'bad-value', line: at, column, value }))
    const address = of('address').trim()
    if (address === '' || seen.has(address.toLowerCase())) throw bad('address', address)
    seen.add(address.toLowerCase())
    const own = of('source_password')
    // secrets are not repeated
    if (own === '' && !master) throw bad('source_password', '')
    if (of('password') !== '' && of('hash').trim() !== '') throw bad('hash', '')
    const password = own === '' ? undefined : own
    const given = Object.fromEntries(ACCOUNT.map((column) => [column, of(column)]))
    const secret = of('password') !== '' || of('hash').trim() !== ''
    const named = { imap: server(of('imap'), 'imap') ?? servers.imap, pop3: server(of('pop3'), 'pop3') ?? servers.pop3 }
    if (named.imap === undefined && named.pop3 === undefined) throw bad('imap', '')
    return {
      address,
      login: of('login').trim() || (named.imap?.login ?? named.pop3?.login ?? address),
      password: master ? undefined : password,
      servers: { ...named, guessed: servers.guessed && of('pop3').trim() === '' },
      account: secret || password !== undefined ? accountCsv(secret ? given : { ...given, password }) : undefined,
    }
  })
}

function server(text: string, protocol: NamedServer['protocol']): NamedServer | undefined {
  if (text.trim() === '') return undefined
  const named = parseServer(text.trim())
  if (named.protocol === protocol) return named
  throw new CliError(
    EXIT.badData,
    say(`"${text}" stands in the column of ${protocol}.`, `« ${text} » figure dans la colonne ${protocol}.`),
  )
}

function accountCsv(fields: Readonly<Record<string, string | undefined>>): string {
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`
  const columns = Object.keys(fields)
  return `${columns.join(',')}\r\n${columns.map((column) => quoted(fields[column] ?? '')).join(',')}\r\n`
}
