/** Debian's Postfix as another mail server: its own folder, queue and port, on loopback. Needs root, as its master does. @module */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { selfMadeCertificate } from '#server/self-made-certificate.ts'
import { PROGRAM_PATH } from '../install.ts'
import { freePort } from '../ports.ts'
import { installed, why } from './debian.ts'

const PROGRAM = '/usr/sbin/postfix'
const START_MS = 30_000
const LOOKS_MS = 50

export interface PostfixOptions {
  /** Lines of `main.cf` behind ours, which count in place of them. */
  readonly main?: string
  /** More of `master.cf`. */
  readonly master?: string
  /** Files beside `main.cf`, by name; `$config_directory` leads to them. */
  readonly files?: Readonly<Record<string, string>>
}

/**
 * Makes sure that it is there.
 * @returns what to give to `skip`.
 * @throws under CI, where a suite that is skipped would pass for one that was run.
 */
export function postfixLacking(): string | false {
  if (process.getuid?.() !== 0) return why('Postfix', 'its master needs root')
  return why(
    'Postfix',
    installed(() => existsSync(PROGRAM), ['postfix'], '/var/spool/postfix/pid/master.pid'),
  )
}

/** A Postfix that takes mail on a free port and keeps what is for `example.net` in mailboxes of its folder. */
export class Postfix implements AsyncDisposable {
  /** Of smtpd. STARTTLS is offered. */
  readonly port: number
  /** Certificate of the authority to trust: a file. The certificate is for `localhost`. */
  readonly ca: string
  /** Of the master process, for whoever counts its CPU and memory. */
  readonly pid: number
  readonly #folder: string

  private constructor(folder: string, port: number, ca: string, pid: number) {
    this.#folder = folder
    this.port = port
    this.ca = ca
    this.pid = pid
  }

  static async start({ main = '', master = '', files = {} }: PostfixOptions = {}): Promise<Postfix> {
    const folder = await mkdtemp(path.join(tmpdir(), 'malle-postfix-'))
    await chmod(folder, 0o755)
    const { ca, cert, key } = await selfMadeCertificate(path.join(folder, 'tls'), ['localhost'])
    const port = await freePort()
    const etc = path.join(folder, 'etc')
    for (const name of ['etc', 'queue', 'data', 'mail']) await mkdir(path.join(folder, name))
    await writeFile(path.join(etc, 'main.cf'), overridden(mainCf(folder, cert, key) + main))
    await writeFile(path.join(etc, 'master.cf'), masterCf(port) + master)
    await writeFile(path.join(etc, 'boxes'), '/@example\\.net$/ all/\n')
    for (const [name, text] of Object.entries(files)) await writeFile(path.join(etc, name), text)
    run('chown', ['postfix', path.join(folder, 'data')])
    run('chown', ['65534:65534', path.join(folder, 'mail')])
    run(PROGRAM, ['-c', etc, 'start'])
    const pid = await started(folder, port)
    return new Postfix(folder, port, ca, pid)
  }

  /** What was delivered to an address of `example.net`, in no order: bytes with LF, Delivered-To before them. */
  async messages(address: string): Promise<readonly Buffer[]> {
    return (await this.delivered()).filter((message) => message.includes(`Delivered-To: ${address}\n`))
  }

  /** The same for all addresses. */
  async delivered(): Promise<readonly Buffer[]> {
    const fresh = path.join(this.#folder, 'mail', 'all', 'new')
    const names = await readdir(fresh).catch(() => [])
    return Promise.all(names.map((name) => readFile(path.join(fresh, name))))
  }

  /** What it wrote about itself. */
  log(): Promise<string> {
    return readFile(path.join(this.#folder, 'log'), 'utf8').catch(() => '')
  }

  /** Runs one of its commands, such as `postqueue -p`, on this instance. */
  command(name: string, ...args: readonly string[]): string {
    return run(`/usr/sbin/${name}`, ['-c', path.join(this.#folder, 'etc'), ...args])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    run(PROGRAM, ['-c', path.join(this.#folder, 'etc'), 'stop'])
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

function mainCf(folder: string, cert: string, key: string): string {
  return `compatibility_level = 3.6
myhostname = postfix.example.net
mydomain = example.net
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
queue_directory = ${folder}/queue
data_directory = ${folder}/data
maillog_file = ${folder}/log
maillog_file_prefixes = ${folder}
virtual_mailbox_domains = example.net
virtual_mailbox_base = ${folder}/mail
virtual_mailbox_maps = regexp:${folder}/etc/boxes
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_tls_security_level = may
smtpd_tls_chain_files = ${key}, ${cert}
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_peername_lookup = no
smtp_host_lookup = native
disable_dns_lookups = yes
`
}

/**
 * Each parameter once, the last one of its name. Postfix would take them so, too, but with a warning from each of its
 * processes: those of its logger alone, sent to itself, can make it wait for itself for ever.
 */
function overridden(main: string): string {
  const entries = main.split(/\n(?=\S)/).map((entry) => [entry.split('=')[0]?.trim(), entry.trimEnd()] as const)
  return `${[...new Map(entries).values()].join('\n')}\n`
}

/** Few processes: postscreen, local delivery and chroots are left out. */
function masterCf(port: number): string {
  return `127.0.0.1:${port} inet n - n - 200 smtpd
pickup    unix  n - n 60    1 pickup
cleanup   unix  n - n -     0 cleanup
qmgr      unix  n - n 300   1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n -     - trivial-rewrite
bounce    unix  - - n -     0 bounce
defer     unix  - - n -     0 bounce
trace     unix  - - n -     0 bounce
verify    unix  - - n -     1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n -     - proxymap
smtp      unix  - - n -     - smtp
relay     unix  - - n -     - smtp
error     unix  - - n -     - error
retry     unix  - - n -     - error
discard   unix  - - n -     - discard
virtual   unix  - n n -     - virtual
anvil     unix  - - n -     1 anvil
scache    unix  - - n -     1 scache
postlog   unix-dgram n - n - 1 postlogd
`
}

async function started(folder: string, port: number): Promise<number> {
  const until = Date.now() + START_MS
  while (Date.now() < until) {
    const pid = Number(await readFile(path.join(folder, 'queue', 'pid', 'master.pid'), 'utf8').catch(() => ''))
    if (pid > 0 && (await accepts(port))) return pid
    await pause(LOOKS_MS)
  }
  throw new Error(`Postfix did not start: ${await readFile(path.join(folder, 'log'), 'utf8').catch(() => '')}`)
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { PATH: PROGRAM_PATH },
    timeout: START_MS,
  })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr || stdout}`)
  return stdout
}
