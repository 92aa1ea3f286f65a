/** The client's side: which mechanism to use, and its exchange. @module */
import { CHANNEL_BINDING_TYPES, type ChannelBindings } from './channel-binding.ts'
import { ExternalClient } from './external.ts'
import type { SaslClient } from './mechanism.ts'
import { BearerClient } from './oauth.ts'
import { LoginClient, PlainClient, type PlainMessage } from './plain.ts'
import { ScramClient } from './scram-client.ts'

export interface SaslClientOptions {
  /** Mechanisms as the server listed them. */
  readonly offered: readonly string[]
  readonly credentials: PlainMessage
  /** From `channelBindings(socket, 'client')` over TLS, `undefined` without. */
  readonly bindings: ChannelBindings | undefined
  /** Whether the password may be sent as it is: over TLS, or because the user said so. */
  readonly plaintext: boolean
  /** An access token for `credentials.login`, in place of the password. */
  readonly token?: string
  /** TLS was given a client certificate, which is to be used in place of the password. */
  readonly external?: boolean
  /** Tests set it. */
  readonly nonce?: () => string
}

/** The exchange of the strongest mechanism both ends have; `undefined` when there is none. */
export function createSaslClient(options: SaslClientOptions): SaslClient | undefined {
  const offered = new Set(options.offered.map((name) => name.toUpperCase()))
  const { credentials: message, plaintext } = options
  if (options.external === true) return offered.has('EXTERNAL') ? new ExternalClient(message.authorizeAs) : undefined
  if (options.token !== undefined) return bearerClient(offered, options, options.token)
  const nonce = options.nonce === undefined ? {} : { nonce: options.nonce }
  const binding = bestBinding(options.bindings)
  if (offered.has('SCRAM-SHA-256-PLUS') && binding !== undefined) return new ScramClient({ message, binding, ...nonce })
  if (offered.has('SCRAM-SHA-256')) {
    // `y` tells a server that did offer -PLUS that somebody removed it (RFC 5802 §6)
    const couldBind = binding !== undefined && !offered.has('SCRAM-SHA-256-PLUS')
    return new ScramClient({ message, binding: couldBind ? 'y' : 'n', ...nonce })
  }
  if (plaintext && offered.has('PLAIN')) return new PlainClient(message)
  if (plaintext && offered.has('LOGIN') && message.authorizeAs === '') return new LoginClient(message)
  return undefined
}

function bearerClient(
  offered: ReadonlySet<string>,
  { credentials, plaintext }: SaslClientOptions,
  token: string,
): SaslClient | undefined {
  const mechanism = (['OAUTHBEARER', 'XOAUTH2'] as const).find((name) => offered.has(name))
  if (!plaintext || mechanism === undefined) return undefined
  return new BearerClient(mechanism, { name: credentials.login, token })
}

function bestBinding(bindings: ChannelBindings | undefined): { type: string; data: Uint8Array } | undefined {
  for (const type of CHANNEL_BINDING_TYPES) {
    const data = bindings?.(type)
    if (data !== undefined) return { type, data }
  }
  return undefined
}
