/** Bounds of a POP3 client, against servers that mean harm. @module */

/** Lines of one listing: the messages of the largest maildrop that we believe in. */
export const LISTING_LINES = 1_000_000
/** Octets of one listing. */
export const LISTING_OCTETS: number = 128 * 1024 * 1024
/** Lines of CAPA. */
export const CAPABILITY_LINES = 1_000
/** Octets of one message, unless the caller says otherwise. */
export const MESSAGE_OCTETS: number = 1024 * 1024 * 1024
/** RETR commands that are under way at once where the server has PIPELINING. */
export const RETRIEVE_WINDOW = 16
