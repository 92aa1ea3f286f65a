/** QUOTA responses (RFC 9208 §4.2.1). @module */
import type { AccountRef } from '#store/types.ts'
import { formatQuotaUsages, type QuotaUsage } from '#wire/imap/quota-resources.ts'
import type { Context } from './command.ts'

/** A person's own root; administrators call those of others by the address. */
export const QUOTA_ROOT = ''

/**
 * Writes `* QUOTA "" (STORAGE used limit MESSAGE used limit)`, storage in units of 1024 octets;
 * resources without a limit are left out.
 * Where nothing has a limit it writes nothing: a list of resources is not empty (§7), and Thunderbird takes `()` for a
 * fault and hangs up.
 */
export async function writeQuota(
  { store, account, out }: Context,
  root: string = QUOTA_ROOT,
  whose: AccountRef = account,
): Promise<void> {
  const state = await store.state(whose)
  const usages: QuotaUsage[] = []
  if (state?.limits.storageBytes !== undefined)
    usages.push({
      resource: 'STORAGE',
      usage: Math.ceil(state.usage.storageBytes / 1024),
      limit: Math.floor(state.limits.storageBytes / 1024),
    })
  if (state?.limits.messages !== undefined)
    usages.push({ resource: 'MESSAGE', usage: state.usage.messages, limit: state.limits.messages })
  if (usages.length === 0) return
  out
    .text('* QUOTA ')
    .string(root)
    .text(` ${formatQuotaUsages(usages)}\r\n`)
}
