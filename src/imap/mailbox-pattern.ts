/**
 * Whether a mailbox name fits a LIST pattern: `*` stands for anything, `%` for anything within one level
 * (RFC 9051 §6.3.9). Going back to the last `%`, then to the last `*`, is enough: a match further left leaves at least
 * as much to the rest. So the time is bounded by the product of the lengths.
 */
export function matchesPattern(name: string, pattern: string): boolean {
  let at = 0
  let next = 0
  let percentNext = -1
  let percentAt = 0
  let starNext = -1
  let starAt = 0
  for (;;) {
    const wanted = pattern.charAt(next)
    if (wanted === '*') {
      next += 1
      if (next === pattern.length) return true
      starNext = next
      starAt = at
      percentNext = -1
      continue
    }
    if (wanted === '%') {
      next += 1
      percentNext = next
      percentAt = at
      continue
    }
    if (at < name.length && wanted === name.charAt(at)) {
      at += 1
      next += 1
      continue
    }
    if (wanted === '' && at === name.length) return true
    if (percentNext >= 0 && percentAt < name.length && name.charAt(percentAt) !== '/') {
      percentAt += 1
      at = percentAt
      next = percentNext
    } else if (starNext >= 0 && starAt < name.length) {
      starAt += 1
      at = starAt
      next = starNext
      percentNext = -1
    } else return false
  }
}

/** A pattern with runs of wildcards made one, which means the same. */
export function simplifyPattern(pattern: string): string {
  return pattern.replace(/[*%]{2,}/g, (run) => (run.includes('*') ? '*' : '%'))
}
