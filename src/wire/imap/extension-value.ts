/** Values of items we do not know (RFC 9051 §9 tagged-ext-val, RFC 4466 §2). @module */
import { LIST_CHARS } from './characters.ts'
import type { ElementReader } from './element-reader.ts'
import type { ElementWriter } from './element-writer.ts'
import { RESPONSE_DEPTH } from './limits.ts'

/** Atoms, numbers, sets and strings are binary strings; `undefined` is NIL. */
export type ExtensionValue = string | undefined | readonly ExtensionValue[]

// tagged-ext-val = tagged-ext-simple / "(" [tagged-ext-comp] ")"
export function readExtensionValue(r: ElementReader, depth = 0): ExtensionValue {
  if (r.peek() === '(') {
    if (depth >= RESPONSE_DEPTH) r.fault('The value is nested too deep')
    const values: ExtensionValue[] = []
    r.expect('(').spaces()
    // Not `list`: unknown values may have no spaces between parentheses, as addresses do.
    while (!r.skip(')')) {
      values.push(readExtensionValue(r, depth + 1))
      r.spaces()
    }
    return values
  }
  if (r.nil()) return undefined
  if (r.peek() === '\\') return r.flagPerm()
  return r.match(LIST_CHARS) || r.string()
}

export function writeExtensionValue(w: ElementWriter, value: ExtensionValue): void {
  if (value === undefined) w.text('NIL')
  else if (typeof value === 'string') w.astring(value)
  else w.list(value, (inner) => writeExtensionValue(w, inner))
}
