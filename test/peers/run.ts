/** Running programs: output gathered, a deadline, nothing left behind. @module */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { PROGRAM_PATH } from './install.ts'
import { killGroup } from './kill-group.ts'

/** How a program ended and what it said. */
export interface Ran {
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

export interface RunOptions {
  /** Home and working directory. */
  readonly home: string
  readonly input?: string | Uint8Array
  readonly env?: Readonly<Record<string, string>>
  readonly deadlineMs?: number
}

const DEADLINE_MS = 120_000

/**
 * How getmail is run: a child of it that ends before it begins to wait is waited for in vain. On one core the child
 * does not run before the parent waits.
 */
export const GETMAIL: readonly [command: string, ...args: string[]] = ['taskset', '-c', '0', 'getmail']

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) killGroup(child.pid)
})

/** Runs a program to its end, in a clean environment; past the deadline it is killed and the test fails. */
export async function run(program: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  const child = spawn(program, args, {
    cwd: options.home,
    env: { PATH: PROGRAM_PATH, HOME: options.home, LANG: 'C.UTF-8', ...options.env },
    stdio: 'pipe',
    // A group of its own, so that what it started itself ends with it.
    detached: true,
  })
  running.add(child)
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (bytes: Buffer) => stdout.push(bytes))
  child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes))
  // A program may end before it has read all of its input.
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  let late = false
  const timer = setTimeout(() => {
    late = true
    killGroup(child.pid)
  }, options.deadlineMs ?? DEADLINE_MS)
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    const ran = { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString('utf8') }
    assert.ok(!late, `${program} did not end in time\n${said(ran)}`)
    return ran
  } finally {
    clearTimeout(timer)
    running.delete(child)
  }
}

/** Runs a program that must end with 0. */
export async function runWell(program: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  const ran = await run(program, args, options)
  assert.equal(ran.code, 0, `${program} ended with ${ran.code}\n${said(ran)}`)
  return ran
}

/** The end of what a program said, for messages of tests. */
export function said({ stdout, stderr }: Ran): string {
  return `${stdout.toString('utf8').slice(-3_000)}\n${stderr.slice(-3_000)}`.trim()
}

/** Waits until `check` gives something other than `undefined`; a deadline for broken tests, no clock of any. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | undefined> | T | undefined,
  deadlineMs: number = 60_000,
): Promise<T> {
  const end = performance.now() + deadlineMs
  for (;;) {
    const found = await check()
    if (found !== undefined) return found
    if (performance.now() > end) throw new Error(`Waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
