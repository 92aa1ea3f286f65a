/** Files that people bring: nearly right ones give an answer or a clear refusal, never a fault, and stay in their folder. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { formatMistake, parseConfig } from '#config/load.ts'
import { annotatedSample } from '#config/reference.ts'
import { parseAccountCsv } from '#services/account-csv.ts'
import { Random } from '#testing/random.ts'
import { isMaildir, readMaildir } from '#transfer/maildir.ts'
import { maildirFolder } from '#transfer/maildir-names.ts'
import { readMbox } from '#transfer/mbox.ts'
import { parseSourceUrl } from '#transfer/source-url.ts'
import { readProxyStart } from '#wire/proxy/header.ts'
import { CliError } from '../../src/cli/cli-error.ts'
import { collectAccounts } from '../../src/cli/collect-accounts.ts'
import { mutate } from '../fuzz/mutator.ts'

const random = new Random(20_261_128)
let folder: string
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'malle-fuzz-files-'))
})
after(() => rm(folder, { recursive: true, force: true }))

/** Changed copies of a text, as binary strings. */
function* changed(text: string, times: number): Generator<string, void, void> {
  const binary = Buffer.from(text).toString('latin1')
  for (let n = 0; n < times; n += 1) yield mutate(binary, [{ protocol: 'imap', said: binary }], random)
}

test('a configuration is taken, or every mistake is a sentence', () => {
  let refusals = 0
  for (const text of changed(annotatedSample().replaceAll(/^# (?=\w+ = )/gm, ''), 400)) {
    const config = parseConfig(Buffer.from(text, 'latin1').toString('utf8'), 'malle.toml')
    if (config.ok) continue
    refusals += 1
    for (const mistake of config.error) assert.match(formatMistake(mistake), /^malle\.toml(?::\d+)?: .+\.$/s)
  }
  assert.ok(refusals > 0)
})

test('a list of accounts is taken, or its first bad line is named', () => {
  const csv = 'address,password,name,quota\nann@example.org,secret,"Ann, ""A"" É",1GB\nben@example.org,,Ben,\n'
  for (const text of changed(csv, 2_000)) {
    const rows = parseAccountCsv(Buffer.from(text, 'latin1').toString('utf8'))
    if (!rows.ok) assert.ok(rows.error.line >= 1)
  }
})

test('accounts to collect are taken, or refused in words', async () => {
  const toml =
    '[[account]]\nfrom = "pop3s://ann@mail.example.org:995"\nto = "mail"\nafter = "delete"\npassword_file = "secret"\n'
  const file = path.join(folder, 'collect.toml')
  for (const text of changed(toml, 200)) {
    await writeFile(file, text, 'latin1')
    await collectAccounts(file, {}, () => Promise.reject(new CliError(69, 'nobody is asked'))).then(
      (accounts) => assert.ok(accounts.length > 0),
      (error: unknown) => assert.ok(error instanceof CliError, String(error)),
    )
  }
})

test('a URL is read or its fault named', () => {
  for (const text of changed('imaps://ann%40example.org@mail.example.org:993/INBOX', 2_000)) {
    const read = parseSourceUrl(text)
    assert.ok(typeof read === 'string' || (read.host !== '' && read.login !== ''), text)
  }
})

test('an mbox file gives messages no longer than itself', async () => {
  const mbox =
    'From ann@example.net Sat Nov 28 10:00:00 2026\nSubject: one\nStatus: RO\nContent-Length: 12\n\n>From here\n\n\n' +
    'From ben@example.net Sat Nov 28 10:00:01 2026\r\nSubject: two\r\nX-Status: AF\r\n\r\nText\r\n\r\n'
  const file = path.join(folder, 'mbox')
  for (const text of changed(mbox.repeat(3), 300)) {
    await writeFile(file, text, 'latin1')
    let octets = 0
    for await (const item of readMbox(file, 1_000_000)) if (item.kind === 'message') octets += item.message.bytes.length
    // every LF may have become CRLF
    assert.ok(octets <= 2 * text.length, `${octets} of ${text.length}`)
  }
})

test('a Maildir with any names and keywords gives its messages', async () => {
  const maildir = path.join(folder, 'maildir')
  for (const name of ['cur', 'new', 'tmp', '.Sub.\xff&-&.', '.&&&', '...'])
    await mkdir(path.join(maildir, name), { recursive: true })
  await mkdir(path.join(maildir, '.&&&', 'cur'))
  await mkdir(path.join(maildir, '.&&&', 'new'))
  let files = 0
  for (const text of changed('1700000000.M1P2.host,S=10:2,FSabz', 200)) {
    const name = text.replaceAll(/[/\0]/g, '_').slice(0, 120)
    if (name.startsWith('.')) continue
    await writeFile(path.join(maildir, 'cur', name), 'Subject: x\n\ny\n')
    files += 1
  }
  for (const text of changed('0 Work\n1 Later\n25 $Forwarded\n', 20)) {
    await writeFile(path.join(maildir, 'dovecot-keywords'), text, 'latin1')
    let messages = 0
    for await (const item of readMaildir(maildir, 1_000_000)) if (item.kind === 'message') messages += 1
    assert.ok(messages > 0 && messages <= files)
  }
  assert.ok(await isMaildir(maildir))
})

test('no name of a mailbox leads out of the Maildir it is written to', () => {
  const levels = [
    '',
    '.',
    '..',
    '...',
    'cur',
    'new',
    'tmp',
    '~',
    '\\',
    '&',
    '&-',
    '\0',
    '\n',
    'é',
    '\ud800',
    'a.b',
    'C:',
  ]
  for (let n = 0; n < 5_000; n += 1) {
    const mailbox = Array.from({ length: random.between(1, 4) }, () => random.pick(levels)).join('/')
    const name = maildirFolder(mailbox)
    assert.match(name, /^\.[^/\0]*[^/\0.][^/\0]*$/, JSON.stringify(mailbox))
  }
})

test('what a proxy sends first is a header, garbage or not yet enough', () => {
  for (const text of changed('PROXY TCP6 2001:db8::1 2001:db8::2 50000 993\r\na NOOP\r\n', 2_000)) {
    assert.ok(['header', 'garbage', 'more'].includes(readProxyStart(Buffer.from(text, 'latin1')).kind))
  }
})
