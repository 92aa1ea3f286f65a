/** One GB of mail from an mbox file by each server's own command, and the disk that it takes then. @module */
import { execFile } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { link, rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Contestant, DOMAIN } from '../contestant.ts'
import { DriverImap } from '../imap-driver.ts'
import { mixedMessage } from '../mail.ts'
import type { Scenario } from '../scenario.ts'

const ACCOUNT = 'import'
const ADDRESS = `${ACCOUNT}@${DOMAIN}`
const OCTETS = 1_000_000_000
const MEGABYTE = 1_000_000
const CHUNK = 8_000_000
/** Where there is nothing to do, for the meters. */
const METERED_MS = 200

interface Mbox {
  readonly file: string
  readonly messages: number
}

interface Imported {
  readonly messages: number
  /** What the folder of the server grew by. */
  readonly octets: number
}

let made: Mbox | undefined
/** Who has its own name for the file. */
const linked = new WeakSet<Contestant>()
const imported = new WeakMap<Contestant, Promise<Imported>>()

const once = { rounds: 1, accounts: [ACCOUNT] } satisfies Partial<Scenario>

export const imports: readonly Scenario[] = [
  {
    ...once,
    name: 'import/mbox',
    title: 'import of an mbox file, 1 GB',
    unit: 'MB/s',
    more: true,
    prepare: async (server) => void (await mboxFor(server)),
    async round(server, watch) {
      const { seconds, value } = await watch(() => importOnce(server))
      return {
        figure: OCTETS / MEGABYTE / seconds,
        answers: value.messages,
        errors: (made?.messages ?? 0) - value.messages,
      }
    },
  },
  {
    ...once,
    name: 'disk/imported',
    title: 'disk for 1 GB of imported mail',
    unit: 'MB',
    more: false,
    async round(server, watch) {
      const { octets, messages } = await importOnce(server)
      await watch(() => pause(METERED_MS))
      return { figure: octets / MEGABYTE, answers: messages }
    },
  },
  {
    ...once,
    name: 'disk/compacted',
    title: 'the same after malle compact',
    unit: 'MB',
    more: false,
    async round(server, watch) {
      const { octets, messages } = await importOnce(server)
      const before = await diskOctets(server.mail)
      await server.compact()
      const after = await diskOctets(server.mail)
      await watch(() => pause(METERED_MS))
      return { figure: (octets + after - before) / MEGABYTE, answers: messages }
    },
  },
]

function importOnce(server: Contestant): Promise<Imported> {
  const before = imported.get(server)
  if (before !== undefined) return before
  const importing = importInto(server)
  imported.set(server, importing)
  return importing
}

async function importInto(server: Contestant): Promise<Imported> {
  const file = await mboxFor(server)
  const before = await diskOctets(server.mail)
  await server.importMbox(ADDRESS, file)
  const octets = (await diskOctets(server.mail)) - before
  await rm(file)
  const imap = await DriverImap.login(server, ADDRESS)
  await imap.ok('EXAMINE INBOX')
  const { count } = await imap.ok('FETCH 1:* (UID)', ' FETCH (')
  imap.close()
  return { octets, messages: count }
}

/** The file, where the server can read it; the same for both. */
async function mboxFor(server: Contestant): Promise<string> {
  const file = path.join(path.dirname(server.mail), 'import.mbox')
  if (made === undefined) made = { file, messages: writeMbox(file) }
  else if (made.file !== file && !linked.has(server)) await link(made.file, file)
  linked.add(server)
  return file
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

/** What it takes on the disk, in whole blocks. */
async function diskOctets(folder: string): Promise<number> {
  const { stdout } = await promisify(execFile)('du', ['-s', '-B1', folder])
  return Number.parseInt(stdout, 10)
}
