/** Bounds of every connection, whatever is spoken on it. @module */

/** A peer that takes nothing of what is written for this long is gone. */
export const SLOW_READER_MS = 120_000
/** From the last word to the end of the socket, when the peer neither closes nor takes what is left for it. */
export const CLOSING_MS = 5_000
/** For a peer that takes its last words slowly: nobody counts such a connection any more. */
export const LAST_WORDS_MS = 600_000
/** Silence after which TCP asks whether the peer is still there. */
export const KEEP_ALIVE_MS = 60_000
/** A whole TLS handshake on a running connection. */
export const HANDSHAKE_MS = 15_000
/** Bytes that the socket holds before a session waits for its reader. */
export const WRITE_AHEAD_BYTES = 262_144
/** How long commands sent in one go may keep the loop from other sessions. */
export const SLICE_MS = 5
/** Octets that compressed input becomes at a time: between two such steps the session may say that it has enough. */
export const INFLATE_STEP_BYTES = 16_384
/** Compression holds no memory for a session in which nothing has passed for this long. */
export const COMPRESSION_REST_MS = 10_000
/** Sessions of a thread that keep compression's memory between their commands, 300 KB each. */
export const COMPRESSION_STATES = 32

/** Input in the clear behind compressed input that was ended: what may wait until the session has agreed on it. */
export const UNCOMPRESSED_BEHIND_BYTES = 131_072
