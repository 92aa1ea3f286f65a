/** Appends responses into buffers for a socket; made for the hot path of FETCH. @module */
export interface ResponseWriterOptions {
  readonly utf8?: boolean
}

/** Text is ASCII or a binary string (one char a byte). Holds nothing after `take`. */
export declare class ResponseWriter {
  constructor(options?: ResponseWriterOptions)
  /** Mailbox names and strings may be UTF-8 from now on. */
  utf8: boolean
  /** Bytes not taken yet: the measure for back pressure. */
  readonly size: number
  /** Text as it is, no checks. */
  text(text: string): this
  /** Bytes as they are; big ones are not copied and must not change until sent. */
  raw(bytes: Uint8Array): this
  number(value: number): this
  /** Quoted or literal, whichever the string needs. */
  string(value: string): this
  nstring(value: string | undefined): this
  /** Atom, quoted or literal. */
  astring(value: string): this
  /** `{n}` and the bytes. */
  literal(bytes: Uint8Array, binary?: boolean): this
  /** `{n}` alone, when the bytes follow by `raw`. */
  literalHeader(size: number, binary?: boolean): this
  /** Unicode name, encoded for the session. */
  mailbox(name: string): this
  /** `text` is one line of Unicode, sent as UTF-8; CR and LF become spaces. */
  line(text: string): this
  /** Takes what was written, to be sent in this order. */
  take(): Uint8Array[]
}
