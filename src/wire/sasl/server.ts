/** The server's side of any mechanism, line by line as IMAP, POP3 and SMTP carry it. @module */
import type { ChannelBindings } from './channel-binding.ts'
import { ExternalExchange } from './external.ts'
import { decodeBase64 } from './lines.ts'
import { SASL_MECHANISMS, type SaslAuthority, type SaslMechanism, type SaslServer, type SaslStep } from './mechanism.ts'
import { BearerExchange } from './oauth.ts'
import { type Exchange, LoginExchange, PlainExchange } from './plain.ts'
import { ScramExchange } from './scram-server.ts'

export interface OfferedBy {
  /** Over TLS, or plaintext logins are allowed by configuration. */
  readonly plaintext: boolean
  /** Whether the connection has channel bindings. */
  readonly bindings: boolean
  /** An issuer of tokens is configured. */
  readonly bearer?: boolean
  /** TLS has shown a client certificate that was verified. */
  readonly external?: boolean
}

/** The mechanisms that a connection offers now, strongest first. */
export function offeredMechanisms({ plaintext, bindings, bearer, external }: OfferedBy): readonly SaslMechanism[] {
  return SASL_MECHANISMS.filter((name) => {
    switch (name) {
      case 'SCRAM-SHA-256-PLUS':
        return bindings
      case 'SCRAM-SHA-256':
        return true
      case 'EXTERNAL':
        return external === true
      case 'OAUTHBEARER':
      case 'XOAUTH2':
        // whoever hears a token can use it (RFC 6750 §5.3)
        return plaintext && bearer === true
      case 'PLAIN':
      case 'LOGIN':
        return plaintext
    }
  })
}

/**
 * The mechanisms to name in a capability list. Clients take the strongest one that they see, so SCRAM is named only where
 * it works with everybody's password; where it works with app passwords alone, it is done for those who ask for it.
 */
export function listedMechanisms(
  offered: readonly SaslMechanism[],
  scramForEverybody: boolean,
): readonly SaslMechanism[] {
  return scramForEverybody ? offered : offered.filter((name) => !name.startsWith('SCRAM'))
}

/** The mechanism a client named, in any case; `undefined` when it is not one of `offered`. */
export function findMechanism(name: string, offered: readonly SaslMechanism[]): SaslMechanism | undefined {
  const wanted = name.toUpperCase()
  return offered.find((mechanism) => mechanism === wanted)
}

export interface SaslServerOptions<L, R> {
  readonly authority: SaslAuthority<L, R>
  /** From `channelBindings(socket, 'server')` over TLS, `undefined` without. */
  readonly bindings: ChannelBindings | undefined
  /** Tests set it. */
  readonly nonce?: () => string
}

/**
 * Begins an exchange.
 * @example
 * let step = await server.begin(initialResponse)
 * while (step.kind === 'challenge') {
 *   send(`+ ${encodeBase64(step.data)}`)
 *   step = await server.line(await readLine())
 * }
 */
export function createSaslServer<L, R>(mechanism: SaslMechanism, options: SaslServerOptions<L, R>): SaslServer<L, R> {
  return new LineServer(mechanism, createExchange(mechanism, options))
}

function createExchange<L, R>(mechanism: SaslMechanism, options: SaslServerOptions<L, R>): Exchange<L, R> {
  switch (mechanism) {
    case 'PLAIN':
      return new PlainExchange(options.authority)
    case 'LOGIN':
      return new LoginExchange(options.authority)
    case 'SCRAM-SHA-256':
      return new ScramExchange({ ...options, plus: false })
    case 'SCRAM-SHA-256-PLUS':
      return new ScramExchange({ ...options, plus: true })
    case 'OAUTHBEARER':
    case 'XOAUTH2':
      return new BearerExchange(mechanism, options.authority)
    case 'EXTERNAL':
      return new ExternalExchange(options.authority)
  }
}

class LineServer<L, R> implements SaslServer<L, R> {
  readonly mechanism: SaslMechanism
  readonly #exchange: Exchange<L, R>
  #over = false

  constructor(mechanism: SaslMechanism, exchange: Exchange<L, R>) {
    this.mechanism = mechanism
    this.#exchange = exchange
  }

  async begin(initial: string | undefined): Promise<SaslStep<L, R>> {
    if (initial === undefined) return this.#step(undefined)
    // Quirk: `=` with LOGIN, which has no initial response, is read as none
    if (initial === '=') return this.#step(this.mechanism === 'LOGIN' ? undefined : new Uint8Array(0))
    return this.#decoded(initial)
  }

  async line(line: string): Promise<SaslStep<L, R>> {
    if (line === '*') return this.#end(this.#exchange.cancelled?.() ?? { kind: 'failed', why: 'cancelled' })
    return this.#decoded(line)
  }

  async #decoded(text: string): Promise<SaslStep<L, R>> {
    const octets = decodeBase64(text)
    return octets === undefined ? this.#end({ kind: 'failed', why: 'malformed' }) : this.#step(octets)
  }

  async #step(octets: Uint8Array | undefined): Promise<SaslStep<L, R>> {
    if (this.#over) throw new Error('The SASL exchange is over')
    const step = await this.#exchange.step(octets)
    return step.kind === 'challenge' ? step : this.#end(step)
  }

  #end(step: SaslStep<L, R>): SaslStep<L, R> {
    this.#over = true
    return step
  }
}
