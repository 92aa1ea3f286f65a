/** CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 9051 §6.3.4 to §6.3.8, RFC 6154 §3), NAMESPACE (§6.3.10). @module */
import type { Namespace } from '#wire/imap/responses.ts'
import { UnsupportedError } from '../../errors.ts'
import { type ImapCommand, plainCommand } from '../command.ts'
import type { ImapSession } from '../session.ts'

/** Uses that CREATE can give (RFC 6154 §2). */
export type SpecialUse =
  | '\\All'
  | '\\Archive'
  | '\\Drafts'
  | '\\Flagged'
  | '\\Important'
  | '\\Junk'
  | '\\Sent'
  | '\\Trash'

/** Gives the MAILBOXID, where the server has such (RFC 8474 §4.1). */
export function create(
  { capabilities }: ImapSession,
  name: string,
  specialUse: SpecialUse | undefined,
): ImapCommand<string | undefined> {
  if (specialUse !== undefined && !capabilities.has('CREATE-SPECIAL-USE'))
    throw new UnsupportedError('CREATE-SPECIAL-USE', 'a mailbox for a special use')
  return {
    name: 'CREATE',
    write: (w) =>
      w
        .text('CREATE ')
        .mailbox(name)
        .text(specialUse === undefined ? '' : ` (USE (${specialUse}))`),
    finish: ({ code }) => (code?.kind === 'MAILBOXID' ? code.id : undefined),
  }
}

export function remove(name: string): ImapCommand<void> {
  return plainCommand('DELETE', (w) => w.sp().mailbox(name))
}

export function rename(from: string, to: string): ImapCommand<void> {
  return plainCommand('RENAME', (w) => w.sp().mailbox(from).sp().mailbox(to))
}

export function subscribe(name: string): ImapCommand<void> {
  return plainCommand('SUBSCRIBE', (w) => w.sp().mailbox(name), { repeatable: true })
}

export function unsubscribe(name: string): ImapCommand<void> {
  return plainCommand('UNSUBSCRIBE', (w) => w.sp().mailbox(name), { repeatable: true })
}

/** Where a person's own mailboxes are, those of others, and shared ones. */
export interface Namespaces {
  readonly personal: readonly Namespace[]
  readonly others: readonly Namespace[]
  readonly shared: readonly Namespace[]
}

export function namespace({ capabilities }: ImapSession): ImapCommand<Namespaces> {
  if (!capabilities.has('NAMESPACE')) throw new UnsupportedError('NAMESPACE', 'asking for namespaces')
  let said: Namespaces = { personal: [], others: [], shared: [] }
  return {
    name: 'NAMESPACE',
    repeatable: true,
    write: (w) => w.text('NAMESPACE'),
    take(response) {
      if (response.kind !== 'NAMESPACE') return false
      said = { personal: response.personal ?? [], others: response.others ?? [], shared: response.shared ?? [] }
      return true
    },
    finish: () => said,
  }
}
