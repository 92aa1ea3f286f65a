/** Sequence sets and UID sets (RFC 9051 §9 sequence-set, RFC 5182 §2.1). @module */

/** `*` is the largest number in use. */
export type SetNumber = number | '*'

/** Both ends included, in either order, as written. One number is a range of itself. */
export type SetRange = readonly [SetNumber, SetNumber]

/** Ranges as written, or `$`: the result that SEARCH saved (RFC 9051 §6.4.4.1). */
export type MessageSet = '$' | readonly SetRange[]
