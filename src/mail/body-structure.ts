/** BODYSTRUCTURE as a value (RFC 9051 §7.5.2, RFC 2045). @module */
import type { Envelope } from './envelope.ts'

/** Name and value pairs in their order; binary strings (one char a byte). */
export type Parameters = readonly (readonly [name: string, value: string])[]

/** What every part may have beyond the basics; `undefined` is NIL. */
export interface BodyExtension {
  readonly disposition: { readonly type: string; readonly parameters: Parameters } | undefined
  readonly language: readonly string[] | undefined
  readonly location: string | undefined
}

/** A leaf: text, message/rfc822 (message/global) or anything else. */
export interface BodyLeaf extends BodyExtension {
  readonly kind: 'text' | 'message' | 'basic'
  /** Upper or lower case as the message wrote it; defaults TEXT/PLAIN. */
  readonly type: string
  readonly subtype: string
  readonly parameters: Parameters
  readonly id: string | undefined
  readonly description: string | undefined
  /** Content-Transfer-Encoding, `7BIT` where missing. */
  readonly encoding: string
  /** Octets of the body as transferred, which is what `FETCH BODY[n]` sends. */
  readonly size: number
  /** Lines of the body as transferred; only of `text` and `message`. */
  readonly lines: number | undefined
  /** Only of `message`. */
  readonly envelope: Envelope | undefined
  /** Only of `message`. */
  readonly body: BodyStructure | undefined
  readonly md5: string | undefined
}

/** A multipart with at least one child. */
export interface BodyMultipart extends BodyExtension {
  readonly kind: 'multipart'
  readonly subtype: string
  readonly parts: readonly BodyStructure[]
  readonly parameters: Parameters
}

export type BodyStructure = BodyLeaf | BodyMultipart
