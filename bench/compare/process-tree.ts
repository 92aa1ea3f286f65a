/** CPU time and memory of a server with all its processes (Linux). @module */
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'

/** A server that takes less than this share of a core has nothing to do. */
const CALM_SHARE = 0.05
/** What waits for others to be done, as search indexes do, begins within that time. */
const CALM_SECONDS = 3
const MOST_SECONDS = 120

/** USER_HZ, the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/** A process and everything below it. */
export async function processTree(root: number): Promise<readonly number[]> {
  const children = new Map<number, number[]>()
  for (const pid of await processes()) {
    const parent = Number((await stat(pid))?.[1])
    if (Number.isNaN(parent)) continue
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [pid])
    else siblings.push(pid)
  }
  const tree = [root]
  for (const pid of tree) tree.push(...(children.get(pid) ?? []))
  return tree
}

/** Seconds of CPU that a process, what it started, and what ended below it have taken. */
export async function cpuSeconds(root: number): Promise<number> {
  let ticks = 0
  for (const pid of await processTree(root)) {
    const fields = await stat(pid)
    // utime, stime, cutime, cstime: of processes that ended and were waited for, too
    if (fields !== undefined) for (const at of [11, 12, 13, 14]) ticks += Number(fields[at])
  }
  return ticks / TICKS_PER_SECOND
}

/** Waits until a process tree has had nothing to do for some seconds: what is measured next shall not pay for what was before. */
export async function calm(root: number): Promise<void> {
  let before = await cpuSeconds(root)
  for (let waited = 0, calmFor = 0; calmFor < CALM_SECONDS && waited < MOST_SECONDS; waited += 1) {
    await pause(1_000)
    const now = await cpuSeconds(root)
    calmFor = now - before < CALM_SHARE ? calmFor + 1 : 0
    before = now
  }
}

/**
 * Proportional set size in octets: what processes share is shared out. Of a server of one process all of it counts: it
 * would share its program with the driver, which is the same one.
 */
export async function proportionalSetSize(root: number): Promise<number> {
  const tree = await processTree(root)
  const size = tree.length === 1 ? /^Rss:\s+(\d+) kB/m : /^Pss:\s+(\d+) kB/m
  let sum = 0
  for (const pid of tree) {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
    sum += Number(size.exec(text)?.[1] ?? 0) * 1024
  }
  return sum
}

async function processes(): Promise<readonly number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
}

/** The fields behind the name: state, parent, … */
async function stat(pid: number): Promise<readonly string[] | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}
