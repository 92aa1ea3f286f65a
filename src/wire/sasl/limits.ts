/** Every bound of the SASL exchanges in one place. @module */

/** Characters of one base64 line (RFC 4954 §4 names 12,288 octets). */
export const SASL_LINE_CHARACTERS = 12_288

/** Octets of a login name or authorization identity; RFC 4616 §2 demands 255. */
export const LOGIN_OCTETS = 1_024

/** Octets of a password. */
export const PASSWORD_OCTETS = 4_096

/** Characters of a SCRAM nonce, both parts. */
export const NONCE_CHARACTERS = 1_024

/** Rounds that a server may ask of our client (RFC 5802 §9: a hostile one asks for billions); fewer than the least is weaker than RFC 7677 §4 allows. */
export const SCRAM_ITERATIONS_MOST = 10_000_000
export const SCRAM_ITERATIONS_LEAST = 4_096

/** Octets of a salt that our client takes. */
export const SALT_OCTETS = 1_024
