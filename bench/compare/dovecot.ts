/**
 * Debian's Dovecot as a contestant, set up for speed as its makers advise, and as durable as Malle where it can be:
 * sdbox, `mail_fsync=optimized`, login processes that serve many clients. `bench/README.md` says what is not equal.
 * @module
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { debianUser, installed } from '../../test/peers/foreign/debian.ts'
import { installPackages } from '../../test/peers/install.ts'
import { killGroup } from '../../test/peers/kill-group.ts'
import { answers, freePorts } from '../../test/peers/ports.ts'
import type { Endpoint } from '../raw.ts'
import type { Certificate } from './certificate.ts'
import type { Cast, Contestant, Listener, Variant } from './contestant.ts'
import { onServerCores } from './cores.ts'
import { raiseInotifyLimit } from './inotify.ts'

const PROGRAM = '/usr/sbin/dovecot'
const DOVEADM = '/usr/bin/doveadm'
const FULL_TEXT_INDEX = '/usr/lib/dovecot/modules/lib21_fts_xapian_plugin.so'
const LISTENERS: readonly Listener[] = ['imap', 'imaps', 'pop3', 'pop3s', 'lmtp']
const START_MS = 30_000

/** Installs it where it is not there. @throws when it cannot be. */
export async function startDovecot(folder: string, cast: Cast, certificate: Certificate): Promise<Contestant> {
  const there = () => existsSync(PROGRAM) && existsSync('/usr/lib/dovecot/pop3') && existsSync('/usr/lib/dovecot/lmtp')
  const why = installed(there, ['dovecot-imapd', 'dovecot-pop3d', 'dovecot-lmtpd'], '/run/dovecot/master.pid')
  if (why !== undefined) throw new Error(`Dovecot is not there: ${why}`)
  await mkdir(folder, { recursive: true })
  const dovecot = new Dovecot(folder, certificate, await raiseInotifyLimit())
  await dovecot.addAccounts(cast)
  await dovecot.start({})
  return dovecot
}

class Dovecot implements Contestant {
  readonly name = 'dovecot'
  readonly mail: string
  readonly #folder: string
  readonly #certificate: Certificate
  readonly #restoreLimit: () => Promise<void>
  readonly #user = debianUser('nobody')
  #ports: ReadonlyMap<Listener, number> = new Map()
  #child: ChildProcess | undefined

  constructor(folder: string, certificate: Certificate, restoreLimit: () => Promise<void>) {
    this.#restoreLimit = restoreLimit
    this.#folder = folder
    this.#certificate = certificate
    this.mail = path.join(folder, 'mail')
    process.once('exit', () => killGroup(this.#child?.pid))
  }

  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error('Dovecot does not run')
    return pid
  }

  endpoint(listener: Listener): Endpoint {
    const port = this.#ports.get(listener)
    if (port === undefined) throw new Error(`Dovecot does not listen for ${listener}`)
    return { host: '127.0.0.1', port }
  }

  async addAccounts({ names, password }: Cast): Promise<void> {
    await mkdir(this.mail, { recursive: true })
    // its processes are other users: they pass through the folder of the comparison
    await chmod(path.dirname(this.#folder), 0o711)
    await chmod(this.#folder, 0o755)
    await chown(this.mail, this.#user.uid, this.#user.gid)
    const lines = names.map((address) => `${address}:{PLAIN}${password}\n`)
    await writeFile(path.join(this.#folder, 'users'), lines.join(''), { mode: 0o644 })
  }

  async start(variant: Variant): Promise<void> {
    if (variant.fullTextIndex === true && !existsSync(FULL_TEXT_INDEX)) installPackages(['dovecot-fts-xapian'])
    const ports = await freePorts(LISTENERS.length)
    this.#ports = new Map(LISTENERS.map((listener, at) => [listener, ports[at] ?? 0]))
    const config = path.join(this.#folder, 'dovecot.conf')
    await writeFile(config, this.#configuration(variant))
    const [command = '', ...words] = onServerCores([variant.atEase, variant.allCores].includes(true))
    const child = spawn(command, [...words, PROGRAM, '-F', '-c', config], { stdio: 'ignore', detached: true })
    this.#child = child
    const deadline = performance.now() + START_MS
    while (!(await answers(this.endpoint('imap').port))) {
      if (child.exitCode !== null || performance.now() > deadline)
        throw new Error(`Dovecot does not start:\n${await this.#log()}`)
      await pause(20)
    }
  }

  async restart(variant: Variant = {}, meanwhile?: () => Promise<void>): Promise<void> {
    await this.#stop()
    await meanwhile?.()
    await this.start(variant)
  }

  async importMbox(address: string, file: string): Promise<void> {
    const [command = '', ...words] = onServerCores(false)
    // the folder of the source must be one that the mail's user can make: without, nothing is imported, and nothing said
    const source = `mbox:${path.join(this.mail, address, 'source')}:INBOX=${file}:INDEX=MEMORY`
    const config = path.join(this.#folder, 'dovecot.conf')
    await promisify(execFile)(command, [...words, DOVEADM, '-c', config, 'import', '-u', address, source, '', 'all'])
  }

  fresh(folder: string, cast: Cast): Promise<Contestant> {
    return startDovecot(folder, cast, this.#certificate)
  }

  /** sdbox: a file a message, nothing to give back. */
  async compact(): Promise<void> {
    await this.restart()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop()
    await this.#restoreLimit()
  }

  async index(address: string): Promise<void> {
    const [command = '', ...words] = onServerCores(false)
    const config = path.join(this.#folder, 'dovecot.conf')
    await promisify(execFile)(command, [...words, 'doveadm', '-c', config, 'index', '-u', address, 'INBOX'])
  }

  async #stop(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    await exit
    killGroup(child.pid)
  }

  async #log(): Promise<string> {
    return (await readFile(path.join(this.#folder, 'log'), 'utf8').catch(() => '')).slice(-2_000)
  }

  #configuration({ hibernate = false, fullTextIndex = false, deflate = false, atEase = false }: Variant): string {
    const { uid, gid } = this.#user
    const port = (listener: Listener): number => this.endpoint(listener).port
    const folder = this.#folder
    return `protocols = imap pop3 lmtp
listen = 127.0.0.1
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/log
ssl = yes
ssl_cert = <${this.#certificate.cert}
ssl_key = <${this.#certificate.key}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_cache_size = 16M
auth_failure_delay = 0
mail_location = sdbox:~/mail
mail_fsync = ${atEase ? 'never' : 'optimized'}
mail_max_userip_connections = 0
mail_plugins =${fullTextIndex ? ' fts fts_xapian' : ''}
protocol imap {
  mail_plugins = $mail_plugins${deflate ? ' zlib imap_zlib' : ''}
  imap_metadata = no
  mail_max_userip_connections = 0
}
${hibernate ? 'imap_hibernate_timeout = 1s\n' : ''}default_process_limit = 25000
default_client_limit = 90000
default_vsz_limit = 0
first_valid_uid = 1
postmaster_address = postmaster@example.org
namespace inbox {
  inbox = yes
  separator = /
}
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u ${folder}/users
}
userdb {
  driver = static
  args = uid=${uid} gid=${gid} home=${folder}/mail/%u
}
plugin {
  fts = xapian
  fts_xapian = partial=3 full=20
  fts_autoindex = no
  fts_enforced = yes
}
service anvil {
  client_limit = 90000
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  client_limit = 90000
}
service imap-login {
  service_count = 0
  process_min_avail = 2
  process_limit = 2
  client_limit = 30000
  inet_listener imap {
    port = ${port('imap')}
  }
  inet_listener imaps {
    port = ${port('imaps')}
    ssl = yes
  }
}
service imap {
  service_count = ${hibernate ? 1 : 0}
  client_limit = 1
  process_min_avail = 10
  process_limit = 25000
${hibernate ? '  unix_listener imap-master {\n    user = dovecot\n  }\n' : ''}}
${hibernate ? 'service imap-hibernate {\n  client_limit = 30000\n}\n' : ''}service pop3-login {
  service_count = 0
  process_min_avail = 2
  process_limit = 2
  client_limit = 30000
  inet_listener pop3 {
    port = ${port('pop3')}
  }
  inet_listener pop3s {
    port = ${port('pop3s')}
    ssl = yes
  }
}
service pop3 {
  service_count = 0
  process_min_avail = 10
  process_limit = 25000
}
service lmtp {
  process_min_avail = 10
  process_limit = 200
  inet_listener lmtp {
    port = ${port('lmtp')}
  }
}
`
  }
}
