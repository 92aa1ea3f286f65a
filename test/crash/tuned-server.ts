/**
 * `malle serve --json` with a store that is tuned for a suite: small segments, upkeep all the time, deleted mail that is
 * due after seconds. Everything else is the server as it is.
 *
 * ```
 * node test/crash/tuned-server.ts CONFIG TUNING
 * ```
 * @module
 */
import { runUntilStopped } from '#cli/serve.ts'
import { Signals } from '#cli/signals.ts'
import { loadConfig } from '#config/load.ts'
import { createLog } from '#server/log.ts'
import { startServer } from '#server/server.ts'
import type { ArmedOrders } from './probe.ts'
import type { Tuning } from './server-process.ts'

const DAY_MS = 86_400_000

const [file = '', json = '{}'] = process.argv.slice(2)
const { keptMs = DAY_MS, probe: order, ...tuning } = JSON.parse(json) as Tuning
const read = await loadConfig(file)
if (!read.ok) throw new Error(`The configuration is wrong: ${JSON.stringify(read.error)}`)
const config = read.value
const signals = new Signals()
// Retention is a day at least: upkeep sees the day nearly over.
const clock = { now: () => Date.now() + DAY_MS - keptMs }
const armed = new Int32Array(new SharedArrayBuffer(4))
process.on('SIGUSR2', () => Atomics.store(armed, 0, 1))
const probe = order && { module: import.meta.resolve('./probe.ts'), order: { ...order, armed } satisfies ArmedOrders }
const server = await startServer(config, createLog(config.log.level), { tuning, clock, probe })
const { endpoints } = server
process.stdout.write(`${JSON.stringify({ ready: true, pid: process.pid, endpoints })}\n`)
await runUntilStopped(server, signals, async () => config)
