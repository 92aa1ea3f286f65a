/**
 * The ARC set that forwarded mail gets (RFC 8617 §5.1): what our checks found when it came, signed, so that the next host can
 * believe it although SPF fails for us and a list may have changed the body.
 * @module
 */
import { done, type Result, refused } from '#lib/result.ts'
import { authServIdOf, parseAuthenticationResults } from '#mail/authentication-results.ts'
import { bytesOfBinary } from '#mail/bytes.ts'
import type { HeaderField } from '#mail/headers.ts'
import type { SigningKey } from '#services/dkim-keys.ts'
import { headerRow, type SignedMessage } from './signed-message.ts'

const SETS: ReadonlySet<string> = new Set(['arc-seal', 'arc-message-signature', 'arc-authentication-results'])

export interface Sealing {
  readonly key: SigningKey
  /** Our name in Authentication-Results (authserv-id). */
  readonly hostname: string
  readonly now: number
}

/** Why there is no seal. */
export type Unsealed =
  /** Nobody of ours has looked at the message, or not at the chain that it has. */
  | 'no-results'
  /** It has been broken, and that is sealed already (RFC 8617 §5.1 step 2), or the chain is too long. */
  | 'chain-ended'

/** The header lines of one more set, as a binary string. */
export async function sealLines(
  message: SignedMessage,
  { key, hostname, now }: Sealing,
): Promise<Result<string, Unsealed>> {
  const payload = resultsOfOurs(message.fields, hostname)
  if (payload === undefined) return refused('no-results')
  const cv = chainValidation(message.fields, payload)
  if (cv === undefined) return refused('no-results')
  // a third of a second and 30 MB, most of it shared with the signer
  const { createSeal, getARChain } = await import('mailauth/lib/arc/index.js')
  const parsed = message.fields.map((field) => headerRow(message, field))
  let chain: ReturnType<typeof getARChain> = false
  try {
    if (cv === 'pass') chain = getARChain({ parsed })
  } catch {
    // not what the checks have seen: it cannot be gone on with
    return refused('chain-ended')
  }
  const { headers, errors } = await createSeal(false, {
    headers: { parsed },
    ...(chain === false ? {} : { arc: { chain } }),
    strict: true,
    seal: {
      signingDomain: key.domain,
      selector: key.selector,
      privateKey: key.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      algorithm: `${key.algorithm}-sha256`,
      authResults: payload,
      cv,
      signTime: new Date(now),
      bodyHash: message.bodyHash,
    },
  })
  if (headers.length > 0) return done(headers.map((line) => `${line}\r\n`).join(''))
  const codes = errors.map(({ err }) => (err as NodeJS.ErrnoException).code)
  if (codes.some((code) => code === 'EARCCHAINFAILED' || code === 'EINVALIDINSTANCE')) return refused('chain-ended')
  throw new Error(`Cannot seal with the key "${key.selector}" of ${key.domain}`, { cause: errors[0]?.err })
}

/**
 * The field that our checks have put above all others; one further down may be of anybody.
 * @returns all behind its colon, folds kept.
 */
export function resultsOfOurs([first]: readonly HeaderField[], hostname: string): string | undefined {
  if (first?.lowerName !== 'authentication-results') return undefined
  const payload = first.rawValue.trim()
  return authServIdOf(bytesOfBinary(payload)) === hostname.toLowerCase() ? payload : undefined
}

/** `undefined`: nobody has looked, or could tell. */
function chainValidation(fields: readonly HeaderField[], payload: string): 'none' | 'pass' | 'fail' | undefined {
  if (!fields.some(({ lowerName }) => SETS.has(lowerName))) return 'none'
  const results = parseAuthenticationResults(payload)?.results ?? []
  const result = results.find(({ method }) => method === 'arc')?.result
  return result === 'pass' || result === 'fail' ? result : undefined
}
