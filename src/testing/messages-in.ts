/** Messages of a mailbox as FETCH would give them whole. @module */
import { uidSetOf } from '#mail/uid-set.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef } from '#store/types.ts'

export interface WholeMessage {
  readonly trace: Uint8Array
  /** Octets of the whole, as the row says. */
  readonly size: number
  /** Trace lines and body, an octet a character. */
  readonly text: string
}

/** All messages of a mailbox, by UID; none where the mailbox is not there. */
export async function wholeMessages(
  store: MailStore,
  account: AccountRef | undefined,
  mailbox: string,
): Promise<readonly WholeMessage[]> {
  const info = account && (await store.mailboxByName(account, mailbox))
  if (account === undefined || info === undefined) return []
  const { uids } = await store.messages(account, info.key, 0)
  const messages: WholeMessage[] = []
  for await (const rows of store.emails(account, info.key, uidSetOf(uids), 0))
    for (const row of rows) {
      const body = store.body(account, row.place)
      const chunks: Uint8Array[] = [row.trace]
      for await (const chunk of body.stream(0, body.size)) chunks.push(Uint8Array.from(chunk))
      messages.push({ trace: row.trace, size: row.size, text: Buffer.concat(chunks).toString('latin1') })
    }
  return messages
}
