/** What is to be done to the flags of two mailboxes, messages with the same change together. @module */
import { lastingFlags, mergeFlags } from './flags.ts'
import type { FlagsChange } from './side.ts'
import type { MessagePair } from './state.ts'

export type Flags = ReadonlyMap<string, readonly string[]>

export interface Change {
  readonly keys: readonly string[]
  readonly change: FlagsChange
}

export interface FlagPlan {
  readonly left: readonly Change[]
  readonly right: readonly Change[]
  /** Messages that change. */
  readonly messages: number
  /** By key of the left: what both have afterwards. */
  readonly bases: ReadonlyMap<string, readonly string[]>
}

/** Of pairs of which both are there. */
export function planFlags(
  pairs: readonly MessagePair[],
  { left, right }: { readonly left: Flags; readonly right: Flags },
  twoWay: boolean,
  keeps: { left(flag: string): boolean; right(flag: string): boolean },
): FlagPlan {
  const changes = { left: new Map<string, Gathered>(), right: new Map<string, Gathered>() }
  const bases = new Map<string, readonly string[]>()
  let messages = 0
  for (const pair of pairs) {
    const leftFlags = left.get(pair.left)
    const rightFlags = right.get(pair.right)
    if (leftFlags === undefined || rightFlags === undefined) continue
    const merged = mergeFlags(pair.flags, leftFlags, rightFlags, twoWay, keeps)
    const changed = [gather(changes.left, pair.left, merged.left), gather(changes.right, pair.right, merged.right)]
    if (changed.includes(true)) messages += 1
    bases.set(pair.left, merged.base)
  }
  return { left: [...changes.left.values()], right: [...changes.right.values()], messages, bases }
}

interface Gathered {
  readonly keys: string[]
  readonly change: FlagsChange
}

function gather(changes: Map<string, Gathered>, key: string, change: FlagsChange): boolean {
  if (change.add.length === 0 && change.remove.length === 0) return false
  const name = JSON.stringify([change.add, change.remove])
  const same = changes.get(name)
  if (same === undefined) changes.set(name, { keys: [key], change })
  else same.keys.push(key)
  return true
}

/** Flags after a change. */
export function changedFlags(flags: readonly string[], { add, remove }: FlagsChange): readonly string[] {
  const away = new Set([...add, ...remove].map((flag) => flag.toLowerCase()))
  return [...flags.filter((flag) => !away.has(flag.toLowerCase())), ...add]
}

/** Whether they are the same, in any case and order, `\Recent` apart. */
export function sameFlags(a: readonly string[], b: readonly string[]): boolean {
  const names = (flags: readonly string[]): string =>
    lastingFlags(flags)
      .map((flag) => flag.toLowerCase())
      .sort()
      .join(' ')
  return names(a) === names(b)
}

/** The pair with what is known of its flags, as it is recorded. */
export function withFlags(
  pair: MessagePair,
  base: readonly string[],
  { left, right }: Record<'left' | 'right', Flags>,
): MessagePair {
  const own = (flags: readonly string[]): readonly string[] | undefined =>
    sameFlags(flags, base) ? undefined : lastingFlags(flags)
  return {
    left: pair.left,
    right: pair.right,
    flags: base,
    leftFlags: own(left.get(pair.left) ?? base),
    rightFlags: own(right.get(pair.right) ?? base),
  }
}

/** Whether two records of a pair say the same. */
export function sameRecord(a: MessagePair, b: MessagePair): boolean {
  const text = ({ flags, leftFlags, rightFlags }: MessagePair): string =>
    [flags, leftFlags, rightFlags].map((each) => each?.join(' ') ?? '-').join('\n')
  return text(a) === text(b)
}
