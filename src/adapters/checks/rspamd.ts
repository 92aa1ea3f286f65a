/** Asks rspamd over HTTP what it thinks of a message (`/checkv2`). @module */
import { request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { pipeline } from 'node:stream/promises'
import type { MethodResult } from '#mail/authentication-results.ts'
import type { MessageQuestion } from '#services/inbound-checks.ts'
import type { OpenMessage } from './header.ts'
import type { Decision } from './policy.ts'

export interface SpamOpinion {
  readonly decision: Decision
  readonly result: MethodResult
}

const MOST_ANSWER = 1_048_576

/**
 * @param url Where rspamd listens: its normal worker or a proxy.
 * @returns `undefined`: it cannot be asked, or says nothing that can be read. Mail goes on without it.
 */
export async function askRspamd(
  url: string,
  message: OpenMessage,
  question: MessageQuestion,
  signal: AbortSignal,
): Promise<SpamOpinion | undefined> {
  try {
    return opinionOf(await post(url, message, question, signal))
  } catch {
    return undefined
  }
}

async function post(
  url: string,
  message: OpenMessage,
  question: MessageQuestion,
  signal: AbortSignal,
): Promise<unknown> {
  const target = new URL('/checkv2', url)
  const clean = (text: string): string => text.replace(/[^\x21-\x7e]/g, '?')
  const asked = (target.protocol === 'https:' ? secureRequest : request)(target, {
    method: 'POST',
    signal,
    headers: {
      'Content-Length': message.size,
      IP: question.remoteAddress,
      Helo: clean(question.helo),
      From: clean(question.sender),
      Rcpt: question.recipients.map(clean),
      'Queue-Id': question.id,
    },
  })
  const answered = new Promise<Buffer>((resolve, reject) => {
    asked.once('error', reject).once('response', (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > MOST_ANSWER) response.destroy(new Error('rspamd says too much'))
        else chunks.push(chunk)
      })
      response.once('error', reject).once('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks))
        else reject(new Error(`rspamd answers ${response.statusCode}`))
      })
    })
  })
  const [answer] = await Promise.all([answered, pipeline(message.octets(), asked)])
  return JSON.parse(answer.toString('utf8'))
}

/** What its answer means here. */
export function opinionOf(answer: unknown): SpamOpinion | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined
  const { action, score, required_score: required, messages } = answer as Readonly<Record<string, unknown>>
  if (typeof action !== 'string') return undefined
  const said =
    typeof messages === 'object' && messages !== null
      ? (messages as Readonly<Record<string, unknown>>)['smtp_message']
      : undefined
  const decision = decisionOf(action, typeof said === 'string' ? said : undefined)
  if (decision === undefined) return undefined
  const comment = `score ${Number(score).toFixed(1)} of ${Number(required).toFixed(1)}`
  // a method of our own
  const result = action.replaceAll(' ', '-').replace(/[^a-z-]/gi, '')
  return { decision, result: { method: 'x-rspamd', result, comment, properties: {} } }
}

function decisionOf(action: string, said: string | undefined): Decision | undefined {
  const text = (usual: string): string => (said ?? usual).replace(/[^\x20-\x7e]/g, '?').slice(0, 200)
  switch (action) {
    case 'no action':
      return { disposition: 'accept' }
    case 'add header':
    case 'rewrite subject':
    case 'quarantine':
      return { disposition: 'junk', reason: 'spam' }
    case 'discard':
    case 'reject':
      return {
        disposition: 'reject',
        reply: { code: 550, text: `5.7.1 ${text('This message looks like spam')}` },
        reason: 'spam',
      }
    case 'greylist':
    case 'soft reject':
      return {
        disposition: 'defer',
        reply: { code: 451, text: `4.7.1 ${text('Try again later')}` },
        reason: 'spam, perhaps',
      }
    default:
      return undefined
  }
}
