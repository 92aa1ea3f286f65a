/** `malle undelete` and `malle history` as people need them: after a POP3 client that deletes, after DELETE of folders. @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Command } from 'commander'
import { CliError } from '#cli/cli-error.ts'
import { historyCommand } from '#cli/history.ts'
import { exitCodeOf, sentenceOf } from '#cli/refusals.ts'
import { undeleteCommand } from '#cli/undelete.ts'
import { Pop3Client } from '#client/pop3/client.ts'
import { loadConfig } from '#config/load.ts'
import { openAdministration } from '#server/open-administration.ts'
import { type Administration, VerbRefused } from '#server/verbs.ts'
import { fetched, RawImap, RawLines } from '../crash/connection.ts'
import { Place, portOf, type Ran, type Ready } from './cli-process.ts'

const ANN = 'ann@example.org'
const PASSWORD = 'correct horse battery'
const HOUR_MS = 3_600_000

/** What the command line works with, without a process for each question. */
async function administration(place: Place): Promise<Administration> {
  const config = await loadConfig(place.config)
  assert.ok(config.ok)
  return openAdministration(config.value)
}

async function placeWithAnn(more: (admin: Administration) => Promise<void> = async () => undefined): Promise<Place> {
  const place = await Place.make()
  await using admin = await administration(place)
  await admin.ask('domain.add', { name: 'example.org' })
  await admin.ask('account.add', { address: ANN, password: PASSWORD })
  await more(admin)
  return place
}

const ALL = {
  address: ANN,
  since: null,
  until: null,
  asOf: null,
  mailbox: null,
  message: null,
  into: null,
  copies: false,
  dryRun: false,
} as const

function mail(subject: string): string {
  const from = `From: Bob <bob@example.org>\r\nMessage-ID: <${subject}@example.org>\r\n`
  return `${from}Subject: ${subject}\r\n\r\nText of ${subject}\r\n`
}

async function deliver(ready: Ready, subjects: readonly string[]): Promise<void> {
  const lmtp = await RawLines.connect({ host: '127.0.0.1', port: portOf(ready, 'lmtp') })
  await lmtp.line()
  await lmtp.ask('LHLO here')
  let line = '250-'
  while (line.startsWith('250-')) line = await lmtp.line()
  for (const subject of subjects) {
    assert.match(await lmtp.ask('MAIL FROM:<bob@example.net>'), /^250/)
    assert.match(await lmtp.ask(`RCPT TO:<${ANN}>`), /^250/)
    assert.match(await lmtp.ask('DATA'), /^354/)
    assert.match(await lmtp.ask(`${mail(subject)}.`), /^250/)
  }
  lmtp.close()
}

function imap(ready: Ready): Promise<RawImap> {
  return RawImap.login({ host: '127.0.0.1', port: portOf(ready, 'imap') }, ANN, PASSWORD)
}

/** Subjects with their flags, sorted. */
async function contents(client: RawImap, mailbox: string): Promise<string[]> {
  await client.ok(`SELECT "${mailbox}"`)
  const { untagged } = await client.ok('UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])')
  return fetched(untagged)
    .map(({ flags, body }) => `${/Subject: (\S+)/.exec(String(body))?.[1]} ${flags}`.trim())
    .sort()
}

async function drain(ready: Ready, password: string): Promise<number> {
  const server = { host: '127.0.0.1', port: portOf(ready, 'pop3'), security: 'none', allowPlaintext: true } as const
  await using client = await Pop3Client.connect({ ...server, credentials: { login: ANN, password } })
  const drop = await client.maildrop()
  for (const { message } of drop) {
    const body = await client.retrieve(message)
    for await (const _ of body);
    await client.delete(message)
  }
  await client.quit()
  return drop.length
}

/** The same without colours of the moment: times and sessions. */
function settled({ code, stdout, stderr }: Ran): string {
  assert.equal(code, 0, stderr)
  return stdout
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?/g, 'TIME')
    .replace(/\b(pop3|imap|lmtp) \w+(?:-\d+)?(?:\.\d+)?/g, '$1 SESSION')
}

test('what a POP3 client took away comes back by one command, once, and others see it at once', async () => {
  let password = ''
  await using place = await placeWithAnn(async (admin) => {
    password = (await admin.ask('app-password.add', { address: ANN, name: 'old phone' })).password
  })
  const { ready } = await place.serve()
  await using admin = await administration(place)
  await deliver(ready, ['one', 'two', 'three'])
  const other = await imap(ready)
  await other.ok('SELECT INBOX')
  await other.ok('UID STORE 2 +FLAGS (\\Flagged Work)')
  assert.equal(await drain(ready, password), 3)
  assert.deepEqual((await other.ok('NOOP')).lines.filter((line) => line.includes('EXPUNGE')).length, 3)

  const { list, bytes } = await admin.ask('undelete.list', { ...ALL, since: Date.now() - HOUR_MS })
  assert.deepEqual(
    new Set(list.map(({ uid, subject, how, flags }) => [uid, subject, how, ...flags].join(' '))),
    new Set(['1 one maildrop', '2 two maildrop \\Flagged Work', '3 three maildrop']),
  )
  const ran = await place.malle(['undelete', ANN, '--since', '1h'])
  assert.equal(settled(ran), `INBOX: 3 messages\nBrought back 3 messages (${bytes} B) of 1 mailbox.\n`)
  assert.ok((await other.ok('NOOP')).lines.includes('* 3 EXISTS'))
  assert.deepEqual(await contents(other, 'INBOX'), ['one', 'three', 'two Work \\Flagged'])
  assert.match((await other.ok('UID SEARCH ALL')).lines.join('\n'), /^\* SEARCH 4 5 6$/m)
  assert.equal(settled(await place.malle(['undelete', ANN, '--since', '1h'])), 'There is nothing to bring back.\n')

  const told = settled(await place.malle(['history', ANN, 'two@example.org']))
  const by = 'pop3 SESSION, from 127.0.0.1, app password "old phone"'
  assert.deepEqual(
    told.split('\n').map((line) => line.replace(/  +/g, ' | ')),
    [
      'M2 <two@example.org>',
      'Bob <bob@example.org>: two',
      '',
      'WHEN | WHAT | WHERE | BY',
      'TIME | delivered | INBOX (UID 2) | lmtp SESSION, from 127.0.0.1, sender bob@example.net',
      'TIME | flags +\\Flagged Work | INBOX (UID 2) | imap SESSION, from 127.0.0.1',
      `TIME | downloaded | INBOX (UID 2) | ${by}`,
      `TIME | deleted | INBOX (UID 2) | ${by}`,
      'TIME | restored | INBOX (UID 2) → INBOX (UID 5) | undelete',
      '',
      'It is in INBOX (UID 5).',
      '',
    ],
  )
  const [json] = await admin.ask('history', { address: ANN, message: '5', mailbox: 'inbox' })
  assert.deepEqual(json?.places, [{ mailbox: 'INBOX', uid: 5 }])
  assert.deepEqual(
    json?.events.map(({ kind }) => kind),
    ['delivered', 'flags', 'fetched', 'expunged', 'restored'],
  )
  // It is new to POP3, and goes again.
  assert.equal(await drain(ready, password), 3)
  const back = await admin.ask('undelete', { ...ALL, since: Date.now() - HOUR_MS })
  assert.deepEqual([back.messages, back.bytes], [3, bytes])
  other.close()
})

test('deleted folders come back with their folders, names, flags, keywords and special use, the server stopped', async () => {
  await using place = await placeWithAnn()
  const server = await place.serve()
  const { ready } = server
  const client = await imap(ready)
  for (const name of ['Projects', 'Projects/&AOk-t&AOk-', 'Projects/empty']) await client.ok(`CREATE "${name}"`)
  for (const [mailbox, subject, flags] of [
    ['Projects', 'a', '\\Seen $Label1'],
    ['Projects/&AOk-t&AOk-', 'b', '\\Answered'],
    ['Projects/&AOk-t&AOk-', 'c', ''],
    ['INBOX', 'd', ''],
  ] as const) {
    const message = Buffer.from(mail(subject))
    await client.ok(`APPEND "${mailbox}" (${flags}) {${message.length}+}`, message)
  }
  await client.ok('SELECT INBOX')
  await client.ok('UID COPY 1 Projects')
  const projects = ['a $Label1 \\Seen', 'd']
  const inferior = ['b \\Answered', 'c']
  assert.deepEqual(await contents(client, 'Projects'), projects)
  assert.deepEqual(await contents(client, 'Projects/&AOk-t&AOk-'), inferior)
  await client.ok('SELECT INBOX')
  for (const name of ['Projects/empty', 'Projects/&AOk-t&AOk-', 'Projects', 'Sent']) await client.ok(`DELETE "${name}"`)

  const list = settled(await place.malle(['undelete', ANN, '--since', '2h', '--list']))
  assert.match(list, /TIME +with the mailbox +Projects\/été +Bob <bob@example.org> +b$/m)
  assert.match(list, /^Deleted mailboxes: Projects, Projects\/empty, Projects\/été, Sent\.$/m)
  assert.match(list, /^1 message is still in another mailbox and left there; --all brings copies back, too\.$/m)
  client.close()
  server.signal('SIGTERM')
  await server.ended()
  const ran = settled(await place.malle(['undelete', ANN, '--since', '2h', '--mailbox', 'Projects', '--all']))
  assert.match(
    ran,
    /^Projects: 2 messages, made again\nProjects\/empty: 0 messages, made again\nProjects\/été: 2 messages, made again\nBrought back 4 messages/,
  )
  {
    await using admin = await administration(place)
    const since = Date.now() - 2 * HOUR_MS
    const sent = [{ from: 'Sent', to: 'Sent', messages: 0, made: true }]
    assert.deepEqual((await admin.ask('undelete', { ...ALL, since, dryRun: true })).mailboxes, sent)
    assert.deepEqual((await admin.ask('undelete', { ...ALL, since })).mailboxes, sent)
    assert.deepEqual((await admin.ask('undelete', { ...ALL, since })).mailboxes, [])
    assert.deepEqual(await admin.ask('check', { repair: false, bodies: true }), [])
  }
  const again = await imap((await place.serve()).ready)
  assert.deepEqual(await contents(again, 'Projects'), projects)
  assert.deepEqual(await contents(again, 'Projects/&AOk-t&AOk-'), inferior)
  const { lines } = await again.ok('LIST "" * RETURN (SPECIAL-USE)')
  assert.ok(
    lines.some((line) => /\\Sent.* "?Sent"?$/.test(line)),
    lines.join('\n'),
  )
  assert.ok(
    lines.some((line) => /Projects\/empty"?$/.test(line)),
    lines.join('\n'),
  )
  again.close()
})

/** The command in this process: how it ends when it is refused. */
async function refusal(command: Command, args: readonly string[]): Promise<readonly [code: number, says: string]> {
  try {
    await command.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CliError) return [error.exitCode, error.message]
    if (error instanceof VerbRefused) return [exitCodeOf(error.refusal), sentenceOf(error.refusal)]
    throw error
  }
  return assert.fail(`${args.join(' ')} was not refused`)
}

test('a mailbox comes back as of a time, one message alone, or all into Recovered', async () => {
  await using place = await placeWithAnn()
  const { ready } = await place.serve()
  await using admin = await administration(place)
  await deliver(ready, ['early', 'gone', 'binned', 'filed'])
  const client = await imap(ready)
  await client.ok('SELECT INBOX')
  const asOf = Date.now()
  await deliver(ready, ['late'])
  await client.ok('NOOP')
  await client.ok('UID MOVE 3 Trash')
  await client.ok('UID MOVE 4 Archive')
  await client.ok('UID STORE 1,2,5 +FLAGS.SILENT (\\Deleted)')
  await client.ok('EXPUNGE')
  await client.ok('SELECT Trash')
  await client.ok('UID STORE 1 +FLAGS.SILENT (\\Deleted \\Flagged)')
  await client.ok('CLOSE')

  const one = await admin.ask('undelete', { ...ALL, message: '<gone@example.org>', into: 'Recovered' })
  assert.deepEqual(one.mailboxes, [{ from: 'INBOX', to: 'Recovered', messages: 1, made: true }])
  // What was in the trash then was not; what was in INBOX and went by the trash was; what was filed is not gone.
  assert.equal((await admin.ask('undelete', { ...ALL, asOf, mailbox: 'Trash' })).messages, 0)
  const { messages, kept, mailboxes } = await admin.ask('undelete', { ...ALL, asOf, mailbox: 'inbox' })
  assert.deepEqual([messages, kept], [2, 1])
  assert.deepEqual(mailboxes, [{ from: 'INBOX', to: 'INBOX', messages: 2, made: false }])
  assert.deepEqual(await contents(client, 'INBOX'), ['binned', 'early'])
  assert.deepEqual(await contents(client, 'Recovered'), ['gone'])
  const [history] = await admin.ask('history', { address: ANN, message: 'M3', mailbox: null })
  assert.deepEqual(
    history?.events.map(({ kind, mailbox, uid, to }) =>
      [kind, mailbox, uid, to?.mailbox ?? '', to?.uid ?? 0].join(' '),
    ),
    [
      'delivered INBOX 3  0',
      'moved INBOX 3 Trash 1',
      'flags Trash 1  0',
      'expunged Trash 1  0',
      'restored INBOX 3 INBOX 7',
    ],
  )

  const config = ['--config', place.config]
  for (const [args, code, says] of [
    [[ANN], 64, /^Say what is to come back: --since TIME, --as-of TIME or --message ID\.$/],
    [[ANN, '--since', 'soon'], 64, /"soon" is not a time such as 2h/],
    [[ANN, '--since', '1h', '--as-of', '1h'], 64, /either --since or --as-of/],
    [[ANN, '--since', '1h', '--into', 'x', '--in-place'], 64, /either --into or --in-place/],
    [[ANN, '--since', '1h', '--mailbox', 'Nowhere'], 66, /no mailbox "Nowhere"/],
    [['zoe@example.org', '--since', '1h'], 66, /no account "zoe@example\.org"/],
    [[ANN, '--message', 'none@example.org'], 66, /There is no message "none@example\.org"\.$/],
    [[ANN, '--since', '1h', '--into', 'a//b'], 73, /the name cannot be used\. 0 messages came back before/],
  ] as const) {
    const [ended, said] = await refusal(undeleteCommand(), [...args, ...config])
    assert.match(said, says, args.join(' '))
    assert.equal(ended, code, args.join(' '))
  }
  assert.equal((await refusal(historyCommand(), [ANN, '77', ...config]))[1], 'There is no message "77".')
  assert.equal((await refusal(historyCommand(), [ANN, '1', '--mailbox', 'Nowhere', ...config]))[0], 66)
  await admin.ask('account.set', { address: ANN, limits: { messages: 4 } })
  const [code, said] = await refusal(undeleteCommand(), [ANN, '--since', '1h', ...config])
  assert.equal(code, 73)
  assert.match(said, /the account is over its quota\. 0 messages came back before that\./)
  const french = await place.malle(['undelete', ANN, '--as-of', '2020-01-01'], { env: { LC_ALL: 'fr_FR.UTF-8' } })
  assert.equal(french.stdout, 'Il n’y a rien à restaurer.\n')
  client.close()
})

test('an undelete that a crash cuts in two is finished by asking again, each message exactly once', async () => {
  const count = 1_500
  const mbox = Array.from({ length: count }, (_, n) => `From x Thu Jan  1 00:00:00 2026\n${mail(`n${n}`)}`).join('\n')
  await using place = await placeWithAnn()
  const path = await place.file('all.mbox', mbox)
  {
    await using admin = await administration(place)
    await admin.ask('import', { address: ANN, path, mailbox: 'INBOX', dryRun: false })
  }
  const server = await place.serve()
  const client = await imap(server.ready)
  await client.ok('SELECT INBOX')
  await client.ok('UID STORE 1:* +FLAGS.SILENT (\\Deleted)')
  await client.ok('EXPUNGE')
  const args = { ...ALL, since: Date.now() - HOUR_MS }
  {
    await using admin = await administration(place)
    const cut = admin.ask('undelete', args).catch(() => undefined)
    const exists = /^\* (\d+) EXISTS$/
    while (!(await client.ok('NOOP')).lines.some((line) => exists.test(line)));
    server.signal('SIGKILL')
    await server.ended()
    assert.equal(await cut, undefined, 'it was over before the kill')
  }
  {
    await using admin = await administration(place)
    const half = (await admin.ask('account.show', { address: ANN })).messages
    assert.ok(half > 0 && half < count, `${half} of ${count}`)
    assert.equal((await admin.ask('undelete', args)).messages, count - half)
    assert.deepEqual(await admin.ask('check', { repair: false, bodies: true }), [])
  }
  const again = await imap((await place.serve()).ready)
  const subjects = await contents(again, 'INBOX')
  assert.equal(subjects.length, count)
  assert.equal(new Set(subjects).size, count)
  again.close()
})
