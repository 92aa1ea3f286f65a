import { done, type Result, refused } from '#lib/result.ts'
import type { EnqueueRefusal, NewMessage, Outbox, QueueStage, StagedMessage } from '#store/queue.ts'

/** A queue that sends nothing and forgets everything with the test. */
export class MemoryOutbox implements Outbox {
  readonly messages: NewMessage[] = []
  /** Bytes that have been staged, by file; those abandoned are gone. */
  readonly bodies: Map<string, string> = new Map()
  /** Stages begun and not ended. */
  open = 0
  /** Set: the next messages are refused so. */
  refusal: EnqueueRefusal | undefined
  #last = 0

  stage(): QueueStage {
    this.#last += 1
    this.open += 1
    const file = `messages/${this.#last}.eml`
    const chunks: Buffer[] = []
    let ended = false
    const end = (): void => {
      if (!ended) this.open -= 1
      ended = true
    }
    return {
      write: (chunk) => {
        if (ended) throw new Error('The stage has ended')
        chunks.push(Buffer.from(chunk))
        return undefined
      },
      finish: async (): Promise<StagedMessage> => {
        end()
        const bytes = Buffer.concat(chunks)
        this.bodies.set(file, bytes.toString('utf8'))
        return { kind: 'file', file, size: bytes.length }
      },
      abandon: async () => {
        end()
        this.bodies.delete(file)
      },
    }
  }

  async enqueue(messages: readonly NewMessage[]): Promise<Result<void, EnqueueRefusal>> {
    if (this.refusal !== undefined) {
      for (const { body } of messages) if (body.kind === 'file') this.bodies.delete(body.file)
      return refused(this.refusal)
    }
    this.messages.push(...messages)
    return done(undefined)
  }

  /** Bytes of the message that went to this address. */
  textFor(address: string): string {
    const message = this.messages.find(({ recipients }) => recipients.some((one) => one.address === address))
    return message === undefined ? '' : this.textOf(message.body)
  }

  textOf(body: StagedMessage): string {
    return (body.kind === 'file' ? this.bodies.get(body.file) : undefined) ?? ''
  }
}
