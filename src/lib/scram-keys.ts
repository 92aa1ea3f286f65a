/** The keys of SCRAM-SHA-256 (RFC 5802 §3, RFC 7677): made where passwords are set, used on both ends of the wire. @module */
import { createHash, createHmac, pbkdf2 } from 'node:crypto'
import { preparePassword } from './sasl-prep.ts'

/** What a client derives from its password. */
export interface ScramClientKeys {
  readonly clientKey: Uint8Array
  readonly serverKey: Uint8Array
}

/** Octets of a SHA-256. */
export const SCRAM_KEY_OCTETS = 32

/** Derives a password's keys in the thread pool; 600,000 rounds take about 0.2 s. */
export async function scramClientKeys(
  password: string,
  salt: Uint8Array,
  iterations: number,
): Promise<ScramClientKeys> {
  const salted = await new Promise<Uint8Array>((resolve, reject) => {
    pbkdf2(preparePassword(password), salt, iterations, SCRAM_KEY_OCTETS, 'sha256', (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
  return { clientKey: hmacSha256(salted, 'Client Key'), serverKey: hmacSha256(salted, 'Server Key') }
}

/** What a server keeps in place of the client key. */
export function scramStoredKey(clientKey: Uint8Array): Uint8Array {
  return createHash('sha256').update(clientKey).digest()
}

/** HMAC-SHA-256. */
export function hmacSha256(key: Uint8Array, data: Uint8Array | string): Uint8Array {
  return createHmac('sha256', key).update(data).digest()
}
