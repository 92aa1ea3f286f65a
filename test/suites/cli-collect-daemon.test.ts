/** `malle collect` that stays: servers that go and come back, signals, progress on a terminal. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { CuttingProxy } from '#testing/cutting-proxy.ts'
import { TestImapServer } from '#testing/imap-server.ts'
import { TestPop3Server } from '#testing/pop3-server.ts'
import { ScriptedServer, testCertificate } from '#testing/scripted-server.ts'
import { LAUNCHER, Running } from './cli-process.ts'

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-collect-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await writeFile(path.join(folder, 'ca.pem'), (await testCertificate()).ca)
  await writeFile(path.join(folder, 'secret'), 'secret\n')
  return folder
}

const arrived = async (folder: string): Promise<number> => (await readdir(path.join(folder, 'new'))).length

test('a daemon watches IMAP and asks POP3, outlasts its servers, and rereads its file', async (t) => {
  const folder = await folderOf(t)
  await using imap = await TestImapServer.start({ tls: true })
  await using pop3 = await TestPop3Server.start({ tls: true, allowPlaintext: false })
  await using proxy = await CuttingProxy.start('127.0.0.1', imap.port)
  proxy.down = true
  const account = (from: string, to: string): string =>
    `[[account]]\nfrom = "${from}"\npassword_file = "secret"\nca = "ca.pem"\nto = "${to}"\n`
  const watched = `imap://ann@example.org@localhost:${proxy.port}`
  const asked = `pop3://ann@example.org@localhost:${pop3.port}`
  const file = path.join(folder, 'mail.toml')
  await writeFile(file, account(watched, 'Watched') + account(asked, 'Asked'))
  const daemon = new Running(['collect', file, '--state', 'state.db', '--push', '--every', '1s'], { cwd: folder })
  const said = (start: string, end: string): Promise<string> =>
    daemon.line((line) => line.startsWith(start) && line.endsWith(end))
  await daemon.logged(watched)
  proxy.down = false
  await daemon.line((line) => line.startsWith('Nothing new'))
  await imap.add({ body: 'Subject: watched\r\n\r\n' })
  await said('Fetched 1 message', '/Watched.')
  await pop3.add('Subject: asked\r\n\r\n')
  await said('Fetched 1 message', '/Asked.')

  proxy.down = true
  proxy.cut()
  await imap.add({ body: 'Subject: while it was away\r\n\r\n' })
  proxy.down = false
  await said('Fetched 1 message', '/Watched, 1 known.')

  await writeFile(file, 'account = "broken')
  daemon.signal('SIGHUP')
  await daemon.logged('mail.toml:1:')
  await writeFile(file, account(asked, 'Elsewhere'))
  daemon.signal('SIGHUP')
  await pop3.add('Subject: later\r\n\r\n')
  await said('Fetched 1 message', '/Elsewhere, 1 known.')

  daemon.signal('SIGTERM')
  assert.equal(await daemon.ended(), 0)
  assert.deepEqual([await arrived(path.join(folder, 'Watched')), await arrived(path.join(folder, 'Asked'))], [2, 1])
})

test('SIGTERM in the middle of a message: it is fetched to its end, recorded, and deleted', async (t) => {
  const folder = await folderOf(t)
  const { promise: half, resolve: halfSent } = Promise.withResolvers<void>()
  const { promise: told, resolve: tell } = Promise.withResolvers<void>()
  const said: string[] = []
  await using server = await ScriptedServer.start(
    async (peer) => {
      peer.send('+OK\r\n')
      for (let line = await peer.line(); line !== undefined; line = await peer.line()) {
        said.push(line)
        if (line === 'LIST') peer.send('+OK\r\n1 20\r\n2 9000000\r\n.\r\n')
        else if (line === 'UIDL') peer.send('+OK\r\n1 a\r\n2 b\r\n.\r\n')
        else if (line === 'RETR 1') {
          peer.send('+OK\r\nSubject: wh')
          halfSent()
          await told
          peer.send('ole\r\n\r\n.\r\n')
        } else peer.send(line === 'CAPA' ? '-ERR\r\n' : '+OK\r\n')
      }
    },
    await testCertificate(),
  )
  const url = `pop3s://ann@localhost:${server.port}`
  const files = ['--ca', 'ca.pem', '--state', 'state.db', '--password-file', 'secret']
  const daemon = new Running(['collect', url, '--to', 'Mail', ...files, '--after', 'delete', '--every', '1h'], {
    cwd: folder,
  })
  await half
  daemon.signal('SIGTERM')
  // the signal is there before the rest of the message is
  setTimeout(tell, 300)
  assert.equal(await daemon.ended(), 0, daemon.stderr.join('\n'))
  assert.equal(await arrived(path.join(folder, 'Mail')), 1)
  assert.deepEqual(said.slice(-2), ['DELE 1', 'QUIT'])
})

// `script` of util-linux gives a command a terminal of its own
const skip = process.platform === 'linux' ? false : 'there is another script(1) here'
test('on a terminal a bar shows how far it is and is gone at the end; elsewhere there is none', { skip }, async (t) => {
  const folder = await folderOf(t)
  const messages = Array.from({ length: 200 }, (_, n) => `Subject: ${n}\r\n\r\n${'line\r\n'.repeat(300)}`)
  await using pop3 = await TestPop3Server.start({ messages, tls: true, allowPlaintext: false })
  const url = `pop3://ann@example.org@localhost:${pop3.port}`
  const files = ['--ca', 'ca.pem', '--password-file', 'secret']
  const command = (name: string): string =>
    [process.execPath, LAUNCHER, 'collect', url, '--to', name, '--state', `${name}.db`, ...files].join(' ')
  const terminal = spawn('script', ['-qec', command('Mail'), '/dev/null'], {
    cwd: folder,
    env: { ...process.env, LC_ALL: 'C', NODE_OPTIONS: '', NODE_TEST_CONTEXT: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  terminal.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const [code] = await once(terminal, 'close')
  assert.equal(code, 0, text)
  const [, shown = ''] = /\r\u001b\[K[█░]{24} (.*?)[\r\n]/u.exec(text) ?? []
  assert.match(shown, /^\d+ \/ 200(?: · [\d.]+ [KM]?B\/s · \d+:\d\d left)?$/)
  // the bar is wiped before the sentence
  assert.match(text, /\r\u001b\[K(?:\u001b\[[^m]*m)?Fetched 200 messages [^\n]*\n$/)
  const plain = new Running(['collect', url, '--to', 'Again', '--state', 'again.db', ...files], { cwd: folder })
  assert.equal(await plain.ended(), 0)
  // a line every ten seconds, where a machine is that slow
  assert.match(plain.stderr.join('\n'), /^(?:\d+ \/ 200\b[^█░\r\u001b]*)*$/u)
})
