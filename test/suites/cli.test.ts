/** Administrative commands, while the server is stopped and while it runs; what they refuse, and how. @module */
import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { suite, test } from 'node:test'
import { fixtureMessages } from '#testing/corpus.ts'
import { malle, Place, type Ran } from './cli-process.ts'

const SECRETS = ['correct horse battery', 'a second secret', 'hashed-secret', 'third secret'] as const

/** Each verb once, in an order that makes sense; the same while the server runs or not. */
async function everyVerb(place: Place): Promise<Ran[]> {
  const seen: Ran[] = []
  const run = async (args: readonly string[], expected = 0, input = ''): Promise<string> => {
    const ran = await place.malle(args, { input })
    seen.push(ran)
    assert.equal(ran.code, expected, `malle ${args.join(' ')}: ${ran.stdout}${ran.stderr}`)
    return ran.stdout
  }
  const json = async (args: readonly string[]): Promise<unknown> => JSON.parse(await run([...args, '--json']))
  const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

  await run(['domain', 'add', 'Example.ORG'])
  const domain = { name: 'example.org', catchAll: null, accounts: 0, aliases: 0 }
  assert.deepEqual(await json(['domain', 'list']), [domain])
  assert.deepEqual(await json(['domain', 'show', 'example.org']), domain)
  const zone = await run(['domain', 'dkim', 'show', 'example.org'])
  assert.match(zone, /^m\d{6}e\._domainkey\.example\.org\. IN TXT "v=DKIM1; k=ed25519; p=[\w+/]{43}="\nm\d{6}r\._/)
  const [next] = (await json(['domain', 'dkim', 'rotate', 'example.org', '--algorithm', 'ed25519'])) as Key[]
  assert.deepEqual([next?.state, next?.value.slice(0, 22)], ['next', 'v=DKIM1; k=ed25519; p='])
  await run(['domain', 'dkim', 'rotate', 'example.org'], 65)
  await run(['domain', 'dkim', 'remove', 'example.org', '--selector', next?.selector ?? '', '--yes'])
  const keys = (await json(['domain', 'dkim', 'list'])) as Key[]
  assert.deepEqual(
    keys.map(({ algorithm, state, retiredFrom }) => [algorithm, state, retiredFrom]),
    [
      ['ed25519', 'active', null],
      ['rsa', 'active', null],
    ],
  )

  await run(['account', 'add', 'ann@example.org', '--password-stdin', '--quota', '1GB'], 0, `${SECRETS[0]}\n`)
  const passwordFile = await place.file('password', `${SECRETS[1]}\n`)
  await run(['account', 'set', 'ann@example.org', '--password-file', passwordFile, '--name', 'Ann É'])
  await run(['account', 'set', 'ann@example.org', '--pop3-policy', 'keep=30', '--pop3-login-delay', '60'])
  await run(['account', 'set', 'ann@example.org', '--pop3-login-delay', 'default'])
  await run([
    'account',
    'set',
    'ann@example.org',
    '--sent-copy',
    'on',
    '--recipients-per-day',
    '50',
    '--language',
    'fr',
  ])
  const people = `address,hash,name,protocols\r\nbob@example.org,{PLAIN}${SECRETS[2]},"Bob, B","imap,pop3"\r\n`
  const csv = await place.file('people.csv', `${people}cat@example.org,{PLAIN}${SECRETS[3]},,\r\n`)
  await run(['account', 'add', '--from', csv, '--dry-run'])
  assert.equal(((await json(['account', 'list'])) as unknown[]).length, 1)
  await run(['account', 'add', '--from', csv])
  const accounts = (await json(['account', 'list', '--domain', 'example.org'])) as { address: string }[]
  assert.deepEqual(
    accounts.map(({ address }) => address),
    ['ann@example.org', 'bob@example.org', 'cat@example.org'],
  )
  const { created, ...shown } = (await json(['account', 'show', 'ann@example.org'])) as { created: string }
  assert.match(created, iso)
  assert.deepEqual(shown, {
    address: 'ann@example.org',
    name: 'Ann É',
    enabled: true,
    administrator: false,
    protocols: ['imap', 'pop3', 'smtp'],
    shard: 0,
    quotaBytes: 1024 ** 3,
    quotaMessages: null,
    usedBytes: 0,
    messages: 0,
    mailboxes: 6,
    password: true,
    appPasswords: 0,
    pop3Policy: 'keep=30',
    pop3LoginDelay: null,
    sentCopy: true,
    messagesPerDay: null,
    recipientsPerDay: 50,
    language: 'fr',
  })

  await run(['alias', 'add', 'info@example.org', 'ann@example.org', 'bob@example.org'])
  await run(['alias', 'set', 'info@example.org', 'bob@example.org'])
  const alias = { address: 'info@example.org', targets: ['bob@example.org'], outside: [] }
  assert.deepEqual(await json(['alias', 'list']), [alias])
  assert.deepEqual(await json(['alias', 'show', 'info@example.org']), alias)
  await run(['domain', 'set', 'example.org', '--catch-all', 'info@example.org'])

  const made = (await json(['app-password', 'add', 'ann@example.org', 'phone', '--protocols', 'imap'])) as Secret
  assert.match(made.password, /^[a-z2-9]{5}(?:-[a-z2-9]{5}){4}$/)
  const { password: _, ...listed } = made
  assert.deepEqual(await json(['app-password', 'list', 'ann@example.org']), [listed])
  await run(['app-password', 'remove', 'ann@example.org', 'phone', '--yes'])

  const source = await place.file('one.eml', 'Subject: one\n\nText\n')
  const imported = { messages: 1, bytes: 22, mailboxes: { Kept: 1 }, problems: [], skipped: 0 }
  assert.deepEqual(await json(['import', 'ann@example.org', source, '--mailbox', 'Kept']), {
    format: 'eml',
    ...imported,
  })
  const out = path.join(place.folder, 'out')
  const exported = (await json(['export', 'ann@example.org', out, '--format', 'mbox', '--mailbox', 'Kept'])) as object
  assert.deepEqual(exported, { messages: 1, bytes: 22, mailboxes: { Kept: 1 }, keywordsLost: 0 })
  assert.deepEqual(await readdir(out), ['Kept.mbox'])

  assert.deepEqual(await json(['session', 'list']), [])
  await run(['session', 'kick', 'ann@example.org'])
  assert.deepEqual(await json(['check']), [])
  assert.deepEqual(await json(['check', '--repair', '--no-bodies']), [])
  assert.deepEqual(await json(['compact']), { messages: 0, bytes: 0, inSeconds: 0 })
  await run(['domain', 'remove', 'example.org', '--yes'], 65)
  await run(['account', 'remove', 'cat@example.org', '--yes'])
  await run(['account', 'show', 'cat@example.org'], 66)
  await run(['domain', 'set', 'example.org', '--catch-all', 'none'])
  await run(['alias', 'remove', 'info@example.org', '--yes'])
  return seen
}

interface Key {
  readonly selector: string
  readonly algorithm: string
  readonly state: string
  readonly value: string
  readonly retiredFrom: string | null
}

interface Secret {
  readonly password: string
}

function withoutSecrets(texts: readonly string[]): void {
  for (const secret of SECRETS)
    assert.ok(!texts.some((text) => text.includes(secret)), `"${secret}" was printed or logged`)
}

interface Refusal {
  readonly args: readonly string[]
  readonly code: number
  readonly says: RegExp
  readonly input?: string
  /** Without a configuration. */
  readonly bare?: true
}

const REFUSALS: readonly Refusal[] = [
  {
    args: ['acount'],
    code: 64,
    says: /^malle: There is no command "acount"\. Perhaps you mean account\. See: /,
    bare: true,
  },
  { args: ['account', 'shwo', 'x'], code: 64, says: /no command "shwo".*See: .* account --help$/, bare: true },
  { args: ['account', 'show'], code: 64, says: /^malle: <address> is missing\./, bare: true },
  { args: ['export', 'a@b', 'c'], code: 64, says: /^malle: The option --format <format> is needed\./, bare: true },
  { args: ['demo', '--data'], code: 64, says: /^malle: The option --data <dir> needs its value\./, bare: true },
  { args: ['serve', 'x', 'y'], code: 64, says: /^malle: Too many arguments: x, y\./, bare: true },
  {
    args: ['account', 'add', 'zoe@example.org', '--password=tell-no-one'],
    code: 64,
    says: /^malle: Passwords are not given as arguments, [^=]*$/,
  },
  { args: ['account', 'add', 'zoe@example.org'], code: 64, says: /--password-stdin or --password-file/ },
  { args: ['account', 'set', 'ann@example.org'], code: 64, says: /nothing to change/ },
  { args: ['account', 'set', 'ann@example.org', '--pop3-policy', 'keep'], code: 64, says: /"keep" is not client/ },
  {
    args: ['account', 'set', 'ann@example.org', '--pop3-login-delay', '86401'],
    code: 64,
    says: /"86401" is not a number of seconds/,
  },
  { args: ['account', 'set', 'ann@example.org', '--quota', '10XB'], code: 64, says: /"10XB" is not a size/ },
  { args: ['account', 'remove', 'ann@example.org'], code: 64, says: /Confirm with --yes/ },
  { args: ['account', 'add', 'ann@example.org', '--no-password'], code: 65, says: /already an account "ann@/ },
  { args: ['account', 'add', 'zoe@example.org', '--password-stdin'], code: 65, says: /password is empty/, input: '\n' },
  {
    args: ['account', 'add', '--from', 'wrong.csv'],
    code: 65,
    says: /^malle: Line 2: 1 field where the heading has 2\.$/,
  },
  { args: ['import', 'ann@example.org', 'wrong.csv'], code: 65, says: /wrong\.csv holds no mail/ },
  { args: ['alias', 'add', 'x@example.org', 'far@example.org'], code: 65, says: /there is no such account or alias/ },
  {
    args: ['account', 'show', 'nobody@example.org'],
    code: 66,
    says: /^malle: There is no account "nobody@example.org"\.$/,
  },
  {
    args: ['account', 'add', '--from', 'nope.csv'],
    code: 66,
    says: /^malle: Cannot read nope\.csv: there is no such file/,
  },
  { args: ['import', 'ann@example.org', '/nowhere/at/all'], code: 66, says: /There is nothing at \/nowhere/ },
  { args: ['session', 'kick', 'no-such-id'], code: 66, says: /There is no connection no-such-id\.$/ },
  { args: ['export', 'ann@example.org', 'full', '--format', 'maildir'], code: 73, says: /full is not empty\.$/ },
  { args: ['setup', 'ann@example.org'], code: 73, says: /malle\.toml exists already/ },
  {
    args: ['domain', 'list', '--config', 'none.toml'],
    code: 78,
    says: /none\.toml: There is no such file/,
    bare: true,
  },
  {
    args: ['serve', '--config', 'wrong.toml'],
    code: 78,
    says: /^malle: wrong\.toml:4: limits\.line "12" is not a size\. Write .*\nmalle: wrong\.toml:5: limits\.idel_minutes is not known\. Perhaps you mean idle_minutes\.$/,
    bare: true,
  },
]

function judge({ code, stdout, stderr }: Ran, args: readonly string[], expected: number, says: RegExp): void {
  assert.match(stderr.trimEnd(), says, `malle ${args.join(' ')}`)
  assert.equal(code, expected, `malle ${args.join(' ')}: ${stderr}`)
  assert.equal(stdout, '', `malle ${args.join(' ')}`)
  assert.doesNotMatch(stderr, /^\s+at /m)
}

/** Folder, flags and bytes of every message of a Maildir; names are the program's own business. */
async function maildirPicture(folder: string): Promise<string[]> {
  const picture: string[] = []
  for (const name of await readdir(folder, { recursive: true })) {
    const [, box, file] = /^(?:(.*)\/)?(?:cur|new)\/(.*)$/.exec(name) ?? []
    if (file === undefined) continue
    const bytes = await readFile(path.join(folder, name), 'latin1')
    const { mtimeMs } = await stat(path.join(folder, name))
    picture.push(JSON.stringify([box ?? '', /:2,(.*)$/.exec(file)?.[1] ?? '', Math.floor(mtimeMs / 1000), bytes]))
  }
  return picture.sort()
}

/** The same but for CRLF against LF throughout, which a Maildir has. */
function sameMail(one: string, other: string): boolean {
  return one === other || one === other.replaceAll('\r\n', '\n')
}

suite('the command line', { concurrency: 2 }, () => {
  test('every verb works while the server is stopped', async () => {
    await using place = await Place.make()
    withoutSecrets((await everyVerb(place)).flatMap(({ stdout, stderr }) => [stdout, stderr]))
    const status = (await place.ok(['status', '--json'])) as Record<string, unknown>
    assert.equal(status.running, false)
    assert.equal(status.endpoints, null)
    assert.equal((await stat(place.data)).mode & 0o777, 0o700)
  })

  test('every verb works while the server runs, and no secret gets into its log', async () => {
    await using place = await Place.make('[log]\nlevel = "debug"')
    const server = await place.serve()
    withoutSecrets((await everyVerb(place)).flatMap(({ stdout, stderr }) => [stdout, stderr]))
    const status = (await place.ok(['status', '--json'])) as Record<string, unknown>
    assert.equal(status.running, true)
    assert.equal(status.pid, server.ready.pid)
    assert.deepEqual(status.endpoints, server.ready.endpoints)
    const always = 'running version node pid since endpoints threads threadRestarts connections accounts domains shards'
    assert.deepEqual(Object.keys(status), [
      ...always.split(' '),
      'search',
      'queue',
      'silentLists',
      'problems',
      'certificates',
    ])
    assert.equal((await stat(path.join(place.data, 'run', 'control.sock'))).mode & 0o777, 0o600)
    server.signal('SIGTERM')
    assert.equal(await server.ended(), 0)
    withoutSecrets(server.stderr)
  })

  test('what is refused is one clear sentence with its exit code, never a stack', async () => {
    await using place = await Place.make()
    await place.ok(['domain', 'add', 'example.org'])
    await place.ok(['account', 'add', 'ann@example.org', '--no-password'])
    await place.file('wrong.csv', 'address,password\nq@example.org\n')
    await place.file('full/file', '')
    await place.file('wrong.toml', 'hostname = "localhost"\ndata = "d"\n[limits]\nline = "12"\nidel_minutes = 3\n')
    // One after the other on the data, which is one process's at a time; those that never open it side by side.
    const bare = REFUSALS.filter((one) => one.bare).map(async ({ args, code, says }) =>
      judge(await malle(args, { cwd: place.folder }), args, code, says),
    )
    for (const { args, code, says, input = '' } of REFUSALS.filter((one) => one.bare === undefined))
      judge(await place.malle(args, { input }), args, code, says)
    await Promise.all(bare)
  })

  test('a reader of French is answered in French', async () => {
    await using place = await Place.make()
    await place.ok(['domain', 'add', 'example.org'])
    const env = { LC_ALL: 'fr_FR.UTF-8' }
    const [help, unknown, refused] = [
      await malle(['account', 'add', '--help'], { env }),
      await malle(['account', 'ajouter'], { env }),
      await place.malle(['account', 'show', 'nobody@example.org'], { env }),
    ]
    assert.match(
      help.stdout,
      /^Utilisation : malle account add \[options\] \[adresse\]\n\najouter un compte\n\nOptions :\n/,
    )
    assert.doesNotMatch(help.stdout, /\b(?:the|show|default|read|display)\b|<file>/)
    assert.match(unknown.stderr, /^malle: La commande « ajouter » n’existe pas\. Voir : .* account --help\n$/)
    assert.equal(refused.stderr, 'malle: Il n’y a pas de compte « nobody@example.org ».\n')
  })

  test('mbox, .eml and Maildir go in, out to Maildir and in again: same bytes, flags and folders', async () => {
    await using place = await Place.make()
    await place.ok(['domain', 'add', 'example.org'])
    await place.ok(['account', 'add', 'ann@example.org', '--no-password'])
    await place.ok(['account', 'add', 'bob@example.org', '--no-password'])
    const messages = fixtureMessages()
    for (const [index, { bytes }] of messages.entries()) await place.file(`eml/Été et là/${index}.eml`, bytes)
    await place.file(
      'old.mbox',
      'From ann@example.org Mon Nov 23 20:45:00 2026\nStatus: RO\nX-Status: AF\nSubject: a\n\n>From here\n\n' +
        'From bob@example.org Tue Nov 24 20:45:00 2026\nSubject: b\n\nsecond\n',
    )
    for (const name of ['tmp', 'new']) await mkdir(path.join(place.folder, 'old', name), { recursive: true })
    await place.file('old/cur/1.a.b:2,FS', 'Subject: inbox\n\nx\n')
    await place.file('old/.Projets.&AMk-t&AOk-/cur/2.a.b:2,RST', 'Subject: deep\r\n\r\ny\r\n')
    await place.file('old/.Projets.&AMk-t&AOk-/new/3.a.b', 'Subject: new\n\nz')
    for (const [source, mailbox] of [
      ['eml', 'Alt'],
      ['old.mbox', 'Corpus'],
      ['old', 'INBOX'],
    ] as const)
      await place.ok(['import', 'ann@example.org', path.join(place.folder, source), '--mailbox', mailbox])
    const first = path.join(place.folder, 'first')
    await place.ok(['export', 'ann@example.org', first, '--format', 'maildir'])
    await place.ok(['import', 'bob@example.org', first])
    const second = path.join(place.folder, 'second')
    await place.ok(['export', 'bob@example.org', second, '--format', 'maildir'])

    const picture = await maildirPicture(first)
    assert.equal(picture.length, messages.length + 5)
    assert.deepEqual(await maildirPicture(second), picture)
    const folders = new Set(picture.map((line) => (JSON.parse(line) as string[])[0]))
    assert.deepEqual(folders, new Set(['', '.Alt.&AMk-t&AOk- et l&AOA-', '.Corpus', '.Projets.&AMk-t&AOk-']))
    const flags = picture
      .map((line) => JSON.parse(line) as [string, string])
      .filter(([box]) => box !== '.Alt.&AMk-t&AOk- et l&AOA-')
    assert.deepEqual(
      flags.map(([box, letters]) => `${box}:${letters}`).sort(),
      ['.Corpus:', '.Corpus:FRS', '.Projets.&AMk-t&AOk-:', '.Projets.&AMk-t&AOk-:RST', ':FS'].sort(),
    )
    for (const { bytes } of messages) {
      const kept = picture.some((line) => sameMail((JSON.parse(line) as string[])[3] ?? '', bytes.toString('latin1')))
      assert.ok(kept, 'a message came out with other bytes')
    }
  })
})
