/** Passwords: how they are kept, checked and made. @module */
import { hash, randomBytes } from 'node:crypto'
import { preparePassword } from '#lib/sasl-prep.ts'
import { scramClientKeys, scramStoredKey } from '#lib/scram-keys.ts'
import type { ScramVerifier } from '#store/directory.ts'
import { isCurrentArgon2, makeArgon2 } from './argon2.ts'
import { importedCheck } from './imported-passwords.ts'

/** Rounds of SCRAM where only random app passwords are kept (RFC 7677 §4: the least), and where people's own are (design §9). */
export const SCRAM_ROUNDS = 4_096
export const SCRAM_ROUNDS_FOR_PEOPLE = 65_536

/** Octets of a password that are looked at; RFC 4616 §2 demands 255. */
const PASSWORD_OCTETS = 1_024

/** Slow work on passwords, as a port so that tests count it. */
export interface PasswordHasher {
  /** A hash as new ones are made. */
  make(password: string): Promise<string>
  /** @param stored `undefined`: there is nobody, or nothing to compare with; takes as long as if there were. */
  check(password: string, stored: string | undefined): Promise<boolean>
}

/** Argon2id for what we make, the imported schemes for what we were given. */
export const passwordHasher: PasswordHasher = {
  make: (password) => makeArgon2(preparePassword(password)),

  async check(password, stored) {
    const prepared = preparePassword(password)
    const check = stored === undefined || !isReasonable(password) ? undefined : importedCheck(stored)
    if (check === undefined || stored === undefined) {
      await makeArgon2('')
      return false
    }
    if (isCurrentArgon2(stored)) return check(prepared)
    if (await check(password)) return true
    // other systems hash what was typed; a hash made of the prepared form is one too
    if (prepared !== password && (await check(prepared))) return true
    // a fast scheme must not tell by its speed that somebody exists
    await makeArgon2('')
    return false
  },
}

/** Whether a stored hash is checked by {@link passwordHasher}. */
export function isKnownHash(stored: string): boolean {
  return importedCheck(stored) !== undefined
}

/** Whether a stored hash should be replaced now that its password is known. */
export function isOutdatedHash(stored: string): boolean {
  return !isCurrentArgon2(stored)
}

/** Why a password is not taken. */
export type PasswordProblem = 'empty' | 'too-long' | 'control-character'

/** Whether people can log in with a text by every protocol; `undefined`: they can. */
export function passwordProblem(password: string): PasswordProblem | undefined {
  if (password === '') return 'empty'
  if (!isReasonable(password)) return 'too-long'
  return /[\0\r\n]/.test(password) || !password.isWellFormed() ? 'control-character' : undefined
}

function isReasonable(password: string): boolean {
  return password !== '' && Buffer.byteLength(password) <= PASSWORD_OCTETS
}

/** What a server keeps to check SCRAM-SHA-256 with a password. */
export async function scramVerifier(password: string, salt: Uint8Array, iterations: number): Promise<ScramVerifier> {
  const { clientKey, serverKey } = await scramClientKeys(password, salt, iterations)
  return { salt, iterations, storedKey: scramStoredKey(clientKey), serverKey }
}

/** No letters that are taken for each other. 32 of them: five bits each. */
const APP_ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789'
const APP_GROUPS = 5
const APP_GROUP = 5

/**
 * A new app password: 125 random bits in groups that people can type.
 * @example 'k3v9x-2mfpq-7hdwz-tcn4r-b8yus'
 */
export function makeAppPassword(): string {
  const characters = Array.from(randomBytes(APP_GROUPS * APP_GROUP), (octet) => APP_ALPHABET[octet & 31])
  return Array.from({ length: APP_GROUPS }, (_, n) =>
    characters.slice(n * APP_GROUP, (n + 1) * APP_GROUP).join(''),
  ).join('-')
}

/** What is kept of an app password. Typed with blanks, without dashes or in capitals it is the same. */
export function appPasswordDigest(password: string): Uint8Array {
  const letters = password.length > 100 ? '' : password.replace(/[\s-]/g, '').toLowerCase()
  const typed = letters.length === APP_GROUPS * APP_GROUP
  return hash('sha256', typed ? (letters.match(/.{5}/g) ?? []).join('-') : password, 'buffer')
}
