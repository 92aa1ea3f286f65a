/** The first addresses of an ENVELOPE that is ready to send, by which SORT compares (RFC 5256 §3, RFC 5957 §3). @module */
import { binaryOf } from './bytes.ts'
import { decodeHeaderText } from './encoded-words.ts'

/** Lists of addresses in an ENVELOPE, by their place in it. */
export const ENVELOPE_LISTS = { from: 2, to: 5, cc: 6 } as const

export type EnvelopeList = keyof typeof ENVELOPE_LISTS

/** An address in Unicode; `undefined` is NIL. */
export interface FirstAddress {
  readonly name: string | undefined
  readonly mailbox: string | undefined
  readonly host: string | undefined
}

/**
 * The first address of a list, `undefined` when the list is NIL.
 * @param envelope What `formatEnvelope` gave.
 */
export function firstAddress(envelope: Uint8Array, list: EnvelopeList): FirstAddress | undefined {
  const reader = new Reader(binaryOf(envelope))
  reader.skip(1)
  for (let item = 0; item < ENVELOPE_LISTS[list]; item += 1) {
    if (item < 2) reader.nstring()
    else reader.skipList()
    reader.skip(1)
  }
  if (!reader.open()) return undefined
  // address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"
  reader.skip(1)
  const name = reader.nstring()
  reader.skip(1)
  reader.nstring()
  reader.skip(1)
  const mailbox = reader.nstring()
  reader.skip(1)
  const host = reader.nstring()
  return { name: decoded(name), mailbox: decoded(mailbox), host: decoded(host) }
}

/** The display name, else the address; empty where there is neither (RFC 5957 §3). */
export function displayOf({ name, mailbox, host }: FirstAddress): string {
  if (name !== undefined && name !== '') return name
  if (mailbox === undefined) return ''
  return host === undefined ? mailbox : `${mailbox}@${host}`
}

function decoded(binary: string | undefined): string | undefined {
  return binary === undefined ? undefined : decodeHeaderText(binary)
}

/** Reads what `formatEnvelope` writes, nothing else. */
class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  skip(chars: number): void {
    this.#at += chars
  }

  /** Enters a list; `false` where there is NIL. */
  open(): boolean {
    if (this.#text[this.#at] !== '(') return false
    this.#at += 1
    return true
  }

  nstring(): string | undefined {
    const start = this.#at
    if (this.#text[start] === '"') {
      let end = start + 1
      while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === '\\' ? 2 : 1
      this.#at = end + 1
      return this.#text.slice(start + 1, end).replace(/\\(.)/g, '$1')
    }
    if (this.#text[start] === '{') {
      const close = this.#text.indexOf('}', start)
      const from = close + 3
      this.#at = from + Number(this.#text.slice(start + 1, close))
      return this.#text.slice(from, this.#at)
    }
    this.#at = start + 3
    return undefined
  }

  /** Goes behind a list of addresses, or NIL. */
  skipList(): void {
    if (!this.open()) {
      this.#at += 3
      return
    }
    while (this.open()) {
      for (let part = 0; part < 4; part += 1) {
        this.nstring()
        this.#at += 1
      }
    }
    this.#at += 1
  }
}
