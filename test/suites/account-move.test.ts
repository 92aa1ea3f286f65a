/** An account on its way to another shard, killed at every step: it is whole in one shard, and answers from there. @module */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { loadConfig } from '#config/load.ts'
import type { AccountId } from '#mail/ids.ts'
import { openInstallation } from '#server/installation.ts'
import { createLog } from '#server/log.ts'
import { openAdministration } from '#server/open-administration.ts'
import { messageOf, patternOf } from '#store/kit.contract.ts'
import { Place } from './cli-process.ts'

/** Moves, and dies right after its nth step. */
const CHILD = `
const [configFile, nth, ...urls] = process.argv.slice(2)
const [{ loadConfig }, { openInstallation }, { createLog }, { moveAccount }, { copyAccount }] =
  await Promise.all(urls.map((url) => import(url)))
const config = (await loadConfig(configFile)).value
const parts = await openInstallation(config, createLog('error'))
let steps = 0
const step = async (work) => {
  steps += 1
  const value = await work()
  if (steps === Number(nth)) process.kill(process.pid, 'SIGKILL')
  return value
}
const store = new Proxy(parts.store, { get: (target, name) =>
  name === 'write' ? (kind, request) => step(() => target.write(kind, request))
    : typeof target[name] === 'function' ? target[name].bind(target) : target[name] })
const directory = new Proxy(parts.directory, { get: (target, name) =>
  name === 'changeAccount' ? (...all) => step(() => target.changeAccount(...all))
    : typeof target[name] === 'function' ? target[name].bind(target) : target[name] })
const record = await directory.account('ann@example.org')
await moveAccount({ directory, store, kick: () => {}, copy: (request) => copyAccount(store, request, () => {}) }, record, { shard: 1, leaveUnreadable: false })
await parts[Symbol.asyncDispose]()
process.stdout.write(String(steps))
`

const MODULES = [
  '#config/load.ts',
  '#server/installation.ts',
  '#server/log.ts',
  '#server/moves.ts',
  '#transfer/move.ts',
]

test('a move that is killed at any step leaves the account whole in one shard', async () => {
  await using place = await Place.make('[store]\nshards = 2')
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-move-'))
  const script = path.join(folder, 'move.mjs')
  await writeFile(script, CHILD)
  const loaded = await loadConfig(place.config)
  assert.ok(loaded.ok)
  const config = loaded.value
  {
    await using administration = await openAdministration(config)
    await administration.ask('domain.add', { name: 'example.org' })
    await administration.ask('account.add', { address: 'ann@example.org', password: null })
    await administration.ask('account.add', { address: 'ben@example.org', password: null })
  }
  const id = 1 as AccountId
  const open = () => openInstallation(config, createLog('error'))
  let image: unknown
  {
    await using parts = await open()
    const account = { id, shard: 0 }
    const inbox = (await parts.store.mailboxByName(account, 'INBOX'))?.key ?? assert.fail()
    const asked = { account, by: 'test', mailbox: inbox }
    const messages = Array.from({ length: 150 }, (_, index) => messageOf({ body: patternOf(500 + index, index + 1) }))
    assert.ok((await parts.store.write('append', { ...asked, messages })).ok)
    assert.ok((await parts.store.write('expunge', { ...asked, uids: [[3, 9]] as never, which: 'any' })).ok)
    image = await parts.store.image(account)
  }
  const urls = MODULES.map((name) => import.meta.resolve(name))
  const move = async (nth: number): Promise<{ readonly signal: unknown; readonly out: string }> => {
    const child = spawn(process.execPath, [script, place.config, String(nth), ...urls], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    const [, signal] = (await once(child, 'close')) as [number | null, string | null]
    return { signal, out }
  }
  let moved = false
  // 1 begun, 2 and 3 emails, 4 frozen, 5 to 7 rows, 8 on hold, 9 shown there, 10 the directory, 11 gone here
  const steps = process.env['MALLE_LONG'] === '1' ? [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] : [4, 8, 9, 10]
  for (const nth of steps) {
    const { signal, out } = await move(nth)
    assert.equal(signal, 'SIGKILL', `${nth}: it made ${out} steps`)
    await using parts = await open()
    const record = (await parts.directory.accountById(id)) ?? assert.fail()
    moved = record.ref.shard === 1
    assert.deepEqual(await parts.store.image(record.ref), image, `killed after step ${nth}`)
    assert.equal(await parts.store.state({ id, shard: 1 - record.ref.shard }), undefined)
    for (const shard of [0, 1]) {
      assert.deepEqual(await parts.store.frozenAccounts(shard), [])
      assert.deepEqual(await parts.store.heldRestores(shard), [])
    }
    assert.ok((await parts.store.write('setLimits', { account: record.ref, by: 'x', limits: record.limits })).ok)
    image = await parts.store.image(record.ref)
    assert.deepEqual(await Array.fromAsync(parts.host.check({ bodies: true, repair: false })), [])
    if (moved) break
  }
  assert.ok(moved, 'the last kill was after the change of the directory')

  // And back, through the front door.
  const back = (await place.ok(['account', 'move', 'ann@example.org', '--shard', '0', '--json'])) as {
    messages: number
  }
  assert.equal(back.messages, 143)
  {
    await using parts = await open()
    assert.deepEqual(await parts.store.image({ id, shard: 0 }), image)
    await parts.host.purge()
    assert.deepEqual(await Array.fromAsync(parts.host.check({ bodies: true, repair: false })), [])
  }
  // A bit has flipped: nothing is given up unless asked to.
  const segments = path.join(config.data, 'store', 'shard-00', 'segments')
  const known = Buffer.from(patternOf(649, 150)).subarray(100, 164)
  let flips = 0
  for (const name of await readdir(segments)) {
    const bytes = await readFile(path.join(segments, name))
    for (let at = bytes.indexOf(known); at >= 0; at = bytes.indexOf(known, at)) {
      bytes[at] = (bytes[at] ?? 0) ^ 1
      flips += 1
    }
    await writeFile(path.join(segments, name), bytes)
  }
  assert.ok(flips > 0)
  const refused = await place.malle(['account', 'move', 'ann@example.org', '--shard', '1'])
  assert.equal(refused.code, 73)
  assert.match(refused.stderr, /some of its mail cannot be read/)
  {
    await using parts = await open()
    assert.deepEqual(await parts.store.image({ id, shard: 0 }), image)
  }
  const left = await place.malle(['account', 'move', 'ann@example.org', '--shard', '1', '--leave-unreadable'])
  assert.equal(left.code, 1)
  assert.match(left.stdout, /143 messages/)
  assert.match(left.stderr, /1 of its messages, deleted ones among them, could not be read and are gone/)
  const { code, stderr } = await place.malle(['account', 'move', 'ann@example.org', '--shard', '2'])
  assert.equal(code, 66)
  assert.match(stderr, /There is no shard 2/)
  await rm(folder, { recursive: true })
})
