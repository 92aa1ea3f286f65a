/** Bounds of an IMAP session in one place; those of the grammar are in `wire/imap/limits.ts`. @module */

/** Without a login, silence of this long ends the session… */
export const LOGIN_MS = 60_000
/** …and nobody stays longer than this before the login, however busy. */
export const LOGIN_TOTAL_MS = 300_000
/** An idling client hears something this often, so that NAT boxes on the way do not forget it. */
export const KEEP_ALIVE_MS = 120_000
/** What the sessions' deadlines are looked at for; all of them together, by one timer. */
export const TICK_MS = 1_000
/** How long a server that stops waits for commands to end. */
export const STOP_MS = 10_000

/** Bad commands in a row that end a session, before the login and after. */
export const BAD_BEFORE_LOGIN = 3
export const BAD_AFTER_LOGIN = 10
/** Failed logins that end a connection; the registry slows them down on its own. */
export const FAILED_LOGINS = 5

/** Bytes read ahead of the command at work before the socket is paused. */
export const READ_AHEAD_BYTES = 131_072
/** One line before the login, where anybody may hold one open; a SASL answer has 12,288 octets at most. */
export const LINE_BYTES_BEFORE_LOGIN = 16_384
/** Literals of commands before the login, all of one command. */
export const LITERAL_BYTES_BEFORE_LOGIN = 8_192
/** Messages of one MULTIAPPEND together, at least one whole message. */
export const MULTIAPPEND_BYTES: number = 64 * 1024 * 1024

/** Octets of a header that HEADER.FIELDS looks at. */
export const HEADER_BYTES: number = 1024 * 1024
/** Octets of one message that FETCH holds before it begins to answer; what is larger goes out as it is read. */
export const FETCH_AHEAD_BYTES: number = 1024 * 1024

/** The smallest batch of UIDBATCHES (RFC 10022 §3.1.3.2)… */
export const UID_BATCH_MESSAGES = 500
/** …and how many messages the batches of one range may have together (§3.1.5). */
export const UID_BATCHES_SPAN = 100_000

/** Mailboxes that one session may watch without selecting them (RFC 5465 §3.1)… */
export const NOTIFY_SHARERS = 100
export const NOTIFY_MAILBOXES = 10_000
/** …and for their annotations, all of which are compared when some have changed… */
export const NOTIFY_ANNOTATED = 1_000
/** …and those of them, or names, that may have changed while it could not be told (§5.8). */
export const NOTIFY_PENDING = 2_000

/** Searches of one mailbox that are kept up to date (RFC 5267 §4.3.1). */
export const UPDATED_SEARCHES = 8

/** Messages that clients should not go beyond in one command (RFC 9738 §3)… */
export const MESSAGES_ADVISED = 100_000
/** …and what they get at most, the highest UIDs. */
export const MESSAGES_AT_ONCE = 1_000_000
/** Commands that are done as one when they came in one piece. */
export const MOST_JOINED = 250
/** Silence of a command at work after which its client is told that it goes on (RFC 9585 §4: 10 to 15 s). */
export const PROGRESS_MS = 10_000

/** Who idles on a mailbox of this many messages lets go of it… */
export const REST_MESSAGES = 1_000
/** …when nothing has happened for so long. */
export const REST_MS = 60_000
