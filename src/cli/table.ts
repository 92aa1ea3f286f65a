/** Listings for people: columns as wide as they need, cut to the terminal. @module */
import { cutToWidth, displayWidth, padToWidth, terminalWidth } from './width.ts'

/** Rows under their titles; numbers are right-aligned. */
export function formatTable(
  titles: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  width: number = terminalWidth(),
): string {
  const texts = rows.map((row) => row.map(String))
  const widths = titles.map((title, column) =>
    Math.max(displayWidth(title), ...texts.map((row) => displayWidth(row[column] ?? ''))),
  )
  const lines = [titles, ...texts].map((row, index) =>
    row
      .map((text, column) => {
        const numeric = index > 0 && typeof rows[index - 1]?.[column] === 'number'
        return padToWidth(text, widths[column] ?? 0, numeric)
      })
      .join('  ')
      .trimEnd(),
  )
  return lines.map((line) => cutToWidth(line, width)).join('\n')
}
