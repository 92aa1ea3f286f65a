/** What a backup says of an account, before any of it is believed: the store takes numbers as they come. @module */
import type { AccountImage } from '#store/image.ts'
import { mailboxNameFault } from '#store/mailbox-name.ts'
import { BackupRefused, isCount } from './format.ts'

/** UIDs and keys of emails are 32 bits; beyond, a key would name an email of another account. */
const MOST = 0xffff_ffff

/** @throws {BackupRefused} where it cannot be of an account: a checksum says that octets are whole, not whose they are. */
export function mustBeSound(image: AccountImage, address: string): void {
  const { modseq, lastUidValidity, mailboxes, next, messages, deleted } = image
  const sound =
    [modseq, lastUidValidity, next.mailbox, next.email, next.thread].every(isCount) &&
    next.email <= MOST &&
    mailboxes.every(
      ({ key, name, uidValidity, uidNext }) =>
        [key, uidValidity, uidNext].every(isCount) && mailboxNameFault(name) === undefined,
    ) &&
    areSound(messages, next.email) &&
    areSound(deleted, next.email)
  if (!sound) throw new BackupRefused({ kind: 'damaged-backup', what: address })
}

/** Rows are whole, and name nothing that was never given. */
function areSound(columns: AccountImage['messages'] | AccountImage['deleted'], nextEmail: number): boolean {
  const { mailboxes, uids, emails } = columns
  return (
    mailboxes.length === uids.length &&
    emails.length === uids.length &&
    // an older backup may not have them all
    Object.values(columns).every((column) => column.length === uids.length || column.length === 0) &&
    mailboxes.every(isCount) &&
    uids.every((uid) => isCount(uid) && uid > 0 && uid < MOST) &&
    emails.every((email) => isCount(email) && email > 0 && email < nextEmail)
  )
}
