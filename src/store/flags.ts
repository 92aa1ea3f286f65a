/** Flags of messages: as names for people and protocols, packed into one number for stores and views. @module */

/** System flags, one bit each (RFC 9051 §2.3.2). `\Recent` does not exist here: sessions of rev1 answer `0 RECENT`. */
export const SEEN = 1
export const ANSWERED = 2
export const FLAGGED = 4
export const DELETED = 8
export const DRAFT = 16

/**
 * The flags of one message: system flags in the low 8 bits, above them the id of a keyword set of its account.
 * Few distinct sets exist, so they are interned: set 0 is empty, others are never changed or removed.
 */
export type PackedFlags = number & { readonly brand: 'PackedFlags' }

/** System bits of packed flags. */
export function systemFlags(flags: PackedFlags | number): number {
  return flags & 0xff
}

/** Id of the keyword set of packed flags; 0 is the empty set. */
export function keywordSetId(flags: PackedFlags | number): number {
  return flags >>> 8
}

/** Packs system bits and the id of a keyword set (below 2^24). */
export function packFlags(system: number, keywordSet: number): PackedFlags {
  return (((keywordSet << 8) | (system & 0xff)) >>> 0) as PackedFlags
}

/** Flags as a value: system bits, and keywords without duplicates (compared without case). */
export interface Flags {
  readonly system: number
  readonly keywords: readonly string[]
}

/** No flags at all. */
export const NO_FLAGS: Flags = { system: 0, keywords: [] }

/** Names of system flags in the order Malle writes them, with their bits. */
export const SYSTEM_FLAGS: readonly (readonly [name: string, bit: number])[] = [
  ['\\Answered', ANSWERED],
  ['\\Flagged', FLAGGED],
  ['\\Deleted', DELETED],
  ['\\Seen', SEEN],
  ['\\Draft', DRAFT],
]

/** Names of system flags in the order Malle writes them. */
export const SYSTEM_FLAG_NAMES: readonly string[] = SYSTEM_FLAGS.map(([name]) => name)

/** Bit of a system flag's name (without case), `undefined` for anything else. */
function systemFlagBit(name: string): number | undefined {
  const lower = name.toLowerCase()
  return SYSTEM_FLAGS.find(([known]) => known.toLowerCase() === lower)?.[1]
}

/** Flags from IMAP names; unknown `\Names` are dropped by the caller beforehand. */
export function flagsOf(names: Iterable<string>): Flags {
  let system = 0
  const keywords = new Map<string, string>()
  for (const name of names) {
    const bit = systemFlagBit(name)
    if (bit !== undefined) system |= bit
    else if (!name.startsWith('\\')) keywords.set(name.toLowerCase(), keywords.get(name.toLowerCase()) ?? name)
  }
  return { system, keywords: [...keywords.values()] }
}

/** IMAP names of flags, system flags first. */
export function flagNames(flags: Flags): string[] {
  const names: string[] = []
  for (const [name, bit] of SYSTEM_FLAGS) if ((flags.system & bit) !== 0) names.push(name)
  names.push(...flags.keywords)
  return names
}
