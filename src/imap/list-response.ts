/** LIST and LSUB responses (RFC 9051 §7.3.1, RFC 3501 §7.2.3). @module */
import type { Enabled } from './command.ts'
import { type MailboxNode, specialUseOf } from './mailbox-tree.ts'
import type { Output } from './output.ts'

/** What is said behind the name. */
export interface ListExtras {
  /** Selection options that something below meets (RFC 5258 §3.5). */
  readonly childInfo?: readonly string[]
  readonly oldName?: string | undefined
}

/** Attributes of a name. Special uses are always told (RFC 6154 §2), children too (RFC 3348 §3). */
export function attributesOf(
  node: MailboxNode,
  how: { readonly nonExistent: boolean; readonly subscribed: boolean },
): string[] {
  const attributes: string[] = []
  // \NonExistent says \Noselect too (RFC 5258 §3); clients of plain LIST know only the latter.
  if (node.box === undefined) attributes.push(how.nonExistent ? '\\NonExistent' : '\\Noselect')
  attributes.push(node.hasChildren ? '\\HasChildren' : '\\HasNoChildren')
  const use = specialUseOf(node)
  if (use !== undefined) attributes.push(`\\${use}`)
  if (how.subscribed && node.subscribed) attributes.push('\\Subscribed')
  return attributes
}

/** One response. */
export function writeList(
  out: Output,
  kind: 'LIST' | 'LSUB',
  attributes: readonly string[],
  name: string,
  { childInfo, oldName }: ListExtras = {},
): void {
  out.text(`* ${kind} (${attributes.join(' ')}) "/" `).mailbox(name)
  if (childInfo !== undefined) out.text(` ("CHILDINFO" (${childInfo.map((option) => `"${option}"`).join(' ')}))`)
  if (oldName !== undefined) out.text(' ("OLDNAME" (').mailbox(oldName).text('))')
  out.text('\r\n')
}

/** Tells a rev2 client the right spelling of a name that it gave in another one (RFC 9051 §6.3.9.7). */
export function writeOldName(
  out: Output,
  enabled: Enabled,
  name: string,
  oldName: string | undefined,
  attributes: readonly string[] = [],
): void {
  if (oldName !== undefined && enabled.rev2) writeList(out, 'LIST', attributes, name, { oldName })
}
