/** Bounds of mail out, in one place. @module */

/** How long is waited for another server (RFC 5321 §4.5.3.2); the TCP handshake is not in there. */
export interface Timeouts {
  readonly connectMs: number
  /** From the TCP connection to the last EHLO: greeting (§4.5.3.2.1), STARTTLS and its handshake. */
  readonly greetingMs: number
  /** EHLO, AUTH, MAIL, RCPT (§4.5.3.2.2, §4.5.3.2.3). */
  readonly commandMs: number
  /** The answer to DATA (§4.5.3.2.4). */
  readonly dataMs: number
  /** A part of the message that makes no way (§4.5.3.2.5). */
  readonly blockMs: number
  /** The answer to the message (§4.5.3.2.6). */
  readonly endMs: number
  /** The answer to QUIT. */
  readonly quitMs: number
  /** The whole set-up, EHLO and AUTH included, however the server trickles. */
  readonly setUpMs: number
  /** A whole transaction, for each {@link SLOWEST} octets of its message begun. */
  readonly transactionMs: number
}

export const TIMEOUTS: Timeouts = {
  connectMs: 30_000,
  greetingMs: 300_000,
  commandMs: 300_000,
  dataMs: 120_000,
  blockMs: 180_000,
  endMs: 600_000,
  quitMs: 2_000,
  setUpMs: 900_000,
  transactionMs: 3_600_000,
}

/** See {@link Timeouts.transactionMs}: some 3 KB/s. */
export const SLOWEST = 10_000_000

/** Octets of one BDAT chunk: a refusal is heard between them. */
export const CHUNK = 1_048_576
/** Octets of a reply, all its lines; longer than any real one. */
export const MOST_REPLY = 65_536
/** Characters of a reply that are kept. */
export const MOST_REPLY_TEXT = 1_000
/** Hosts and addresses tried for one destination at a time. */
export const MOST_HOSTS = 10
export const MOST_ADDRESSES = 20
/** After this no further one is begun. */
export const TRYING_MS = 600_000
