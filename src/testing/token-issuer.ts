/** An issuer of access tokens on loopback: signs JWTs with keys it publishes, and can be slow, broken or gone. @module */
import { createSign, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

interface SigningKey {
  readonly kid: string | undefined
  readonly kind: 'RS256' | 'ES256'
  readonly privateKey: KeyObject
  readonly jwk: object
}

/** A key pair; RSA ones are made once a process, as they are slow to make. */
export function signingKey(kind: SigningKey['kind'], kid: string | undefined): SigningKey {
  const { privateKey, publicKey } =
    kind === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const named = kid === undefined ? {} : { kid }
  return { kid, kind, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), ...named, alg: kind, use: 'sig' } }
}

export class TokenIssuer implements AsyncDisposable {
  /** Published; the last one signs. */
  keys: readonly SigningKey[] = [signingKey('ES256', 'first')]
  /** Paths that were asked for. */
  readonly asked: string[] = []
  /** What every question is answered with, in place of the documents. */
  fault: { readonly status: number; readonly body: string } | undefined
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(): Promise<TokenIssuer> {
    const server = createServer((request, response) => {
      const answer = issuer.#answer(request.url ?? '')
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body)
    })
    const issuer: TokenIssuer = new TokenIssuer(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return issuer
  }

  /** Its name in tokens. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get jwksUri(): string {
    return `${this.url}/keys`
  }

  /** A token signed by `key`, else by the last one published; claims beside `iss`. */
  token(claims: object, key: SigningKey | undefined = this.keys.at(-1)): string {
    if (key === undefined) throw new Error('There is no key')
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const text = `${part({ alg: key.kind, kid: key.kid, typ: 'at+jwt' })}.${part({ iss: this.url, ...claims })}`
    const signature =
      key.kind === 'RS256'
        ? createSign('sha256').update(text).sign(key.privateKey)
        : sign('sha256', Buffer.from(text), { key: key.privateKey, dsaEncoding: 'ieee-p1363' })
    return `${text}.${signature.toString('base64url')}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #answer(path: string): { readonly status: number; readonly body: string } {
    this.asked.push(path)
    if (this.fault !== undefined) return this.fault
    switch (path) {
      case '/.well-known/openid-configuration':
        return { status: 200, body: JSON.stringify({ issuer: this.url, jwks_uri: this.jwksUri }) }
      case '/keys':
        return { status: 200, body: JSON.stringify({ keys: this.keys.map((key) => key.jwk) }) }
      default:
        return { status: 404, body: '{}' }
    }
  }
}
