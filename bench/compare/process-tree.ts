/** CPU time and memory of a server with all its processes (Linux). @module */
import { readdir, readFile } from 'node:fs/promises'

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
