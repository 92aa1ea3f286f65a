/** Rows of `directory.db` as records of the port. @module */
import type { SQLInputValue } from 'node:sqlite'
import type { AccountId } from '#mail/ids.ts'
import type { Pop3Policy } from '#mail/pop3-policy.ts'
import type {
  AccountRecord,
  AppPasswordRecord,
  DkimKeyRecord,
  DomainRecord,
  Protocol,
  ScramVerifier,
} from '#store/directory.ts'
import { blob, integer, optional, type Row, text } from './sql.ts'

/** Rows of one slice of a listing; between slices others get their turn. */
export const SLICE = 250

/** Bits of the column `protocols`; never renumbered. */
const PROTOCOL_BITS: readonly (readonly [Protocol, number])[] = [
  ['imap', 1],
  ['pop3', 2],
  ['smtp', 4],
]

export function protocolBits(protocols: readonly Protocol[]): number {
  return PROTOCOL_BITS.reduce((bits, [name, bit]) => (protocols.includes(name) ? bits | bit : bits), 0)
}

function protocolsOf(bits: number): readonly Protocol[] {
  return PROTOCOL_BITS.flatMap(([name, bit]) => ((bits & bit) === 0 ? [] : [name]))
}

export function domainOf(row: Row): DomainRecord {
  return {
    name: text(row.name),
    catchAll: optional(row.catch_all, text),
    createdAt: integer(row.created_at),
  }
}

export function dkimKeyOf(row: Row): DkimKeyRecord {
  return {
    domain: text(row.domain),
    selector: text(row.selector),
    algorithm: text(row.algorithm) === 'rsa' ? 'rsa' : 'ed25519',
    publicKey: text(row.public_key),
    createdAt: integer(row.created_at),
    activeFrom: integer(row.active_from),
    retiredFrom: optional(row.retired_from, integer),
  }
}

/** The columns of `dkim_key`, in the order of the table. */
export function dkimKeyValues(key: DkimKeyRecord): SQLInputValue[] {
  const { domain, selector, algorithm, publicKey, createdAt, activeFrom, retiredFrom } = key
  return [domain, selector, algorithm, publicKey, createdAt, activeFrom, retiredFrom ?? null]
}

export function accountOf(row: Row): AccountRecord {
  return {
    ref: { id: integer(row.id) as AccountId, shard: integer(row.shard) },
    address: text(row.address),
    displayName: text(row.display_name),
    passwordHash: optional(row.password_hash, text),
    scram: scramOf(row),
    protocols: protocolsOf(integer(row.protocols)),
    limits: {
      storageBytes: optional(row.storage_limit, integer),
      messages: optional(row.message_limit, integer),
    },
    pop3: {
      policy: optional(row.pop3_policy, (value) => policyOf(integer(value))),
      loginDelaySeconds: optional(row.pop3_login_delay, integer),
    },
    ...sendingOf(row),
    enabled: row.enabled === 1,
    administrator: row.administrator === 1,
    createdAt: integer(row.created_at),
  }
}

function sendingOf(row: Row): Pick<AccountRecord, 'sending' | 'language'> {
  const sending = {
    copy: row.sent_copy === 1,
    messagesPerDay: optional(row.messages_sent, integer),
    recipientsPerDay: optional(row.recipients_sent, integer),
  }
  const own = sending.copy || sending.messagesPerDay !== undefined || sending.recipientsPerDay !== undefined
  const language = row.language === 'en' || row.language === 'fr' ? row.language : undefined
  return { ...(own ? { sending } : {}), ...(language === undefined ? {} : { language }) }
}

/** Values of the column `pop3_policy` that are not days; never renumbered. */
const CLIENT = -1
const READ_ONLY = -2

function policyOf(value: number): Pop3Policy {
  if (value === CLIENT) return { kind: 'client' }
  if (value === READ_ONLY) return { kind: 'read-only' }
  return value === 0 ? { kind: 'delete' } : { kind: 'keep', days: value }
}

function policyNumber(policy: Pop3Policy): number {
  switch (policy.kind) {
    case 'client':
      return CLIENT
    case 'read-only':
      return READ_ONLY
    case 'delete':
      return 0
    case 'keep':
      return policy.days
  }
}

function scramOf(row: Row): ScramVerifier | undefined {
  if (row.scram_iterations === null) return undefined
  return {
    salt: blob(row.scram_salt),
    iterations: integer(row.scram_iterations),
    storedKey: blob(row.scram_stored_key),
    serverKey: blob(row.scram_server_key),
  }
}

/** Columns of `account` that {@link AccountRecord} can change, in the order of the table. */
export function accountColumns(
  account: Omit<AccountRecord, 'ref' | 'createdAt' | 'address' | 'administrator'> & {
    readonly shard: number
    readonly administrator?: boolean
  },
): Record<string, SQLInputValue> {
  return {
    shard: account.shard,
    display_name: account.displayName,
    password_hash: account.passwordHash ?? null,
    protocols: protocolBits(account.protocols),
    storage_limit: account.limits.storageBytes ?? null,
    message_limit: account.limits.messages ?? null,
    pop3_policy: account.pop3.policy === undefined ? null : policyNumber(account.pop3.policy),
    pop3_login_delay: account.pop3.loginDelaySeconds ?? null,
    sent_copy: account.sending?.copy === true ? 1 : 0,
    messages_sent: account.sending?.messagesPerDay ?? null,
    recipients_sent: account.sending?.recipientsPerDay ?? null,
    language: account.language ?? null,
    enabled: account.enabled ? 1 : 0,
    administrator: account.administrator === true ? 1 : 0,
    scram_iterations: account.scram?.iterations ?? null,
    scram_stored_key: account.scram?.storedKey ?? null,
    scram_server_key: account.scram?.serverKey ?? null,
  }
}

export function appPasswordOf(row: Row, verifiers: readonly Row[], salt: Uint8Array): AppPasswordRecord {
  return {
    id: integer(row.id),
    account: integer(row.account) as AccountId,
    name: text(row.name),
    protocols: protocolsOf(integer(row.protocols)),
    sha256: blob(row.sha256),
    scram: verifiers.map((verifier) => ({
      salt,
      iterations: integer(verifier.iterations),
      storedKey: blob(verifier.stored_key),
      serverKey: blob(verifier.server_key),
    })),
    createdAt: integer(row.created_at),
    lastUsedAt: optional(row.last_used_at, integer),
  }
}

/** The part of a canonical address after its last `@`. */
export function domainOfAddress(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1)
}
