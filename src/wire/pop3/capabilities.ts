/** The list that CAPA gives (RFC 2449 §3, §5). @module */
import { RESPONSE_OCTETS } from './limits.ts'

/** One capability. */
export interface Capability {
  /** In capitals. */
  readonly tag: string
  readonly params: readonly string[]
}

/** By tag; of a tag that comes twice, the params of both. */
export type Capabilities = ReadonlyMap<string, readonly string[]>

/** Reads one line, without line end and unstuffed; `undefined` when it is none. */
export function parseCapability(line: string): Capability | undefined {
  if (/[^\x20-\x7e]/.test(line)) return undefined
  const [tag = '', ...params] = line.trim().split(/ +/)
  return /^[\x21-\x2d\x2f-\x7e]+$/.test(tag) ? { tag: tag.toUpperCase(), params } : undefined
}

/**
 * Writes one line, without line end.
 * @throws {RangeError} when tag or params cannot be in one.
 */
export function formatCapability({ tag, params }: Capability): string {
  // capa-tag = 1*cchar, without "."
  if (!/^[\x21-\x2d\x2f-\x7e]+$/.test(tag)) throw new RangeError(`"${tag}" is no capability`)
  const line = [tag, ...params].join(' ')
  if (line.length > RESPONSE_OCTETS - 2 || params.some((param) => !/^[\x21-\x7e]+$/.test(param))) {
    throw new RangeError(`The parameters of ${tag} cannot be in one line`)
  }
  return line
}

/** All lines of the list; lines that are none are left out. */
export function collectCapabilities(lines: Iterable<string>): Capabilities {
  const all = new Map<string, readonly string[]>()
  for (const line of lines) {
    const capability = parseCapability(line)
    if (capability === undefined) continue
    all.set(capability.tag, [...(all.get(capability.tag) ?? []), ...capability.params])
  }
  return all
}
