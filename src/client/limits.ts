/** Bounds of every client connection, whatever is spoken on it. @module */

/** From the first packet to a greeting, TLS included. */
export const CONNECT_MS = 30_000
/** Silence of a server that owes an answer. RFC 9051 §5.4 has no number; searches of large mailboxes take long. */
export const ANSWER_MS = 120_000
/** From our goodbye to the end of the socket. */
export const CLOSING_MS = 3_000
/** Octets that have come and were not read yet, above which the socket is paused. */
export const READ_AHEAD_BYTES: number = 256 * 1024
/** Octets that the socket holds before a writer waits. */
export const WRITE_AHEAD_BYTES: number = 256 * 1024
/** Challenges of one login: SCRAM needs three. */
export const SASL_CHALLENGES = 10
