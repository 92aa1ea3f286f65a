/** Who may do what in a mailbox: GETACL, SETACL, DELETEACL, LISTRIGHTS, MYRIGHTS (RFC 4314 §3). @module */
import { UnsupportedError } from '../../errors.ts'
import { type ImapCommand, plainCommand } from '../command.ts'
import type { ImapSession } from '../session.ts'

/** What can be granted to somebody. */
export interface GrantableRights {
  /** They have these whatever is said. */
  readonly always: string
  /** Those in one string only together. */
  readonly optional: readonly string[]
}

/** Rights by identifier. */
export function getAcl(session: ImapSession, mailbox: string): ImapCommand<ReadonlyMap<string, string>> {
  need(session)
  let acl: ReadonlyMap<string, string> = new Map()
  return {
    name: 'GETACL',
    repeatable: true,
    write: (w) => w.text('GETACL ').mailbox(mailbox),
    take(response) {
      if (response.kind !== 'ACL') return false
      acl = new Map(response.entries)
      return true
    },
    finish: () => acl,
  }
}

/** @param rights `lrs` in place of what there is, `+t` besides it, `-t` without it. */
export function setAcl(session: ImapSession, mailbox: string, identifier: string, rights: string): ImapCommand<void> {
  need(session)
  return plainCommand('SETACL', (w) => w.sp().mailbox(mailbox).sp().utf8String(identifier).sp().astring(rights), {
    repeatable: true,
  })
}

export function deleteAcl(session: ImapSession, mailbox: string, identifier: string): ImapCommand<void> {
  need(session)
  return plainCommand('DELETEACL', (w) => w.sp().mailbox(mailbox).sp().utf8String(identifier), { repeatable: true })
}

export function listRights(session: ImapSession, mailbox: string, identifier: string): ImapCommand<GrantableRights> {
  need(session)
  let rights: GrantableRights = { always: '', optional: [] }
  return {
    name: 'LISTRIGHTS',
    repeatable: true,
    write: (w) => w.text('LISTRIGHTS ').mailbox(mailbox).sp().utf8String(identifier),
    take(response) {
      if (response.kind !== 'LISTRIGHTS') return false
      rights = { always: response.required, optional: response.optional }
      return true
    },
    finish: () => rights,
  }
}

/** One's own. */
export function myRights(session: ImapSession, mailbox: string): ImapCommand<string> {
  need(session)
  let rights = ''
  return {
    name: 'MYRIGHTS',
    repeatable: true,
    write: (w) => w.text('MYRIGHTS ').mailbox(mailbox),
    take(response) {
      if (response.kind !== 'MYRIGHTS') return false
      rights = response.rights
      return true
    },
    finish: () => rights,
  }
}

function need({ capabilities }: ImapSession): void {
  if (!capabilities.has('ACL')) throw new UnsupportedError('ACL', 'rights of others')
}
