/**
 * A Dovecot account goes to Malle by `malle sync`, and by mbsync through a Maildir, one after the other; then once more
 * with nothing to do. Needs Debian's dovecot-imapd and isync.
 *
 * ```
 * node bench/sync.ts [--messages 20000] [--mailboxes 50]
 * ```
 * @module
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { ImapClient } from '#client/index.ts'
import { dovecotLacking, startDovecot } from '../test/peers/foreign/dovecot.ts'
import { lacking } from '../test/peers/install.ts'
import { runWell } from '../test/peers/run.ts'
import { PeerServer } from '../test/peers/server.ts'
import { inFolder, report, rounded, textMessage } from './kit.ts'

const { values } = parseArgs({
  options: { messages: { type: 'string', default: '20000' }, mailboxes: { type: 'string', default: '50' } },
})
const [messages, mailboxes] = [Number(values.messages), Number(values.mailboxes)]
const LAUNCHER = path.join(import.meta.dirname, '..', 'bin', 'malle.cjs')
const HOUR_MS = 3_600_000

interface End {
  readonly host: string
  readonly port: number
  readonly ca: string
  readonly login: string
  readonly password: string
}

const missing = dovecotLacking() || lacking('mbsync')
if (missing !== false) throw new Error(missing)
await inFolder(measure)

async function measure(folder: string): Promise<void> {
  const source = { address: 'ann@example.org', password: 'secret' }
  await using dovecot = await startDovecot({ accounts: [source] })
  const malle = await PeerServer.start()
  const [one, two] = [await malle.account(), await malle.account()]
  const end = (server: { host: string; ca: string }, port: number, login: string, password: string): End => ({
    host: server.host,
    port,
    ca: server.ca,
    login,
    password,
  })
  const from = end(dovecot, dovecot.port('imaps'), source.address, source.password)
  const [first, second] = [one, two].map(({ address, password }) => end(malle, malle.port('imaps'), address, password))
  if (first === undefined || second === undefined) throw new Error('There are no accounts')
  const octets = await fill(from)

  const ours = await twice(() => byMalle(folder, from, first))
  const theirs = await twice(() => byMbsync(folder, from, second))
  for (const to of [first, second]) {
    const there = await count(to)
    if (there !== messages) throw new Error(`${there} of ${messages} messages are there`)
  }
  await malle.stop()
  const times = { ours: ours.map(rounded), theirs: theirs.map(rounded) }
  report(
    'sync',
    `${messages} messages (${rounded(octets / 1_048_576)} MB) in ${mailboxes} mailboxes from Dovecot to Malle: malle sync ${times.ours[0]} s, mbsync through a Maildir ${times.theirs[0]} s; with nothing to do ${times.ours[1]} s and ${times.theirs[1]} s, once more ${times.ours[2]} s and ${times.theirs[2]} s`,
    { messages, mailboxes, octets, ...times },
  )
}

async function connect({ host, port, ca, login, password }: End): Promise<ImapClient> {
  return ImapClient.connect({ host, port, tls: { ca: await readFile(ca, 'utf8') }, credentials: { login, password } })
}

/** @returns octets */
async function fill(end: End): Promise<number> {
  await using client = await connect(end)
  let octets = 0
  for (let n = 0; n < mailboxes; n += 1) {
    const name = n === 0 ? 'INBOX' : `Folder ${n}`
    if (n > 0) await client.create(name)
    const count = Math.floor((messages * (n + 1)) / mailboxes) - Math.floor((messages * n) / mailboxes)
    const bodies = Array.from({ length: count }, (_, m) =>
      textMessage(1_000 + ((m * 7919 + n) % 12_000), n * 100_000 + m),
    )
    octets += bodies.reduce((sum, body) => sum + body.length, 0)
    await client.appendAll(
      name,
      bodies.map((body, m) => ({
        body,
        flags: m % 3 === 0 ? [] : ['\\Seen'],
        date: new Date(1_600_000_000_000 + m * 1000),
      })),
    )
  }
  return octets
}

async function count(end: End): Promise<number> {
  await using client = await connect(end)
  return (await client.list({ status: true })).reduce((sum, { status }) => sum + (status?.MESSAGES ?? 0), 0)
}

/** Seconds of three runs: all of it, then nothing, then nothing again. */
async function twice(work: () => Promise<void>): Promise<number[]> {
  const seconds: number[] = []
  for (let n = 0; n < 3; n += 1) {
    const began = performance.now()
    await work()
    seconds.push((performance.now() - began) / 1000)
  }
  return seconds
}

async function byMalle(folder: string, from: End, to: End): Promise<void> {
  const file = (name: string): string => path.join(folder, name)
  await writeFile(file('ca.pem'), (await readFile(from.ca, 'utf8')) + (await readFile(to.ca, 'utf8')))
  await writeFile(file('from'), from.password)
  await writeFile(file('to'), to.password)
  const url = ({ login, host, port }: End): string => `imaps://${login}@${host}:${port}`
  const secrets = ['--password-file', file('from'), '--to-password-file', file('to')]
  const args = ['sync', url(from), url(to), '--ca', file('ca.pem'), '--state', file('state.db'), ...secrets]
  const { stdout } = await runWell(process.execPath, [LAUNCHER, ...args], { home: folder, deadlineMs: HOUR_MS })
  console.log(stdout.toString('utf8').trim())
}

/** Down and up again, as people who move do. */
async function byMbsync(folder: string, from: End, to: End): Promise<void> {
  const account = (name: string, { host, port, ca, login, password }: End): string =>
    `IMAPAccount ${name}\nHost ${host}\nPort ${port}\nUser ${login}\nPass ${password}\nSSLType IMAPS\nSystemCertificates no\nCertificateFile ${ca}\n\nIMAPStore ${name}\nAccount ${name}\n\n`
  const maildir = path.join(folder, 'Mail')
  await mkdir(maildir, { recursive: true })
  for (const name of ['pull', 'push']) await mkdir(path.join(folder, name), { recursive: true })
  const store = `MaildirStore between\nPath ${maildir}/\nInbox ${maildir}/INBOX\nSubFolders Verbatim\n\n`
  const channel = (name: string, far: string, sync: string, make: string): string =>
    `Channel ${name}\nFar :${far}:\nNear :between:\nPatterns INBOX "Folder*"\nCreate ${make}\nSync ${sync}\nCopyArrivalDate yes\nSyncState ${folder}/${name}/\n\n`
  const rc = path.join(folder, 'mbsyncrc')
  await writeFile(
    rc,
    account('old', from) +
      account('new', to) +
      store +
      channel('pull', 'old', 'Pull', 'Near') +
      channel('push', 'new', 'Push', 'Far'),
  )
  for (const name of ['pull', 'push'])
    await runWell('mbsync', ['-c', rc, '-q', name], { home: folder, deadlineMs: HOUR_MS })
}
