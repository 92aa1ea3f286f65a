// Installs the published form into an empty folder, as a stranger would, starts its demo, and uses its client library
// from JavaScript and from TypeScript.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
  tryClient()
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

/** Reads the demo's inbox by `malle/client`, and checks a program against its types. */
function tryClient() {
  const program = `
import { readFileSync } from 'node:fs'
import { ImapClient } from 'malle/client'
const card = JSON.parse(readFileSync('demo/demo.json', 'utf8'))
const [{ address: login, password }] = card.users
await using client = await ImapClient.connect({ ...card.imaps, tls: { ca: readFileSync(card.ca) }, credentials: { login, password } })
const { exists } = await client.select('INBOX')
let octets = 0
for await (const { body } of client.fetch('1:*', { envelope: true, body: true })) for await (const chunk of body ?? []) octets += chunk.length
console.log(exists > 0 && octets > 0 ? 'read' : 'nothing')
`
  writeFileSync(path.join(folder, 'use.mjs'), program)
  const used = spawnSync(process.execPath, ['use.mjs'], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (used.stdout.trim() !== 'read') throw new Error(`malle/client said "${used.stdout}"`)
  const typed = `import { type FetchedMessage, ImapClient, Pop3Client, RefusedError } from 'malle/client'
export async function subjects(client: ImapClient): Promise<(string | undefined)[]> {
  const all: (string | undefined)[] = []
  for await (const { envelope } of client.fetch('1:*', { envelope: true })) all.push(envelope.subject)
  return all
}
// @ts-expect-error: what was not asked for is not there
export const wrong = (message: FetchedMessage<{ flags: true }>) => message.envelope
export const kinds = [Pop3Client, RefusedError]
`
  writeFileSync(path.join(folder, 'use.ts'), typed)
  const tsconfig = {
    compilerOptions: {
      module: 'nodenext',
      target: 'esnext',
      lib: ['esnext'],
      strict: true,
      noEmit: true,
      types: ['node'],
      typeRoots: [path.join(root, 'node_modules', '@types')],
    },
    files: ['use.ts'],
  }
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(tsconfig))
  const tsc = spawnSync(path.join(root, 'node_modules', '.bin', 'tsc'), ['-p', folder], { encoding: 'utf8' })
  if (tsc.status !== 0) throw new Error(`The types of malle/client are not good:\n${tsc.stdout}${tsc.stderr}`)
}
