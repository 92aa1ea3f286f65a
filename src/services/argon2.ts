/** Argon2 (RFC 9106) as PHC strings, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`. @module */
import { Buffer } from 'node:buffer'
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'

interface Parameters {
  readonly algorithm: 'argon2i' | 'argon2id' | 'argon2d'
  /** KiB. */
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

/** What new hashes are made with (design §9): 19 MiB, two passes; about 50 ms. */
const CURRENT: Parameters = { algorithm: 'argon2id', memory: 19_456, passes: 2, parallelism: 1 }
const SALT_OCTETS = 16
const TAG_OCTETS = 32
/** An import with more would stop the host. */
const MOST_MEMORY = 1_048_576
const MOST_PASSES = 64
const MOST_LANES = 64

const CURRENT_PREFIX = '$argon2id$v=19$m=19456,t=2,p=1$'

/** Hashes a password in the thread pool, with a salt of its own. */
export async function makeArgon2(password: string): Promise<string> {
  const salt = randomBytes(SALT_OCTETS)
  const tag = await derive(password, salt, TAG_OCTETS, CURRENT)
  return `${CURRENT_PREFIX}${unpadded(salt)}$${unpadded(tag)}`
}

/** Whether this is a PHC string that {@link checkArgon2} reads. */
export function isArgon2(stored: string): boolean {
  return parse(stored) !== undefined
}

/** Whether a hash is made as new ones are. */
export function isCurrentArgon2(stored: string): boolean {
  return stored.startsWith(CURRENT_PREFIX)
}

/** Checks a password in the thread pool. */
export async function checkArgon2(password: string, stored: string): Promise<boolean> {
  const parsed = parse(stored)
  if (parsed === undefined) return false
  const tag = await derive(password, parsed.salt, parsed.tag.length, parsed)
  return timingSafeEqual(tag, parsed.tag)
}

function derive(password: string, nonce: Uint8Array, tagLength: number, parameters: Parameters): Promise<Uint8Array> {
  const { algorithm, memory, passes, parallelism } = parameters
  return new Promise((resolve, reject) => {
    argon2(algorithm, { message: password, nonce, tagLength, memory, passes, parallelism }, (error, tag) =>
      error ? reject(error) : resolve(tag),
    )
  })
}

function parse(stored: string): (Parameters & { readonly salt: Uint8Array; readonly tag: Uint8Array }) | undefined {
  const fields =
    /^\$(argon2(?:id|i|d))\$v=19\$m=([0-9]{1,7}),t=([0-9]{1,3}),p=([0-9]{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(
      stored,
    )
  if (fields === null) return undefined
  const [, name, m, t, p, salt = '', tag = ''] = fields
  const algorithm = name === 'argon2i' || name === 'argon2d' ? name : 'argon2id'
  const [memory, passes, parallelism] = [Number(m), Number(t), Number(p)]
  const octets = { salt: Buffer.from(salt, 'base64'), tag: Buffer.from(tag, 'base64') }
  if (memory > MOST_MEMORY || passes > MOST_PASSES || parallelism > MOST_LANES) return undefined
  // RFC 9106 §3.1, and what the runtime takes
  if (passes < 1 || parallelism < 1 || memory < 8 * parallelism) return undefined
  if (octets.salt.length < 8 || octets.tag.length < 4 || octets.tag.length > 512) return undefined
  return { algorithm, memory, passes, parallelism, ...octets }
}

function unpadded(octets: Uint8Array): string {
  return Buffer.from(octets).toString('base64').replaceAll('=', '')
}
