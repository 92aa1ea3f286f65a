/** The examples of docs/client.md do what they say. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { ImapClient, type ImapClientOptions } from '#client/index.ts'
import { type WholeServer, wholeServer } from '#testing/whole-server.ts'

const examples = path.join(import.meta.dirname, '..', '..', 'examples')
const LOGIN = 'cat@example.org'
const PASSWORD = 'correct horse battery'

async function withServer(body: (whole: WholeServer, ca: string) => Promise<void>): Promise<void> {
  await using whole = await wholeServer({ limits: { exempt: ['127.0.0.0/8', '::1/128'] } })
  await whole.server.administration.ask('account.add', { address: LOGIN, password: PASSWORD })
  await body(whole, path.join(whole.folder, 'data', 'tls', 'ca.pem'))
}

/** Runs an example; `heard` is called with each line. */
async function run(
  whole: WholeServer,
  ca: string,
  args: readonly string[],
  heard: (line: string) => void = () => undefined,
): Promise<string[]> {
  const [file = '', ...rest] = args
  const child = spawn(process.execPath, [path.join(examples, file), ...rest], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      MAIL_HOST: 'localhost',
      IMAP_PORT: String(whole.port('imaps')),
      POP3_PORT: String(whole.port('pop3s')),
      MAIL_LOGIN: LOGIN,
      MAIL_PASSWORD: PASSWORD,
      MAIL_CA: ca,
    },
  })
  let text = ''
  let errors = ''
  child.stdout.on('data', (bytes: Buffer) => {
    const before = text.split('\n').length
    text += bytes.toString()
    for (const line of text.split('\n').slice(before - 1, -1)) heard(line)
  })
  child.stderr.on('data', (bytes: Buffer) => {
    errors += bytes.toString()
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  assert.equal(code, 0, `${file}: ${errors}`)
  return text.trimEnd().split('\n')
}

test('the examples do what they say', async () => {
  await withServer(async (whole, ca) => {
    assert.deepEqual(await run(whole, ca, ['add-and-search.ts']), ['Moved to Fruit as 1'])
    const listed = await run(whole, ca, ['mailboxes.ts'])
    assert.ok(listed.includes('INBOX: 1 messages, 0 unread'), listed.join('\n'))
    assert.ok(listed.includes('Fruit: 1 messages, 1 unread'))
    assert.equal(listed.at(-1), 'Sent mail goes to Sent')
    const folder = await mkdtemp(path.join(tmpdir(), 'malle-example-'))
    try {
      assert.deepEqual(await run(whole, ca, ['download.ts', 'Fruit', folder]), ['1.eml, 54 octets: pears'])
      assert.match(await readFile(path.join(folder, '1.eml'), 'latin1'), /^From: bob.*Green ones\.\r\n$/s)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
    const options: ImapClientOptions = {
      host: 'localhost',
      port: whole.port('imaps'),
      tls: { ca: await readFile(ca) },
      credentials: { login: LOGIN, password: PASSWORD },
    }
    const watched = await run(whole, ca, ['watch.ts'], (line) => {
      if (line !== 'watching') return
      ImapClient.connect(options)
        .then(async (client) => {
          await client.append('INBOX', { body: 'Subject: =?utf-8?q?=C3=A9t=C3=A9?=\r\n\r\n' })
          await client.logout()
        })
        .catch((error: unknown) => assert.fail(String(error)))
    })
    assert.deepEqual(watched, ['watching', 'new: été'])
    const drained = await mkdtemp(path.join(tmpdir(), 'malle-example-'))
    try {
      assert.deepEqual(await run(whole, ca, ['drain.ts', drained]), ['2 messages'])
      const texts = (await readdir(drained)).map((file) => readFile(path.join(drained, file), 'latin1'))
      assert.match((await Promise.all(texts)).toSorted().join(''), /^From: ann.*Red ones\.\r\nSubject: =\?utf-8/s)
      assert.deepEqual(await run(whole, ca, ['drain.ts', drained]), ['0 messages'])
    } finally {
      await rm(drained, { recursive: true, force: true })
    }
  })
})

test('docs/client.md shows the examples as they are', async () => {
  const page = await readFile(path.join(examples, '..', 'docs', 'client.md'), 'utf8')
  const files = await readdir(examples)
  assert.ok(files.length >= 6)
  for (const file of files) {
    const text = await readFile(path.join(examples, file), 'utf8')
    assert.ok(page.includes(`\`\`\`ts\n${text}\`\`\``), `docs/client.md differs from examples/${file}`)
  }
})
