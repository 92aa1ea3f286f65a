/** The copy of what somebody sends, in the mailbox for it, where the account asks for one. @module */
import { SEEN } from '#store/flags.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef } from '#store/types.ts'
import type { Recipient } from '#store/writes.ts'

const NAME = 'Sent'
/** Emails of the account that are looked through; a program that keeps its own copy does so beside sending. */
const NEWEST = 1_000

export interface SentMessage {
  readonly account: AccountRef
  /** With brackets. */
  readonly messageId: string
  /** Bcc fields, which only the sender sees again. */
  readonly bcc: Uint8Array
  /** Who asks: the id of the message. */
  readonly by: string
  readonly at: number
}

/**
 * Where the copy goes: the mailbox with the special use `\Sent` (RFC 6154 §2), else "Sent", which is made when it is not
 * there. `undefined`: a message with this Message-ID is there already, by a program that keeps its own or by an earlier try.
 */
export async function copyInSent(store: MailStore, message: SentMessage): Promise<Recipient | undefined> {
  const { account, messageId, bcc, by, at } = message
  const mailboxes = await store.mailboxes(account)
  const known = mailboxes.find(({ specialUse }) => specialUse === 'Sent') ?? mailboxes.find(({ name }) => name === NAME)
  if (known === undefined) {
    const made = await store.write('createMailbox', { account, by, name: NAME, specialUse: 'Sent' })
    if (made.ok) await store.write('subscribe', { account, by, name: NAME, subscribed: true })
  } else {
    for (const email of await store.emailsByMessageId(account, messageId, NEWEST)) {
      const places = await store.places(account, email)
      if (places.some(({ mailbox, deletedAt }) => mailbox === known.key && deletedAt === undefined)) return undefined
    }
  }
  return {
    account,
    mailbox: known?.name ?? NAME,
    trace: bcc,
    flags: { system: SEEN, keywords: [] },
    internalDate: Math.floor(at / 1000) * 1000,
    internalZone: 0,
  }
}
