/**
 * Mail that comes again because nobody could say that it had been kept: killed between two commits of one message, or with
 * a queue that took nothing, a server leaves it in some mailboxes, and its sender tries again (RFC 1047). @module
 */
import { createHash } from 'node:crypto'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef, EmailRow, StagedBody } from '#store/types.ts'
import type { Recipient } from '#store/writes.ts'
import { readStaged } from './staged-bytes.ts'
import { envelopeOfTrace } from './trace-lines.ts'

/** Emails of an account that are looked through: what came since the last try. */
const NEWEST = 200

/** One message, which mailboxes may have from an earlier try. */
export class KeptBefore {
  readonly #store: MailStore
  readonly #messageId: string | undefined
  readonly #body: StagedBody
  #digest: Promise<string> | undefined

  /** @param messageId Without one, nothing is known of it. */
  constructor(store: MailStore, messageId: string | undefined, body: StagedBody) {
    this.#store = store
    this.#messageId = messageId
    this.#body = body
  }

  /**
   * Whether the account has it: the same octets, of the same envelope sender, for the same recipient. What the person has
   * moved or deleted meanwhile counts, as long as deleted mail is kept.
   */
  async in({ account, trace }: Recipient): Promise<boolean> {
    if (this.#messageId === undefined) return false
    const emails = await this.#store.emailsByMessageId(account, this.#messageId, NEWEST)
    for (const email of emails) {
      const [place] = await this.#store.places(account, email)
      if (place === undefined) continue
      for await (const rows of this.#store.emails(account, place.mailbox, [[place.uid, place.uid]], 0))
        for (const row of rows) if (await this.#isSame(account, row, trace)) return true
    }
    return false
  }

  async #isSame(account: AccountRef, { trace, size, place }: EmailRow, ours: Uint8Array): Promise<boolean> {
    const length = size - trace.length
    const bytes = this.#store.stagedBytes(this.#body)
    const staged = bytes.kind === 'bytes' ? bytes.bytes.length : bytes.size
    const envelope = envelopeOfTrace(ours)
    if (length !== staged || envelope === undefined || envelopeOfTrace(trace) !== envelope) return false
    this.#digest ??= digestOf(readStaged(bytes))
    return (await digestOf(this.#store.body(account, place).stream(0, length))) === (await this.#digest)
  }
}

async function digestOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of chunks) hash.update(chunk)
  return hash.digest('hex')
}
