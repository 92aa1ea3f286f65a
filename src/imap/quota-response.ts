/** QUOTA responses (RFC 9208 §5.1). @module */
import { formatQuotaUsages, type QuotaUsage } from '#wire/imap/quota-resources.ts'
import type { Context } from './command.ts'

/** There is one root: the account. */
export const QUOTA_ROOT = ''

/** Writes `* QUOTA "" (STORAGE used limit MESSAGE used limit)`, storage in units of 1024 octets; resources without a limit are left out. */
export async function writeQuota({ store, account, out }: Context): Promise<void> {
  const state = await store.state(account)
  const usages: QuotaUsage[] = []
  if (state?.limits.storageBytes !== undefined)
    usages.push({
      resource: 'STORAGE',
      usage: Math.ceil(state.usage.storageBytes / 1024),
      limit: Math.floor(state.limits.storageBytes / 1024),
    })
  if (state?.limits.messages !== undefined)
    usages.push({ resource: 'MESSAGE', usage: state.usage.messages, limit: state.limits.messages })
  out
    .text('* QUOTA ')
    .string(QUOTA_ROOT)
    .text(` ${formatQuotaUsages(usages)}\r\n`)
}
