/** Flags of two sides and of the last run, merged. @module */
import type { FlagsChange } from './side.ts'

/** Flags have no case, and `\Recent` is nobody's to keep (RFC 9051 §2.3.2, RFC 3501 §2.3.2). */
function byLowerCase(flags: Iterable<string>): Map<string, string> {
  const map = new Map<string, string>()
  for (const flag of flags) if (flag.toLowerCase() !== '\\recent') map.set(flag.toLowerCase(), flag)
  return map
}

/** Flags without `\Recent`. */
export function lastingFlags(flags: readonly string[]): readonly string[] {
  return [...byLowerCase(flags).values()]
}

export interface MergedFlags {
  readonly left: FlagsChange
  readonly right: FlagsChange
  /** What both have afterwards, in lower case and sorted: the base of the next run. */
  readonly base: readonly string[]
}

/**
 * What changed on one side since the last run is done on the other. A flag is there or not, so that both sides can
 * only have changed it in the same way: there are no conflicts.
 * @param base In lower case; empty for messages that meet for the first time, which then get the flags of both.
 * @param toLeft Whether the left side takes changes.
 * @param keeps Whether both sides can keep a flag.
 */
export function mergeFlags(
  base: readonly string[],
  leftFlags: readonly string[],
  rightFlags: readonly string[],
  toLeft: boolean,
  keeps: { left(flag: string): boolean; right(flag: string): boolean },
): MergedFlags {
  const known = new Set(base)
  const left = byLowerCase(leftFlags)
  const right = byLowerCase(rightFlags)
  const changes = { left: { add: [], remove: [] }, right: { add: [], remove: [] } } as {
    left: { add: string[]; remove: string[] }
    right: { add: string[]; remove: string[] }
  }
  const after: string[] = []
  for (const [lower, flag] of new Map([...right, ...left])) {
    const onLeft = left.has(lower)
    const onRight = right.has(lower)
    if (onLeft && onRight) after.push(lower)
    else if (!keeps.left(flag) || !keeps.right(flag)) continue
    else if (known.has(lower)) {
      // one side took it away
      if (onRight) changes.right.remove.push(flag)
      else if (toLeft) changes.left.remove.push(flag)
      else after.push(lower)
    } else if (onLeft) {
      changes.right.add.push(flag)
      after.push(lower)
    } else if (toLeft) {
      changes.left.add.push(flag)
      after.push(lower)
    }
  }
  return { ...changes, base: after.sort() }
}

/** The base of a message that was just copied with these flags. */
export function baseOf(flags: readonly string[], keeps: (flag: string) => boolean): readonly string[] {
  return [...byLowerCase(flags)]
    .filter(([, flag]) => keeps(flag))
    .map(([lower]) => lower)
    .sort()
}
