/** Debian's package manager, one call at a time: suites run beside each other and it does not wait for its lists. @module */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import path from 'node:path'

const LOCK = path.join(tmpdir(), `malle-apt-${process.getuid?.() ?? ''}.lock`)

/** Runs apt-get when nobody else of us does. */
export function apt(args: readonly string[], cwd?: string): SpawnSyncReturns<string> {
  return spawnSync('flock', [LOCK, '/usr/bin/apt-get', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    encoding: 'utf8',
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 300_000,
  })
}
