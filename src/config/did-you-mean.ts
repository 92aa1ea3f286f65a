/** The word that was probably meant: at most a third of its letters apart; `undefined` when none is near. */
export function nearest(written: string, known: readonly string[]): string | undefined {
  if (written.length > 60) return undefined
  let best: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const word of known) {
    const distance = editDistance(written.toLowerCase(), word)
    if (distance < least && distance <= Math.max(1, Math.floor(word.length / 3))) {
      least = distance
      best = word
    }
  }
  return best
}

/** Letters to add, take away, change or swap with their neighbour. */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let cost = Math.min((row[j - 1] ?? 0) + 1, (previous[j] ?? 0) + 1, (previous[j - 1] ?? 0) + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1)
      row.push(cost)
    }
    before = previous
    previous = row
  }
  return previous[b.length] ?? 0
}
