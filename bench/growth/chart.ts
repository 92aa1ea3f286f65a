/** Time and memory over size, both axes logarithmic, as a picture for the documentation. @module */
import type { Growth, Measure } from './measures.ts'

const WIDTH = 1_120
const PANEL = { width: WIDTH / 2, height: 400 } as const
const PLOT = { left: 60, top: 46, right: 215, bottom: 40 } as const
const COLOURS = ['#1f6f8b', '#c0504d', '#5b8c3e', '#8a5fb0', '#d08a1d', '#3c5a99', '#9c3d75', '#4d4d4d', '#2a9d8f']
const LABEL_HEIGHT = 13

interface Line {
  readonly label: string
  readonly values: readonly (readonly [size: number, figure: number])[]
}

/** Four panels: what takes time and what takes memory, for each thing that grows. */
export function chartOf(growths: readonly Growth[]): string {
  const panels = growths.flatMap((growth, row) =>
    (['ms', 'MB'] as const).map((unit, column) => panel(growth, unit, column * PANEL.width, row * PANEL.height)),
  )
  const height = growths.length * PANEL.height
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="11" fill="#333">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
${panels.join('\n')}
</svg>
`
}

function panel(growth: Growth, unit: Measure['unit'], left: number, top: number): string {
  const lines = linesOf(growth, unit)
  const values = lines.flatMap((line) => line.values)
  if (values.length === 0) return ''
  const sizes = growth.points.map(({ size }) => size)
  const across = scale(sizes, PLOT.left, PANEL.width - PLOT.right)
  const up = scale(
    values.map(([, figure]) => figure),
    PANEL.height - PLOT.bottom,
    PLOT.top,
  )
  const parts = [
    `<text x="${PLOT.left}" y="20" font-size="13" font-weight="bold">${escaped(growth.title)}: ${unit === 'ms' ? 'milliseconds' : 'megabytes'}</text>`,
    ...decades(values.map(([, figure]) => figure)).map(
      (figure) =>
        `<line x1="${PLOT.left}" x2="${PANEL.width - PLOT.right}" y1="${at(up(figure))}" y2="${at(up(figure))}" stroke="#e3e3e3"/><text x="${PLOT.left - 6}" y="${at(up(figure) + 4)}" text-anchor="end">${figure.toLocaleString('en')}</text>`,
    ),
    ...sizes.map(
      (size) =>
        `<text x="${at(across(size))}" y="${PANEL.height - PLOT.bottom + 18}" text-anchor="middle">${size.toLocaleString('en')}</text>`,
    ),
    `<text x="${at((PLOT.left + PANEL.width - PLOT.right) / 2)}" y="${PANEL.height - 6}" text-anchor="middle">${escaped(growth.what)}</text>`,
  ]
  const labels = apart(lines.map(({ values: own }) => up(own.at(-1)?.[1] ?? 1)))
  for (const [index, { label, values: own }] of lines.entries()) {
    const colour = COLOURS[index % COLOURS.length]
    const points = own.map(([size, figure]) => `${at(across(size))},${at(up(figure))}`)
    const end = own.at(-1)
    parts.push(
      `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.8"/>`,
      ...points.map(
        (point) => `<circle cx="${point.split(',')[0]}" cy="${point.split(',')[1]}" r="2.4" fill="${colour}"/>`,
      ),
      `<text x="${at(across(end?.[0] ?? 1) + 8)}" y="${at((labels[index] ?? 0) + 4)}" fill="${colour}">${escaped(label)}</text>`,
    )
  }
  return `<g transform="translate(${left} ${top})">\n${parts.join('\n')}\n</g>`
}

function linesOf({ measures, points }: Growth, unit: Measure['unit']): Line[] {
  return measures
    .filter((measure) => measure.unit === unit && measure.rule !== 'none')
    .map(({ name }) => ({
      label: name,
      values: points.flatMap(({ size, figures }) => {
        const figure = figures.get(name)
        return figure === undefined ? [] : [[size, Math.max(figure, 0.01)] as const]
      }),
    }))
    .filter(({ values }) => values.length > 0)
}

/** A logarithmic scale whose ends are powers of ten. */
function scale(values: readonly number[], from: number, to: number): (value: number) => number {
  const all = decades(values).map(Math.log10)
  const [low, high] = [Math.min(...all), Math.max(...all)]
  return (value) => from + ((Math.log10(value) - low) / Math.max(1, high - low)) * (to - from)
}

function decades(values: readonly number[]): number[] {
  const low = Math.floor(Math.log10(Math.min(...values)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))))
  return Array.from({ length: high - low + 1 }, (_, index) => Number(`1e${low + index}`))
}

/** Places moved so that texts do not lie on each other, in the order of the places given. */
function apart(places: readonly number[]): number[] {
  const order = Array.from(places.keys()).sort((a, b) => (places[a] ?? 0) - (places[b] ?? 0))
  const moved = [...places]
  let last = Number.NEGATIVE_INFINITY
  for (const index of order) {
    last = Math.max(places[index] ?? 0, last + LABEL_HEIGHT)
    moved[index] = last
  }
  // what was pushed over the lower edge goes up again
  let next = PANEL.height - PLOT.bottom + LABEL_HEIGHT
  for (const index of order.toReversed()) {
    next = Math.min(moved[index] ?? 0, next - LABEL_HEIGHT)
    moved[index] = next
  }
  return moved
}

function at(value: number): string {
  return value.toFixed(1)
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
