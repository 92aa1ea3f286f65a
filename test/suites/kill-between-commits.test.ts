import assert from 'node:assert/strict'
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { loadConfig } from '#config/load.ts'
import { askControl } from '#server/control.ts'
import { openAdministration } from '#server/open-administration.ts'
import { SmtpClient } from '#testing/smtp-server.ts'
import { RawImap } from '../crash/connection.ts'
import { Installation, type ServerProcess } from '../crash/server-process.ts'

const TEXT = 'From: eve@else.example\r\nMessage-ID: <between@else.example>\r\n\r\ntext'
const ALL = { ids: null, account: null, domain: null, held: null, limit: 10 }

/** @returns the last reply; `<closed>` where the server died. */
async function send(server: ServerProcess): Promise<string> {
  const client = await SmtpClient.connect(server.endpoint('smtp').port)
  try {
    await client.reply()
    for (const line of ['EHLO else.example', 'MAIL FROM:<eve@else.example>', 'RCPT TO:<list@example.org>', 'DATA'])
      assert.match(await client.say(line), /^[23]/)
    client.send(`${TEXT}\r\n.\r\n`)
    return await client.reply()
  } finally {
    client.close()
  }
}

test('killed between the mailboxes and the queue, a message that comes again is once here and once in the queue', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-kill-between-'))
  const servers: ServerProcess[] = []
  try {
    const installation = await Installation.make(folder)
    // nobody answers there: what is in the queue stays
    await appendFile(installation.config, '[smtp]\nchecks = false\n[dns]\nservers = ["127.0.0.1:9"]\n')
    const [ann] = await installation.addAccounts(['ann'])
    assert.ok(ann)
    const config = await loadConfig(installation.config)
    assert.ok(config.ok)
    {
      await using administration = await openAdministration(config.value)
      const targets = [ann.address, 'ben@home.example']
      await administration.ask('alias.set', { address: 'list@example.org', targets, create: true })
    }
    const dying = await installation.serve({ tuning: { probe: { die: { at: 'committed', kind: 'deliver', nth: 1 } } } })
    servers.push(dying)
    dying.arm()
    assert.equal(await send(dying), '<closed>')
    await dying.ended
    assert.equal(dying.diedAsOrdered, true)
    const server = await installation.serve()
    servers.push(server)
    const before = await askControl(installation.data, 'queue.list', ALL)
    assert.deepEqual(before?.value, [])
    const imap = await RawImap.login(server.endpoint('imap'), ann.address, ann.password)
    const inbox = async (): Promise<string> => (await imap.ok('STATUS INBOX (MESSAGES UIDNEXT)')).lines.join('\n')
    assert.match(await inbox(), /MESSAGES 1 UIDNEXT 2/)
    assert.match(await send(server), /^250 /)
    assert.match(await inbox(), /MESSAGES 1 UIDNEXT 2/)
    imap.close()
    const after = await askControl(installation.data, 'queue.list', ALL)
    assert.equal(Array.isArray(after?.value) && after.value.length, 1)
    await server.stop()
  } finally {
    for (const server of servers) await server.kill()
    await rm(folder, { recursive: true })
  }
})
