/**
 * `crypt(3)` in its forms `$1$` (MD5), `$5$` (SHA-256) and `$6$` (SHA-512), to check imported passwords.
 * The last two follow U. Drepper, "Unix crypt using SHA-256 and SHA-512". Slow on purpose: call it off the main thread.
 * @module
 */
import { Buffer } from 'node:buffer'
import { hash } from 'node:crypto'

const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** More rounds than this take seconds; no system makes such hashes. */
const MOST_ROUNDS = 1_000_000

/** Whether {@link unixCrypt} can make a hash with these settings. */
export function isUnixCrypt(stored: string): boolean {
  return parse(stored) !== undefined
}

/** The hash of a password with the settings of `stored`; `undefined` when that is of another form. */
export function unixCrypt(password: Uint8Array, stored: string): string | undefined {
  const settings = parse(stored)
  if (settings === undefined) return undefined
  return settings.id === '1' ? md5Crypt(password, settings) : shaCrypt(password, settings)
}

interface Settings {
  readonly id: '1' | '5' | '6'
  readonly salt: string
  readonly rounds: number
  /** `$6$rounds=…$` as it was written. */
  readonly prefix: string
}

function parse(stored: string): Settings | undefined {
  const fields = /^(\$([156])\$(?:rounds=([0-9]{1,9})\$)?)([^$]*)\$([./0-9A-Za-z]+)$/.exec(stored)
  if (fields === null) return undefined
  const [, prefix = '', id = '', rounds, salt = ''] = fields
  if (id === '1') return rounds === undefined ? { id, salt: salt.slice(0, 8), rounds: 1_000, prefix } : undefined
  if (id !== '5' && id !== '6') return undefined
  const count = Math.max(1_000, Number(rounds ?? 5_000))
  return count > MOST_ROUNDS ? undefined : { id, salt: salt.slice(0, 16), rounds: count, prefix }
}

/** Which octets of the digest make each group of the text, in the order of the reference. */
const SHA256_ORDER = groups([0, 10, 20], ['012', '201', '120'])
const SHA512_ORDER = groups([0, 21, 42], ['012', '120', '201'])

function groups(columns: readonly number[], rotations: readonly string[]): readonly (readonly number[])[] {
  const count = columns[1] ?? 0
  return Array.from({ length: count }, (_, n) =>
    Array.from(rotations[n % 3] ?? '', (column) => (columns[Number(column)] ?? 0) + n),
  )
}

function shaCrypt(password: Uint8Array, { id, salt: saltText, rounds, prefix }: Settings): string {
  const name = id === '5' ? 'sha256' : 'sha512'
  const digest = (...parts: readonly Uint8Array[]): Buffer => hash(name, Buffer.concat(parts), 'buffer')
  const salt = Buffer.from(saltText)
  const alternate = digest(password, salt, password)
  const parts: Uint8Array[] = [password, salt, repeated(alternate, password.length)]
  for (let bits = password.length; bits > 0; bits >>= 1) parts.push((bits & 1) === 1 ? alternate : password)
  let current = digest(...parts)
  const passwordBlock = repeated(digest(...Array.from(password, () => password)), password.length)
  const saltTimes = 16 + (current[0] ?? 0)
  const saltBlock = repeated(digest(...Array.from({ length: saltTimes }, () => salt)), salt.length)
  for (let round = 0; round < rounds; round += 1) {
    const odd = (round & 1) === 1
    const one: Uint8Array[] = [odd ? passwordBlock : current]
    if (round % 3 !== 0) one.push(saltBlock)
    if (round % 7 !== 0) one.push(passwordBlock)
    one.push(odd ? current : passwordBlock)
    current = digest(...one)
  }
  const order = id === '5' ? SHA256_ORDER : SHA512_ORDER
  const last = id === '5' ? encode([current[31], current[30]], 3) : encode([current[63]], 2)
  return `${prefix}${saltText}$${order
    .map((three) =>
      encode(
        three.map((at) => current[at]),
        4,
      ),
    )
    .join('')}${last}`
}

function md5Crypt(password: Uint8Array, { salt: saltText, rounds, prefix }: Settings): string {
  const digest = (...parts: readonly Uint8Array[]): Buffer => hash('md5', Buffer.concat(parts), 'buffer')
  const salt = Buffer.from(saltText)
  const alternate = digest(password, salt, password)
  const parts: Uint8Array[] = [password, Buffer.from(prefix), salt, repeated(alternate, password.length)]
  for (let bits = password.length; bits > 0; bits >>= 1) {
    parts.push((bits & 1) === 1 ? Buffer.alloc(1) : password.subarray(0, 1))
  }
  let current = digest(...parts)
  for (let round = 0; round < rounds; round += 1) {
    const odd = (round & 1) === 1
    const one: Uint8Array[] = [odd ? password : current]
    if (round % 3 !== 0) one.push(salt)
    if (round % 7 !== 0) one.push(password)
    one.push(odd ? current : password)
    current = digest(...one)
  }
  const order = [
    [0, 6, 12],
    [1, 7, 13],
    [2, 8, 14],
    [3, 9, 15],
    [4, 10, 5],
  ]
  const text = order
    .map((three) =>
      encode(
        three.map((at) => current[at]),
        4,
      ),
    )
    .join('')
  return `${prefix}${saltText}$${text}${encode([current[11]], 2)}`
}

/** `octets` over and over, cut at `length`. */
function repeated(octets: Uint8Array, length: number): Uint8Array {
  return Buffer.alloc(length, octets)
}

/** Octets, most significant first, as characters, least significant first. */
function encode(octets: readonly (number | undefined)[], characters: number): string {
  let value = octets.reduce<number>((all, octet) => all * 256 + (octet ?? 0), 0)
  let text = ''
  for (let n = 0; n < characters; n += 1) {
    text += ALPHABET[value & 63]
    value >>= 6
  }
  return text
}
