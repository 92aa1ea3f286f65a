/** Counting how TLS to other servers went, and telling those who ask, where the configuration wants it. @module */
import { systemClock } from '#lib/clock.ts'
import { sendTlsReports, type TlsReportsDeps } from '#outbound/tls-reports.ts'
import { TlsResults } from '#outbound/tls-results.ts'
import type { Log } from '#services/session-deps.ts'

export interface TlsReporting extends AsyncDisposable {
  /** `undefined`: nothing is counted. */
  readonly results: TlsResults | undefined
}

/** The first look at days that are over, and those after it: reports are no haste. */
const FIRST_MS = 2_000
const EVERY_MS = 3_600_000

/** @param wanted `queue.tls_reports`. */
export function startTlsReporting(
  wanted: boolean,
  deps: Omit<TlsReportsDeps, 'clock'>,
  after: (ms: number, run: () => void) => () => void,
  log: Log,
): TlsReporting {
  const onFault = (error: unknown): void => log.error({ error }, 'results of TLS cannot be kept')
  const results = wanted ? new TlsResults({ records: deps.records, clock: systemClock, after, onFault }) : undefined
  let cancel: () => void
  let looking: Promise<void> = Promise.resolve()
  const look = async (): Promise<void> => {
    try {
      if (wanted) await sendTlsReports({ ...deps, clock: systemClock })
      else await deps.records.dropStsPolicies(systemClock.now())
    } catch (error) {
      onFault(error)
    }
  }
  const next = (ms: number): void => {
    cancel = after(ms, () => {
      looking = look()
      next(EVERY_MS)
    })
  }
  next(FIRST_MS)
  return {
    results,
    async [Symbol.asyncDispose]() {
      cancel()
      await looking
      await results?.[Symbol.asyncDispose]()
    },
  }
}
