/** `malle mail` on Dovecot and Cyrus, on the latter also with names such as `INBOX.Lists.ietf`. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { suite, test } from 'node:test'
import { ImapClient } from '#client/index.ts'
import { malle, Place, Running } from '../suites/cli-process.ts'
import { cyrusLacking, startCyrus } from './foreign/cyrus.ts'
import { dovecotLacking, startDovecot } from './foreign/dovecot.ts'

const LOGIN = 'ann@example.org'
const MESSAGES = [
  'From: =?utf-8?q?Zo=C3=A9?= <zoe@example.net>\r\nSubject: =?utf-8?q?Re=C3=A7us?=\r\n\r\nNeuf euros.\r\n',
  `From: Bob <bob@example.net>\r\nSubject: papers\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee there\r\n--b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename="a.csv"\r\n\r\n1;2\r\n--b--\r\n`,
]

for (const { name, lacking, start, dots } of [
  { name: 'Dovecot', lacking: dovecotLacking, start: startDovecot, dots: false },
  { name: 'Cyrus', lacking: cyrusLacking, start: startCyrus, dots: false },
  { name: 'Cyrus with dots', lacking: cyrusLacking, start: startCyrus, dots: true },
])
  suite(`malle mail and ${name}`, { skip: lacking() }, () => {
    test('lists, reads, finds, marks, saves and moves', async () => {
      await using server = await start({ accounts: [{ address: LOGIN, password: 'secret' }], dots })
      await using place = await Place.make()
      const [ca, port] = [await readFile(server.ca, 'utf8'), server.port('imaps')]
      await using client = await ImapClient.connect({
        host: 'localhost',
        port,
        tls: { ca },
        credentials: { login: LOGIN, password: 'secret' },
      })
      const accents = dots ? 'INBOX.Été.Reçus' : 'Été/Reçus'
      if (dots) await client.create('INBOX.Été')
      await client.create(accents)
      for (const text of MESSAGES) await client.append('INBOX', { body: Buffer.from(text) })
      const password = path.join(place.folder, 'password')
      await writeFile(password, 'secret\n')
      const run = async (verb: string, ...args: string[]): Promise<string> => {
        const account = [`imaps://${LOGIN}@localhost:${port}`, '--ca', server.ca, '--password-file', password]
        const { code, stdout, stderr } = await malle(['mail', verb, ...account, ...args], { cwd: place.folder })
        assert.deepEqual([code, stderr], [0, ''], `malle mail ${verb} ${args.join(' ')}`)
        return stdout
      }
      assert.match(await run('list'), /^2 {2}\* {2}@ .* Bob .* papers\n1 {2}\* .* Zoé .* Reçus\n$/)
      assert.ok((await run('list', '--mailboxes')).includes(accents))
      assert.match(await run('read', '1'), /^From: Zoé <zoe@example\.net>\n[^]*Subject: Reçus\n\nNeuf euros\.\n$/)
      assert.match(await run('search', 'EUROS', 'from:zoé'), /^1 .* Reçus\n$/)
      assert.match(await run('search', 'has:attachment'), /^2 .* papers\n$/)
      assert.match(await run('attachments', '2', '--to', 'saved'), /a\.csv {2}\d B\n$/)
      assert.equal(await readFile(path.join(place.folder, 'saved', 'a.csv'), 'utf8'), '1;2')
      assert.equal(await run('flag', '1', '--add', 'flagged', 'Work'), 'Changed 1 message.\n')
      // the same name however the server writes it
      assert.equal(await run('move', '1', '--to', 'Été/Reçus'), `Moved 1 message to ${accents}.\n`)
      const [moved] = JSON.parse(await run('list', '--mailbox', 'Été/Reçus', '--json'))
      assert.deepEqual(
        [moved.subject, moved.flags.filter((flag: string) => flag !== '\\Recent').sort()],
        ['Reçus', ['Work', '\\Flagged']],
      )
    })
  })

/** What Dovecot announces, without NOTIFY. */
const WITHOUT_NOTIFY =
  'IMAP4rev1 SASL-IR ENABLE IDLE LITERAL+ UIDPLUS UNSELECT MOVE NAMESPACE LIST-EXTENDED LIST-STATUS'

for (const [how, more] of [
  ['NOTIFY', ''],
  ['a connection that idles for each', `imap_capability = ${WITHOUT_NOTIFY}`],
] as const)
  test(`malle mail watch hears of several mailboxes of Dovecot, by ${how}`, { skip: dovecotLacking() }, async () => {
    await using server = await startDovecot({ accounts: [{ address: LOGIN, password: 'secret' }], more })
    await using place = await Place.make()
    await using client = await ImapClient.connect({
      host: 'localhost',
      port: server.port('imaps'),
      tls: { ca: await readFile(server.ca, 'utf8') },
      credentials: { login: LOGIN, password: 'secret' },
    })
    assert.equal(client.capabilities.has('NOTIFY'), more === '')
    const names = ['INBOX', 'Été', 'Lists/ietf']
    for (const name of names.slice(1)) await client.create(name)
    const account = [`imaps://${LOGIN}@localhost:${server.port('imaps')}`, '--ca', server.ca]
    const password = ['--password-file', await place.file('password', 'secret\n')]
    const watching = new Running(['mail', 'watch', ...account, ...password, '--mailbox', ...names, '--json'])
    await watching.logged('Watching 3 mailboxes')
    for (const name of names) {
      await client.append(name, { body: Buffer.from(`From: b@example.net\r\nSubject: to ${name}\r\n\r\nx\r\n`) })
      const line = await watching.line((text) => text.includes(`"to ${name}"`))
      assert.equal(JSON.parse(line).mailbox, name)
    }
    watching.signal('SIGINT')
    assert.equal(await watching.ended(), 0)
    assert.equal(watching.stdout.length, 3)
  })
