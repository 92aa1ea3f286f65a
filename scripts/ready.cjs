// Installs what is missing before start, test and check; any Node can run it.
// `npm ci` runs only when the lock differs from what is installed: it empties node_modules first,
// which would pull the floor from under a server that runs from it.
'use strict'
const { createHash } = require('node:crypto')
const { existsSync, mkdirSync, readFileSync, writeFileSync } = require('node:fs')
const { spawnSync } = require('node:child_process')
const path = require('node:path')

const root = path.join(__dirname, '..')
const stamp = path.join(root, 'node_modules', '.malle-lock')
const hash = createHash('sha256')
  .update(readFileSync(path.join(root, 'package-lock.json')))
  .digest('hex')

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== hash) {
  const npm = process.env.npm_execpath
  const [command, args] = npm === undefined ? ['npm', ['ci']] : [process.execPath, [npm, 'ci']]
  process.stderr.write('Installing what Malle needs (npm ci) ...\n')
  const run = spawnSync(command, [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (run.status !== 0) {
    process.stderr.write('npm ci failed; the lines above say why.\n')
    process.exit(run.status === null ? 70 : run.status)
  }
  mkdirSync(path.dirname(stamp), { recursive: true })
  writeFileSync(stamp, hash)
}
