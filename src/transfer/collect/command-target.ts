/** A command as a target: it reads the message on its standard input and ends with 0 when it has kept it. @module */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { HandOverTarget } from './hand-over-target.ts'
import type { Spooled } from './spool.ts'

const PATIENCE_MS = 300_000
const SAID_CHARACTERS = 500

/** @param command For the shell. */
export function openCommandTarget(command: string): HandOverTarget {
  return new HandOverTarget(`command:${command}`, async (message) => {
    const refusal = await run(command, message)
    return refusal === undefined ? {} : { refusal }
  })
}

async function run(command: string, message: Spooled): Promise<string | undefined> {
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['pipe', 'ignore', 'pipe'], timeout: PATIENCE_MS })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < SAID_CHARACTERS) said += text
  })
  const closed = once(child, 'close')
  // a command may have seen enough before the end: its exit code says whether it is content
  await pipeline(message.stream(), child.stdin).catch(() => undefined)
  const [code, signal] = await closed
  if (code === 0) return undefined
  const words = said.slice(0, SAID_CHARACTERS).trim().split('\n')[0] ?? ''
  return `The command ended with ${code ?? signal}${words === '' ? '' : `: ${words}`}`
}
