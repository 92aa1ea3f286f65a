/** Limits that every store keeps, so that no client can make it grow without bound. @module */

/** Mailboxes of an account, the superiors made on the way included. */
export const MAX_MAILBOXES = 10_000
/** Names an account may subscribe to. */
export const MAX_SUBSCRIPTIONS = 10_000
/** Octets of one level of a mailbox name in UTF-8. */
export const MAX_LEVEL_OCTETS = 255
/** Octets of a whole mailbox name in UTF-8. */
export const MAX_NAME_OCTETS = 1_000
/** Levels of a mailbox name. */
export const MAX_LEVELS = 50
/** Octets of one annotation (RFC 5464 §4.1 wants 1,024 at least). */
export const MAX_METADATA_OCTETS = 16_384
/** Annotations of one mailbox or account that all see; those of one person there count apart. */
export const MAX_METADATA_ENTRIES = 100
/** Octets of all annotations of an account, names included, but for those that others keep there for themselves. */
export const MAX_METADATA_TOTAL: number = 4 * 1024 * 1024
/** Octets of what one other person keeps there for themselves. */
export const MAX_METADATA_OF_GUEST: number = 256 * 1024
/** Entries in the list of rights of one mailbox. */
export const MAX_ACL_ENTRIES = 200
/** Mailboxes of one account that may be for `anyone`, unless the store is told otherwise: each is in everybody's LIST. */
export const MAX_FOR_ANYONE = 100
/** Keywords on one message. */
export const MAX_KEYWORDS = 100
/** Octets of one keyword. */
export const MAX_KEYWORD_OCTETS = 255
/** Distinct keyword sets of an account, the empty one included. */
export const MAX_KEYWORD_SETS = 16_384
