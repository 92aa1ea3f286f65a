/** Every request by its kind. @module */

import type { Result } from '#lib/result.ts'
import type { WriteKind, Writes } from '#store/writes.ts'
import type { Step, Transaction } from '../transaction.ts'
import { openAccount, removeAccount, setLimits } from './accounts.ts'
import { forgetPeople, setAcl } from './acl.ts'
import { append } from './append.ts'
import { applyMaildrop } from './apply-maildrop.ts'
import { changeFlags } from './change-flags.ts'
import { expunge } from './expunge.ts'
import { keepImprint } from './keep-imprint.ts'
import { createMailbox, deleteMailbox, renameMailbox, subscribe } from './mailboxes.ts'
import { setMetadata } from './metadata.ts'
import { replace } from './replace.ts'
import { beginRestore, endRestore, freeze, restoreEmails, restoreMessages, settleRestore } from './restore.ts'
import { copy, move } from './transfer.ts'
import { undelete } from './undelete.ts'

/** Executes one kind of write. */
export type Handler<K extends WriteKind> = (
  tx: Transaction,
  request: Writes[K]['request'],
) => Step<Result<Writes[K]['value'], Writes[K]['refusal']>>

export const HANDLERS: { readonly [K in WriteKind]: Handler<K> } = {
  openAccount,
  removeAccount,
  setLimits,
  append,
  changeFlags,
  copy,
  move,
  replace,
  expunge,
  applyMaildrop,
  undelete,
  createMailbox,
  deleteMailbox,
  renameMailbox,
  subscribe,
  setAcl,
  forgetPeople,
  setMetadata,
  keepImprint,
  freeze,
  beginRestore,
  restoreEmails,
  restoreMessages,
  endRestore,
  settleRestore,
}

/** Writes that need little space, and those that make some: a full disk does not stop them. */
export const ALLOWED_WHEN_FULL: ReadonlySet<string> = new Set<WriteKind>([
  'changeFlags',
  'expunge',
  'applyMaildrop',
  'move',
  'deleteMailbox',
  'removeAccount',
  'setLimits',
  'subscribe',
  'forgetPeople',
])

/** What ends the freeze, and what asks nothing of the account that is there. */
export const ALLOWED_WHEN_FROZEN: ReadonlySet<string> = new Set<WriteKind>([
  'freeze',
  'removeAccount',
  'forgetPeople',
  'settleRestore',
])
