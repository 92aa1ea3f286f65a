/**
 * The search index of a real server: what clients find is the same while it is made, when the server is killed over it, and
 * afterwards. @module
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { expandSet, RawImap } from '../crash/connection.ts'
import { Installation, type Login, type ServerProcess } from '../crash/server-process.ts'

const MESSAGES = 400

/** Every tenth message has the word. */
function mail(number: number): string {
  const filler = Array.from({ length: 80 }, (_, at) => `w${(number * 31 + at * 7) % 900}x`).join(' ')
  return `Subject: message ${number}\r\n\r\n${filler}\r\nquirky${number % 10 === 0 ? ' snowdrops' : ''} end${number}\r\n`
}

async function append(imap: RawImap, from: number, to: number): Promise<void> {
  const texts = Array.from({ length: to - from + 1 }, (_, at) => mail(from + at))
  await imap.ok(`APPEND INBOX${texts.map((text) => ` {${text.length}+}\r\n${text}`).join('')}`)
}

async function login(server: ServerProcess, { address, password }: Login): Promise<RawImap> {
  const imap = await RawImap.login(server.endpoint('imap'), address, password)
  await imap.ok('SELECT INBOX')
  return imap
}

async function found(imap: RawImap, keys: string): Promise<number[]> {
  const { lines } = await imap.ok(`UID SEARCH RETURN (ALL) ${keys}`)
  const set = / ALL (\S+)/.exec(lines.join('\n'))?.[1]
  return set === undefined ? [] : [...expandSet(set)]
}

const tenths = (last: number): number[] => Array.from({ length: Math.floor(last / 10) }, (_, at) => (at + 1) * 10)

async function settled(server: ServerProcess): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    const [accounts = 0, backlog] = await server.metrics(['malle_search_index_accounts', 'malle_search_index_backlog'])
    if (accounts > 0 && backlog === 0) return
    await pause(50)
  }
  assert.fail(`The index is not up to date: ${server.log.join('\n')}`)
}

test('what is found is the same before, while and after the index is made, also when the server is killed', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-search-'))
  try {
    const installation = await Installation.make(folder, { workers: 2 })
    const [ann] = await installation.addAccounts(['ann'])
    assert.ok(ann)
    const file = path.join(installation.data, 'search', '1.db')
    let server = await installation.serve()
    let imap = await login(server, ann)
    await append(imap, 1, MESSAGES)
    assert.ok(!existsSync(file))
    const all = tenths(MESSAGES)
    assert.deepEqual(await found(imap, 'TEXT SNOWDROP'), all, 'read, which is reason to make an index')
    while (!existsSync(file)) assert.deepEqual(await found(imap, 'BODY "y snowdrops e"'), all)
    await server.kill()

    server = await installation.serve()
    imap = await login(server, ann)
    assert.deepEqual(await found(imap, 'BODY nowdro'), all)
    await settled(server)
    assert.deepEqual(await found(imap, 'BODY nowdro'), all)
    await append(imap, MESSAGES + 1, MESSAGES + 20)
    assert.deepEqual(await found(imap, 'TEXT snowdrops'), tenths(MESSAGES + 20), 'what came in a moment ago')
    await imap.ok('UID STORE 10,30 +FLAGS (\\Deleted)')
    await imap.ok('UID EXPUNGE 10,30')
    const left = tenths(MESSAGES + 20).filter((uid) => uid !== 10 && uid !== 30)
    assert.deepEqual(await found(imap, 'TEXT snowdrops'), left)
    await settled(server)
    assert.deepEqual(
      await found(imap, 'NOT TEXT snowdrops UID 1:40'),
      [...Array(41).keys()].filter((uid) => uid % 10 > 0),
    )
    assert.deepEqual(await found(imap, 'SUBJECT "message 41"'), [
      41,
      ...Array.from({ length: 10 }, (_, at) => 410 + at),
    ])

    for (const suffix of ['', '-wal', '-shm']) await rm(`${file}${suffix}`, { force: true })
    assert.deepEqual(await found(imap, 'TEXT snowdrops'), left)
    await settled(server)
    assert.ok(existsSync(file))
    assert.deepEqual(await found(imap, 'TEXT snowdrops'), left)
    imap.close()
    await server.stop()
    assert.deepEqual(await installation.check(), [])
    await installation.verb('account', 'remove', ann.address, '--yes')
    assert.ok(!existsSync(file), 'it goes with its account, also while the server is stopped')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
