/** Messages with DKIM signatures and ARC seals, and the keys for a zone. @module */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createSeal } from 'mailauth/lib/arc/index.js'
import { dkimSign } from 'mailauth/lib/dkim/sign.js'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'

export interface SigningKey {
  readonly domain: string
  readonly selector: string
  readonly privateKey: string
  /** A line for a zone. */
  readonly record: string
}

/** A key pair of a domain, RSA or Ed25519. */
export function signingKey(domain: string, selector: string, type: 'rsa' | 'ed25519', bits = 2_048): SigningKey {
  const { privateKey, publicKey } =
    type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: bits }) : generateKeyPairSync('ed25519')
  const value = type === 'rsa' ? spki(publicKey) : spki(publicKey).subarray(-32)
  const strings = `v=DKIM1; k=${type}; p=${value.toString('base64')}`.match(/.{1,250}/g) ?? []
  return {
    domain,
    selector,
    privateKey: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    record: `${selector}._domainkey.${domain}. IN TXT ${strings.map((text) => `"${text}"`).join(' ')}\n`,
  }
}

function spki(key: KeyObject): Buffer {
  return Buffer.from(key.export({ type: 'spki', format: 'der' }))
}

/** The message with a signature of each key before it. */
export async function signed(message: string, ...keys: readonly SigningKey[]): Promise<string> {
  let before = ''
  for (const { domain, selector, privateKey } of keys) {
    const key = { signingDomain: domain, selector, privateKey }
    const { signatures, errors } = await dkimSign(Buffer.from(message), { ...key, signatureData: [key] })
    if (errors.length > 0) throw new Error(`Cannot sign: ${errors[0]?.err.message}`)
    before += signatures
  }
  return `${before}${message}`
}

/** The message with one ARC set more. @param found What the sealer says it found. */
export async function sealed(message: string, key: SigningKey, found: string, cv: 'none' | 'pass'): Promise<string> {
  const seal = {
    signingDomain: key.domain,
    selector: key.selector,
    privateKey: key.privateKey,
    cv,
    authResults: found,
  }
  const verified = await dkimVerify(Buffer.from(message), { seal })
  const { headers, errors } = await createSeal(false, {
    headers: verified.headers,
    arc: verified.arc as never,
    seal: { ...seal, ...verified.seal },
  })
  if (errors.length > 0) throw new Error(`Cannot seal: ${errors[0]?.err.message}`)
  return `${headers.join('\r\n')}\r\n${message}`
}
