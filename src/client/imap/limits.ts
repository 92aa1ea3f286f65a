/** Bounds of an IMAP client in one place; those of the grammar are in `wire/imap/limits.ts`. @module */
import { type FramerLimits, RESPONSE_LIMITS } from '#wire/imap/limits.ts'

/** What a server may say in one response; small literals are kept, larger ones are bodies that stream. */
export const FRAME_LIMITS: FramerLimits = { ...RESPONSE_LIMITS, autoBufferBytes: 32 * 1024 }

/** Commands sent and not answered; more wait. */
export const COMMANDS_IN_FLIGHT = 64
/** Characters of one message set, so that lines stay bearable for every server (RFC 2683 §3.2.1.5). */
export const SET_CHARS = 6_000
/** A message up to this size is sent without asking where the server allows it; for a larger one its refusal is heard first. */
export const APPEND_UNASKED_BYTES: number = 256 * 1024
/** Messages of one MULTIAPPEND… */
export const MULTIAPPEND_MESSAGES = 100
/** …and their octets. */
export const MULTIAPPEND_BYTES: number = 8 * 1024 * 1024

/** A literal that cannot stream: names, headers, answers to SEARCH. */
export const LITERAL_BYTES: number = 16 * 1024 * 1024
/** Untagged responses in one connection that cannot be read. */
export const UNREADABLE_RESPONSES = 1_000
/** Mailboxes of one LIST. */
export const MAILBOXES = 200_000
/** Numbers of one SEARCH, SORT or THREAD; also messages of a mailbox whose UIDs are kept. */
export const NUMBERS = 20_000_000

/** Messages of a FETCH that wait for their reader before the server is held up… */
export const FETCHED_AHEAD = 1_000
/** …and how many may wait while another command needs the connection. */
export const FETCHED_AHEAD_MOST = 250_000
/** Bodies are asked for in windows of about so many octets… */
export const WINDOW_BYTES: number = 4 * 1024 * 1024
/** …and messages. */
export const WINDOW_MESSAGES = 500
/** Octets of bodies that are kept while another command needs the connection. */
export const BODY_AHEAD_BYTES: number = 64 * 1024 * 1024

/** How long our goodbye waits for its answer. */
export const LOGOUT_MS = 3_000

/** IDLE is renewed after this long (RFC 2177 asks for less than 30 minutes). */
export const IDLE_MS: number = 25 * 60_000
/** How often a server without IDLE is asked for news. */
export const POLL_MS = 60_000
/** Events that wait for a slow reader; more make it look again. */
export const EVENTS_AHEAD = 10_000

/** Pauses before the attempts to connect again, the last one for all further ones. */
export const RECONNECT_PAUSES_MS: readonly number[] = [0, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000]
/** Attempts in a row. */
export const RECONNECT_ATTEMPTS = 8
