/** Subscriptions of two sides, merged as flags are (RFC 9051 §6.3.7). @module */

export interface MergedSubscription {
  /** What a side is to be set to; `undefined`: it stays. */
  readonly left: boolean | undefined
  readonly right: boolean | undefined
  /** For the next run. */
  readonly base: boolean
}

/**
 * What changed on one side since the last run is done on the other. At the first time nobody is unsubscribed.
 * @param base `undefined` at the first time.
 */
export function mergeSubscription(
  base: boolean | undefined,
  left: boolean,
  right: boolean,
  twoWay: boolean,
): MergedSubscription {
  const before = base ?? false
  const merged = left !== before ? left : twoWay && right !== before ? right : before
  const toRight = right !== merged && left !== before
  const toLeft = twoWay && left !== merged
  return { left: toLeft ? merged : undefined, right: toRight ? merged : undefined, base: merged }
}
