/** Numbers that must not mix. They are plain numbers at run time. @module */

/** Unique identifier of a message in one mailbox, 1 to 4,294,967,295 (RFC 9051 §2.3.1.1). */
export type Uid = number & { readonly brand: 'Uid' }

/** Position of a message in one session's view of a mailbox, from 1 (RFC 9051 §2.3.1.2). */
export type MessageNumber = number & { readonly brand: 'MessageNumber' }

/** Modification sequence, one counter per account, from 1; safe integers only (RFC 7162 §3.1). */
export type Modseq = number & { readonly brand: 'Modseq' }

/** An account in the whole installation; never reused. */
export type AccountId = number & { readonly brand: 'AccountId' }

/** A mailbox in its account; never reused. Names and UIDVALIDITY may change, this does not. */
export type MailboxKey = number & { readonly brand: 'MailboxKey' }

/** An email (immutable content) in its account; copies in several mailboxes share it. Never reused. */
export type EmailKey = number & { readonly brand: 'EmailKey' }

/** A thread (conversation) in its account. */
export type ThreadKey = number & { readonly brand: 'ThreadKey' }

/** The largest UID and UIDVALIDITY: 2^32 - 1. */
export const LARGEST_UID: Uid = 4_294_967_295 as Uid
