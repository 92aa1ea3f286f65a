/** The server as a process: its ready line, signals, certificates, what stops it from starting; the launcher. @module */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { chmod, cp, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import path from 'node:path'
import { suite, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { selfMadeCertificate } from '#server/self-made-certificate.ts'
import { ImapLines } from '#testing/imap-client.ts'
import { malle, Place, portOf, type Ready, Running } from './cli-process.ts'

/** With ann@example.org and an app password, which costs no hashing. */
async function withAnn(place: Place): Promise<string> {
  await place.ok(['domain', 'add', 'example.org'])
  await place.ok(['account', 'add', 'ann@example.org', '--no-password'])
  const { password } = (await place.ok(['app-password', 'add', 'ann@example.org', 'test', '--json'])) as {
    readonly password: string
  }
  return password
}

async function imap(ready: Ready): Promise<ImapLines> {
  const client = new ImapLines(connect(portOf(ready, 'imap'), '127.0.0.1'))
  await client.line()
  return client
}

async function fingerprint(ready: Ready): Promise<string> {
  const socket = connectTls({ port: portOf(ready, 'imaps'), host: '127.0.0.1', rejectUnauthorized: false })
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve)
    socket.once('error', reject)
  })
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

suite('serve', { concurrency: 2 }, () => {
  test('it prints exactly "ready", and finishes what is in flight at SIGTERM', async () => {
    await using place = await Place.make()
    const password = await withAnn(place)
    const server = await place.serve()
    const client = await imap(server.ready)
    await client.command(`a LOGIN ann@example.org ${password}`)
    const message = `Subject: in flight\r\n\r\n${'x'.repeat(200_000)}\r\n`
    const count = 20
    for (let index = 0; index < count; index += 1)
      client.send(`b${index} APPEND INBOX {${message.length}+}\r\n${message}\r\n`)
    let kept = 0
    let bye = false
    for (let line = await client.line(); line !== undefined; line = await client.line()) {
      if (/^b\d+ OK/.test(line)) {
        kept += 1
        // Twice at once, as a terminal and npm do it: they count as one.
        if (kept === 1) for (let twice = 0; twice < 2; twice += 1) server.signal('SIGTERM')
      }
      if (line.startsWith('* BYE')) bye = true
    }
    assert.ok(bye, 'no BYE was said')
    assert.ok(kept >= 1)
    assert.equal(await server.ended(), 0)
    const { messages } = (await place.ok(['account', 'show', 'ann@example.org', '--json'])) as { messages: number }
    assert.ok(messages >= kept && messages <= count, `${messages} are there, ${kept} were acknowledged`)
    assert.deepEqual(await place.ok(['check', '--json']), [])

    const plain = new Running(['serve', '--config', place.config], { cwd: place.folder })
    assert.equal(await plain.line(), 'ready')
    plain.signal('SIGINT')
    assert.equal(await plain.ended(), 0)
    assert.deepEqual(plain.stdout, ['ready'])
    for (const line of plain.stderr) assert.equal(typeof JSON.parse(line), 'object')
  })

  test('a second server on the same data, and one on a taken port, refuse with a clear sentence', async () => {
    await using place = await Place.make()
    const { ready } = await place.serve()
    assert.deepEqual(Object.keys(ready), ['ready', 'pid', 'endpoints'])
    const second = await place.malle(['serve'])
    assert.equal(second.code, 75)
    assert.match(
      second.stderr,
      /^malle: Another Malle works on .*\. Stop it first, or give this one a data directory of its own\.\n$/,
    )
    const port = portOf(ready, 'imap')
    for (const count of [1, 2]) {
      const text = `hostname = "localhost"\ndata = "other"\n[listen]\nimap = ["127.0.0.1:${port}"]\n[workers]\ncount = ${count}\n`
      const other = await malle(['serve', '--config', await place.file('other.toml', text)])
      assert.equal(other.code, 69)
      assert.equal(other.stdout, '')
      assert.match(
        other.stderr,
        new RegExp(`^malle: Cannot listen on 127\\.0\\.0\\.1:${port}: another program uses that port\\.$`, 'm'),
      )
    }
  })

  test('SIGHUP shows a new certificate to the next client and keeps the old one when the new is wrong', async () => {
    await using place = await Place.make('[tls]\ncert = "cert.pem"\nkey = "key.pem"')
    const pairs = await Promise.all(
      ['one', 'two'].map((name) => selfMadeCertificate(path.join(place.folder, name), ['localhost'])),
    )
    const prints = await Promise.all(
      pairs.map(async ({ cert }) => new X509Certificate(await readFile(cert)).fingerprint256),
    )
    const use = async (index: number) => {
      const pair = pairs[index]
      assert.ok(pair)
      await cp(pair.cert, path.join(place.folder, 'cert.pem'))
      await cp(pair.key, path.join(place.folder, 'key.pem'))
    }
    await use(0)
    const server = await place.serve()
    const kept = await imap(server.ready)
    assert.equal(await fingerprint(server.ready), prints[0])
    await use(1)
    server.signal('SIGHUP')
    await server.logged('certificates read again')
    assert.equal(await fingerprint(server.ready), prints[1])
    await writeFile(path.join(place.folder, 'key.pem'), 'not a key')
    server.signal('SIGHUP')
    await server.logged('the old one stays')
    assert.equal(await fingerprint(server.ready), prints[1])
    assert.match((await kept.command('a NOOP')).at(-1) ?? '', /^a OK/)
    kept.end()
    server.signal('SIGTERM')
    assert.equal(await server.ended(), 0)
  })

  test('what a person can mend at the start is one sentence with its exit code', async () => {
    await using place = await Place.make()
    await place.file('file', '')
    const made = await selfMadeCertificate(path.join(place.folder, 'one'), ['localhost'])
    const other = await selfMadeCertificate(path.join(place.folder, 'two'), ['localhost'])
    const listen = '[listen]\nimap = ["127.0.0.1:0"]\n'
    const tls = (cert: string, key: string) =>
      `${listen}[tls]\ncert = ${JSON.stringify(cert)}\nkey = ${JSON.stringify(key)}\n`
    const cases: readonly (readonly [code: number, says: RegExp, data: string, rest: string])[] = [
      [78, /no listener; write at least one/, 'd0', ''],
      [78, /nope\.pem cannot be read: there is no such file/, 'd1', tls('nope.pem', made.key)],
      [78, /key\.pem holds no certificate/, 'd2', tls(made.key, made.key)],
      [78, /self-made\.key\.pem is not the key of the certificate/, 'd3', tls(made.cert, other.key)],
      [73, /file: there is a file of that name/, 'file', listen],
      [73, /Cannot write to \/proc\/malle: /, '/proc/malle', listen],
      [
        69,
        /Cannot listen on 192\.0\.2\.1:143: this machine has no such address/,
        'd4',
        '[listen]\nimap = ["192.0.2.1:143"]\n',
      ],
    ]
    const runs = cases.map(async ([code, says, data, rest], index) => {
      const file = await place.file(`${index}.toml`, `hostname = "localhost"\ndata = "${data}"\n${rest}`)
      const ran = await malle(['serve', '--config', file])
      assert.match(ran.stderr, says)
      assert.equal(ran.code, code, ran.stderr)
      assert.doesNotMatch(ran.stderr, /^\s+at /m)
      assert.equal(ran.stdout, '')
    })
    await Promise.all(runs)
  })
})

suite('the launcher', () => {
  /** A preload that makes this Node say that it is 20: what the launcher looks at, and nothing else. */
  const OLD = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.19.5' } })\n`

  test('an older Node runs the bundled one, with its exit code and signals', async () => {
    await using place = await Place.make()
    const nodeArguments = ['--require', await place.file('old.cjs', OLD)]
    assert.equal((await place.malle(['acount'], { nodeArguments })).code, 64)
    const server = await place.serve({ nodeArguments })
    assert.notEqual(server.ready.pid, server.child.pid)
    server.signal('SIGTERM')
    assert.equal(await server.ended(), 0)
    assert.ok(server.stderr.some((line) => line.includes('"stopped"')))
  })

  test('a server bounds its allocators, as the same process, and the administrator may choose otherwise', {
    skip: process.platform !== 'linux',
  }, async () => {
    for (const { env, nodeArguments, arenas, semiSpace } of [
      { env: {}, nodeArguments: [], arenas: '2', semiSpace: '--max-semi-space-size=16' },
      { env: { MALLOC_ARENA_MAX: '5' }, nodeArguments: [], arenas: '5', semiSpace: '--max-semi-space-size=16' },
      {
        env: { MALLOC_ARENA_MAX: '5' },
        nodeArguments: ['--max-semi-space-size=64'],
        arenas: '5',
        semiSpace: '--max-semi-space-size=64',
      },
    ]) {
      await using place = await Place.make()
      const server = await place.serve({ env, nodeArguments })
      assert.equal(server.ready.pid, server.child.pid)
      const of = async (file: string): Promise<string[]> =>
        (await readFile(`/proc/${server.ready.pid}/${file}`, 'latin1')).split('\0')
      const found = [...(await of('environ')), ...(await of('cmdline'))]
      assert.deepEqual(
        found.filter((each) => /^MALLOC_ARENA_MAX=|semi-space/.test(each)),
        [`MALLOC_ARENA_MAX=${arenas}`, semiSpace],
      )
      server.signal('SIGTERM')
      assert.equal(await server.ended(), 0)
    }
  })

  test('an older Node without a newer one beside it is refused loudly', async () => {
    await using place = await Place.make()
    const nodeArguments = ['--require', await place.file('old.cjs', OLD)]
    const fake = await place.file('node', '#!/bin/sh\necho v20.19.5\n')
    await chmod(fake, 0o755)
    for (const MALLE_NODE of [fake, path.join(place.folder, 'no-such-node')]) {
      const refused = await place.malle(['status'], { nodeArguments, env: { MALLE_NODE } })
      assert.equal(refused.code, 69)
      assert.match(
        refused.stderr,
        /^malle: .*node is not Node\.js 26\. Malle needs Node\.js 26 or newer, .* set MALLE_NODE /,
      )
      assert.equal(refused.stdout, '')
    }
  })
})
