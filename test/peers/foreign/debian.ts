/** Packages of Debian: installed where that is harmless, unpacked into a private folder where it is not. @module */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { apt } from '../apt.ts'
import { installPackages, PROGRAM_PATH } from '../install.ts'
import type { RunAs } from './server.ts'

/**
 * Installs packages unless `there` says that they are. Their service is stopped when it was not running before.
 * @returns why they are not there.
 */
export function installed(there: () => boolean, packages: readonly string[], pidFile: string): string | undefined {
  if (there()) return undefined
  const ran = existsSync(pidFile)
  const reason = installPackages(packages)
  if (!ran && existsSync(pidFile)) process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM')
  return there() ? undefined : (reason ?? 'the packages were installed')
}

/**
 * Unpacks packages into one folder, kept between runs: nothing of them is installed, so that they stand beside others.
 * @returns the folder, or why there is none.
 */
export function unpacked(name: string, packages: readonly string[]): { readonly folder: string } | { why: string } {
  const owner = process.getuid?.()
  const folder = path.join(tmpdir(), `malle-unpacked-${name}-${owner ?? ''}`)
  // the folder for temporary files belongs to everyone: what someone else put there is not run
  if (existsSync(folder)) return statSync(folder).uid === owner ? { folder } : { why: `${folder} is not ours` }
  if (!existsSync('/usr/bin/apt-get')) return { why: 'this is not Debian' }
  const made = mkdtempSync(`${folder}-`)
  try {
    const download = () => apt(['download', ...packages], made)
    let got = download()
    if (got.status !== 0 && owner === 0 && apt(['update'], made).status === 0) got = download()
    if (got.status !== 0) return { why: `apt-get download failed: ${got.stderr.trim().slice(-300)}` }
    for (const file of readdirSync(made).filter((each) => each.endsWith('.deb'))) {
      const { status, stderr } = run(made, 'dpkg-deb', ['-x', file, '.'])
      if (status !== 0) return { why: `dpkg-deb -x ${file} failed: ${stderr.trim().slice(-300)}` }
      rmSync(path.join(made, file))
    }
    chmodSync(made, 0o755)
    // a suite beside us may have been quicker
    if (!existsSync(folder)) renameSync(made, folder)
    return { folder }
  } finally {
    rmSync(made, { recursive: true, force: true })
  }
}

/** For `skip`; @throws under CI. */
export function why(name: string, reason: string | undefined): string | false {
  if (reason === undefined) return false
  if (process.env.CI) throw new Error(`Cannot test with ${name}: ${reason}`)
  return `${name} is not there: ${reason}`
}

/** A user that every Debian has. */
export function debianUser(name: string): RunAs {
  const line = /^[^:]*:[^:]*:(\d+):(\d+):/.exec(passwd().find((each) => each.startsWith(`${name}:`)) ?? '')
  return { name, uid: Number(line?.[1] ?? 65534), gid: Number(line?.[2] ?? 65534) }
}

function passwd(): readonly string[] {
  return existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8').split('\n') : []
}

function run(cwd: string, command: string, args: readonly string[]): SpawnSyncReturns<string> {
  const env = { PATH: PROGRAM_PATH, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync(command, args, { cwd, encoding: 'utf8', env, timeout: 300_000 })
}
