/**
 * Kills the server again and again while it sends, and looks whether a message was lost or came twice without a reason.
 *
 * ```
 * node test/crash/outbound.ts --rounds 50 [--against sink|postfix] [--seed 1] [--clients 4] [--least 300] [--most 1500]
 * ```
 * Clients hand over mail for four domains by an alias, all the while; the mail server of those domains defers, refuses and
 * drops connections at random: one of ours, or Debian's Postfix (as root). Each round: start, load for a while, SIGKILL. At
 * the end the server drains its queue, and each message that was acknowledged must have arrived or come back. One that
 * arrived twice must have been on the wire when a connection broke or the server was killed. Exit 1 when anything is not as
 * it must be. @module
 */
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { loadConfig } from '#config/load.ts'
import { askControl } from '#server/control.ts'
import { openAdministration } from '#server/open-administration.ts'
import { Random } from '#testing/random.ts'
import { startZoneServer } from '#testing/zone-server.ts'
import { ALIASES, addressOf, HandedIn, targetsOf } from './outbound-clients.ts'
import { type OutboundVerdict, verdict } from './outbound-verdict.ts'
import { Installation } from './server-process.ts'
import { DOMAINS, SENDER_DOMAIN, type Unruly } from './unruly/unruly.ts'
import { startUnrulyPostfix } from './unruly/unruly-postfix.ts'
import { startUnrulySink } from './unruly/unruly-sink.ts'

/** Who is sent to. */
export type Against = 'sink' | 'postfix'

export interface OutboundKillOptions {
  readonly folder: string
  readonly against: Against
  readonly rounds: number
  readonly seed: number
  readonly clients: number
  /** Milliseconds of load in a round. */
  readonly least: number
  readonly most: number
  readonly tell: (line: string) => void
}

export interface OutboundKillReport extends OutboundVerdict {
  readonly against: string
  readonly kills: number
  /** What the other server did on purpose. */
  readonly mischief: Readonly<Record<string, number>>
  readonly seconds: number
}

const OTHERS: Readonly<Record<Against, (random: Random) => Promise<Unruly>>> = {
  sink: startUnrulySink,
  postfix: startUnrulyPostfix,
}
const DRAIN_MS = 120_000
/** Messages taken in and out before the time of a round begins. */
const LEAST = 5
const PATIENCE_MS = 30_000
const ALL = { ids: null, account: null, domain: null, held: null }

export async function killOutbound(options: OutboundKillOptions): Promise<OutboundKillReport> {
  const begun = performance.now()
  const random = new Random(options.seed)
  await using other = await OTHERS[options.against](random)
  await using zone = await startZoneServer(
    [SENDER_DOMAIN, ...DOMAINS].map((name) => `$ORIGIN ${name}.\n@ MX 10 mx\nmx A 127.0.0.1\n`).join(''),
  )
  const installation = await Installation.make(options.folder)
  await appendFile(
    installation.config,
    `[smtp]\nchecks = false\n[dns]\nservers = ["${zone.server.host}:${zone.server.port}"]\n` +
      `[queue]\nport = ${other.port}\nretry_minutes = [1]\n`,
  )
  await makeAliases(installation)
  const { acknowledged, kills } = await rounds(installation, other, random, options)
  other.tame()
  const server = await installation.serve()
  const left = await drained(installation)
  await server.stop()
  const arrivals = await other.arrivals()
  return {
    against: options.against,
    kills: kills.length,
    ...verdict(acknowledged, arrivals, kills, left),
    mischief: other.mischief,
    seconds: Math.round((performance.now() - begun) / 1000),
  }
}

async function makeAliases(installation: Installation): Promise<void> {
  const config = await loadConfig(installation.config)
  if (!config.ok) throw new Error(`The configuration is wrong: ${JSON.stringify(config.error)}`)
  await using administration = await openAdministration(config.value)
  await administration.ask('domain.add', { name: 'example.org', dkim: false })
  for (let alias = 0; alias < ALIASES; alias += 1) {
    await administration.ask('alias.set', {
      address: addressOf(alias),
      targets: targetsOf(addressOf(alias)),
      create: true,
    })
  }
}

async function rounds(
  installation: Installation,
  other: Unruly,
  random: Random,
  options: OutboundKillOptions,
): Promise<{ readonly acknowledged: ReadonlyMap<string, string>; readonly kills: readonly number[] }> {
  const handedIn = new HandedIn()
  const { acknowledged } = handedIn
  const kills: number[] = []
  for (let round = 1; round <= options.rounds; round += 1) {
    const server = await installation.serve()
    // what was deferred need not wait for its minute
    await askControl(installation.data, 'queue.retry', ALL)
    const stop = new AbortController()
    const clients = Array.from({ length: options.clients }, () => handedIn.client(server.endpoint('smtp'), stop.signal))
    // a slow machine takes its time until something happens
    const [enoughIn, enoughOut] = [acknowledged.size + LEAST, other.taken + LEAST]
    const end = performance.now() + PATIENCE_MS
    while ((acknowledged.size < enoughIn || other.taken < enoughOut) && performance.now() < end) await delay(10)
    await delay(random.between(options.least, options.most))
    kills.push(performance.now())
    await server.kill()
    stop.abort()
    await Promise.all(clients)
    options.tell(`round ${round}: ${acknowledged.size} acknowledged, ${other.taken} taken`)
  }
  return { acknowledged, kills }
}

/** Lets the server send until nothing waits. @returns how many messages still do when that takes too long. */
async function drained({ data }: Installation): Promise<number> {
  const end = performance.now() + DRAIN_MS
  for (;;) {
    await askControl(data, 'queue.retry', ALL)
    await delay(300)
    const answer = await askControl(data, 'queue.list', { ...ALL, limit: 10_000 })
    const left = Array.isArray(answer?.value) ? answer.value.length : 0
    if (left === 0 || performance.now() > end) return left
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      against: { type: 'string', default: 'sink' },
      rounds: { type: 'string', default: '50' },
      seed: { type: 'string', default: '1' },
      clients: { type: 'string', default: '4' },
      least: { type: 'string', default: '300' },
      most: { type: 'string', default: '1500' },
    },
  })
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-kill-out-'))
  const report = await killOutbound({
    folder,
    against: values.against === 'postfix' ? 'postfix' : 'sink',
    rounds: Number(values.rounds),
    seed: Number(values.seed),
    clients: Number(values.clients),
    least: Number(values.least),
    most: Number(values.most),
    tell: (line) => process.stderr.write(`${line}\n`),
  })
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
  if (report.faults.length === 0) await rm(folder, { recursive: true })
  else {
    process.stderr.write(`The data is kept in ${folder}\n`)
    process.exitCode = 1
  }
}

if (import.meta.main) await main()
