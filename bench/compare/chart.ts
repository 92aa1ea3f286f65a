/** The ratios of a comparison as a picture for the README. @module */
import type { Row } from './results.ts'

const WIDTH = 980
const LABELS = 450
/** Room for a figure behind the longest bar. */
const FIGURE = 80
const ROW = 22
const TOP = 34
/** Where bars end, on a logarithmic scale: from a tenth to a hundred times. */
const LEAST = 0.1
const MOST = 100

/** A bar a scenario: how many times better than Dovecot; left of the line it is worse. */
export function chartOf(rows: readonly Row[]): string {
  const drawn = rows.filter(({ ratio, ofItself, faults }) => ratio !== undefined && !ofItself && faults.length === 0)
  const at = (ratio: number): number =>
    LABELS + ((Math.log10(Math.min(MOST, Math.max(LEAST, ratio))) + 1) / 3) * (WIDTH - LABELS - FIGURE)
  const one = at(1)
  const bars = drawn.map(({ scenario, ratio = 1 }, number) => {
    const y = TOP + number * ROW
    const [from, to] = [Math.min(one, at(ratio)), Math.max(one, at(ratio))]
    const colour = ratio >= 1 ? '#2f6f5e' : '#b5533c'
    const title = scenario.peer === undefined ? scenario.title : `${scenario.title}, against ${scenario.peer}`
    return `<text x="${LABELS - 10}" y="${y + 14}" text-anchor="end">${escaped(title)}</text>
<rect x="${from.toFixed(1)}" y="${y + 3}" width="${Math.max(1, to - from).toFixed(1)}" height="14" fill="${colour}"/>
<text x="${(to + 6).toFixed(1)}" y="${y + 14}">${ratio}×</text>`
  })
  const height = TOP + drawn.length * ROW + 10
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="#333">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="${LABELS}" y="18" font-weight="bold">Malle against Dovecot: how many times better (logarithmic)</text>
<line x1="${one.toFixed(1)}" y1="${TOP - 6}" x2="${one.toFixed(1)}" y2="${height - 6}" stroke="#333"/>
${bars.join('\n')}
</svg>
`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
