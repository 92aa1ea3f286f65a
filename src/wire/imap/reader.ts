/** Reads commands (RFC 9051 §9). Every method throws SyntaxFault where the text is not what it reads. @module */
import { type AppendMessage, readAppendMessage, readAppendMore } from './append-message.ts'
import { parseBase64 } from './base64.ts'
import { ElementReader } from './element-reader.ts'
import { type EsearchRequest, readEsearchRequest } from './esearch-request.ts'
import { type FetchRequest, readFetchRequest } from './fetch-items.ts'
import { type IdParams, readIdParams } from './id-params.ts'
import { LIST_ITEMS } from './limits.ts'
import { type ListRequest, readListRequest } from './list-options.ts'
import type { MessageSet } from './message-set.ts'
import { type MetadataRequest, type MetadataValue, readMetadataRequest, readMetadataValues } from './metadata.ts'
import { type NotifyRequest, readNotifyRequest } from './notify-request.ts'
import { type QuotaLimit, readQuotaLimits } from './quota-resources.ts'
import { readSearchProgram, type SearchProgram } from './search-program.ts'
import { readSelectParams, type SelectParams } from './select-params.ts'
import { readSortProgram, type SortProgram } from './sort-program.ts'
import { readStatusItems, type StatusItem } from './status-items.ts'
import { readStoreRequest, type StoreRequest } from './store-request.ts'
import { readThreadRequest, type ThreadRequest } from './thread-request.ts'

/**
 * Reads one command from left to right.
 * @example const r = new CommandReader(frame); const tag = r.tag(); const name = r.sp().commandName(); …; r.end()
 */
export class CommandReader extends ElementReader {
  /** Name of the command in upper case, with the name after UID: `FETCH`, `UID FETCH`. */
  commandName(): string {
    const name = this.keyword()
    return name === 'UID' ? `UID ${this.sp().keyword()}` : name
  }

  /** One message number or UID, `*` too (REPLACE). */
  oneMessage(): MessageSet {
    const start = this.position
    const set = this.messageSet()
    const [first, second] = set === '$' ? [] : set
    // seq-number = nz-number / "*"
    if (first === undefined || second !== undefined || first[0] !== first[1])
      this.fault('One message is expected', start)
    return set
  }

  /** Optional ` 1:4` of UIDBATCHES with its leading space; in either order. */
  batchRange(): readonly [number, number] | undefined {
    if (!this.spaces() || this.atEnd) return undefined
    const first = this.nzNumber()
    return [first, this.expect(':').nzNumber()]
  }

  /** Ranges of LANGUAGE with their leading spaces, perhaps none (RFC 5255 §3.5). */
  languageRanges(): readonly string[] {
    const ranges: string[] = []
    while (this.spaces() && !this.atEnd) {
      if (ranges.length === LIST_ITEMS) this.fault(`The list is longer than ${LIST_ITEMS}`)
      ranges.push(this.astring())
    }
    return ranges
  }

  /** Items and modifiers of FETCH, after its message set and space. */
  fetchRequest(): FetchRequest {
    return readFetchRequest(this)
  }

  /** Everything after SEARCH and its space. */
  searchProgram(): SearchProgram {
    return readSearchProgram(this)
  }

  /** Everything after SORT and its space. */
  sortProgram(): SortProgram {
    return readSortProgram(this)
  }

  /** Everything after THREAD and its space. */
  threadRequest(): ThreadRequest {
    return readThreadRequest(this)
  }

  /** Everything after ESEARCH and its space. */
  esearchRequest(): EsearchRequest {
    return readEsearchRequest(this)
  }

  /** Items of STATUS in parentheses. */
  statusItems(): readonly StatusItem[] {
    return readStatusItems(this)
  }

  /** Everything after LIST and its space. */
  listRequest(): ListRequest {
    return readListRequest(this)
  }

  /** Optional ` (CONDSTORE …)` after the mailbox of SELECT, with its leading space. */
  selectParams(): SelectParams {
    return readSelectParams(this)
  }

  /** Everything after the message set of STORE and its space. */
  storeRequest(): StoreRequest {
    return readStoreRequest(this)
  }

  /** Optional ` (USE (\Sent))` after the mailbox of CREATE, with its leading space; `undefined` without. */
  createUse(): readonly string[] | undefined {
    // create-param =/ "USE" SP "(" [use-attr *(SP use-attr)] ")" (RFC 6154 §6)
    if (!this.spaces() || this.atEnd) return undefined
    let use: readonly string[] = []
    this.list(() => {
      const start = this.position
      if (this.keyword() !== 'USE') this.fault('CREATE parameter is not known', start)
      use = this.sp().list(() => (this.peek() === '\\' ? this.flag() : this.fault('An attribute is expected')))
    }, 1)
    return use
  }

  /** One message of APPEND from its leading space up to and with its literal (which may be announced only). */
  appendMessage(): AppendMessage {
    return readAppendMessage(this)
  }

  /** What must follow the literal of that message; true when another message follows, false at the end. */
  appendMore(message: AppendMessage): boolean {
    return readAppendMore(this, message)
  }

  /** NIL or a list of pairs, names in lower case; `undefined` is NIL (RFC 2971). */
  idParams(): IdParams {
    return readIdParams(this)
  }

  /** Names in upper case with their leading spaces; at least one (ENABLE). */
  names(): readonly string[] {
    // enable = "ENABLE" 1*(SP capability)
    const names = [this.sp().keyword()]
    while (this.spaces() && !this.atEnd) {
      if (names.length === LIST_ITEMS) this.fault(`The list is longer than ${LIST_ITEMS}`)
      names.push(this.keyword())
    }
    return names
  }

  /** Optional initial response of AUTHENTICATE with its leading space; `=` is empty (RFC 4959 §3). */
  initialResponse(): Uint8Array | undefined {
    if (!this.spaces() || this.atEnd) return undefined
    const start = this.position
    const line = this.rest().trimEnd()
    return line === '=' ? new Uint8Array() : parseBase64(line, start)
  }

  /** Everything after GETMETADATA and its space. */
  metadataRequest(): MetadataRequest {
    return readMetadataRequest(this)
  }

  /** Entries and values of SETMETADATA in parentheses. */
  metadataValues(): readonly MetadataValue[] {
    return readMetadataValues(this)
  }

  /** Everything after NOTIFY and its space. */
  notifyRequest(): NotifyRequest {
    return readNotifyRequest(this)
  }

  /** `(STORAGE 512 …)` of SETQUOTA. */
  quotaLimits(): readonly QuotaLimit[] {
    return readQuotaLimits(this)
  }
}
