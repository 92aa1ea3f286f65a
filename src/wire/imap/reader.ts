/** Reads commands (RFC 9051 §9). Every method throws SyntaxFault where the text is not what it reads. @module */
import type { UidSet } from '#mail/uid-set.ts'
import type { AppendMessage } from './append-message.ts'
import type { CalendarDate, DateTime } from './date-time.ts'
import type { FetchRequest } from './fetch-items.ts'
import type { Frame } from './frame.ts'
import type { ListRequest } from './list-options.ts'
import type { MessageSet } from './message-set.ts'
import type { QuotaLimit } from './quota-resources.ts'
import type { SearchProgram } from './search-program.ts'
import type { SelectParams } from './select-params.ts'
import type { StatusItem } from './status-items.ts'
import type { StoreRequest } from './store-request.ts'

export interface ReaderOptions {
  /** UTF8=ACCEPT or IMAP4rev2 is enabled: mailbox names are UTF-8 rather than modified UTF-7. */
  readonly utf8?: boolean
  /** Where to begin in the text: {@link CommandReader.position} of an earlier reader over the same command. */
  readonly from?: number
}

/**
 * Reads one command from left to right.
 * @example const r = new CommandReader(frame); const tag = r.tag(); const name = r.sp().commandName(); …; r.end()
 */
export declare class CommandReader {
  constructor(frame: Frame, options?: ReaderOptions)
  /** Offset in the text, each literal counting one. */
  readonly position: number
  /** Whether nothing is left. */
  readonly atEnd: boolean
  /** Throws a SyntaxFault here. */
  fault(message: string): never

  tag(): string
  /** Name of the command in upper case, with the name after UID: `FETCH`, `UID FETCH`. */
  commandName(): string
  /** One space. */
  sp(): this
  /** End of the command; trailing spaces are tolerated. */
  end(): void
  /** Takes the char if it is next. */
  skip(char: string): boolean
  atom(): string
  /** An atom in upper case. */
  keyword(): string
  /** 0 to 2^32 - 1. */
  number(): number
  /** 1 to 2^32 - 1. */
  nzNumber(): number
  /** 0 to 2^53 - 1. */
  number64(): number
  /** Quoted or literal; binary string. */
  string(): string
  nstring(): string | undefined
  astring(): string
  /** Like `astring`, decoded from UTF-8; a fault where it is not. For user names, passwords. */
  utf8String(): string
  /** Mailbox name as Unicode; INBOX in any case is `INBOX`. */
  mailbox(): string
  /** Mailbox pattern as Unicode, with `*` and `%`. */
  listMailbox(): string
  messageSet(): MessageSet
  /** UIDs without `*` and `$`; sorted and merged. */
  uidSet(): UidSet
  /** System flags in the case of the RFC, keywords as written. */
  flag(): string
  /** Flags in parentheses. */
  flagList(): readonly string[]
  dateTime(): DateTime
  date(): CalendarDate
  /** Items and modifiers of FETCH, after its message set and space. */
  fetchRequest(): FetchRequest
  /** Everything after SEARCH and its space. */
  searchProgram(): SearchProgram
  /** Items of STATUS in parentheses. */
  statusItems(): readonly StatusItem[]
  /** Everything after LIST and its space. */
  listRequest(): ListRequest
  /** Optional ` (CONDSTORE …)` after the mailbox of SELECT, with its leading space. */
  selectParams(): SelectParams
  /** Everything after the message set of STORE and its space. */
  storeRequest(): StoreRequest
  /** Optional ` (USE (\Sent))` after the mailbox of CREATE, with its leading space; `undefined` without. */
  createUse(): readonly string[] | undefined
  /** One message of APPEND from its leading space up to and with its literal (which may be announced only). */
  appendMessage(): AppendMessage
  /** What must follow the literal of that message; true when another message follows, false at the end. */
  appendMore(message: AppendMessage): boolean
  /** NIL or a list of pairs; `undefined` is NIL (RFC 2971). */
  idParams(): ReadonlyMap<string, string | undefined> | undefined
  /** Names in upper case with their leading spaces; at least one (ENABLE). */
  names(): readonly string[]
  /** Optional initial response of AUTHENTICATE with its leading space; `=` is empty (RFC 4959). */
  initialResponse(): Uint8Array | undefined
  /** `(STORAGE 512 …)` of SETQUOTA. */
  quotaLimits(): readonly QuotaLimit[]
}

/** Bytes of a base64 line such as a SASL answer; `*` (cancel) must be looked for before. */
export declare function parseBase64(line: string): Uint8Array
