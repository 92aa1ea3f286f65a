/** A server for a measurement, its accounts from a CSV file as a host has them. @module */
import { hash, randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import path from 'node:path'
import { finished } from 'node:stream/promises'
import { DOMAIN, PASSWORD } from '../compare/contestant.ts'
import { proportionalSetSize } from '../compare/process-tree.ts'
import { percentile } from '../kit.ts'
import type { Installation, ServerProcess } from '../raw.ts'

const STARTS = 3

export interface Started {
  readonly server: ServerProcess
  /** From the command until it is ready, the median of three times. */
  readonly startMs: number
}

/** @param nodeArguments for profiles. */
export async function started(installation: Installation, nodeArguments: readonly string[]): Promise<Started> {
  const waits: number[] = []
  for (let start = 1; ; start += 1) {
    const begun = performance.now()
    const server = await installation.serve({ nodeArguments: start === STARTS ? nodeArguments : [] })
    waits.push(performance.now() - begun)
    if (start === STARTS) return { server, startMs: percentile(waits, 0.5) }
    await server.stop()
  }
}

/** Megabytes of memory that are the server's own, shared pages shared out. */
export async function memoryOf(server: ServerProcess): Promise<number> {
  return (await proportionalSetSize(server.pid)) / 1_048_576
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
