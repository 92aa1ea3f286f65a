/** What came of one SMTP transaction, by the id of its reply: in mailboxes here, and on its way to other servers. @module */
import { emailsOfTransaction } from '#services/history.ts'
import { MOST_WAYS } from '#services/outgoing.ts'
import type { Directory } from '#store/directory.ts'
import type { MailStore } from '#store/mail-store.ts'
import { type HistoryView, historyView } from './gone-views.ts'
import type { QueueDesk } from './queue-desk.ts'
import { type QueueHistoryView, queueHistoryView } from './queue-views.ts'
import { VerbRefused } from './verbs.ts'

/** An email in an account here. */
export interface KeptView extends HistoryView {
  readonly address: string
}

export interface TransactionView {
  readonly kept: readonly KeptView[]
  /** One for each way that it went: directly, and by each alias. */
  readonly sent: readonly QueueHistoryView[]
}

export interface TransactionDeps {
  readonly store: MailStore
  readonly directory: Pick<Directory, 'accountById'>
  readonly queue: Pick<QueueDesk, 'ask'>
}

export async function transactionView(
  { store, directory, queue }: TransactionDeps,
  id: string,
): Promise<TransactionView> {
  const sent: QueueHistoryView[] = []
  for (let way = 0; way < MOST_WAYS; way += 1) {
    const found = await queue.ask('history', way === 0 ? id : `${id}.f${way}`)
    if (found === undefined) break
    sent.push(queueHistoryView(found))
  }
  const kept: KeptView[] = []
  for (const { account, email } of await emailsOfTransaction(store, id)) {
    const owner = await directory.accountById(account)
    const view = owner && (await historyView(store, owner.ref, email))
    if (owner !== undefined && view !== undefined) kept.push({ address: owner.address, ...view })
  }
  if (kept.length === 0 && sent.length === 0) throw new VerbRefused({ kind: 'no-such-message', message: id })
  return { kept, sent }
}
