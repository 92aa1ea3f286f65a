/** The client's side: which mechanism to use, and its exchange. @module */
import { CHANNEL_BINDING_TYPES, type ChannelBindings } from './channel-binding.ts'
import type { SaslClient } from './mechanism.ts'
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
  /** Tests set it. */
  readonly nonce?: () => string
}

/** The exchange of the strongest mechanism both ends have; `undefined` when there is none. */
export function createSaslClient(options: SaslClientOptions): SaslClient | undefined {
  const offered = new Set(options.offered.map((name) => name.toUpperCase()))
  const { credentials: message, plaintext } = options
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

function bestBinding(bindings: ChannelBindings | undefined): { type: string; data: Uint8Array } | undefined {
  for (const type of CHANNEL_BINDING_TYPES) {
    const data = bindings?.(type)
    if (data !== undefined) return { type, data }
  }
  return undefined
}
