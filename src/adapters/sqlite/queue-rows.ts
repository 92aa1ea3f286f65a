/** Rows of `queue.db` as values of the port, and back. @module */
import type {
  Attempt,
  HoldReason,
  NewRecipient,
  Notify,
  QueuedMessage,
  QueuedRecipient,
  RecipientState,
  StandingHold,
} from '#store/queue.ts'
import { integer, optional, type Row, type Sql, text } from './sql.ts'

/** Numbers in the tables; they never change. */
export const STATE: { readonly [S in RecipientState]: number } = {
  waiting: 0,
  held: 1,
  delivered: 2,
  failed: 3,
  dropped: 4,
}
const STATES: readonly RecipientState[] = ['waiting', 'held', 'delivered', 'failed', 'dropped']
const REASONS: readonly (HoldReason | undefined)[] = [undefined, 'administrator', 'outburst', 'policy']

/** 0: none. */
export function reasonNumber(reason: HoldReason | undefined): number {
  return REASONS.indexOf(reason)
}

/** One of the words that a column may have. */
function word<W extends string>(row: Row, column: string, ...words: readonly W[]): W {
  const value = row[column]
  const found = words.find((one) => one === value)
  if (found === undefined) throw new TypeError(`"${String(value)}" is no ${column} of the queue`)
  return found
}

function reasonOf(number: number): HoldReason | undefined {
  return REASONS[number]
}

export function notifyText(notify: Notify | undefined): string | null {
  return notify === undefined ? null : notify.join(',')
}

function notifyOf(kept: string): Notify {
  return kept.split(',').filter((one) => one === 'NEVER' || one === 'SUCCESS' || one === 'FAILURE' || one === 'DELAY')
}

/** Leaves out what is not there. */
function given<K extends string, T>(key: K, value: T | undefined): { readonly [key in K]?: T } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [key in K]: T })
}

export function attemptOf(row: Row): Attempt {
  return {
    at: integer(row.at),
    recipient: text(row.address),
    ...given('host', optional(row.host, text)),
    ...given('tls', optional(row.tls, text)),
    outcome: word(row, 'outcome', 'delivered', 'deferred', 'failed'),
    reply: text(row.reply),
  }
}

function recipientOf(row: Row): QueuedRecipient {
  const state = STATES[integer(row.state)]
  if (state === undefined) throw new TypeError(`${String(row.state)} is no state of a recipient`)
  const pending = state === 'waiting' || state === 'held'
  const reason = reasonOf(integer(row.own_hold) || integer(row.standing_hold))
  const recipient: NewRecipient = {
    address: text(row.address),
    ...given('original', optional(row.original, text)),
    ...given('alias', optional(row.alias, text)),
    ...given(
      'notify',
      optional(row.notify, (value) => notifyOf(text(value))),
    ),
  }
  return {
    ...recipient,
    state,
    ...given('held', state === 'held' ? reason : undefined),
    attempts: integer(row.attempts),
    ...given('nextAt', pending ? integer(row.next_at) : undefined),
    ...given('last', row.at === null ? undefined : attemptOf(row)),
    delayTold: row.delay_told === 1,
  }
}

/** @param row Of `message`. */
function messageOf(row: Row, recipients: readonly QueuedRecipient[]): QueuedMessage {
  return {
    id: text(row.id),
    sender: text(row.sender),
    ...given('account', optional(row.account, text)),
    ...given('receivedFrom', optional(row.received_from, text)),
    body: { place: text(row.file), size: integer(row.size) },
    smtpUtf8: row.smtp_utf8 === 1,
    eightBit: row.eight_bit === 1,
    ...given('tlsOptional', row.tls_optional === 1 ? true : undefined),
    ...given('returns', row.returns === null ? undefined : word(row, 'returns', 'FULL', 'HDRS')),
    ...given('envelopeId', optional(row.envelope_id, text)),
    priority: integer(row.priority),
    at: integer(row.at),
    ...given('notBefore', optional(row.not_before, integer)),
    language: word(row, 'language', 'en', 'fr'),
    recipients,
  }
}

/** From the oldest. */
export function readStandingHolds(sql: Sql): readonly StandingHold[] {
  return sql.all('SELECT * FROM standing_hold ORDER BY since, kind, name').map(standingHoldOf)
}

function standingHoldOf(row: Row): StandingHold {
  const reason = reasonOf(integer(row.reason))
  if (reason === undefined) throw new TypeError('A standing hold has no reason')
  return {
    kind: word(row, 'kind', 'account', 'domain', 'all'),
    name: text(row.name),
    since: integer(row.since),
    reason,
  }
}

/** A message with its recipients, and where each goes. */
export interface LoadedMessage {
  readonly message: QueuedMessage
  /** In the order of the recipients. */
  readonly domains: readonly string[]
}

/** @param key Of a message that is there. */
export function loadMessage(sql: Sql, key: number): LoadedMessage {
  const loaded = loadMessages(sql, [key]).get(key)
  if (loaded === undefined) throw new Error(`The queue has no message ${key}`)
  return loaded
}

/** Those that are there, by their keys: two questions, however many they are. */
export function loadMessages(sql: Sql, keys: readonly number[]): ReadonlyMap<number, LoadedMessage> {
  const wanted = JSON.stringify(keys)
  const recipients = Map.groupBy(
    sql.all(
      `SELECT r.*, a.at, a.host, a.tls, a.outcome, a.reply FROM recipient r LEFT JOIN attempt a ON a.key = r.last
       WHERE r.message IN (SELECT value FROM json_each(?)) ORDER BY r.message, r.position`,
      wanted,
    ),
    ({ message }) => integer(message),
  )
  const rows = sql.all('SELECT * FROM message WHERE key IN (SELECT value FROM json_each(?))', wanted)
  return new Map(
    rows.map((row) => {
      const key = integer(row.key)
      const own = recipients.get(key) ?? []
      return [key, { message: messageOf(row, own.map(recipientOf)), domains: own.map(({ domain }) => text(domain)) }]
    }),
  )
}

/** Messages that are due, each with those of its recipients in one domain that are: two questions, however many they are. */
export function loadDue(
  sql: Sql,
  wanted: readonly { readonly message: number; readonly domain: string }[],
  now: number,
): readonly QueuedMessage[] {
  const recipients = Map.groupBy(
    sql.all(
      `SELECT r.*, a.at, a.host, a.tls, a.outcome, a.reply FROM json_each(?)
       CROSS JOIN recipient r ON r.message = json_each.value ->> 0 AND r.domain = json_each.value ->> 1
       LEFT JOIN attempt a ON a.key = r.last WHERE r.state = 0 AND r.next_at <= ?`,
      JSON.stringify(wanted.map(({ message, domain }) => [message, domain])),
      now,
    ),
    (row) => `${integer(row.message)} ${text(row.domain)}`,
  )
  const keys = JSON.stringify([...new Set(wanted.map(({ message }) => message))])
  const found = sql.all('SELECT * FROM message WHERE key IN (SELECT value FROM json_each(?))', keys)
  const rows = new Map(found.map((row) => [integer(row.key), row]))
  return wanted.flatMap(({ message, domain }) => {
    const row = rows.get(message)
    const own = recipients.get(`${message} ${domain}`)
    return row === undefined || own === undefined ? [] : [messageOf(row, own.map(recipientOf))]
  })
}
