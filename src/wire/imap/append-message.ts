/** One message of APPEND (RFC 9051 §6.3.12, RFC 3502, RFC 6855 §4). @module */
import type { DateTime } from './date-time.ts'
import type { FrameLiteral } from './frame.ts'

export interface AppendMessage {
  readonly flags: readonly string[]
  readonly date: DateTime | undefined
  /** Given as `UTF8 (~{…}` (RFC 6855 §4). */
  readonly utf8: boolean
  readonly literal: FrameLiteral
}
