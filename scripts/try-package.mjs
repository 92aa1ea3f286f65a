// Installs the published form into an empty folder, as a stranger would, and starts its demo.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const root = path.join(import.meta.dirname, '..')
const folder = mkdtempSync(path.join(os.tmpdir(), 'malle-package-'))
const npm = process.env.npm_execpath
const runNpm = (args, cwd) => {
  const [command, first] = npm === undefined ? ['npm', []] : [process.execPath, [npm]]
  const run = spawnSync(command, [...first, ...args], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  if (run.status !== 0) throw new Error(`npm ${args.join(' ')} ended with ${run.status}`)
  return run.stdout
}

let demo
try {
  const packed = spawnSync(process.execPath, [path.join(root, 'scripts', 'pack.mjs'), '--tarball'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (packed.status !== 0) throw new Error(`pack.mjs ended with ${packed.status}`)
  runNpm(['install', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error', packed.stdout.trim()], folder)
  const malle = path.join(folder, 'node_modules', '.bin', 'malle')
  const version = spawnSync(malle, ['--version'], { encoding: 'utf8' })
  const wanted = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).version
  if (version.stdout.trim() !== wanted) throw new Error(`malle --version says "${version.stdout}${version.stderr}"`)
  const data = path.join(folder, 'demo')
  demo = spawn(malle, ['demo', '--data', data, '--port-base', '0'], { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = new Promise((resolve) => demo.once('exit', resolve))
  const card = await readCard(path.join(data, 'demo.json'))
  if (card.users.length !== 2) throw new Error('The card of the demo has no users')
  demo.kill('SIGTERM')
  const code = await ended
  if (code !== 0) throw new Error(`The demo ended with ${code}`)
  process.stdout.write('1 passed, 0 failed\n')
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  process.stdout.write('0 passed, 1 failed\n')
  process.exitCode = 1
} finally {
  demo?.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
}

async function readCard(file) {
  for (let tries = 0; tries < 200; tries += 1) {
    try {
      return JSON.parse(readFileSync(file, 'utf8'))
    } catch (error) {
      if (error.code !== 'ENOENT') throw error
      await pause(100)
    }
  }
  throw new Error('The demo of the package did not get ready in 20 s')
}
