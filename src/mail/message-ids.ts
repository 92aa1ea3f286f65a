/** Message ids (RFC 5322 §3.6.4). @module */
import { MAX_REFERENCES } from './limits.ts'

/**
 * The message ids of a References, In-Reply-To or Message-ID field, each with its angle brackets and without white space,
 * in their order; of very long lists the first and the newest.
 */
export function parseMessageIds(text: string): readonly string[] {
  const ids: string[] = []
  for (const match of text.matchAll(/<[^<>]+>/g)) {
    const id = match[0].replace(/[ \t\r\n]+/g, '')
    if (id.length > 2 && id.length <= 998) ids.push(id)
  }
  if (ids.length <= MAX_REFERENCES) return ids
  return [...ids.slice(0, 1), ...ids.slice(1 - MAX_REFERENCES)]
}

/**
 * One spelling for an id that needs no quotes and has them (RFC 5256 §3 REFERENCES, Note).
 * @example normaliseMessageId('<"a"@x>') === '<a@x>'
 */
export function normaliseMessageId(id: string): string {
  const quoted = /^<"((?:[^"\\]|\\.)*)"@/.exec(id)
  if (quoted === null) return id
  return `<${(quoted[1] ?? '').replace(/\\(.)/g, '$1')}@${id.slice(quoted[0].length)}`
}
