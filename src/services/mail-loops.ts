/** How mail that goes round in circles is told (RFC 5321 §6.3): by its hops, and by what we wrote into it before. @module */
import type { OutsideRecipient } from './outgoing.ts'
import { tracedAddress } from './trace-lines.ts'

/** More Received lines than this mean that the message goes round. */
export const MOST_HOPS = 50

export function countHops(header: string): number {
  return header.match(/^received:/gim)?.length ?? 0
}

/** Addresses of Delivered-To lines, lower case. */
export function deliveredTo(header: string): ReadonlySet<string> {
  const found = header.matchAll(/^delivered-to:([^\r\n]*)/gim)
  return new Set([...found].map(([, address = '']) => address.trim().toLowerCase()))
}

/** The message is back here by a way that one of our aliases opened. */
export function goesRound({ outside = [] }: OutsideRecipient, delivered: ReadonlySet<string>): boolean {
  return outside.some(({ through }) => through !== undefined && delivered.has(tracedAddress(through).toLowerCase()))
}
