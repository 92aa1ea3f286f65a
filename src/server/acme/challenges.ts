/** What the authority asks us to show while it looks whether names are ours. @module */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createSecureContext, type SecureContext } from 'node:tls'

/** One thing to show. */
export type Challenge =
  /** At a path of port 80 (RFC 8555 §8.3). */
  | { readonly type: 'http-01'; readonly name: string; readonly token: string; readonly answer: string }
  /** In a certificate on port 443 (RFC 8737 §3), PEM. */
  | { readonly type: 'tls-alpn-01'; readonly name: string; readonly cert: string; readonly key: string }

export type ChallengeType = Challenge['type']

const PATH = '/.well-known/acme-challenge/'

/** What is shown now. */
export class Challenges {
  readonly #answers = new Map<string, string>()
  readonly #certificates = new Map<string, SecureContext>()

  add(challenge: Challenge): void {
    if (challenge.type === 'http-01') this.#answers.set(challenge.token, challenge.answer)
    else this.#certificates.set(challenge.name, createSecureContext({ cert: challenge.cert, key: challenge.key }))
  }

  remove(challenge: Challenge): void {
    if (challenge.type === 'http-01') this.#answers.delete(challenge.token)
    else this.#certificates.delete(challenge.name)
  }

  /** The certificate for a client that speaks `acme-tls/1`. */
  certificate(serverName: string): SecureContext | undefined {
    return this.#certificates.get(serverName.toLowerCase())
  }

  /** Answers a question about a challenge. @returns `false`: it is another question. */
  answer({ url = '', method }: IncomingMessage, response: ServerResponse): boolean {
    if (!url.startsWith(PATH)) return false
    const answer = method === 'GET' || method === 'HEAD' ? this.#answers.get(url.slice(PATH.length)) : undefined
    const type = { 'content-type': 'application/octet-stream', 'cache-control': 'no-store' }
    if (answer === undefined) response.writeHead(404, type).end()
    else response.writeHead(200, type).end(method === 'HEAD' ? undefined : answer)
    return true
  }
}
