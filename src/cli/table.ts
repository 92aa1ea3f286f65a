/** Listings for people: columns as wide as they need, cut to the terminal. @module */

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
        return pad(text, widths[column] ?? 0, numeric)
      })
      .join('  ')
      .trimEnd(),
  )
  return lines.map((line) => cut(line, width)).join('\n')
}

function terminalWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY
}

function pad(text: string, width: number, right: boolean): string {
  const spaces = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return right ? spaces + text : text + spaces
}

function cut(line: string, width: number): string {
  if (displayWidth(line) <= width) return line
  let kept = ''
  for (const { segment } of new Intl.Segmenter().segment(line)) {
    if (displayWidth(kept + segment) >= width) break
    kept += segment
  }
  return `${kept}…`
}

/** Columns that a terminal gives the text: East Asian wide characters take two, marks none. */
function displayWidth(text: string): number {
  if (/^[\u0020-\u007e]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}]/u.test(
        segment,
      )
        ? 2
        : 1
  }
  return width
}
