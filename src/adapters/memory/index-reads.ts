/** What a search index reads of the memory store. @module */
import type { IndexableEmail } from '#store/types.ts'
import { emailsOf } from './image.ts'
import type { Account, Mailbox } from './state.ts'

/** One slice of emails with what is indexed of them. */
export function indexableOf(account: Account, after: number, limit: number): readonly IndexableEmail[] {
  return emailsOf(account, after, limit).map(({ key, internalDate, trace, place, prepared }) => {
    const { subject, from, to, cc, parts } = prepared
    return { key, internalDate, trace, place, parts, columns: { subject, from, to, cc } }
  })
}

/** UIDs of the messages, expunged ones among them, whose email is one of those. */
export function uidsWhere(mailbox: Mailbox | undefined, wanted: (email: number) => boolean): Uint32Array<ArrayBuffer> {
  return Uint32Array.from((mailbox?.rows ?? []).filter(({ email }) => wanted(email.key)).map(({ uid }) => uid))
}
