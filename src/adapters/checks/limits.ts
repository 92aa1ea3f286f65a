/** How much of a hostile message, or of hostile DNS, the checks look at. @module */

/** A header that is longer, or has more lines, is refused: its fields are looked through again and again. */
export const MAX_HEADER_BYTES = 524_288
export const MAX_HEADER_LINES = 10_000

/** So much white space in a row is in no header that anybody writes, folded lines included. */
export const MAX_BLANKS = 1_000

/** A longer From is refused: reading 400 KB of addresses takes seconds. */
export const MAX_FROM_BYTES = 32_768

/**
 * A message with a longer line is refused. RFC 5321 §4.5.3.1.6 has 1,000; programs write some hundred thousand. A line of
 * 50 MB would keep mailauth busy for minutes, and everybody's mail with it.
 */
export const MAX_LINE_BYTES = 1_048_576

/** DKIM signatures that are verified, from the top; others are left out of account (RFC 6376 §6.1). */
export const MAX_SIGNATURES = 10

/** Names of an address that are followed back (RFC 7208 §5.5 does the same). */
export const MAX_REVERSE_NAMES = 10

/** Larger messages are not looked through for reports. */
export const MAX_REPORT_BYTES = 10_485_760

/** RSA keys must be as long (RFC 8301 §3.2). */
export const MIN_KEY_BITS = 1_024
