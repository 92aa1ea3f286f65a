/** Looks whether two mailboxes hold the same, as recorded. @module */
import { createHash } from 'node:crypto'
import { mergeFlags } from './flags.ts'
import type { OpenMailbox } from './side.ts'
import type { MessagePair } from './state.ts'

/** How much is compared; `sample`: the bodies of a few, and of those whose sizes are said to differ. */
export type Thoroughness = 'sizes' | 'sample' | 'bodies'

/** Bodies of a mailbox that are compared at least. */
const SAMPLE = 10

export interface Difference {
  readonly kind: 'missing' | 'size' | 'flags' | 'body'
  readonly left: string
  readonly right: string | undefined
}

export interface Verification {
  readonly compared: number
  readonly differences: readonly Difference[]
}

export interface VerifyOptions {
  /** Messages of the right belong on the left too. */
  readonly copiedBack: boolean
  /** Flags that were changed on the right since the last run are no difference. */
  readonly touched: boolean
}

/**
 * Compares what is recorded as the same, and looks for messages of the left that are not recorded.
 */
export async function verifyMailboxes(
  left: OpenMailbox,
  right: OpenMailbox,
  pairs: readonly MessagePair[],
  thoroughness: Thoroughness,
  { copiedBack, touched }: VerifyOptions,
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
  const odd: MessagePair[] = []
  for (const pair of both) {
    if (leftSizes.get(pair.left) !== rightSizes.get(pair.right)) odd.push(pair)
    const merged = mergeFlags(
      touched ? pair.flags : [],
      lefts.get(pair.left) ?? [],
      rights.get(pair.right) ?? [],
      copiedBack,
      keeps,
    )
    const changes = [merged.right, merged.left].flatMap(({ add, remove }) => [...add, ...remove])
    if (changes.length > 0) differences.push({ kind: 'flags', ...ends(pair) })
  }
  // what a server says of sizes is no more than a hint where the bodies are looked at
  if (thoroughness === 'sizes') differences.push(...odd.map((pair): Difference => ({ kind: 'size', ...ends(pair) })))
  else {
    const looked = thoroughness === 'bodies' ? both : sample(both, odd)
    const of = (end: 'left' | 'right'): string[] => looked.map((pair) => pair[end])
    const [leftHashes, rightHashes] = await Promise.all([hashes(left, of('left')), hashes(right, of('right'))])
    for (const pair of looked)
      if (leftHashes.get(pair.left) !== rightHashes.get(pair.right)) differences.push({ kind: 'body', ...ends(pair) })
  }
  return { compared: both.length, differences }
}

/** Every so many, in order, and those that are odd. */
function sample(pairs: readonly MessagePair[], odd: readonly MessagePair[]): readonly MessagePair[] {
  const step = Math.max(1, Math.floor(pairs.length / SAMPLE))
  const wanted = new Set(odd)
  return pairs.filter((pair, n) => n % step === 0 || n === pairs.length - 1 || wanted.has(pair))
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
