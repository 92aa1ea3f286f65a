/** Bounds of a POP3 session in one place; those of the grammar are in `wire/pop3/limits.ts`. @module */

/** Without a login, silence of this long ends the session… */
export const LOGIN_MS = 60_000
/** …and nobody stays longer than this before the login, however busy. */
export const LOGIN_TOTAL_MS = 300_000
/** Autologout; RFC 1939 §3 asks for 10 minutes at least. */
export const IDLE_MS = 600_000
/** A session silent for this long gives its maildrop up to another login (design §4). */
export const YIELD_MS = 60_000
export const DAY_MS = 86_400_000

/** How often deadlines are looked at; all sessions together, by one timer. */
export const TICK_MS = 1_000
/** How long a service that stops waits for commands to end. */
export const STOP_MS = 10_000

/** Bad commands in a row that end a session, before the login and after. */
export const BAD_BEFORE_LOGIN = 3
export const BAD_AFTER_LOGIN = 10
/** Failed logins that end a connection; the registry slows them down on its own. */
export const FAILED_LOGINS = 5

/** Bytes read ahead of the command at work before the socket is paused. */
export const READ_AHEAD_BYTES = 65_536
/** Bytes gathered before they are handed to the socket. */
export const FLUSH_BYTES = 65_536
/** Pieces that are no more together are joined before they are written. */
export const JOINED_BYTES = 32_768

/** Memory that a connection reads small bodies into until they have gone out, and what a thread keeps of it. */
export const ROOM_BYTES = 98_304
export const SPARE_ROOMS = 4

/** Bodies up to this size are read whole, larger ones in chunks. */
export const WHOLE_BODY_BYTES = 262_144
/** What TOP reads at a time. */
export const TOP_READ_BYTES = 32_768
