/** Flags and mailbox attributes: system names in the case of the RFC (RFC 9051 §2.3.2, §7.3.1). @module */

/** Flags and attributes begin with `\`; their case has no meaning and is made the one of the RFC. */
const KNOWN: ReadonlyMap<string, string> = new Map(
  (
    '\\Answered \\Flagged \\Deleted \\Seen \\Draft \\Recent ' +
    '\\Noinferiors \\HasChildren \\HasNoChildren \\Subscribed \\Remote \\NonExistent \\Noselect \\Marked \\Unmarked ' +
    // RFC 6154 §2, RFC 8457 §3
    '\\All \\Archive \\Drafts \\Junk \\Sent \\Trash \\Important'
  )
    .split(' ')
    .map((name) => [name.toLowerCase(), name]),
)

/** `\seen` becomes `\Seen`; keywords and unknown names stay as written. */
export function canonicalFlag(flag: string): string {
  if (!flag.startsWith('\\')) return flag
  return KNOWN.get(flag.toLowerCase()) ?? flag
}

/** `(\Seen $Forwarded)`. */
export function formatFlags(flags: readonly string[]): string {
  return `(${flags.join(' ')})`
}
