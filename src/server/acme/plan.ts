/** Which certificates there should be, and when each is due. @module */
import type { X509Certificate } from 'node:crypto'
import type { Config } from '#config/config.ts'

/** A certificate that should be there. */
export interface WantedCertificate {
  /** Of its files. */
  readonly id: string
  readonly names: readonly string[]
  /** Whose names are ours only where the DNS leads them here; `undefined`: that is said by the configuration. */
  readonly domain: string | undefined
}

/** What is remembered of the tries for one certificate. */
export interface AcmeRecord {
  /** In a row. */
  readonly failures: number
  /** Not before; milliseconds. */
  readonly nextTry: number
  /** What the authority said last; `undefined`: the last try went well. */
  readonly reason: string | undefined
  /** Names that could not be shown to be ours: others do not wait for them. */
  readonly without: readonly string[]
  /** Until then; milliseconds. */
  readonly withoutUntil: number
}

/** Ids of certificates for the names of a domain begin so. */
export const OF_DOMAIN = 'domain-'

export const NEVER_TRIED: AcmeRecord = { failures: 0, nextTry: 0, reason: undefined, without: [], withoutUntil: 0 }

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** Let's Encrypt takes five failures of a name an hour. */
const FIRST_PAUSE_MS = 15 * MINUTE_MS
const LONGEST_PAUSE_MS = DAY_MS
/** Before names that failed are tried again with the others. */
const WITHOUT_MS = DAY_MS

/** All of them: the server's own first, which every listener shows where no other fits. */
export function wantedCertificates(config: Config, domains: readonly string[]): readonly WantedCertificate[] {
  const { acme } = config.tls
  if (acme === undefined) return []
  const own = { id: config.hostname, names: unique([config.hostname, ...acme.names]), domain: undefined }
  if (!acme.domains) return [own]
  const labels = config.public.mtaSts === 'off' ? [] : ['mta-sts']
  const taken = new Set(own.names)
  const rest = domains.map((domain) => ({
    id: `${OF_DOMAIN}${domain}`,
    names: [...labels, 'autoconfig', 'autodiscover']
      .map((label) => `${label}.${domain}`)
      .filter((name) => !taken.has(name)),
    domain,
  }))
  return [own, ...rest]
}

/**
 * The names that a certificate is asked for now.
 * @param leadHere Whether the DNS leads a name here; `undefined`: it did not answer.
 */
export function namesNow(
  wanted: WantedCertificate,
  leadHere: ReadonlyMap<string, boolean | undefined>,
  { without, withoutUntil }: AcmeRecord,
  present: X509Certificate | undefined,
  now: number,
): readonly string[] {
  const left = wanted.names.filter((name) => withoutUntil <= now || !without.includes(name))
  if (wanted.domain === undefined) {
    const [first] = wanted.names
    return first === undefined || left.includes(first) ? left : [first, ...left]
  }
  return left.filter((name) => leadHere.get(name) ?? covers(present, name))
}

/** From when a certificate should be asked for: at once, or when two thirds of the life of this one are over. */
export function dueAt(names: readonly string[], present: X509Certificate | undefined): number {
  if (present === undefined || !names.every((name) => covers(present, name))) return 0
  const from = Date.parse(present.validFrom)
  return from + ((Date.parse(present.validTo) - from) * 2) / 3
}

/** What is remembered of a try that failed. @param failed Names that it failed for; may be none. */
export function afterFailure(
  before: AcmeRecord,
  {
    reason,
    failed,
    names,
  }: { readonly reason: string; readonly failed: readonly string[]; readonly names: readonly string[] },
  present: X509Certificate | undefined,
  now: number,
): AcmeRecord {
  // the others are asked for without them, soon
  const leave = failed.length > 0 && failed.length < names.length
  const backOff = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(before.failures, 10), LONGEST_PAUSE_MS)
  // one that is about to end is tried for more often
  const left = present === undefined ? Number.POSITIVE_INFINITY : Date.parse(present.validTo) - now
  const pause = leave ? MINUTE_MS : Math.max(MINUTE_MS, Math.min(backOff, left / 4))
  return {
    failures: leave ? before.failures : before.failures + 1,
    nextTry: now + pause,
    reason,
    without: leave ? unique([...before.without, ...failed]) : before.without,
    withoutUntil: leave ? now + WITHOUT_MS : before.withoutUntil,
  }
}

function covers(present: X509Certificate | undefined, name: string): boolean {
  return present?.checkHost(name) !== undefined
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)]
}
