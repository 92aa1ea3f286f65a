/** What becomes of messages that a POP3 client has downloaded (RFC 1939 §8, RFC 2449 §6.7). */
export type Pop3Policy =
  /** Nothing but what the client deletes. */
  | { readonly kind: 'client' }
  /** They go at QUIT. */
  | { readonly kind: 'delete' }
  /** They go so many days after their first download, 1 at least. */
  | { readonly kind: 'keep'; readonly days: number }
  /** POP3 changes nothing at all. */
  | { readonly kind: 'read-only' }

/** Ten years. */
const MOST_POP3_DAYS = 3_650

/**
 * Reads `client`, `delete`, `keep=30` or `read-only`; `undefined` when it is none of them.
 * @example parsePop3Policy('keep=30') // { kind: 'keep', days: 30 }
 */
export function parsePop3Policy(text: string): Pop3Policy | undefined {
  if (text === 'client' || text === 'delete' || text === 'read-only') return { kind: text }
  const days = Number(/^keep=([1-9]\d{0,4})$/.exec(text)?.[1] ?? 0)
  return days >= 1 && days <= MOST_POP3_DAYS ? { kind: 'keep', days } : undefined
}

/** Writes what {@link parsePop3Policy} reads. */
export function formatPop3Policy(policy: Pop3Policy): string {
  return policy.kind === 'keep' ? `keep=${policy.days}` : policy.kind
}

/** Days that a message is sure to stay after its download, Infinity where only clients delete: what EXPIRE tells. */
export function retentionDays(policy: Pop3Policy): number {
  if (policy.kind === 'keep') return policy.days
  return policy.kind === 'delete' ? 0 : Number.POSITIVE_INFINITY
}
