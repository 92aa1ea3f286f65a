/** `malle dns` as people run it, against a server of zones. @module */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { startZoneServer, type ZoneServer } from '#testing/zone-server.ts'
import { malle, type Ran } from './cli-process.ts'

suite('malle dns', () => {
  let folder: string
  let zone: ZoneServer
  let records: string
  const run = (args: readonly string[], language = 'C'): Promise<Ran> =>
    malle([...args, '--config', path.join(folder, 'malle.toml')], { env: { LC_ALL: language } })
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'malle-dns-'))
    zone = await startZoneServer()
    await writeFile(
      path.join(folder, 'malle.toml'),
      `hostname = "mail.example.org"
data = "data"
[listen]
imaps = ["127.0.0.1:993"]
[dns]
servers = ["127.0.0.1:${zone.server.port}"]
timeout = 1
[public]
addresses = ["192.0.2.1"]
mta_sts = "off"
caa = ["letsencrypt.org"]
`,
    )
    assert.equal((await run(['domain', 'add', 'example.org'])).code, 0)
    records = (await run(['dns', 'records', 'example.org'])).stdout
  })
  after(async () => {
    await zone[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })
  const load = (change: (lines: string) => string = (lines) => lines): void =>
    zone.load(`${change(records)}\n1.2.0.192.in-addr.arpa. PTR mail.example.org.\n`)

  test('check is content with a zone of what records prints', async () => {
    load()
    const { code, stdout } = await run(['dns', 'check', 'example.org'])
    assert.equal(code, 0, stdout)
    assert.match(stdout, /^✓ MX, example\.org: as it should be\.$/m)
    assert.match(stdout, /^The DNS of example\.org is as it should be\.$/m)
  })

  test('check names each fault with expected and found, in English and French', async () => {
    load((lines) =>
      lines
        .replace(/MX 10 mail\.example\.org\./, 'MX 10 mx.example.net.')
        .replace(/"v=spf1 mx -all"/, '"v=spf1 a:mail.example.org +all"'),
    )
    const english = await run(['dns', 'check', 'example.org'])
    assert.equal(english.code, 1)
    assert.match(
      english.stdout,
      /^✗ MX, example\.org: mail goes to other servers\.\n {4}expected: 10 mail\.example\.org\.\n {4}found: {4}10 mx\.example\.net\.$/m,
    )
    assert.match(english.stdout, /^✗ SPF, example\.org: it lets everybody send mail of the domain\.$/m)
    assert.match(english.stdout, /^example\.org: 2 wrong, 0 could be better, 0 without an answer\.$/m)
    const french = await run(['dns', 'check', 'example.org'], 'fr_FR.UTF-8')
    assert.match(
      french.stdout,
      /^✗ MX, example\.org : le courrier va à d’autres serveurs\.\n {4}attendu : 10 mail\.example\.org\.\n {4}trouvé : {2}10 mx\.example\.net\.$/m,
    )
    assert.match(french.stdout, /^✗ SPF, example\.org : il laisse tout le monde envoyer du courrier du domaine\.$/m)
  })

  test('check of a DNS that is silent says so, and asks another server where it is told to', async () => {
    load()
    const silent = await run(['dns', 'check', 'example.org', '--server', '127.0.0.1:9', '--json'])
    assert.equal(silent.code, 75, silent.stderr)
    const states = (JSON.parse(silent.stdout) as { state: string }[]).map(({ state }) => state)
    assert.deepEqual([...new Set(states)], ['unanswered'])
    assert.equal((await run(['dns', 'check', 'example.org', '--server', 'nonsense'])).code, 64)
    assert.equal((await run(['dns', 'check', 'example.net'])).code, 66)
  })
})
