/** A server for a measurement, its accounts from a CSV file as a host has them. @module */
import { hash, randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import path from 'node:path'
import { finished } from 'node:stream/promises'
import { DOMAIN, PASSWORD } from '../compare/contestant.ts'
import { cpuSeconds, proportionalSetSize } from '../compare/process-tree.ts'
import { percentile } from '../kit.ts'
import type { Installation, ServerProcess } from '../raw.ts'

const STARTS = 3
const SYNCS = 100

export interface Started {
  readonly server: ServerProcess
  /** From the command until it is ready, the median of three times. */
  readonly startMs: number
}

/**
 * Starts it three times; the third one stays.
 * @param each is done after each start.
 * @param nodeArguments of the last one, for profiles.
 */
export async function started(
  installation: Installation,
  nodeArguments: readonly string[],
  each: (server: ServerProcess) => Promise<void>,
): Promise<Started> {
  const waits: number[] = []
  for (let start = 1; ; start += 1) {
    const begun = performance.now()
    const server = await installation.serve({ nodeArguments: start === STARTS ? nodeArguments : [] })
    waits.push(performance.now() - begun)
    await each(server)
    if (start === STARTS) return { server, startMs: percentile(waits, 0.5) }
    await server.stop()
  }
}

/** Megabytes of memory that are the server's own, shared pages shared out. */
export async function memoryOf(server: ServerProcess): Promise<number> {
  return (await proportionalSetSize(server.pid)) / 1_048_576
}

/** Milliseconds of CPU that the server takes for one of `times` pieces of work. */
export async function cpuOf(server: ServerProcess, times: number, work: () => Promise<unknown>): Promise<number> {
  const before = await cpuSeconds(server.pid)
  await work()
  return (((await cpuSeconds(server.pid)) - before) * 1_000) / times
}

/** Milliseconds that a write of 4 KB and its sync take on the disk of the folder now, the median of many. */
export async function syncMs(folder: string): Promise<number> {
  const file = path.join(folder, 'sync')
  await using handle = await open(file, 'w')
  const waits: number[] = []
  for (let round = 0; round < SYNCS; round += 1) {
    const begun = performance.now()
    await handle.write(Buffer.alloc(4_096, round))
    await handle.datasync()
    waits.push(performance.now() - begun)
  }
  await rm(file)
  return percentile(waits, 0.5)
}

/** Writes a CSV file of accounts with hashes as another server would give them. @returns its path. */
export async function accountsFile(folder: string, names: Iterable<string>): Promise<string> {
  const file = path.join(folder, 'accounts.csv')
  const stream = createWriteStream(file)
  stream.write('address,hash\n')
  for (const name of names) stream.write(`${name}@${DOMAIN},${saltedHash()}\n`)
  stream.end()
  await finished(stream)
  return file
}

/** `{SSHA512}` of everybody's password, with a salt of its own. */
function saltedHash(): string {
  const salt = randomBytes(8)
  const digest = hash('sha512', Buffer.concat([Buffer.from(PASSWORD), salt]), 'buffer')
  return `{SSHA512}${Buffer.concat([digest, salt]).toString('base64')}`
}
