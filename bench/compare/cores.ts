/** Server and driver on cores of their own. @module */
import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'

export const SERVER_CORE = 0
export const DRIVER_CORE = 1
/** All of the machine's, whichever this process has been put on. */
const CORES = cpus().length

/** The words that start a server on its core, or on all of them. */
export function onServerCores(all: boolean): readonly string[] {
  return ['taskset', '-c', all ? `0-${CORES - 1}` : String(SERVER_CORE)]
}

/** Puts this process, the driver, on its core. @throws on a machine with one core. */
export function pinDriver(): void {
  if (CORES < 2) throw new Error('A comparison needs two cores: one for the server, one for the driver')
  const { status, stderr } = spawnSync('taskset', ['-a', '-p', '-c', String(DRIVER_CORE), String(process.pid)])
  if (status !== 0) throw new Error(`Cannot pin the driver: ${stderr.toString()}`)
}
