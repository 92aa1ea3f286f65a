/** An account whose present is lost: what was given since its backup is not known, and must not be given again. @module */
import type { Modseq, Uid } from '#mail/ids.ts'
import type { AccountImage } from '#store/image.ts'

/** More than an account gives between two backups. */
const UIDS = 1_000_000
const MODSEQS = 1_000_000_000
const OBJECTS = 1_000_000
/** UIDNEXT stays where it is above this: UIDs are 32 bits (RFC 9051 §2.3.1.1). */
const LARGEST_UIDNEXT = 4_000_000_000

/**
 * The image as it comes back without the account it was of. UIDs, UIDVALIDITYs and UIDLs of what is in it stay, so that
 * nothing is downloaded again. Clients may know numbers that were given after the backup, and would take new mail for
 * mail that they have: so new UIDs (and with them UIDLs), MODSEQs and object ids begin beyond all that can have been
 * given (RFC 9051 §2.3.1.1, RFC 8474 §5.1). Every message has a new MODSEQ, and QRESYNC tells of every UID that is not
 * there (RFC 7162 §5.3).
 */
export function ahead(image: AccountImage): AccountImage {
  const { next, messages, deleted } = image
  const modseq = (image.modseq + MODSEQS) as Modseq
  return {
    ...image,
    modseq,
    next: { mailbox: next.mailbox + OBJECTS, email: next.email + OBJECTS, thread: next.thread + OBJECTS },
    mailboxes: image.mailboxes.map((mailbox) => ({
      ...mailbox,
      uidNext: (mailbox.uidNext < LARGEST_UIDNEXT ? mailbox.uidNext + UIDS : mailbox.uidNext) as Uid,
      highestModseq: modseq,
      vanishedFloor: modseq,
    })),
    tombstones: [],
    seen: image.seen.map((seen) => ({ ...seen, modseq })),
    messages: { ...messages, modseqs: messages.uids.map(() => modseq) },
    deleted: { ...deleted, modseqs: deleted.uids.map(() => modseq) },
  }
}
