/** Once a day, domains that ask for it are told how TLS to their servers went (RFC 8460). @module */
import type { Clock } from '#lib/clock.ts'
import type { Result } from '#lib/result.ts'
import type { Resolver } from '#services/resolver.ts'
import type { EnqueueRefusal, NewMessage, QueueStage } from '#store/queue.ts'
import type { TlsRecords } from '#store/tls-records.ts'
import { composeTlsReport, parseTlsRpt, reportIdOf } from './tls-report.ts'
import { dayOf } from './tls-results.ts'

export interface TlsReportsDeps {
  readonly records: TlsRecords
  readonly resolver: Pick<Resolver, 'txt'>
  readonly stage: () => QueueStage
  readonly enqueue: (messages: readonly NewMessage[]) => Promise<Result<void, EnqueueRefusal>>
  readonly clock: Clock
  /** The domain in whose name reports go out: its keys sign them. */
  readonly submitter: string
}

/** Days that could not be told are forgotten after this (RFC 8460 §4.1: a report is about one day). */
const KEPT_MS = 3 * 86_400_000
/** Reports go after people's mail. */
const PRIORITY = -1

/**
 * Enqueues the reports of the days that are over, and forgets what they were made of. What cannot be told now, as the DNS
 * is silent or the disk full, is told at a later call. @returns how many were enqueued.
 */
export async function sendTlsReports(deps: TlsReportsDeps): Promise<number> {
  const { records, clock } = deps
  const now = clock.now()
  let sent = 0
  await records.dropStsPolicies(now)
  for (const day of await records.days()) {
    if (day >= dayOf(now)) break
    if (day < dayOf(now - KEPT_MS)) {
      await records.forget(day)
      continue
    }
    for (const domain of await records.domains(day)) {
      const told = await tell(day, domain, deps)
      if (told === 'enqueued') sent += 1
      if (told !== 'later') await records.forget(day, domain)
    }
  }
  return sent
}

async function tell(day: string, domain: string, deps: TlsReportsDeps): Promise<'enqueued' | 'nobody' | 'later'> {
  const { records, resolver, stage, enqueue, clock, submitter } = deps
  const txt = await resolver.txt(`_smtp._tls.${domain}`)
  if (!txt.ok) return txt.error.kind === 'none' ? 'nobody' : 'later'
  const to = parseTlsRpt(txt.records)
  if (to.length === 0) return 'nobody'
  const at = clock.now()
  const from = `postmaster@${submitter}`
  const sessions = await records.sessions(day, domain)
  const facts = { domain, day, sessions, submitter, contact: from }
  const bytes = composeTlsReport({ ...facts, from, to, at })
  const body = stage()
  try {
    await body.write(bytes)
    const message: NewMessage = {
      // the same report again, after a crash between this and forgetting, has another id and the same Report-ID
      id: `tls.${reportIdOf(facts).replace(/[^A-Za-z0-9.-]/g, '-')}.${at.toString(36)}`,
      sender: '',
      body: await body.finish(),
      smtpUtf8: false,
      eightBit: false,
      tlsOptional: true,
      priority: PRIORITY,
      at,
      language: 'en',
      recipients: to.map((address) => ({ address, notify: ['NEVER'] })),
    }
    return (await enqueue([message])).ok ? 'enqueued' : 'later'
  } catch (error) {
    await body.abandon()
    throw error
  }
}
