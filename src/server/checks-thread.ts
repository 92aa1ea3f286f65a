/** Entry of the thread that checks mail from other servers. @module */
import path from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { Checker } from '#adapters/checks/checker.ts'
import { Greylist } from '#adapters/checks/greylist.ts'
import { openResolver } from '#adapters/dns/dns-resolver.ts'
import { REPORTS, SqliteDomainReports } from '#adapters/sqlite/domain-reports.ts'
import { systemClock } from '#lib/clock.ts'
import { shrinkWhenQuiet } from '#lib/quiet-heap.ts'
import type { ChecksAnswer, ChecksQuestion } from '#services/gated-checks.ts'
import type { ChecksSetup, FromChecks, ToChecks } from './checks-host.ts'

const port = parentPort
if (port === null) throw new Error('This module is the entry of a worker')
const { hostname, settings, dns, data } = workerData as ChecksSetup
const { greylistMs } = settings
const greylist =
  greylistMs === undefined
    ? undefined
    : new Greylist({ path: path.join(data, 'greylist.db'), waitMs: greylistMs, clock: systemClock })
let reports: SqliteDomainReports | undefined
const checker = new Checker(
  { hostname, ...settings },
  {
    resolver: openResolver(dns),
    greylist,
    reports: () => {
      reports ??= new SqliteDomainReports(path.join(data, REPORTS))
      return reports
    },
    clock: systemClock,
    random: Math.random,
    warn: (message) => tell({ level: 'warn', message }),
    silentLists: (silentLists, message) => tell({ level: 'warn', message, silentLists }),
  },
)

port.on('message', (said: ToChecks) => {
  if (said === 'stop') {
    greylist?.[Symbol.dispose]()
    reports?.[Symbol.dispose]()
    port.close()
    stopShrinking()
    return
  }
  void answerTo(said.question).then((answer) => tell({ id: said.id, answer }))
})
const stopShrinking = shrinkWhenQuiet()

async function answerTo(question: ChecksQuestion): Promise<ChecksAnswer> {
  return question.about === 'recipient'
    ? { about: question.about, reply: await checker.recipient(question) }
    : { about: question.about, verdict: await checker.check(question) }
}

function tell(said: FromChecks): void {
  port?.postMessage(said)
}
