/** What became of mail that was acknowledged while the server was killed again and again. @module */
import { LAST_LINE, targetsOf } from './outbound-clients.ts'
import type { Arrival } from './unruly/unruly.ts'

/** A 250 is recorded before so much time has passed, on the slowest machine. */
const IN_FLIGHT_MS = 2_000
/** What had left when the server was killed is seen a little later; another server needs longer to start. */
const ON_THE_WIRE_MS = 500
/** Each connection has one message whose 250 is not recorded: `connections_per_destination` of `[queue]`. */
const MOST_IN_FLIGHT = 5

export interface OutboundVerdict {
  /** Messages with 250, recipients of theirs elsewhere, and what became of those. */
  readonly acknowledged: number
  readonly recipients: number
  readonly delivered: number
  readonly bounced: number
  /** Copies beyond the first: the other server broke the connection, or we were killed with its 250 on the way. */
  readonly twiceByDrop: number
  readonly twiceByKill: number
  /** Of the latter, how long before the kill the 250 was said, at most. */
  readonly longestMs: number
  /** Of the latter, how many had one destination and one kill, at most. */
  readonly mostAtOnce: number
  readonly faults: readonly string[]
}

/**
 * @param acknowledged The alias that was named, by the name of a message.
 * @param kills When the server was killed.
 * @param left How many messages it still has.
 */
export function verdict(
  acknowledged: ReadonlyMap<string, string>,
  arrivals: readonly Arrival[],
  kills: readonly number[],
  left: number,
): OutboundVerdict {
  const faults: string[] = left === 0 ? [] : [`${left} messages are still in the queue`]
  const copies = copiesOf(arrivals, faults)
  let [delivered, bounced, recipients] = [0, 0, 0]
  for (const [name, alias] of acknowledged) {
    const targets = targetsOf(alias)
    const missing = targets.filter((target) => !copies.has(`${name} ${target}`))
    // a report names the alias, not which of its targets it is about (RFC 3464 §2.3.2)
    const reported = Math.min(missing.length, copies.get(reportOf(`${name} ${alias}`))?.length ?? 0)
    recipients += targets.length
    delivered += targets.length - missing.length
    bounced += reported
    for (const target of missing.slice(reported)) faults.push(`${name} ${target} is lost`)
  }
  let [twiceByDrop, twiceByKill, longestMs] = [0, 0, 0]
  const inFlight = new Map<string, number>()
  for (const [key, all] of copies) {
    const [first] = all
    // one for each target of the alias, where all of them refuse
    const expected = first?.isReport === true ? targetsOf(key.slice(key.lastIndexOf(' ') + 1)).length : 1
    for (const [index, copy] of all.slice(0, -expected).entries()) {
      const again = all[index + expected]
      const kill = kills.find((at) => at >= copy.at - ON_THE_WIRE_MS && at <= (again?.at ?? 0))
      if (copy.dropped) twiceByDrop += 1
      else if (kill !== undefined && kill - copy.at <= IN_FLIGHT_MS) {
        twiceByKill += 1
        longestMs = Math.max(longestMs, Math.round(kill - copy.at))
        const where = `at ${copy.recipient.replace(/.*@/, '')} by the kill at ${Math.round(kill)} ms`
        inFlight.set(where, (inFlight.get(where) ?? 0) + 1)
      } else faults.push(`${key} arrived twice without a reason: ${all.map(({ at }) => Math.round(at)).join(', ')} ms`)
    }
  }
  for (const [where, count] of inFlight) if (count > MOST_IN_FLIGHT) faults.push(`${count} arrived twice ${where}`)
  return {
    acknowledged: acknowledged.size,
    recipients,
    delivered,
    bounced,
    twiceByDrop,
    twiceByKill,
    longestMs,
    mostAtOnce: Math.max(0, ...inFlight.values()),
    faults,
  }
}

/** By name and recipient, in the order in which they came; reports by what they are about. */
function copiesOf(arrivals: readonly Arrival[], faults: string[]): ReadonlyMap<string, readonly Arrival[]> {
  const copies = new Map<string, Arrival[]>()
  for (const arrival of arrivals) {
    const { isReport, recipient, body } = arrival
    const [, name] = /^Subject: (m-\d+)\.\r?$/m.exec(body) ?? []
    const keys = isReport
      ? Array.from(body.matchAll(FAILED), ([, address]) => reportOf(`${name} ${address}`))
      : [`${name} ${recipient}`]
    if (name === undefined || keys.length === 0) faults.push(`Nobody knows what this is:\n${body.slice(0, 1_000)}`)
    else if (!body.includes(LAST_LINE)) faults.push(`${keys.join(', ')} is not whole`)
    else if (isReport && !REFUSED.test(body))
      faults.push(`${keys.join(', ')} without a refusal:\n${body.slice(0, 3_000)}`)
    for (const key of keys) copies.set(key, [...(copies.get(key) ?? []), arrival])
  }
  return copies
}

/** The words of the other server where it refuses mail for good. */
const REFUSED = /^Diagnostic-Code: (?:[^\n]|\n[ \t])*\b(?:nobody|never)\b/m
const FAILED = /^Final-Recipient: rfc822; (\S+)\r?\nAction: failed\r?$/gm

function reportOf(key: string): string {
  return `report of ${key}`
}
