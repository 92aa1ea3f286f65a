/** Resource lists of QUOTA (RFC 9208 §4). @module */

/** Limit of one resource: STORAGE in units of 1024 octets, MESSAGE, MAILBOX; names upper case. */
export interface QuotaLimit {
  readonly resource: string
  readonly limit: number
}

/** Use and limit of one resource. */
export interface QuotaUsage extends QuotaLimit {
  readonly usage: number
}
