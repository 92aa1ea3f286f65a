/** What becomes of a message by what its authentication found. Pure. @module */
import type { CheckReply, Disposition } from '#services/inbound-checks.ts'
import type { Authentication, DmarcFinding, DmarcPolicy, Identified } from './authentication.ts'

export interface AuthenticationPolicy {
  /** Domains of sealers whose word counts (RFC 8617 §7.2.1), lower case. */
  readonly trustedArc: readonly string[]
  /** What a message gets whose SPF fails outright and which DMARC says nothing about. */
  readonly spfFail: 'accept' | 'junk' | 'reject'
}

export interface Decision {
  readonly disposition: Disposition
  readonly reply?: CheckReply
  /** For the log and the comment at `dmarc=`. */
  readonly reason?: string
}

const ACCEPT: Decision = { disposition: 'accept' }

/** @param chance From 0 up to 1: the share of `pct` that this message is in. */
export function decide(found: Authentication, policy: AuthenticationPolicy, chance: number): Decision {
  const { dmarc, spf } = found
  switch (dmarc.kind) {
    case 'pass':
      return ACCEPT
    case 'no-one-author':
      return { disposition: 'junk', reason: dmarc.why }
    case 'temperror':
      // whatever the record says: an identifier of the very same domain would make it pass
      if (passing(found).some(({ domain }) => domain === dmarc.author)) return ACCEPT
      return notNow(dmarc.author)
    case 'fail':
      return decideFailed(found, dmarc, policy, chance)
    case 'none':
      return spf.result === 'fail' ? decideSpf(spf, policy.spfFail) : ACCEPT
  }
}

function decideFailed(
  found: Authentication,
  dmarc: Extract<DmarcFinding, { readonly kind: 'pass' | 'fail' }>,
  policy: AuthenticationPolicy,
  chance: number,
): Decision {
  const wanted = chance * 100 < dmarc.percent ? dmarc.policy : oneLess(dmarc.policy)
  if (wanted === 'none') return ACCEPT
  const sealer = trustedSealer(found, dmarc, policy.trustedArc)
  if (sealer !== undefined) return { disposition: 'accept', reason: `trusted ARC sealer ${sealer}` }
  // who might have spoken for the author could not be asked
  const unknown = [found.spf, ...found.dkim].filter(({ result }) => result === 'temperror')
  if (unknown.some(({ domain }) => within(domain, dmarc.organization))) return notNow(dmarc.author)
  if (wanted === 'quarantine') return { disposition: 'junk', reason: 'DMARC quarantine' }
  const dkim = found.dkim.length === 0 ? 'none' : [...new Set(found.dkim.map(({ result }) => result))].join(', ')
  return {
    disposition: 'reject',
    // RFC 7489 §10.3
    reply: {
      code: 550,
      text: `5.7.1 ${dmarc.author} asks to refuse mail that it has not authenticated (DMARC reject; SPF ${found.spf.result}, DKIM ${dkim})`,
    },
    reason: 'DMARC reject',
  }
}

/** Messages that `pct` leaves out get the policy below (RFC 7489 §6.6.4). */
function oneLess(policy: DmarcPolicy): DmarcPolicy {
  return policy === 'reject' ? 'quarantine' : 'none'
}

function notNow(author: string): Decision {
  return {
    disposition: 'defer',
    reply: {
      code: 451,
      text: `4.7.0 The DNS of ${author} does not say now whether this message is genuine, try again later`,
    },
    reason: 'DMARC unknown',
  }
}

function decideSpf({ domain }: Identified, policy: AuthenticationPolicy['spfFail']): Decision {
  if (policy === 'accept') return ACCEPT
  if (policy === 'junk') return { disposition: 'junk', reason: 'SPF fail' }
  return {
    disposition: 'reject',
    // X.7.23: SPF validation failed (RFC 7372 §3.2)
    reply: { code: 550, text: `5.7.23 ${domain} says that its mail does not come from this address (SPF)` },
    reason: 'SPF fail',
  }
}

/**
 * The sealer who vouches for the message: it found what DMARC asks for, and it and all who sealed after it are trusted
 * (RFC 8617 §5.2, §7.2.1).
 */
function trustedSealer(
  { seals }: Authentication,
  { author, organization }: { readonly author: string; readonly organization: string },
  trusted: readonly string[],
): string | undefined {
  for (const { domain, found } of seals.toReversed()) {
    if (!trusted.some((one) => within(domain, one))) return undefined
    const vouches = found?.results.some(({ method, result, properties }) => {
      if (result !== 'pass') return false
      if (method === 'dmarc') return properties['header.from']?.toLowerCase() === author
      return method === 'dkim' && within((properties['header.d'] ?? '').toLowerCase(), organization)
    })
    if (vouches === true) return domain
  }
  return undefined
}

function passing({ spf, dkim }: Authentication): readonly Identified[] {
  return [spf, ...dkim].filter(({ result }) => result === 'pass')
}

/** The domain itself, or one below it. */
function within(domain: string, parent: string): boolean {
  return domain === parent || domain.endsWith(`.${parent}`)
}
