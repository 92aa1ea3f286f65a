/**
 * Debian's Cyrus, for tests (see `ForeignServer`). Its packages and Dovecot's exclude each other: these are unpacked
 * into a folder of their own and run from there.
 * @module
 */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { chown, mkdir, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { PROGRAM_PATH } from '../install.ts'
import { debianUser, unpacked, why } from './debian.ts'
import { type ForeignOptions, ForeignServer, type Kind, type Place, type Program } from './server.ts'

const PACKAGES = [
  'cyrus-common',
  'cyrus-imapd',
  'cyrus-pop3d',
  // what its programs are linked with and Debian does not bring by itself
  'libical3',
  'libpcre3',
  'libwrap0',
  'libzephyr4',
  // saslpasswd2
  'sasl2-bin',
] as const

/** Made beforehand: Cyrus starts without those for its databases and its socket of IDLE, and works half. */
const FOLDERS = ['config', 'config/db', 'config/socket', 'mail', 'sasl'] as const

/**
 * Makes sure that it is there.
 * @returns what to give to `skip`.
 * @throws under CI, where a suite that is skipped would pass for one that was run.
 */
export function cyrusLacking(): string | false {
  const answer = unpacked('cyrus', PACKAGES)
  return why('Cyrus', 'why' in answer ? answer.why : undefined)
}

/** Starts it with the separator `/` and folders beside INBOX unless `dots` says otherwise, and every mechanism that a password allows. */
export function startCyrus(options: ForeignOptions): Promise<ForeignServer> {
  return ForeignServer.start(CYRUS, options)
}

const CYRUS: Kind = {
  name: 'cyrus',
  runAs: debianUser('nobody'),

  async prepare(place): Promise<Program> {
    const answer = unpacked('cyrus', PACKAGES)
    if ('why' in answer) throw new Error(`Cannot start Cyrus: ${answer.why}`)
    const { folder, runAs, accounts } = place
    const base = answer.folder
    const env = { PATH: PROGRAM_PATH, LANG: 'C.UTF-8', LD_LIBRARY_PATH: libraries(base), CYRUS_USER: userOf(place) }
    for (const name of FOLDERS) await mkdir(path.join(folder, name))
    const sasldb = path.join(folder, 'sasl', 'sasldb2')
    for (const { address, password } of accounts) await addUser(base, env, sasldb, address, password)
    const imapd = path.join(folder, 'imapd.conf')
    await writeFile(imapd, configuration(place, sasldb))
    const cyrus = path.join(folder, 'cyrus.conf')
    await writeFile(cyrus, services(place, path.join(base, 'usr', 'lib', 'cyrus', 'bin'), imapd))
    if (runAs !== undefined)
      for (const name of [...FOLDERS, ...(existsSync(sasldb) ? ['sasl/sasldb2'] : [])])
        await chown(path.join(folder, name), runAs.uid, runAs.gid)
    return {
      command: path.join(base, 'usr', 'sbin', 'cyrmaster'),
      args: ['-C', imapd, '-M', cyrus, '-p', path.join(folder, 'config', 'master.pid')],
      env,
      as: runAs,
    }
  },

  // it has syslog only
  log: async () => '',
}

function userOf({ runAs }: Place): string {
  return runAs?.name ?? userInfo().username
}

function libraries(base: string): string {
  const folders = ['usr/lib', 'lib']
    .map((name) => path.join(base, name))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => name.endsWith('-gnu'))
        .map((name) => path.join(folder, name)),
    )
  return folders.join(':')
}

/** Writes a password where SASL finds it in the clear, as SCRAM and CRAM-MD5 need it. */
async function addUser(
  base: string,
  env: NodeJS.ProcessEnv,
  file: string,
  address: string,
  password: string,
): Promise<void> {
  const [local = '', domain = ''] = address.split('@')
  const program = path.join(base, 'usr', 'sbin', 'saslpasswd2')
  const running = promisify(execFile)(program, ['-c', '-p', '-f', file, '-u', domain, local], { env })
  running.child.stdin?.end(password)
  await running
}

function configuration({ folder, cert, key, ...place }: Place, sasldb: string): string {
  return `configdirectory: ${folder}/config
defaultpartition: default
partition-default: ${folder}/mail
cyrus_user: ${userOf({ folder, cert, key, ...place })}
servername: localhost
virtdomains: userid
defaultdomain: localdomain
altnamespace: ${place.dots ? 'no' : 'yes'}
unixhierarchysep: ${place.dots ? 'no' : 'yes'}
autocreate_quota: 0
autocreate_post: yes
allowplaintext: yes
allowapop: yes
popminpoll: 0
poptimeout: 10
failedloginpause: 0
maxlogins_per_host: 0
maxlogins_per_user: 0
sasl_mech_list: PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: ${sasldb}
tls_server_cert: ${cert}
tls_server_key: ${key}
munge8bit: no
conversations: no
search_engine: none
`
}

function services({ ports }: Place, bin: string, imapd: string): string {
  const service = (name: string, command: string, port: number) =>
    `  ${name} cmd="${bin}/${command} -C ${imapd}" listen="127.0.0.1:${port}" prefork=0\n`
  return `START {
  recover cmd="${bin}/ctl_cyrusdb -C ${imapd} -r"
  idled cmd="${bin}/idled -C ${imapd}"
}
SERVICES {
${service('imap', 'imapd', ports.imap)}${service('imaps', 'imapd -s', ports.imaps)}${service('pop3', 'pop3d', ports.pop3)}${service('pop3s', 'pop3d -s', ports.pop3s)}${service('lmtp', 'lmtpd -a', ports.lmtp)}}
EVENTS {
}
`
}
