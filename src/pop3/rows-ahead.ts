import type { MessageNumber } from '#mail/ids.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { EmailRow } from '#store/types.ts'
import type { Maildrop } from './maildrop.ts'

/** Rows read at once for a client that takes one message after the other. */
const AHEAD = 32
/** The place of a body in the store stays true for a while, longer than this. */
const FRESH_MS = 60_000

/** Rows of a maildrop, read ahead where messages are asked for in their order: one look into the index for many. */
export class RowsAhead {
  readonly #store: MailStore
  readonly #maildrop: Maildrop
  #rows = new Map<number, EmailRow>()
  #readAt = 0
  #last = 0

  constructor(store: MailStore, maildrop: Maildrop) {
    this.#store = store
    this.#maildrop = maildrop
  }

  /** A message that IMAP expunged meanwhile is still there; `undefined` when even its row is no more. */
  row(message: MessageNumber): EmailRow | undefined | Promise<EmailRow | undefined> {
    const next = message === this.#last + 1
    this.#last = message
    const uid = this.#maildrop.uid(message)
    const fresh = performance.now() - this.#readAt < FRESH_MS
    return (fresh ? this.#rows.get(uid) : undefined) ?? this.#read(message, next ? AHEAD : 1)
  }

  async #read(message: MessageNumber, count: number): Promise<EmailRow | undefined> {
    const { account, mailbox } = this.#maildrop
    this.#rows.clear()
    if (mailbox === undefined) return undefined
    const uid = this.#maildrop.uid(message)
    this.#readAt = performance.now()
    const last = Math.min(message + count - 1, this.#maildrop.count) as MessageNumber
    const range = [this.#maildrop.uid(message), this.#maildrop.uid(last)] as const
    for await (const rows of this.#store.emails(account, mailbox, [range], 0))
      for (const row of rows) {
        this.#rows.set(row.uid, row)
        // between them may be messages that came back, or were left out
        if (this.#rows.size >= 2 * AHEAD) return this.#rows.get(uid)
      }
    return this.#rows.get(uid)
  }
}
