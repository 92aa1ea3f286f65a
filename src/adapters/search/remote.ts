/** The search index from another thread, over a MessagePort. @module */
import type { MessagePort } from 'node:worker_threads'
import type { MailboxKey } from '#mail/ids.ts'
import type { IndexAnswer, IndexedText, SearchIndex } from '#store/search-index.ts'
import type { AccountRef } from '#store/types.ts'

type Question =
  | {
      readonly id: number
      readonly account: AccountRef
      readonly mailbox: MailboxKey
      readonly texts: readonly IndexedText[]
    }
  | { readonly want: AccountRef }
interface Answer {
  readonly id: number
  readonly answer: IndexAnswer | undefined
}

/** Serves an index to one thread, until the port closes. */
export function serveSearchIndex(index: SearchIndex, port: MessagePort): void {
  port.on('message', (question: Question) => {
    if ('want' in question) index.want(question.want)
    else void find(question)
  })

  async function find({ id, account, mailbox, texts }: Extract<Question, { readonly id: number }>): Promise<void> {
    const answer = await index.find(account, mailbox, texts)
    port.postMessage({ id, answer } satisfies Answer)
  }
}

/** See the module. */
export class RemoteSearchIndex implements SearchIndex {
  readonly #port: MessagePort
  readonly #waiting = new Map<number, (answer: IndexAnswer | undefined) => void>()
  #lastId = 0

  constructor(port: MessagePort) {
    this.#port = port
    port.on('message', ({ id, answer }: Answer) => {
      this.#waiting.get(id)?.(answer)
      this.#waiting.delete(id)
    })
    port.on('close', () => {
      for (const resolve of this.#waiting.values()) resolve(undefined)
      this.#waiting.clear()
    })
    port.unref()
  }

  find(account: AccountRef, mailbox: MailboxKey, texts: readonly IndexedText[]): Promise<IndexAnswer | undefined> {
    this.#lastId += 1
    const question: Question = { id: this.#lastId, account, mailbox, texts }
    return new Promise((resolve) => {
      this.#waiting.set(question.id, resolve)
      this.#port.postMessage(question)
    })
  }

  want(account: AccountRef): void {
    this.#port.postMessage({ want: account } satisfies Question)
  }
}
