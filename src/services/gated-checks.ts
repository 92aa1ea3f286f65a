/** The checks as a session has them: asked in this process or over a MessagePort, and only about whom they concern. @module */
import type { MessagePort } from 'node:worker_threads'
import {
  type CheckReply,
  type InboundChecks,
  type MessageQuestion,
  NOT_NOW,
  type RecipientQuestion,
  type Verdict,
} from './inbound-checks.ts'
import { type NetworkTest, networkTest } from './networks.ts'

export type ChecksQuestion =
  | ({ readonly about: 'recipient' } & RecipientQuestion)
  | ({ readonly about: 'message' } & MessageQuestion)

export type ChecksAnswer =
  | { readonly about: 'recipient'; readonly reply: CheckReply | undefined }
  | { readonly about: 'message'; readonly verdict: Verdict }

/** `undefined`: nobody can tell now. The memory of a message in the question is given away. */
export type AskChecks = (question: ChecksQuestion) => Promise<ChecksAnswer | undefined>

/** What a thread must know before it asks; cloneable. */
export interface ChecksGate {
  /** Networks whose mail is not looked at. */
  readonly exempt: readonly string[]
  readonly asksAtRecipient: boolean
}

/** See the module. */
export class GatedChecks implements InboundChecks {
  readonly asksAtRecipient: boolean
  readonly #exempt: NetworkTest
  readonly #ask: AskChecks

  constructor(gate: ChecksGate, ask: AskChecks) {
    this.asksAtRecipient = gate.asksAtRecipient
    this.#exempt = networkTest(gate.exempt)
    this.#ask = ask
  }

  concerns(remoteAddress: string): boolean {
    return !this.#exempt(remoteAddress)
  }

  async recipient({ remoteAddress, helo, sender, recipient }: RecipientQuestion): Promise<CheckReply | undefined> {
    const answer = await this.#ask({ about: 'recipient', remoteAddress, helo, sender, recipient })
    return answer?.about === 'recipient' ? answer.reply : undefined
  }

  async check({ remoteAddress, helo, sender, id, recipients, body }: MessageQuestion): Promise<Verdict> {
    // the body itself is still to be kept
    const copy = body.kind === 'bytes' ? { kind: body.kind, bytes: body.bytes.slice() } : body
    const answer = await this.#ask({ about: 'message', remoteAddress, helo, sender, id, recipients, body: copy })
    return answer?.about === 'message' ? answer.verdict : NOT_NOW
  }
}

/** What to give away with a question. */
export function memoryOf(question: ChecksQuestion): ArrayBuffer[] {
  if (question.about !== 'message' || question.body.kind !== 'bytes') return []
  const { buffer } = question.body.bytes
  return buffer instanceof ArrayBuffer ? [buffer] : []
}

interface Asked {
  readonly id: number
  readonly question: ChecksQuestion
}
interface Answered {
  readonly id: number
  readonly answer: ChecksAnswer | undefined
}

/** Serves another thread, until the port closes. */
export function serveChecks(ask: AskChecks, port: MessagePort): void {
  port.on('message', ({ id, question }: Asked) => {
    void ask(question).then((answer) => port.postMessage({ id, answer } satisfies Answered))
  })
}

/** Asks over a port that {@link serveChecks} serves. */
export function askOver(port: MessagePort): AskChecks {
  const waiting = new Map<number, (answer: ChecksAnswer | undefined) => void>()
  let lastId = 0
  port.on('message', ({ id, answer }: Answered) => {
    waiting.get(id)?.(answer)
    waiting.delete(id)
  })
  port.on('close', () => {
    for (const resolve of waiting.values()) resolve(undefined)
    waiting.clear()
  })
  port.unref()
  return (question) => {
    lastId += 1
    const id = lastId
    return new Promise((resolve) => {
      waiting.set(id, resolve)
      port.postMessage({ id, question } satisfies Asked, memoryOf(question))
    })
  }
}
