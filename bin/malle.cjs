#!/usr/bin/env node
// The launcher: plain CommonJS that any Node can read. Runs Malle in place on Node 26 or newer,
// else with the Node that npm installed beside it, else says what to do (exit 69).
'use strict'
const { existsSync } = require('node:fs')
const path = require('node:path')
const { pathToFileURL } = require('node:url')

const OLDEST = 26
const SEMI_SPACE = '--max-semi-space-size'
const root = path.join(__dirname, '..')

if (Number.parseInt(process.versions.node, 10) >= OLDEST) {
  boundMemory()
  cacheCode()
  start().catch((error) => {
    process.stderr.write(`malle: cannot start: ${error && error.stack ? error.stack : error}\n`)
    process.exitCode = 70
  })
} else {
  startWith(process.env.MALLE_NODE || bundledNode())
}

async function start() {
  const tree = path.join(root, 'src', 'cli')
  const [folder, ending] = existsSync(tree) ? [tree, '.ts'] : [path.join(root, 'dist', 'cli'), '.js']
  // Modules by the hundred are loaded faster by `require`, which does not go back to the loop for each.
  if (process.argv[2] === 'serve') require(path.join(folder, `serve${ending}`))
  await import(pathToFileURL(path.join(folder, `malle${ending}`)).href)
}

/**
 * Bounds what a server's memory grows by under load (docs/security.md has the figures). Both settings are read once,
 * when a process begins: it begins again, in place, as the same process. Nobody pays for it but servers and
 * `malle collect`, which passes mail on and keeps none: with young generations of 1 MB it is no slower and a quarter smaller.
 * - The allocator of glibc gives each thread (ours, V8's, libuv's) an arena of its own, up to eight a core, and what was
 *   freed in one of them is of no use to the others. Two are enough, and no slower. Other systems do not know it.
 *   By itself glibc also keeps up to 64 MB that were freed at the end of its memory, once a large block was freed: 8 MB
 *   are kept, and blocks of up to 32 MB still come from there, as mapping them anew costs a fault for each page.
 * - V8 lets the young generation of each thread's heap grow to 64 MB under load, garbage nearly all of it. Half of
 *   that is no slower.
 */
function boundMemory() {
  const isServer = process.argv.includes('serve', 2) || process.argv.includes('demo', 2)
  const youngMegabytes = isServer ? 16 : process.argv[2] === 'collect' ? 1 : undefined
  const given = `${process.execArgv.join(' ')} ${process.env.NODE_OPTIONS || ''}`
  if (youngMegabytes === undefined || given.includes(SEMI_SPACE)) return
  // Where the binary was replaced since it was started, execve would end the process.
  if (process.platform === 'win32' || process.execve === undefined || !existsSync(process.execPath)) return
  const again = [process.execPath, ...process.execArgv, `${SEMI_SPACE}=${youngMegabytes}`, ...process.argv.slice(1)]
  try {
    process.execve(process.execPath, again, boundedEnvironment())
  } catch {
    // Not allowed under Node's permission model: it runs as it is.
  }
}

function boundedEnvironment() {
  const bounds = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '8388608', MALLOC_MMAP_THRESHOLD_: '33554432' }
  return { ...bounds, ...process.env }
}

/**
 * Keeps compiled modules between runs, which more than halves what a command costs. In our own folder, not the shared
 * one below /tmp, where anybody could leave code for us; where it cannot be written there is no cache.
 */
function cacheCode() {
  const folder = process.env.NODE_COMPILE_CACHE || path.join(root, 'node_modules', '.cache', 'malle')
  require('node:module').enableCompileCache(folder)
  // For worker threads.
  process.env.NODE_COMPILE_CACHE = folder
}

/** The binary of this platform's optional dependency, if npm installed it. */
function bundledNode() {
  for (const name of [`node-${process.platform}-${process.arch}`, `node-bin-${process.platform}-${process.arch}`]) {
    try {
      const folder = path.dirname(require.resolve(`${name}/package.json`, { paths: [root] }))
      const binary = path.join(folder, 'bin', 'node')
      if (existsSync(binary)) return binary
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error
    }
  }
  return undefined
}

function startWith(binary) {
  const advice = `Malle needs Node.js ${OLDEST} or newer, and this is ${process.version}. Run "npm ci" in ${root}, or set MALLE_NODE to such a binary.`
  if (binary === undefined) {
    process.stderr.write(`malle: ${advice}\n`)
    process.exitCode = 69
    return
  }
  const { spawn, spawnSync } = require('node:child_process')
  const version = spawnSync(binary, ['--version'], { encoding: 'utf8' })
  if (version.status !== 0 || Number.parseInt(String(version.stdout).slice(1), 10) < OLDEST) {
    process.stderr.write(`malle: ${binary} is not Node.js ${OLDEST}. ${advice}\n`)
    process.exitCode = 69
    return
  }
  const child = spawn(binary, [process.argv[1] || __filename, ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2']) {
    process.on(signal, () => child.kill(signal))
  }
  child.on('error', (error) => {
    process.stderr.write(`malle: cannot run ${binary}: ${error.message}\n`)
    process.exitCode = 69
  })
  child.on('exit', (code, signal) => {
    if (signal !== null) {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    } else {
      process.exitCode = code
    }
  })
}
