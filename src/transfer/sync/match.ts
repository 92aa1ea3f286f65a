/** Which messages of two mailboxes are the same, when no record says so. @module */
import type { OpenMailbox } from './side.ts'

/**
 * Pairs of keys. Of several that are the same on both sides the first belongs to the first, and so on.
 * @param leftKeys In the order of arrival, as `rightKeys`.
 */
export async function matchMessages(
  left: OpenMailbox,
  leftKeys: readonly string[],
  right: OpenMailbox,
  rightKeys: readonly string[],
): Promise<readonly { readonly left: string; readonly right: string }[]> {
  if (leftKeys.length === 0 || rightKeys.length === 0) return []
  const [leftSizes, rightSizes] = await Promise.all([left.sizes(leftKeys), right.sizes(rightKeys)])
  // most are told apart by their size, which costs nothing to ask for
  const onLeft = new Set(leftSizes.values())
  const onRight = new Set(rightSizes.values())
  const leftMaybe = leftKeys.filter((key) => onRight.has(leftSizes.get(key) ?? -1))
  const rightMaybe = rightKeys.filter((key) => onLeft.has(rightSizes.get(key) ?? -1))
  if (leftMaybe.length === 0) return []
  const [leftIds, rightIds] = await Promise.all([left.identities(leftMaybe), right.identities(rightMaybe)])
  const waiting = new Map<string, string[]>()
  for (const key of rightMaybe) {
    const id = rightIds.get(key)
    if (id === undefined) continue
    const same = waiting.get(id)
    if (same === undefined) waiting.set(id, [key])
    else same.push(key)
  }
  return leftMaybe.flatMap((key) => {
    const id = leftIds.get(key)
    const found = id === undefined ? undefined : waiting.get(id)?.shift()
    return found === undefined ? [] : [{ left: key, right: found }]
  })
}
