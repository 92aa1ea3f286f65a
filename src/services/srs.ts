/**
 * Sender Rewriting Scheme: the envelope sender of forwarded mail becomes an address of ours, so that SPF of the next host
 * asks for us; what is answered to it (reports of failure) finds its way back. There is no RFC; this is the form of the
 * SRS paper of 2004 that forwarders and libraries have in common.
 *
 * `SRS0=hash=day=domain=local@ours`; mail that another forwarder has rewritten gets `SRS1=hash=forwarder=rest@ours`, so that
 * addresses do not grow with each. The hash says that we made it: nobody can have us send mail to an address of his choice.
 * @module
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { Clock } from '#lib/clock.ts'
import { parseDomain } from './addresses.ts'

const DAY_MS = 86_400_000
/** How long an answer may take: longer than any queue tries. */
const MOST_DAYS = 21
/** Clocks of several machines. */
const DAYS_AHEAD = 1
/** Days count on from the beginning after nearly three years. */
const CYCLE = 1_024
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
/** 30 bits: addresses are long enough as it is, and each guess is a message. */
const HASH_LETTERS = 6

// hash, then what it is about; separators of other implementations are read too
const SRS0 = /^srs0[=+-]([^=]+)=(.*)$/is
const SRS1 = /^srs1[=+-]([^=]+)=([^=]+)=(.*)$/is
const SRS0_PARTS = /^([a-z2-7]{2})=([^=]+)=(.+)$/is

/** The key of an installation, for all its threads and for those that share its directory. @param secret Of the directory. */
export function senderKey(secret: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', 'malle srs', 32))
}

/** Rewrites senders, and finds them again. */
export class SenderRewriting {
  readonly #key: Uint8Array
  readonly #clock: Clock

  /** @param key What was made with another is not known. */
  constructor(key: Uint8Array, clock: Clock) {
    this.#key = key
    this.#clock = clock
  }

  /**
   * The sender for what is forwarded.
   * @param sender `local@domain`; anything else stays as it is, the null sender too.
   * @param domain Of ours, in A-labels.
   */
  forward(sender: string, domain: string): string {
    const at = sender.lastIndexOf('@')
    const host = at < 1 ? undefined : parseDomain(sender.slice(at + 1))
    if (host === undefined) return sender
    const local = contentOf(sender.slice(0, at))
    const second = SRS1.exec(local)
    if (second !== null) return this.#second(second[2]?.toLowerCase() ?? '', second[3] ?? '', domain)
    // of a forwarder before us: `=hash=day=domain=local` is his to read
    if (SRS0.test(local)) return this.#second(host, local.slice(4), domain)
    const rest = `${dayText(this.#today())}=${host}=${local}`
    return `${localOf(`SRS0=${this.#hash(rest)}=${rest}`)}@${domain}`
  }

  /** The same by the alias that forwards. */
  forwardBy(sender: string, alias: string): string {
    return this.forward(sender, alias.slice(alias.lastIndexOf('@') + 1))
  }

  /** Whom mail to such an address is for; `undefined`: it is none, none of ours, or too old. */
  reverse(address: string): string | undefined {
    const local = contentOf(address.slice(0, address.lastIndexOf('@')))
    const second = SRS1.exec(local)
    if (second !== null) {
      const [, hash = '', host = '', rest = ''] = second
      return this.#isOurs(hash, `${host}=${rest}`) ? `${localOf(`SRS0${rest}`)}@${host.toLowerCase()}` : undefined
    }
    const [, hash = '', rest = ''] = SRS0.exec(local) ?? []
    const [, day = '', host = '', original = ''] = SRS0_PARTS.exec(rest) ?? []
    if (original === '' || !this.#isOurs(hash, rest) || !this.#isFresh(day)) return undefined
    return `${localOf(original)}@${host.toLowerCase()}`
  }

  #second(host: string, rest: string, domain: string): string {
    return `${localOf(`SRS1=${this.#hash(`${host}=${rest}`)}=${host}=${rest}`)}@${domain}`
  }

  /** Servers on the way may have changed the case of a local part. */
  #hash(text: string): string {
    const digest = createHmac('sha256', this.#key).update(text.toLowerCase()).digest()
    return Array.from(digest.subarray(0, HASH_LETTERS), (octet) => ALPHABET[octet & 31]).join('')
  }

  #isOurs(hash: string, text: string): boolean {
    const told = Buffer.from(hash.toLowerCase())
    const ours = Buffer.from(this.#hash(text))
    return told.length === ours.length && timingSafeEqual(told, ours)
  }

  #today(): number {
    return Math.floor(this.#clock.now() / DAY_MS) % CYCLE
  }

  #isFresh(day: string): boolean {
    const [high = '', low = ''] = day.toLowerCase()
    const made = ALPHABET.indexOf(high) * 32 + ALPHABET.indexOf(low)
    return (this.#today() - made + DAYS_AHEAD + CYCLE) % CYCLE <= MOST_DAYS + DAYS_AHEAD
  }
}

function dayText(day: number): string {
  return `${ALPHABET[day >> 5]}${ALPHABET[day & 31]}`
}

/** A local part without its quotes. */
function contentOf(local: string): string {
  return /^".*"$/s.test(local) ? local.slice(1, -1).replace(/\\(.)/gsu, '$1') : local
}

/** Quoted where it must be (RFC 5321 §4.1.2). */
function localOf(content: string): string {
  if (/^(?!\.)(?!.*\.\.)[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-\u0080-\u{10ffff}]+(?<!\.)$/u.test(content)) return content
  return `"${content.replace(/["\\]/g, '\\$&')}"`
}
