/** A transcript as steps, and what a block of them wants to hear. @module */
import assert from 'node:assert/strict'

/** A response of the server. */
export interface Wanted {
  /** What will do: that of the transcript, then what others may say (`O:`). */
  readonly forms: string[]
  readonly optional: boolean
}

/** A line of a transcript. */
export interface Step {
  readonly who: string
  readonly side: string
  readonly said: string
}

/** The lines of a case. */
export function stepsOf(text: string): readonly Step[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const match = /^(\d?)(C~|C|S|U\??|O|T|A):(?: (.*))?$/.exec(line.trimStart())
      assert.ok(match, `not a line of a transcript: ${line}`)
      return { who: match[1] ?? '', side: match[2] ?? '', said: match[3] ?? '' }
    })
}

/** Responses of a block with what others may say in their place; literals joined to the lines they belong to. */
export function wantedOf(block: readonly Step[]): readonly Wanted[] {
  const found: Wanted[] = []
  for (let at = 0; at < block.length; at += 1) {
    const { side = '', said = '' } = block[at] ?? {}
    let text = bytesOf(said, false)
    for (let size = literalAt(text); size !== undefined; size = literalAt(text)) {
      const lines: string[] = []
      while (lines.join('\r\n').length <= size && block[at + 1]?.side === side) {
        at += 1
        lines.push(bytesOf(block[at]?.said ?? '', false))
      }
      text += `\r\n${lines.join('\r\n')}`
      if (lines.length === 0) break
    }
    if (side === 'O') found.at(-1)?.forms.push(text)
    else found.push({ forms: [text], optional: side === 'U?' })
  }
  return found
}

function literalAt(text: string): number | undefined {
  const size = /~?\{(\d+)\}$/.exec(text)?.[1]
  return size === undefined ? undefined : Number(size)
}

/** A tagged line or a continuation; `* BYE` is untagged. */
export function ends(response: string): boolean {
  return response.startsWith('+') || /^(?!\* )\S+ (?:OK|NO|BAD|\$status)\b/.test(response)
}

/** Numbers fall as messages go: `2, 2` takes the same two away as `3, 2`. */
export function sameExpunges(missing: readonly Wanted[], left: string[]): readonly Wanted[] {
  const number = (text: string | undefined) => /^\* (\d+) EXPUNGE$/.exec(text ?? '')?.[1]
  const wanted = missing.filter(({ forms }) => number(forms[0]) !== undefined)
  const got = left.filter((text) => number(text) !== undefined)
  const first = (texts: readonly (string | undefined)[]) => {
    const gone: number[] = []
    for (const text of texts) {
      let at = Number(number(text))
      for (const each of gone.toSorted((a, b) => a - b)) if (each <= at) at += 1
      gone.push(at)
    }
    return gone.toSorted((a, b) => a - b).join()
  }
  if (wanted.length === 0 || first(wanted.map(({ forms }) => forms[0])) !== first(got)) return missing
  for (const text of got) left.splice(left.indexOf(text), 1)
  return missing.filter((each) => !wanted.includes(each))
}

/** With the escapes of transcripts as the bytes they stand for. */
export function bytesOf(text: string, client: boolean): string {
  return text.replace(
    client ? /\\(?:x([0-9a-f]{2})|0|r|n)/g : /\\x([0-9a-f]{2})/g,
    (whole, hex: string | undefined) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
      return whole === '\\r' ? '\r' : whole === '\\n' ? '\n' : '\0'
    },
  )
}
