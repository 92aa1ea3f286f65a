/** METADATA responses, for GETMETADATA and LIST … RETURN (METADATA …) (RFC 5464 §3.3, §4.4.1, RFC 9590 §3). @module */
import type { MetadataEntry } from '#store/types.ts'
import { type MetadataDepth, type MetadataValue, writeMetadataValues } from '#wire/imap/metadata.ts'
import type { Output } from './output.ts'
import { hasOneOf, type Reached } from './resolve.ts'

/** Writes `* METADATA name (…)`; nothing where there is no value to tell. */
export function writeMetadata(out: Output, mailbox: string, values: readonly MetadataValue[]): void {
  if (values.length === 0) return
  out.text('* METADATA ').mailbox(mailbox).sp()
  writeMetadataValues(out, values)
  out.text('\r\n')
}

/** Whether the person may read and write annotations there: `l` and one of `r`, `s`, `w`, `i` and `p` (RFC 5464 §3.3). */
export function isAnnotated({ rights }: Pick<Reached, 'rights'>): boolean {
  return hasOneOf(rights, 'l') && hasOneOf(rights, 'rswip')
}

/**
 * The entries asked for, each once, in the order asked for. What was named and is not there is NIL, unless something
 * below it was asked for too: the RFC then wants it only "if it exists" (RFC 5464 §4.2.2).
 */
export function chooseMetadata(
  entries: readonly MetadataEntry[],
  names: readonly string[],
  depth: MetadataDepth,
): MetadataValue[] {
  const chosen = new Map<string, MetadataValue>()
  for (const asked of new Set(names)) {
    let found = false
    for (const { name, value } of entries) {
      if (!isWithin(name, asked, depth)) continue
      if (name === asked) found = true
      chosen.set(name, { name, value: latin1(value) })
    }
    if (!found && depth === '0') chosen.set(asked, { name: asked, value: undefined })
  }
  return [...chosen.values()]
}

function isWithin(name: string, asked: string, depth: MetadataDepth): boolean {
  if (name === asked) return true
  if (depth === '0' || !name.startsWith(`${asked}/`)) return false
  return depth === 'infinity' || !name.includes('/', asked.length + 1)
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
