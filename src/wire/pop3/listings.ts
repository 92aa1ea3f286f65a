/** Lines of STAT, LIST and UIDL (RFC 1939 §5, §7), read as clients must and written as servers may. @module */
import type { MessageNumber } from '#mail/ids.ts'
import { LARGEST_MESSAGE_NUMBER, TOLERATED_UNIQUE_ID_OCTETS, UNIQUE_ID_OCTETS } from './limits.ts'

/** What STAT says behind `+OK`. */
export interface DropListing {
  readonly messages: number
  readonly octets: number
}

/** One line of LIST. */
export interface ScanListing {
  readonly message: MessageNumber
  readonly octets: number
}

/** One line of UIDL. */
export interface UniqueIdListing {
  readonly message: MessageNumber
  readonly uniqueId: string
}

// quirk wide-listing
const NUMBERS = /^ *(\d{1,16}) +(\d{1,16})(?: .*)?$/
const UNIQUE_ID = /^ *(\d{1,16}) +([\x21-\x7e\x80-\xff]+)(?: .*)?$/

/** `undefined` when it is none. */
export function parseDropListing(text: string): DropListing | undefined {
  const [messages, octets] = numbers(text)
  return messages === undefined || octets === undefined ? undefined : { messages, octets }
}

export function formatDropListing({ messages, octets }: DropListing): string {
  return `${messages} ${octets}`
}

/** `undefined` when it is none. */
export function parseScanListing(text: string): ScanListing | undefined {
  const [message, octets] = numbers(text)
  return octets === undefined || !isMessageNumber(message) ? undefined : { message, octets }
}

export function formatScanListing({ message, octets }: ScanListing): string {
  return `${message} ${octets}`
}

/** `undefined` when it is none. */
export function parseUniqueIdListing(text: string): UniqueIdListing | undefined {
  const match = UNIQUE_ID.exec(text)
  const uniqueId = match?.[2]
  const message = Number(match?.[1])
  // quirk long-unique-id
  if (uniqueId === undefined || uniqueId.length > TOLERATED_UNIQUE_ID_OCTETS || !isMessageNumber(message))
    return undefined
  return { message, uniqueId }
}

/** @throws {RangeError} when it breaks {@link isUniqueId}. */
export function formatUniqueIdListing({ message, uniqueId }: UniqueIdListing): string {
  if (!isUniqueId(uniqueId)) throw new RangeError('Not a unique-id')
  return `${message} ${uniqueId}`
}

/** One to 70 characters from `!` to `~` (RFC 1939 §7). */
export function isUniqueId(text: string): boolean {
  return text.length <= UNIQUE_ID_OCTETS && /^[\x21-\x7e]+$/.test(text)
}

/** The unique-id Malle makes: UIDVALIDITY and UID in hexadecimal, eight digits each (design §4). */
export function formatUniqueId(uidValidity: number, uid: number): string {
  return uidValidity.toString(16).padStart(8, '0') + uid.toString(16).padStart(8, '0')
}

function numbers(text: string): readonly [number?, number?] {
  const match = NUMBERS.exec(text)
  const first = Number(match?.[1])
  const second = Number(match?.[2])
  return Number.isSafeInteger(first) && Number.isSafeInteger(second) ? [first, second] : []
}

function isMessageNumber(number: number | undefined): number is MessageNumber {
  return number !== undefined && number >= 1 && number <= LARGEST_MESSAGE_NUMBER
}
