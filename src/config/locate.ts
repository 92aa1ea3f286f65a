import { parse, TomlError } from 'smol-toml'

/**
 * Line, from 1, on which a key of a TOML text stands, found with the parser itself: it is in the first piece of the
 * text that, read from the beginning, has the key. `undefined` when no piece has it. Only for the way to an error.
 */
export function lineOf(text: string, keys: readonly (string | number)[]): number | undefined {
  if (keys.length === 0) return undefined
  const lines = text.split('\n')
  /** Lines that are whole so far. */
  let whole = 0
  for (let end = 1; end <= lines.length; end += 1) {
    const table = parsePiece(lines.slice(0, end).join('\n'))
    if (table === undefined) continue
    if (has(table, keys)) return whole + 1
    whole = end
  }
  return keys.length > 1 ? lineOf(text, keys.slice(0, -1)) : undefined
}

function parsePiece(text: string): object | undefined {
  try {
    return parse(text)
  } catch (error) {
    if (error instanceof TomlError) return undefined
    throw error
  }
}

function has(table: object, keys: readonly (string | number)[]): boolean {
  let value: unknown = table
  for (const key of keys) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return false
    value = (value as Record<string | number, unknown>)[key]
  }
  return true
}
