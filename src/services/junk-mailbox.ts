/** Where unwanted mail of an account goes. @module */
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef } from '#store/types.ts'

/**
 * Name of the mailbox with the special use `\Junk` (RFC 6154 §2), else of "Junk", which is made when it is not there; a
 * delivery to a name that could not be made goes to INBOX.
 */
export async function junkMailbox(store: MailStore, account: AccountRef, by: string): Promise<string> {
  const mailboxes = await store.mailboxes(account)
  const known = mailboxes.find(({ specialUse }) => specialUse === 'Junk')
  if (known !== undefined) return known.name
  if (mailboxes.every(({ name }) => name !== 'Junk')) {
    const made = await store.write('createMailbox', { account, by, name: 'Junk', specialUse: 'Junk' })
    if (made.ok) await store.write('subscribe', { account, by, name: 'Junk', subscribed: true })
  }
  return 'Junk'
}
