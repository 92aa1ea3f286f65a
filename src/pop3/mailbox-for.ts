import type { MailStore } from '#store/mail-store.ts'
import { canonicalMailboxName } from '#store/mailbox-name.ts'
import type { AccountRef, MailboxInfo } from '#store/types.ts'

/**
 * The mailbox that a login names behind its `+`: of that very name, else the only one that differs in case alone, as
 * many clients change the case of login names. INBOX without a detail.
 */
export async function mailboxFor(
  store: MailStore,
  account: AccountRef,
  detail: string | undefined,
): Promise<MailboxInfo | undefined> {
  if (detail === undefined || detail === '') return store.mailboxByName(account, 'INBOX')
  const name = canonicalMailboxName(detail.normalize('NFC'))
  const exact = await store.mailboxByName(account, name)
  if (exact !== undefined) return exact
  const folded = name.toLowerCase()
  const alike = (await store.mailboxes(account)).filter((mailbox) => mailbox.name.toLowerCase() === folded)
  return alike.length === 1 ? alike[0] : undefined
}
