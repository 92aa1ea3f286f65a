import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { LAUNCHER, malle, Running } from './cli-process.ts'

/** Where root runs the tests, and another user can reach this folder. */
const root =
  process.getuid?.() === 0 &&
  spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, '--check', LAUNCHER])
    .status === 0

async function folderFor(config: string): Promise<{ readonly file: string } & AsyncDisposable> {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-privileges-'))
  await chmod(folder, 0o755)
  const file = path.join(folder, 'malle.toml')
  await writeFile(file, config)
  await chmod(file, 0o644)
  return { file, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

async function lowPort(): Promise<number> {
  for (let port = 700; port < 1_024; port += 1) {
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!free) continue
    server.close()
    await once(server, 'close')
    return port
  }
  throw new Error('Every low port is taken')
}

if (root) {
  test('root starts the server, and the server is not root: it has its low port and cannot become more', async () => {
    const port = await lowPort()
    await using place = await folderFor(
      `hostname = "mail.example.org"\ndata = "var/data"\nuser = "nobody"\n[listen]\nimap = ["127.0.0.1:${port}"]\n`,
    )
    // as a package does it
    const data = path.join(path.dirname(place.file), 'var/data')
    const server = new Running(['serve', '--config', place.file])
    await server.line((line) => line === 'ready')
    const status = await readFile(`/proc/${server.child.pid}/status`, 'latin1')
    assert.match(status, /^Uid:\t65534\t65534\t65534\t65534$/m)
    assert.match(status, /^Gid:\t65534\t65534\t65534\t65534$/m)
    assert.match(status, /^CapEff:\t0{13}400$/m)
    assert.match(status, /^CapBnd:\t0{13}400$/m)
    assert.match(status, /^NoNewPrivs:\t1$/m)
    const { uid, mode } = await stat(data)
    assert.deepEqual([uid, mode & 0o777], [65_534, 0o700])
    const socket = connect({ port, host: '127.0.0.1' })
    const [greeting] = (await once(socket, 'data')) as [Buffer]
    assert.match(greeting.toString(), /^\* OK /)
    socket.destroy()
    server.signal('SIGTERM')
    assert.equal(await server.ended(), 0)
  })

  test('a user who does not exist is one sentence', async () => {
    await using place = await folderFor(
      'hostname = "mail.example.org"\ndata = "data"\nuser = "nobody-here"\n[listen]\nimap = ["127.0.0.1:0"]\n',
    )
    const ran = await malle(['serve', '--config', place.file])
    assert.equal(ran.code, 78)
    assert.match(ran.stderr, /There is no user "nobody-here" on this machine\./)
  })
}

test('what is no name of a user is a mistake of the configuration', async () => {
  await using place = await folderFor(
    'hostname = "mail.example.org"\ndata = "data"\nuser = "a b"\n[listen]\nimap = ["127.0.0.1:0"]\n',
  )
  const ran = await malle(['serve', '--config', place.file])
  assert.equal(ran.code, 78)
  assert.match(ran.stderr, /malle\.toml:3: user "a b" is not the name of a user/)
})
