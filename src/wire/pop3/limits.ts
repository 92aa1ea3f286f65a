/** Every bound of the POP3 grammar in one place; octets, line ends included. @module */

/** What a client may rely on (RFC 2449 §4). */
export const COMMAND_OCTETS = 255

/** What we read of one (quirk `long-command`). */
export const TOLERATED_COMMAND_OCTETS = 2_048

/** AUTH with its initial response (quirk `long-initial-response`), and the lines of its exchange, which RFC 5034 §4 leaves unbounded. */
export const AUTH_LINE_OCTETS = 65_536

/** First line of a response, and one capability (RFC 2449 §4, §5). */
export const RESPONSE_OCTETS = 512

/** What our client reads of one (quirk `long-response`). */
export const TOLERATED_RESPONSE_OCTETS = 65_536

/** A unique-id (RFC 1939 §7). */
export const UNIQUE_ID_OCTETS = 70

/** What our client reads of one (quirk `long-unique-id`). */
export const TOLERATED_UNIQUE_ID_OCTETS = 512

/** Largest message-number there can be: UIDs end there. */
export const LARGEST_MESSAGE_NUMBER = 4_294_967_295
