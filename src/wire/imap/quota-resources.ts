/** Resource lists of QUOTA (RFC 9208 §4). @module */
import type { ElementReader } from './element-reader.ts'

/** Limit of one resource: STORAGE in units of 1024 octets, MESSAGE, MAILBOX; names upper case. */
export interface QuotaLimit {
  readonly resource: string
  readonly limit: number
}

/** Use and limit of one resource. */
export interface QuotaUsage extends QuotaLimit {
  readonly usage: number
}

// setquota-list = "(" [setquota-resource *(SP setquota-resource)] ")"; setquota-resource = resource-name SP limit
export function readQuotaLimits(r: ElementReader): readonly QuotaLimit[] {
  return r.list(() => {
    const resource = r.keyword()
    return { resource, limit: r.sp().number64() }
  })
}

// quota-list = "(" quota-resource *(SP quota-resource) ")"; quota-resource = resource-name SP usage SP limit
export function readQuotaUsages(r: ElementReader): readonly QuotaUsage[] {
  return r.list(() => {
    const resource = r.keyword()
    const usage = r.sp().number64()
    return { resource, usage, limit: r.sp().number64() }
  })
}

/** `(STORAGE 512)`. */
export function formatQuotaLimits(limits: readonly QuotaLimit[]): string {
  return `(${limits.map(({ resource, limit }) => `${resource} ${limit}`).join(' ')})`
}

/** `(STORAGE 10 512)`. */
export function formatQuotaUsages(usages: readonly QuotaUsage[]): string {
  return `(${usages.map(({ resource, usage, limit }) => `${resource} ${usage} ${limit}`).join(' ')})`
}
