/** The MTA-STS policy of our domains (RFC 8461 §3.2): what is served, and the id that the DNS has for it. @module */
import { createHash } from 'node:crypto'

export interface MtaStsPolicy {
  readonly mode: 'testing' | 'enforce'
  /** Hosts that mail is taken at. */
  readonly mx: readonly string[]
}

/** Others keep what they have read that long: a mistake in a policy that is only tried is over sooner. */
const MAX_AGE_SECONDS = { testing: 86_400, enforce: 604_800 } as const

/** The policy as it is served, with lines ending as in mail. */
export function formatMtaStsPolicy({ mode, mx }: MtaStsPolicy): string {
  const lines = ['version: STSv1', `mode: ${mode}`, ...mx.map((host) => `mx: ${host}`)]
  return [...lines, `max_age: ${MAX_AGE_SECONDS[mode]}`, ''].join('\r\n')
}

/** 1 to 32 letters and digits, another for every other policy (RFC 8461 §3.1): nobody need think of changing it. */
export function mtaStsId(policy: MtaStsPolicy): string {
  return createHash('sha256').update(formatMtaStsPolicy(policy)).digest('hex').slice(0, 20)
}
