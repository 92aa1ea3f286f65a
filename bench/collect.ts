/**
 * Draining a POP3 mailbox of Dovecot: `malle collect` beside fetchmail and getmail, each with an account of its own and
 * the same mail, one after the other in one run. Then `malle collect` once more, killed ten times on the way: every
 * message must be there exactly once. All of them go over TLS and delete; fetchmail and getmail hand each message to
 * `cat`, as they keep no files as root themselves; only malle syncs what it writes.
 *
 *   node bench/collect.ts [--messages 10000] [--octets 10000]
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { ImapClient, Pop3Client } from '#client/index.ts'
import { fileDelivery } from '../test/peers/file-delivery.ts'
import { startDovecot } from '../test/peers/foreign/dovecot.ts'
import type { ForeignServer } from '../test/peers/foreign/server.ts'
import { inFolder, megabytes, report, rounded, textMessage } from './kit.ts'

const { values } = parseArgs({
  options: { messages: { type: 'string', default: '10000' }, octets: { type: 'string', default: '10000' } },
})
const COUNT = Number(values.messages)
const KILLS = 10
const PASSWORD = 'secret'
const NAMES = ['malle', 'fetchmail', 'getmail', 'killed'] as const
const MESSAGES = Array.from({ length: COUNT }, (_, n) => textMessage(Number(values.octets), n))
const addressOf = (name: string): string => `${name}@example.org`

interface Ran {
  readonly seconds: number
  readonly peakOctets: number
}

await inFolder(async (folder) => {
  await using dovecot = await startDovecot({
    accounts: NAMES.map((name) => ({ address: addressOf(name), password: PASSWORD })),
  })
  await writeFile(path.join(folder, 'secret'), `${PASSWORD}\n`)
  for (const name of NAMES) await fill(dovecot, addressOf(name))
  const ran = {
    malle: await timed(malle(dovecot, folder, 'malle'), {}),
    fetchmail: await timed(await fetchmail(dovecot, folder), { FETCHMAILHOME: folder }),
    getmail: await timed(await getmail(dovecot, folder), {}),
  }
  const kills = await killedAgainAndAgain(dovecot, folder)
  const expected = digest(MESSAGES.map((message) => message.toString('latin1').replaceAll('\r\n', '\n')))
  const same = {
    malle: digest(await maildir(path.join(folder, 'malle'))) === expected,
    fetchmail: (await readdir(path.join(folder, 'fetchmail', 'out'))).length === COUNT,
    getmail: (await readdir(path.join(folder, 'getmail', 'out'))).length === COUNT,
    killed: digest(await maildir(path.join(folder, 'killed'))) === expected,
  }
  const left = await Promise.all(NAMES.map((name) => remaining(dovecot, addressOf(name))))
  const line = ([name, { seconds, peakOctets }]: [string, Ran]): string =>
    `${name} ${rounded(seconds)} s, ${megabytes(peakOctets)}`
  report(
    'collect',
    `${COUNT} messages over POP3 from Dovecot: ${Object.entries(ran).map(line).join('; ')}; ` +
      `killed ${kills} times: ${same.killed ? 'every message exactly once' : 'NOT the same mail'}`,
    { messages: COUNT, ran, ratio: rounded(ran.fetchmail.seconds / ran.malle.seconds), same, left, kills },
  )
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

function malle(dovecot: ForeignServer, folder: string, name: string): readonly string[] {
  const launcher = path.join(import.meta.dirname, '..', 'bin', 'malle.cjs')
  const url = `pop3s://${addressOf(name)}@${dovecot.host}:${dovecot.port('pop3s')}`
  const files = ['--ca', dovecot.ca, '--state', path.join(folder, `${name}.db`)]
  const secret = ['--password-file', path.join(folder, 'secret')]
  const to = ['--to', path.join(folder, name), '--after', 'delete']
  return [process.execPath, launcher, 'collect', url, ...to, ...files, ...secret]
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

async function getmail(dovecot: ForeignServer, folder: string): Promise<readonly string[]> {
  const home = path.join(folder, 'getmail')
  await mkdir(home)
  const config = [
    '[retriever]',
    'type = SimplePOP3SSLRetriever',
    `server = ${dovecot.host}`,
    `port = ${dovecot.port('pop3s')}`,
    `username = ${addressOf('getmail')}`,
    `password = ${PASSWORD}`,
    `ca_certs = ${dovecot.ca}`,
    '[destination]',
    'type = MDA_external',
    `path = ${await fileDelivery(home)}`,
    'allow_root_commands = true',
    '[options]',
    'read_all = true',
    'delete = true',
    'delivered_to = false',
    'received = false',
    'verbose = 0',
  ]
  await writeFile(path.join(home, 'getmailrc'), `${config.join('\n')}\n`, { mode: 0o600 })
  return ['getmail', `--getmaildir=${home}`, '--rcfile=getmailrc', '--quiet']
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
  const [code] = await closed
  if (code !== 0) throw new Error(`${command} ended with ${code}`)
  return { seconds: (performance.now() - began) / 1000, peakOctets }
}

async function peakOf({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024
}

/** Each time after a part of what is still to come. */
async function killedAgainAndAgain(dovecot: ForeignServer, folder: string): Promise<number> {
  const command = malle(dovecot, folder, 'killed')
  const place = path.join(folder, 'killed', 'new')
  const placed = async (): Promise<number> => (await readdir(place).catch(() => [])).length
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

async function maildir(folder: string): Promise<string[]> {
  const names = await readdir(path.join(folder, 'new'))
  return Promise.all(names.map((name) => readFile(path.join(folder, 'new', name), 'latin1')))
}

/** Of texts in any order. */
function digest(texts: readonly string[]): string {
  const hashes = texts.map((text) => createHash('sha256').update(text, 'latin1').digest('hex')).sort()
  return `${texts.length} ${createHash('sha256').update(hashes.join()).digest('hex')}`
}
