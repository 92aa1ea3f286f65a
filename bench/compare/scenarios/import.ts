/**
 * One GB of mail from an mbox file by each server's own command, and the disk that it takes then. Both do it in a server that
 * has no other mail, so that what its folder grew by is that mail's.
 * @module
 */
import { execFile } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { link, rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Contestant, DOMAIN, PASSWORD } from '../contestant.ts'
import { DriverImap } from '../imap-driver.ts'
import { mixedMessage } from '../mail.ts'
import type { Scenario } from '../scenario.ts'

const ADDRESS = `import@${DOMAIN}`
const GROUPS = ['import/', 'disk/']
const OCTETS = 1_000_000_000
const MEGABYTE = 1_000_000
const CHUNK = 8_000_000
/** Where there is nothing to do, for the meters. */
const METERED_MS = 200

interface Mbox {
  readonly file: string
  readonly messages: number
}

/** A server for this mail alone. */
interface Import {
  readonly server: Contestant
  /** What its folder took before. */
  readonly empty: number
  imported?: Promise<number>
}

let made: Mbox | undefined
const begun = new Map<Contestant, Promise<Import>>()

const once = {
  rounds: 1,
  async after(server: Contestant, next: Scenario | undefined): Promise<void> {
    if (GROUPS.some((group) => next?.name.startsWith(group) === true)) return
    const its = await begun.get(server)
    begun.delete(server)
    await its?.server[Symbol.asyncDispose]()
    if (its !== undefined) await rm(path.dirname(its.server.mail), { recursive: true })
  },
} satisfies Partial<Scenario>

export const imports: readonly Scenario[] = [
  {
    ...once,
    name: 'import/mbox',
    title: 'import of an mbox file, 1 GB',
    unit: 'MB/s',
    more: true,
    prepare: async (server) => void (await importOf(server)),
    async round(server, watch) {
      const its = await importOf(server)
      const { seconds, value, meters } = await watch(() => importOnce(its), its.server.pid)
      return { figure: OCTETS / MEGABYTE / seconds, answers: value, errors: (made?.messages ?? 0) - value, meters }
    },
  },
  diskRow('imported', 'disk for 1 GB of imported mail', async ({ server }) => server.settled?.()),
  diskRow('compacted', 'the same after malle compact', ({ server }) => server.compact()),
]

/** @param settle Done once the mail is there. */
function diskRow(name: string, title: string, settle: (its: Import) => Promise<void> | undefined): Scenario {
  return {
    ...once,
    name: `disk/${name}`,
    title,
    unit: 'MB',
    more: false,
    async round(contestant, watch) {
      const its = await importOf(contestant)
      const answers = await importOnce(its)
      await settle(its)
      const octets = await restingOctets(its.server)
      const { meters } = await watch(() => pause(METERED_MS), its.server.pid)
      return { figure: (octets - its.empty) / MEGABYTE, answers, meters }
    },
  }
}

function importOf(server: Contestant): Promise<Import> {
  const before = begun.get(server)
  if (before !== undefined) return before
  const beginning = begin(server)
  begun.set(server, beginning)
  return beginning
}

async function begin(of: Contestant): Promise<Import> {
  const server = await of.fresh(`${path.dirname(of.mail)}-import`, { names: [ADDRESS], password: PASSWORD })
  await mboxFor(server)
  return { server, empty: await restingOctets(server) }
}

/** @returns how many messages are there then. */
function importOnce(its: Import): Promise<number> {
  its.imported ??= importInto(its.server)
  return its.imported
}

async function importInto(server: Contestant): Promise<number> {
  const file = fileOf(server)
  await server.importMbox(ADDRESS, file)
  await rm(file)
  const imap = await DriverImap.login(server, ADDRESS)
  await imap.ok('EXAMINE INBOX')
  const { count } = await imap.ok('FETCH 1:* (UID)', ' FETCH (')
  imap.close()
  return count
}

/** The file, where the server can read it; the same for both. */
async function mboxFor(server: Contestant): Promise<void> {
  const file = fileOf(server)
  if (made === undefined) made = { file, messages: writeMbox(file) }
  else await link(made.file, file)
}

function fileOf(server: Contestant): string {
  return path.join(path.dirname(server.mail), 'import.mbox')
}

/** @returns how many messages there are in it. */
function writeMbox(file: string): number {
  const fd = openSync(file, 'w', 0o644)
  let messages = 0
  let written = 0
  let chunk = ''
  while (written + chunk.length < OCTETS) {
    messages += 1
    chunk += `From sender@example.net Mon Nov 23 10:00:00 2026\n${mixedMessage(messages).toString('latin1').replaceAll('\r\n', '\n')}\n`
    if (chunk.length < CHUNK) continue
    written += writeSync(fd, Buffer.from(chunk, 'latin1'))
    chunk = ''
  }
  writeSync(fd, Buffer.from(chunk, 'latin1'))
  closeSync(fd)
  return messages
}

/** What its folder takes while it stands still: a server at work has a log that it writes over again and again. */
async function restingOctets(server: Contestant): Promise<number> {
  let octets = 0
  await server.restart({}, async () => {
    octets = await diskOctets(server.mail)
  })
  return octets
}

/** What it takes on the disk, in whole blocks; without the space that Malle holds back for a full disk. */
async function diskOctets(folder: string): Promise<number> {
  const { stdout } = await promisify(execFile)('du', ['-s', '-B1', '--exclude=reserve', folder])
  return Number.parseInt(stdout, 10)
}
