/** Looks whether two mailboxes hold the same, as recorded. @module */
import { createHash } from 'node:crypto'
import { mergeFlags } from './flags.ts'
import type { OpenMailbox } from './side.ts'
import type { MessagePair } from './state.ts'

/** How much is compared. */
export type Thoroughness = 'sizes' | 'bodies'

export interface Difference {
  readonly kind: 'missing' | 'size' | 'flags' | 'body'
  readonly left: string
  readonly right: string | undefined
}

export interface Verification {
  readonly compared: number
  readonly differences: readonly Difference[]
}

/**
 * Compares what is recorded as the same, and looks for messages of the left that are not recorded.
 * @param copiedBack Whether messages of the right belong on the left too.
 */
export async function verifyMailboxes(
  left: OpenMailbox,
  right: OpenMailbox,
  pairs: readonly MessagePair[],
  thoroughness: Thoroughness,
  copiedBack: boolean,
): Promise<Verification> {
  const [lefts, rights] = await Promise.all([left.messages(), right.messages()])
  const differences: Difference[] = []
  const both = pairs.filter((pair) => lefts.has(pair.left) && rights.has(pair.right))
  const known = { left: new Set(pairs.map((pair) => pair.left)), right: new Set(pairs.map((pair) => pair.right)) }
  for (const key of lefts.keys())
    if (!known.left.has(key)) differences.push({ kind: 'missing', left: key, right: undefined })
  for (const key of copiedBack ? rights.keys() : [])
    if (!known.right.has(key)) differences.push({ kind: 'missing', left: '', right: key })
  const keys = { left: both.map((pair) => pair.left), right: both.map((pair) => pair.right) }
  const [leftSizes, rightSizes] = await Promise.all([left.sizes(keys.left), right.sizes(keys.right)])
  const keeps = { left: (flag: string) => !copiedBack || left.keeps(flag), right: (flag: string) => right.keeps(flag) }
  for (const pair of both) {
    if (leftSizes.get(pair.left) !== rightSizes.get(pair.right)) differences.push({ kind: 'size', ...ends(pair) })
    const merged = mergeFlags([], lefts.get(pair.left) ?? [], rights.get(pair.right) ?? [], copiedBack, keeps)
    const changes = [merged.right, merged.left].flatMap(({ add, remove }) => [...add, ...remove])
    if (changes.length > 0) differences.push({ kind: 'flags', ...ends(pair) })
  }
  if (thoroughness === 'bodies') {
    const [leftHashes, rightHashes] = await Promise.all([hashes(left, keys.left), hashes(right, keys.right)])
    for (const pair of both)
      if (leftHashes.get(pair.left) !== rightHashes.get(pair.right)) differences.push({ kind: 'body', ...ends(pair) })
  }
  return { compared: both.length, differences }
}

async function hashes(side: OpenMailbox, keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for await (const { key, body } of side.fetch(keys)) {
    if (body === undefined) continue
    const hash = createHash('sha256')
    for await (const chunk of body) hash.update(chunk)
    found.set(key, hash.digest('base64'))
  }
  return found
}

function ends({ left, right }: MessagePair): { readonly left: string; readonly right: string } {
  return { left, right }
}
