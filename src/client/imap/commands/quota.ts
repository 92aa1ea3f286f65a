/** GETQUOTAROOT, GETQUOTA, SETQUOTA (RFC 9208). @module */

import { toBinary } from '#wire/imap/characters.ts'
import { formatQuotaLimits, type QuotaLimit, type QuotaUsage } from '#wire/imap/quota-resources.ts'
import { UnsupportedError } from '../../errors.ts'
import type { ImapCommand } from '../command.ts'
import type { ImapSession } from '../session.ts'

/** What may be used under a quota root, and what is. STORAGE counts kilobytes. */
export interface Quota {
  readonly root: string
  readonly resources: readonly QuotaUsage[]
}

/** The quotas that hold for a mailbox. */
export function quotaOf({ capabilities }: ImapSession, mailbox: string): ImapCommand<readonly Quota[]> {
  if (!capabilities.has('QUOTA')) throw new UnsupportedError('QUOTA', 'asking for quotas')
  return quotaCommand('GETQUOTAROOT', (w) => w.sp().mailbox(mailbox), true)
}

/** Sets limits of a root; only administrators can. */
export function setQuota(
  { capabilities }: ImapSession,
  root: string,
  limits: readonly QuotaLimit[],
): ImapCommand<readonly Quota[]> {
  if (!capabilities.has('QUOTASET') && !capabilities.has('QUOTA'))
    throw new UnsupportedError('QUOTASET', 'setting quotas')
  return quotaCommand('SETQUOTA', (w) => w.sp().astring(toBinary(root)).sp().text(formatQuotaLimits(limits)), false)
}

function quotaCommand(
  name: string,
  write: (w: Parameters<ImapCommand<void>['write']>[0]) => void,
  repeatable: boolean,
): ImapCommand<readonly Quota[]> {
  const quotas: Quota[] = []
  return {
    name,
    repeatable,
    write: (w) => write(w.text(name)),
    take(response) {
      if (response.kind === 'QUOTA') quotas.push({ root: response.root, resources: response.resources })
      return response.kind === 'QUOTA' || response.kind === 'QUOTAROOT'
    },
    finish: () => quotas,
  }
}
