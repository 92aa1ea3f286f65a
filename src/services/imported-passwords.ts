/**
 * Hashes of other systems in Dovecot's form `{SCHEME}…`, or bare crypt(3) strings. They are checked at the first login
 * and then replaced.
 * @module
 */
import { Buffer } from 'node:buffer'
import { hash, pbkdf2, timingSafeEqual } from 'node:crypto'
import { scramClientKeys, scramStoredKey } from '#lib/scram-keys.ts'
import { checkArgon2, isArgon2 } from './argon2.ts'
import { checkSlowHash } from './slow-hashes.ts'
import { isUnixCrypt } from './unix-crypt.ts'

type Check = (password: string) => Promise<boolean>

/** Rounds of PBKDF2 and SCRAM that we run for an import; a hash with more is not taken. */
const MOST_ROUNDS = 10_000_000

/** How to check a stored hash; `undefined` when it is of no form we know. */
export function importedCheck(stored: string): Check | undefined {
  const fields = /^\{([A-Z0-9-]+)(?:\.(HEX|B64|BASE64))?\}(.*)$/is.exec(stored)
  if (fields === null) return stored.startsWith('$') ? cryptCheck(stored) : undefined
  const [, name = '', encoding, value = ''] = fields
  const scheme = name.toUpperCase()
  switch (scheme) {
    case 'PLAIN':
    case 'CLEAR':
    case 'CLEARTEXT':
      return value === '' || encoding !== undefined ? undefined : async (password) => same(value, password)
    case 'ARGON2I':
    case 'ARGON2ID':
    case 'BLF-CRYPT':
    case 'CRYPT':
    case 'MD5':
    case 'MD5-CRYPT':
    case 'SHA256-CRYPT':
    case 'SHA512-CRYPT':
      return cryptCheck(value)
    case 'PBKDF2':
      return pbkdf2Check(value)
    case 'SCRAM-SHA-256':
      return scramCheck(value)
    default:
      return digestCheck(scheme, decode(value, encoding?.toUpperCase()))
  }
}

/** The text of a `{PLAIN}` entry, which needs no login to be hashed. */
export function plaintextOf(stored: string): string | undefined {
  return /^\{(?:PLAIN|CLEAR|CLEARTEXT)\}(.+)$/is.exec(stored)?.[1]
}

function cryptCheck(value: string): Check | undefined {
  if (isArgon2(value)) return (password) => checkArgon2(password, value)
  const bcrypt = /^\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$/.exec(value)
  // each step of the cost doubles the time: 16 is 5 s
  if ((bcrypt !== null && Number(bcrypt[1]) <= 16) || isUnixCrypt(value)) {
    return (password) => checkSlowHash(password, value)
  }
  return undefined
}

const DIGESTS: Readonly<Record<string, { readonly name: string; readonly octets: number }>> = {
  SHA: { name: 'sha1', octets: 20 },
  SHA1: { name: 'sha1', octets: 20 },
  SHA256: { name: 'sha256', octets: 32 },
  SHA512: { name: 'sha512', octets: 64 },
}

/** `{SHA…}`: the digest; `{SSHA…}`: the digest of password and salt, then the salt. */
function digestCheck(scheme: string, value: Buffer | undefined): Check | undefined {
  const salted = scheme.startsWith('SSHA')
  const digest = DIGESTS[salted ? scheme.slice(1) : scheme]
  if (digest === undefined || value === undefined) return undefined
  if (salted ? value.length <= digest.octets : value.length !== digest.octets) return undefined
  const expected = value.subarray(0, digest.octets)
  const salt = value.subarray(digest.octets)
  return async (password) =>
    timingSafeEqual(hash(digest.name, Buffer.concat([Buffer.from(password), salt]), 'buffer'), expected)
}

// $1$salt$rounds$hex, PBKDF2 with SHA-1 and the salt as text
function pbkdf2Check(value: string): Check | undefined {
  const fields = /^\$1\$([^$]+)\$([0-9]{1,8})\$([0-9a-f]{40})$/i.exec(value)
  if (fields === null) return undefined
  const [, salt = '', rounds, hex = ''] = fields
  const count = Number(rounds)
  if (count < 1 || count > MOST_ROUNDS) return undefined
  const expected = Buffer.from(hex, 'hex')
  return (password) =>
    new Promise((resolve, reject) => {
      pbkdf2(password, salt, count, expected.length, 'sha1', (error, key) =>
        error ? reject(error) : resolve(timingSafeEqual(key, expected)),
      )
    })
}

// rounds,salt,StoredKey,ServerKey, all but the rounds in base64
function scramCheck(value: string): Check | undefined {
  const [rounds = '', salt = '', stored = ''] = value.split(',')
  const expected = Buffer.from(stored, 'base64')
  const count = /^[0-9]{1,8}$/.test(rounds) ? Number(rounds) : 0
  if (count < 1 || count > MOST_ROUNDS || expected.length !== 32) return undefined
  return async (password) => {
    const { clientKey } = await scramClientKeys(password, Buffer.from(salt, 'base64'), count)
    return timingSafeEqual(scramStoredKey(clientKey), expected)
  }
}

function decode(value: string, encoding: string | undefined): Buffer | undefined {
  if (encoding === 'HEX' || (encoding === undefined && /^(?:[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})$/i.test(value))) {
    return /^(?:[0-9a-f]{2})+$/i.test(value) ? Buffer.from(value, 'hex') : undefined
  }
  return /^[A-Za-z0-9+/]+={0,2}$/.test(value) ? Buffer.from(value, 'base64') : undefined
}

function same(one: string, other: string): boolean {
  return timingSafeEqual(hash('sha256', one, 'buffer'), hash('sha256', other, 'buffer'))
}
