/** Other people's programs: installed with apt where we may, else the suite says what is missing. @module */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { apt } from './apt.ts'

/** Where programs are looked for; what a person's own tools put before these does not count. */
export const PROGRAM_PATH: string = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** A program of another project. */
export type Program =
  | 'curl'
  | 'dkimverify'
  | 'fetchmail'
  | 'getmail'
  | 'mbsync'
  | 'mpop'
  | 'neomutt'
  | 'opendkim'
  | 'pebble'
  | 'python3'
  | 'rspamd'
  | 'strace'
  | 'swaks'
  | 'thunderbird'
  | 'Xvfb'

interface Origin {
  /** Of Debian. */
  readonly packages: readonly string[]
  /** A command that shows whether the program can do what we ask of it. */
  readonly probe?: readonly [command: string, ...args: string[]]
}

const PROGRAMS: Readonly<Record<Program, Origin>> = {
  curl: { packages: ['curl'] },
  // Without PyNaCl it knows no Ed25519, without authres it cannot seal, without dnspython it does not start.
  dkimverify: {
    packages: ['python3-dkim', 'python3-nacl', 'python3-dnspython', 'python3-authres'],
    probe: ['python3', '-c', 'import authres, dkim, nacl'],
  },
  fetchmail: { packages: ['fetchmail'] },
  getmail: { packages: ['getmail6'] },
  // Without the modules it knows no mechanism of SASL.
  mbsync: { packages: ['isync', 'libsasl2-modules'], probe: ['sh', '-c', 'ls /usr/lib/*/sasl2/libplain.so'] },
  mpop: { packages: ['mpop'] },
  neomutt: { packages: ['neomutt'] },
  opendkim: { packages: ['opendkim'] },
  pebble: { packages: ['pebble'] },
  python3: { packages: ['python3'] },
  rspamd: { packages: ['rspamd'] },
  strace: { packages: ['strace'] },
  thunderbird: { packages: ['thunderbird'] },
  Xvfb: { packages: ['xvfb'] },
  // Without Net::SSLeay it speaks no TLS.
  swaks: { packages: ['swaks', 'libnet-ssleay-perl'], probe: ['perl', '-MNet::SSLeay', '-e', '1'] },
}

/**
 * Makes sure that programs are there, installing their packages where apt works for us.
 * @returns what to give to `skip`: `false`, or why the suite cannot run.
 * @throws under CI, where a suite that is skipped would pass for one that was run.
 */
export function lacking(...programs: readonly Program[]): string | false {
  if (missing(programs).length === 0) return false
  const why = install(missing(programs)) ?? 'the packages were installed'
  const still = missing(programs)
  if (still.length === 0) return false
  const text = `${still.join(', ')} not installed (Debian: ${packages(still).join(' ')}); ${why}`
  if (process.env.CI) throw new Error(`Cannot test with other programs: ${text}`)
  return text
}

function missing(programs: readonly Program[]): Program[] {
  return programs.filter((name) => !isThere(name))
}

function isThere(name: Program): boolean {
  if (!PROGRAM_PATH.split(':').some((folder) => existsSync(path.join(folder, name)))) return false
  const { probe: [command, ...args] = [] } = PROGRAMS[name] as { readonly probe?: readonly string[] }
  return (
    command === undefined || spawnSync(command, args, { env: { PATH: PROGRAM_PATH }, stdio: 'ignore' }).status === 0
  )
}

function packages(programs: readonly Program[]): string[] {
  return programs.flatMap((name) => PROGRAMS[name].packages)
}

function install(programs: readonly Program[]): string | undefined {
  return installPackages(packages(programs))
}

/** Installs packages of Debian; gives the reason when it cannot. */
export function installPackages(names: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can install them'
  if (!existsSync('/usr/bin/apt-get')) return 'this is not Debian'
  const args = ['install', '--yes', '--no-install-recommends', ...names]
  // The lists of a fresh image are empty, those of a used one good enough: ask for new ones only after a failure.
  if (tryApt(args) === undefined) return undefined
  return tryApt(['update']) ?? tryApt(args)
}

function tryApt(args: readonly string[]): string | undefined {
  const { status, stderr } = apt(args)
  return status === 0 ? undefined : `apt-get ${args[0] ?? ''} failed: ${stderr.trim().slice(-300)}`
}
