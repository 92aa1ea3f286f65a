/** Backups of a server under load, killed on the way, and brought back on an empty machine: what clients then see. @module */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { verifyBackup } from '#transfer/backup/verify.ts'
import { fetched, Gone, RawImap, RawLines } from '../crash/connection.ts'
import { messageOf } from '../crash/messages.ts'
import { Installation, type Login, type ServerProcess } from '../crash/server-process.ts'

/** Kills of the server in the middle of a backup; `MALLE_LONG=1` for many. */
const KILLS = process.env['MALLE_LONG'] === '1' ? 50 : 2
const MAILBOXES = ['INBOX', 'Kept', 'Work/2026'] as const

interface Report {
  readonly messages: number
  readonly copied: number
  readonly changed: number
  readonly unreadable: readonly string[]
}

/** What the next message and the next change get. */
async function numbers(server: ServerProcess, { address, password }: Login): Promise<readonly number[]> {
  const imap = await RawImap.login(server.endpoint('imap'), address, password)
  const { lines } = await imap.ok('STATUS INBOX (UIDNEXT HIGHESTMODSEQ)')
  await imap.ok('LOGOUT')
  return ['UIDNEXT', 'HIGHESTMODSEQ'].map((name) => Number(new RegExp(`${name} (\\d+)`).exec(lines.join())?.[1]))
}

/** Everything that IMAP and POP3 show of an account, but for {@link numbers}. */
async function seen(server: ServerProcess, { address, password }: Login): Promise<unknown> {
  const imap = await RawImap.login(server.endpoint('imap'), address, password)
  const boxes: unknown[] = [(await imap.ok('LIST "" *')).lines, (await imap.ok('LSUB "" *')).lines]
  for (const box of MAILBOXES) {
    const status = 'MESSAGES UNSEEN UIDVALIDITY SIZE DELETED MAILBOXID'
    boxes.push((await imap.ok(`STATUS ${box} (${status})`)).lines)
    await imap.ok(`EXAMINE ${box}`)
    const rows = await imap.ok('UID FETCH 1:* (UID FLAGS INTERNALDATE EMAILID THREADID BODY.PEEK[])')
    boxes.push(rows.untagged.map((frame) => JSON.stringify(frame)))
    boxes.push(fetched(rows.untagged).length)
  }
  boxes.push((await imap.ok('GETACL Kept')).lines, (await imap.ok('GETMETADATA Kept (/shared/comment)')).lines)
  await imap.ok('LOGOUT')
  const pop = await RawLines.connect(server.endpoint('pop3'))
  await pop.ok(`USER ${address}`)
  await pop.ok(`PASS ${password}`)
  await pop.ok('UIDL')
  boxes.push((await pop.multiline()).toString('latin1'))
  await pop.ok('QUIT')
  return boxes
}

/** Delivers, flags, moves and expunges until told to stop. */
async function load(server: ServerProcess, { address, password }: Login, stop: { now: boolean }): Promise<number> {
  let token = randomInt(1_000_000)
  let done = 0
  try {
    const imap = await RawImap.login(server.endpoint('imap'), address, password)
    await imap.ok('SELECT INBOX')
    while (!stop.now) {
      token += 1
      const message = messageOf(token)
      await imap.ok(`APPEND INBOX (\\Flagged k${token % 5}) {${message.length}+}`, message)
      if (token % 3 === 0) await imap.ok('UID STORE * +FLAGS (\\Seen)')
      if (token % 5 === 0) await imap.ok('UID MOVE * Kept')
      if (token % 7 === 0) await imap.ok('UID STORE * +FLAGS (\\Deleted)')
      if (token % 14 === 0) await imap.ok('EXPUNGE')
      done += 1
    }
    await imap.ok('LOGOUT')
  } catch (error) {
    // The server was killed under it.
    if (!(error instanceof Gone)) throw error
  }
  return done
}

async function prepare(server: ServerProcess, logins: readonly Login[]): Promise<void> {
  for (const { address, password } of logins) {
    const imap = await RawImap.login(server.endpoint('imap'), address, password)
    await imap.ok('CREATE Kept')
    await imap.ok('CREATE Work/2026')
    await imap.ok('SUBSCRIBE Elsewhere')
    await imap.ok('SETACL Kept anyone lr')
    await imap.ok('SETMETADATA Kept (/shared/comment "ours")')
    await imap.ok('LOGOUT')
  }
}

test('a backup under load, killed again and again, comes back whole on an empty machine', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-backup-suite-'))
  try {
    const target = path.join(folder, 'backup')
    const first = await Installation.make(path.join(folder, 'first'), { shards: 2 })
    const logins = await first.addAccounts(['ann', 'ben'])
    await first.verb('domain', 'dkim', 'add', 'example.org', '--selector', 'mail')
    let server = await first.serve()
    await prepare(server, logins)
    const backup = async (): Promise<Report> => JSON.parse(await first.verb('backup', target, '--json')) as Report
    const under = async (work: () => Promise<unknown>): Promise<number> => {
      const stop = { now: false }
      const loads = logins.map((login) => load(server, login, stop))
      await work()
      stop.now = true
      return (await Promise.all(loads)).reduce((sum, done) => sum + done, 0)
    }
    const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
    await under(() => pause(200))
    for (let round = 0; round < KILLS; round += 1) {
      await under(async () => {
        const run = backup().catch(() => undefined)
        await pause(randomInt(250))
        await server.kill()
        await run
      })
      server = await first.serve()
      if (round > 0) assert.deepEqual((await verifyBackup(target, () => {})).damaged, [])
      const done = await backup()
      assert.deepEqual(done.unreadable, [])
    }
    // Whole while it goes on: each account is as it was at one moment.
    const loaded = await under(backup)
    assert.ok(loaded > 0)
    assert.deepEqual((await verifyBackup(target, () => {})).damaged, [])
    const last = await backup()
    const again = await backup()
    assert.deepEqual([again.changed, again.copied, again.messages], [0, 0, last.messages])
    const before = []
    for (const login of logins) before.push(await seen(server, login))
    const [ann, ben] = logins
    assert.ok(ann && ben)
    const [uidNext = 0, modseq = 0] = await numbers(server, ann)
    await server.stop()

    const second = await Installation.make(path.join(folder, 'second'), { shards: 2 })
    const dry = JSON.parse(await second.verb('restore', target, '--dry-run', '--json')) as { done: boolean }
    assert.equal(dry.done, false)
    await second.verb('restore', target)
    assert.deepEqual(await second.check(), [])
    const keys = ({ data }: Installation) => readFile(path.join(data, 'dkim/example.org/mail-rsa.pem'), 'utf8')
    assert.equal(await keys(second), await keys(first))
    server = await second.serve()
    for (const [index, login] of logins.entries()) assert.deepEqual(await seen(server, login), before[index])
    const [newUidNext = 0, newModseq = 0] = await numbers(server, ann)
    assert.ok(newUidNext > uidNext && newModseq > modseq)
    await assert.rejects(second.verb('restore', target), /domains and accounts already/)

    // One account goes back while the server runs; the others do not notice.
    const imap = await RawImap.login(server.endpoint('imap'), ann.address, ann.password)
    await imap.ok('SELECT INBOX')
    await imap.ok('UID STORE 1:* +FLAGS (\\Deleted)')
    await imap.ok('EXPUNGE')
    await imap.ok(`APPEND INBOX {${messageOf(5).length}+}`, messageOf(5))
    await assert.rejects(second.verb('restore', target, '--account', ann.address), /--yes/)
    await second.verb('restore', target, '--account', ann.address, '--into', ben.address, '--mailbox', 'From Ann')
    await second.verb('restore', target, '--account', ann.address, '--yes')
    const back = (await seen(server, ann)) as unknown[][]
    assert.equal(back[4], (before[0] as unknown[])[4])
    const guest = await RawImap.login(server.endpoint('imap'), ben.address, ben.password)
    assert.match(
      (await guest.ok('STATUS "From Ann/INBOX" (MESSAGES)')).lines.join(),
      new RegExp(`MESSAGES ${String(back[4])}\\b`),
    )
    await server.stop()
    assert.deepEqual(await second.check(), [])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
