/**
 * What a backup folder holds (docs/backup.md says it for people):
 *
 * ```
 * malle-backup.json                the manifest: written last, by rename
 * directory-SHA256.json            domains, accounts, aliases, app passwords
 * accounts/ID/account.json         what the account's pack files hold: written last, by rename
 * accounts/ID/NNNNNNNN.pack        records, only ever added to: messages, and pages of what is known of them
 * ```
 * A record of a pack is one line `malle KIND LENGTH KEY BIRTH` (KEY: of the email; BIRTH: of the account), LENGTH octets, and one line with their SHA-256 in hexadecimal.
 * Pages are JSON; a page that has not changed is not written again. Octets in JSON are `{"base64": …}`. @module
 */
import type { AccountImage, ImageRows } from '#store/image.ts'

/** Of the whole folder. Backups of older numbers are read for ever; a newer one is refused. */
export const BACKUP_FORMAT = 1

/** The manifest's name. */
export const MANIFEST = 'malle-backup.json'
/** Of one account. */
export const ACCOUNT_FILE = 'account.json'

/** The manifest of a whole run. */
export interface Manifest {
  readonly format: number
  /** The release that wrote it. */
  readonly malle: string
  /** ISO 8601, of the run. */
  readonly started: string
  readonly finished: string
  readonly directory: FileRef
  /** `mail`: there is an account file; else nobody has used the account yet. */
  readonly accounts: readonly { readonly id: number; readonly address: string; readonly mail: boolean }[]
}

/** A file of the folder. */
export interface FileRef {
  readonly file: string
  readonly size: number
  /** Hexadecimal. */
  readonly sha256: string
}

/** One account, whole by itself: the manifest only says which accounts there are. */
export interface AccountFile {
  readonly format: number
  readonly id: number
  readonly address: string
  /** ISO 8601: the moment that it shows. */
  readonly taken: string
  readonly modseq: number
  readonly messages: number
  readonly deleted: number
  /** Octets of its emails. */
  readonly bytes: number
  readonly root: RecordRef
  /** What counts of each pack; octets beyond are of a run that was broken off. */
  readonly packs: readonly PackSize[]
  /** SHA-256 of all above, as JSON without spaces. */
  readonly sha256: string
}

/** How much of a pack counts, and how much of that is still named. */
export interface PackSize {
  readonly pack: number
  readonly size: number
  readonly live: number
}

/** Where a record's octets are. */
export interface RecordRef {
  readonly pack: number
  /** Of its first octet behind the line. */
  readonly offset: number
  readonly length: number
  readonly sha256: string
}

/** The page that names all others. */
export interface RootPage {
  readonly image: Omit<AccountImage, keyof ImageRows | 'tombstones' | 'seen' | 'keywordSets'>
  readonly keywordSets: RecordRef
  readonly tombstones: RecordRef
  readonly seen: RecordRef
  /** Of `MessageColumns`, in their order. */
  readonly messages: readonly RecordRef[]
  /** Of `DeletedColumns`. */
  readonly deleted: readonly RecordRef[]
  /** Of events, by the day. */
  readonly events: readonly RecordRef[]
  /** Lists of {@link EmailEntry}; `range` is their key divided by {@link EMAILS_A_PAGE}. */
  readonly emails: readonly (RecordRef & { readonly range: number })[]
}

/** The pages of an account that the root names, but those of its emails. */
export function pagesOf({ keywordSets, tombstones, seen, messages, deleted, events }: RootPage): readonly RecordRef[] {
  return [keywordSets, tombstones, seen, ...messages, ...deleted, ...events]
}

export const EMAILS_A_PAGE = 1_024
/** Rows of messages, by UIDs likewise. */
export const UIDS_A_PAGE = 1_024

/** One email and where its body is. */
export interface EmailEntry {
  readonly key: number
  readonly thread: number
  readonly internalDate: number
  readonly internalZone: number
  readonly trace: Uint8Array
  /** `undefined`: its bytes could not be read when it was to be kept. */
  readonly body: RecordRef | undefined
}

/** Whether a file says a number where one that counts is due. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

/** A value as text. */
export function formatJson(value: unknown): string {
  return JSON.stringify(value, function replace(this: Record<string, unknown>, key: string, given: unknown): unknown {
    const raw = this[key]
    return raw instanceof Uint8Array ? { base64: Buffer.from(raw).toString('base64') } : given
  })
}

/** The value again. @throws {SyntaxError} */
export function parseJson(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => {
    if (typeof value !== 'object' || value === null || !('base64' in value)) return value
    return typeof value.base64 === 'string' ? new Uint8Array(Buffer.from(value.base64, 'base64')) : value
  })
}

/** Why a backup was not made, or not read. */
export type BackupRefusal =
  /** Something is in the folder, and it is no backup. */
  | { readonly kind: 'not-a-backup'; readonly path: string }
  /** No run has come to its end yet. */
  | { readonly kind: 'backup-unfinished'; readonly path: string }
  | { readonly kind: 'backup-in-use'; readonly path: string }
  | { readonly kind: 'newer-backup'; readonly path: string; readonly format: number; readonly reads: number }
  /** Octets are not what they were; `what` names the file. */
  | { readonly kind: 'damaged-backup'; readonly what: string }
  /** It holds no such account. */
  | { readonly kind: 'not-in-backup'; readonly address: string }
  /** A whole restore, where something is already. */
  | { readonly kind: 'data-not-empty' }
  /** The store refused in the middle; nothing of it is seen. */
  | { readonly kind: 'restore-refused'; readonly address: string; readonly why: string }

/** A backup or restore that does not go on. */
export class BackupRefused extends Error {
  readonly refusal: BackupRefusal

  constructor(refusal: BackupRefusal, options?: ErrorOptions) {
    super(`The backup is refused: ${refusal.kind}`, options)
    this.refusal = refusal
  }
}
