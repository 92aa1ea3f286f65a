/** ACL responses (RFC 4314 §7). @module */
import { fromBinary } from './characters.ts'
import type { ElementReader } from './element-reader.ts'
import type { ElementWriter } from './element-writer.ts'

/** `* ACL` (RFC 4314 §3.6). */
export interface AclResponse {
  readonly kind: 'ACL'
  readonly mailbox: string
  /** Identifiers are Unicode, rights as sent, the virtual `c` and `d` among them. */
  readonly entries: readonly (readonly [identifier: string, rights: string])[]
}

/** `* LISTRIGHTS` (RFC 4314 §3.7). */
export interface ListRightsResponse {
  readonly kind: 'LISTRIGHTS'
  readonly mailbox: string
  readonly identifier: string
  /** Always granted. */
  readonly required: string
  /** Rights that can be granted; those in one string only together. */
  readonly optional: readonly string[]
}

/** `* MYRIGHTS` (RFC 4314 §3.8). */
export interface MyRightsResponse {
  readonly kind: 'MYRIGHTS'
  readonly mailbox: string
  readonly rights: string
}

// acl-data = "ACL" SP mailbox *(SP identifier SP rights)
export function readAclEntries(r: ElementReader): AclResponse['entries'] {
  const entries: [string, string][] = []
  while (r.spaces() && !r.atEnd) {
    const identifier = readIdentifier(r)
    entries.push([identifier, r.sp().astring()])
  }
  return entries
}

// listrights-data = "LISTRIGHTS" SP mailbox SP identifier SP rights *(SP rights)
export function readRightsList(r: ElementReader): Pick<ListRightsResponse, 'identifier' | 'required' | 'optional'> {
  const identifier = readIdentifier(r)
  const required = r.sp().astring()
  const optional: string[] = []
  while (r.spaces() && !r.atEnd) optional.push(r.astring())
  return { identifier, required, optional }
}

function readIdentifier(r: ElementReader): string {
  const identifier = r.astring()
  return fromBinary(identifier) ?? identifier
}

/** Everything behind `* `. */
export function writeAclResponse(
  w: ElementWriter,
  response: AclResponse | ListRightsResponse | MyRightsResponse,
): void {
  w.text(`${response.kind} `).mailbox(response.mailbox)
  switch (response.kind) {
    case 'ACL':
      for (const [identifier, rights] of response.entries) w.sp().utf8String(identifier).sp().astring(rights)
      return
    case 'LISTRIGHTS':
      w.sp().utf8String(response.identifier).sp().astring(response.required)
      for (const rights of response.optional) w.sp().astring(rights)
      return
    case 'MYRIGHTS':
      w.sp().astring(response.rights)
  }
}
