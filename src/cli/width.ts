/** Text by the columns that a terminal gives it. @module */

const WIDE =
  /^[\u1100-\u115f\u231a\u231b\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1aff0}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]|^\p{Emoji_Presentation}|^\p{Emoji}\ufe0f/u
/** Marks, format characters, and what joins emoji. */
const NOTHING = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]+$/u
const segmenter = new Intl.Segmenter()

/** Columns of a text of one line: East Asian wide characters and emoji take two, marks none. */
export function displayWidth(text: string): number {
  if (/^[\u0020-\u007e]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of segmenter.segment(text)) width += widthOf(segment)
  return width
}

/** The text, cut with an ellipsis where it is wider. */
export function cutToWidth(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let kept = ''
  let used = 0
  for (const { segment } of segmenter.segment(text)) {
    used += widthOf(segment)
    if (used >= width) break
    kept += segment
  }
  return width < 1 ? '' : `${kept}…`
}

/** The text with spaces up to a width. */
export function padToWidth(text: string, width: number, right = false): string {
  const spaces = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return right ? spaces + text : text + spaces
}

/** Lines broken at spaces where they are wider; a word that is wider stands alone. */
export function wrapToWidth(text: string, width: number): string {
  if (!Number.isFinite(width)) return text
  return text
    .split('\n')
    .flatMap((line) => (displayWidth(line) <= width ? [line] : wrapLine(line, width)))
    .join('\n')
}

function wrapLine(line: string, width: number): readonly string[] {
  const lines: string[] = []
  let kept = ''
  let used = 0
  for (const word of line.split(/(?<= )(?! )/)) {
    const wide = displayWidth(word.trimEnd())
    if (kept !== '' && used + wide > width) {
      lines.push(kept.trimEnd())
      kept = ''
      used = 0
    }
    kept += word
    used += displayWidth(word)
  }
  return [...lines, kept.trimEnd()]
}

/** Columns of the terminal; elsewhere there is no limit. */
export function terminalWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY
}

function widthOf(segment: string): number {
  if (NOTHING.test(segment)) return 0
  // halfwidth sound marks are marks to Unicode, and columns of their own to terminals
  return (WIDE.test(segment) ? 2 : 1) + (/[\uff9e\uff9f]/.test(segment.slice(1)) ? 1 : 0)
}
