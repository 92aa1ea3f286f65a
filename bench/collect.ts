/**
 * Draining a POP3 mailbox of Dovecot: `malle collect` beside fetchmail and getmail, each with an account of its own and
 * the same mail, one after the other in one run. Then `malle collect` once more, killed ten times on the way: every
 * message must be there exactly once. All of them go over TLS and delete. fetchmail hands each message to `cat`, getmail
 * writes a Maildir as another user, as neither keeps files for root.
 *
 *   node bench/collect.ts [--messages 10000] [--octets 10000] [--only malle,store,fetchmail,getmail,killed]
 *
 * `store` is malle into a store of its own; `--kill store` kills it over such a store instead of a Maildir.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmod, chown, copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { ImapClient, Pop3Client } from '#client/index.ts'
import { fileDelivery } from '../test/peers/file-delivery.ts'
import { startDovecot } from '../test/peers/foreign/dovecot.ts'
import type { ForeignServer } from '../test/peers/foreign/server.ts'
import { GETMAIL } from '../test/peers/run.ts'
import { inFolder, megabytes, report, rounded, textMessage } from './kit.ts'

const NOBODY = 65_534
const ALL = ['malle', 'store', 'fetchmail', 'killed', 'getmail'] as const
type Name = (typeof ALL)[number]

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000' },
    octets: { type: 'string', default: '10000' },
    only: { type: 'string', default: ALL.join() },
    kill: { type: 'string', default: 'maildir' },
  },
})
const COUNT = Number(values.messages)
const KILLS = 10
const PASSWORD = 'secret'
const NAMES = ALL.filter((name) => values.only.split(',').includes(name))
const unknown = values.only.split(',').filter((name) => !ALL.some((known) => known === name))
if (unknown.length > 0) throw new Error(`There is no ${unknown.join()}: --only takes ${ALL.join()}`)
const MESSAGES = Array.from({ length: COUNT }, (_, n) => textMessage(Number(values.octets), n))
const addressOf = (name: string): string => `${name}@example.org`

interface Ran {
  readonly code: number | null
  readonly seconds: number
  readonly peakOctets: number
}

const LAUNCHER = path.join(import.meta.dirname, '..', 'bin', 'malle.cjs')

const COMMANDS: Readonly<
  Record<
    Exclude<Name, 'killed'>,
    (dovecot: ForeignServer, folder: string) => readonly string[] | Promise<readonly string[]>
  >
> = {
  malle: (dovecot, folder) => malle(dovecot, folder, 'malle', false),
  store: (dovecot, folder) => malle(dovecot, folder, 'store', true),
  fetchmail,
  getmail,
}

await inFolder(async (folder) => {
  await using dovecot = await startDovecot({
    accounts: NAMES.map((name) => ({ address: addressOf(name), password: PASSWORD })),
  })
  await writeFile(path.join(folder, 'secret'), `${PASSWORD}\n`)
  for (const name of NAMES) await fill(dovecot, addressOf(name))
  const expected = digest(MESSAGES.map((message) => message.toString('latin1').replaceAll('\r\n', '\n')))
  const ran: Partial<Record<Name, Ran>> = {}
  const same: Partial<Record<Name, boolean>> = {}
  let kills = 0
  for (const name of NAMES) {
    if (name === 'killed') {
      kills = await killedAgainAndAgain(dovecot, folder)
      same.killed = digest(await mailOf('killed', folder, values.kill === 'store')) === expected
      continue
    }
    const one = await timed(await COMMANDS[name](dovecot, folder), { FETCHMAILHOME: folder })
    ran[name] = one
    same[name] = one.code === 0 && (await isWhole(name, folder, expected))
    console.error(`${name}: ${rounded(one.seconds)} s, ${megabytes(one.peakOctets)}, ended with ${one.code}`)
  }
  const left = await Promise.all(NAMES.map((name) => remaining(dovecot, addressOf(name))))
  const lines = Object.entries(ran).map(
    ([name, { code, seconds, peakOctets }]) =>
      `${name} ${code === 0 ? '' : `gave up (${code}) after `}${rounded(seconds)} s, ${megabytes(peakOctets)}`,
  )
  if (NAMES.includes('killed'))
    lines.push(`killed ${kills} times: ${same.killed === true ? 'every message exactly once' : 'NOT the same mail'}`)
  const ratio =
    ran.fetchmail === undefined || ran.malle === undefined
      ? undefined
      : rounded(ran.fetchmail.seconds / ran.malle.seconds)
  report('collect', `${COUNT} messages over POP3 from Dovecot: ${lines.join('; ')}`, {
    messages: COUNT,
    ran,
    ratio,
    same,
    left,
    kills,
  })
  if (Object.values(same).includes(false) || left.some((count) => count > 0)) process.exitCode = 1
})

async function fill(dovecot: ForeignServer, address: string): Promise<void> {
  await using client = await ImapClient.connect({
    ...(await endpoint(dovecot, 'imaps')),
    credentials: { login: address, password: PASSWORD },
  })
  for (let at = 0; at < MESSAGES.length; at += 500) {
    const batch = MESSAGES.slice(at, at + 500).map((body) => ({ body, size: body.length }))
    await client.appendAll('INBOX', batch)
  }
}

async function remaining(dovecot: ForeignServer, address: string): Promise<number> {
  await using client = await Pop3Client.connect({
    ...(await endpoint(dovecot, 'pop3s')),
    credentials: { login: address, password: PASSWORD },
  })
  return (await client.stat()).messages
}

async function endpoint(dovecot: ForeignServer, kind: 'imaps' | 'pop3s') {
  return { host: dovecot.host, port: dovecot.port(kind), tls: { ca: await readFile(dovecot.ca, 'utf8') } }
}

async function isWhole(name: Exclude<Name, 'killed'>, folder: string, expected: string): Promise<boolean> {
  if (name === 'malle' || name === 'store') return digest(await mailOf(name, folder, name === 'store')) === expected
  return (await readdir(path.join(folder, name, 'out', name === 'getmail' ? 'new' : ''))).length === COUNT
}

function malle(dovecot: ForeignServer, folder: string, name: Name, store: boolean): readonly string[] {
  const url = `pop3s://${addressOf(name)}@${dovecot.host}:${dovecot.port('pop3s')}`
  const files = ['--ca', dovecot.ca, '--state', path.join(folder, `${name}.db`)]
  const secret = ['--password-file', path.join(folder, 'secret')]
  const to = ['--to', `${store ? 'store:' : ''}${path.join(folder, name)}`, '--after', 'delete']
  return [process.execPath, LAUNCHER, 'collect', url, ...to, ...files, ...secret]
}

async function fetchmail(dovecot: ForeignServer, folder: string): Promise<readonly string[]> {
  const home = path.join(folder, 'fetchmail')
  await mkdir(home)
  const file = path.join(home, 'rc')
  await writeFile(
    file,
    `set invisible\npoll ${dovecot.host} protocol pop3 port ${dovecot.port('pop3s')}\n` +
      `user '${addressOf('fetchmail')}' password '${PASSWORD}' is root here\n` +
      `ssl sslcertck sslcertfile '${dovecot.ca}' no rewrite no mimedecode pass8bits no keep fetchall\n` +
      `mda '${await fileDelivery(home)}'\n`,
    { mode: 0o600 },
  )
  return ['fetchmail', '--silent', '--nosyslog', '-f', file, '--pidfile', path.join(home, 'pid')]
}

/** It keeps no Maildir as root. */
async function getmail(dovecot: ForeignServer, folder: string): Promise<readonly string[]> {
  const home = path.join(folder, 'getmail')
  const maildir = path.join(home, 'out')
  for (const made of [home, maildir, ...['cur', 'new', 'tmp'].map((name) => path.join(maildir, name))])
    await mkdir(made)
  await copyFile(dovecot.ca, path.join(home, 'ca.pem'))
  const config = [
    '[retriever]',
    'type = SimplePOP3SSLRetriever',
    `server = ${dovecot.host}`,
    `port = ${dovecot.port('pop3s')}`,
    `username = ${addressOf('getmail')}`,
    `password = ${PASSWORD}`,
    `ca_certs = ${path.join(home, 'ca.pem')}`,
    '[destination]',
    'type = Maildir',
    `path = ${maildir}/`,
    '[options]',
    'read_all = true',
    'delete = true',
    'delivered_to = false',
    'received = false',
    'verbose = 0',
  ]
  await writeFile(path.join(home, 'getmailrc'), `${config.join('\n')}\n`, { mode: 0o600 })
  const command = [...GETMAIL, `--getmaildir=${home}`, '--rcfile=getmailrc', '--quiet']
  if (process.getuid?.() !== 0) return command
  await chmod(folder, 0o711)
  for (const name of ['', ...(await readdir(home, { recursive: true }))])
    await chown(path.join(home, name), NOBODY, NOBODY)
  return ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', ...command]
}

async function timed([command = '', ...args]: readonly string[], env: NodeJS.ProcessEnv): Promise<Ran> {
  const began = performance.now()
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } })
  const closed = once(child, 'close')
  let peakOctets = 0
  while (child.exitCode === null && child.signalCode === null) {
    peakOctets = Math.max(peakOctets, await peakOf(child))
    await Promise.race([closed, pause(20)])
  }
  const [code] = (await closed) as [number | null]
  return { code, seconds: (performance.now() - began) / 1000, peakOctets }
}

async function peakOf({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024
}

/** Each time after a part of what is still to come. */
async function killedAgainAndAgain(dovecot: ForeignServer, folder: string): Promise<number> {
  const store = values.kill === 'store'
  const command = malle(dovecot, folder, 'killed', store)
  const place = path.join(folder, 'killed', ...(store ? ['data', 'store', 'shard-00', 'segments'] : ['new']))
  // of a store the octets, which are somewhat more than those of the messages
  const perMessage = store ? Number(values.octets) : 1
  const placed = async (): Promise<number> => {
    const names = await readdir(place).catch(() => [])
    if (!store) return names.length
    const sizes = await Promise.all(names.map(async (name) => (await stat(path.join(place, name))).size))
    return sizes.reduce((sum, size) => sum + size, 0) / perMessage
  }
  let kills = 0
  for (; kills < KILLS; kills += 1) {
    const [program = '', ...args] = command
    const wanted = (await placed()) + Math.max(1, Math.floor(COUNT / (KILLS + 2)))
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    const closed = once(child, 'close')
    while (child.exitCode === null && (await placed()) < wanted) await pause(5)
    if (!child.kill('SIGKILL')) break
    await closed
  }
  await timed(command, {})
  return kills
}

async function mailOf(name: Name, folder: string, store: boolean): Promise<string[]> {
  if (!store) return maildir(path.join(folder, name, 'new'))
  const out = path.join(folder, `${name}.out`)
  const config = path.join(folder, name, 'malle.toml')
  const args = ['export', addressOf(name), out, '--format', 'maildir', '--config', config]
  await timed([process.execPath, LAUNCHER, ...args], {})
  const inboxes = (await readdir(out, { recursive: true, withFileTypes: true })).filter(
    (entry) => entry.isDirectory() && /^(?:new|cur)$/.test(entry.name),
  )
  return (await Promise.all(inboxes.map(({ parentPath, name: part }) => maildir(path.join(parentPath, part))))).flat()
}

async function maildir(folder: string): Promise<string[]> {
  const names = await readdir(folder)
  return Promise.all(names.map((name) => readFile(path.join(folder, name), 'latin1')))
}

/** Of texts in any order. */
function digest(texts: readonly string[]): string {
  const hashes = texts.map((text) => createHash('sha256').update(text, 'latin1').digest('hex')).sort()
  return `${texts.length} ${createHash('sha256').update(hashes.join()).digest('hex')}`
}
