/** `malle collect` and servers that lie, break off or mean harm: nothing half-delivered, nothing deleted that is not here. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { imapScript } from '#testing/imap-script.ts'
import { ScriptedServer, testCertificate } from '#testing/scripted-server.ts'
import { malle, type Ran } from './cli-process.ts'

interface Scene {
  readonly folder: string
  /** Runs with everything that a run needs but the source. */
  readonly collect: (source: string, ...more: string[]) => Promise<Ran>
  /** What was delivered, sorted; nothing may be half there. */
  readonly delivered: () => Promise<string[]>
}

async function scene(t: TestContext): Promise<Scene> {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-collect-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await writeFile(path.join(folder, 'ca.pem'), (await testCertificate()).ca)
  await writeFile(path.join(folder, 'secret'), 'secret\n')
  const args = ['--to', 'Mail', '--ca', 'ca.pem', '--state', 'state.db', '--password-file', 'secret']
  return {
    folder,
    collect: (source, ...more) => malle(['collect', source, ...args, ...more], { cwd: folder }),
    async delivered() {
      assert.deepEqual(await readdir(path.join(folder, 'Mail', 'tmp')), [])
      const names = await readdir(path.join(folder, 'Mail', 'new'))
      return (await Promise.all(names.map((name) => readFile(path.join(folder, 'Mail', 'new', name), 'utf8')))).sort()
    },
  }
}

/** A POP3 server over TLS. Answers by command; what is missing is `+OK`. An answer of `undefined` hangs up. */
async function pop3(
  t: TestContext,
  answers: Readonly<Record<string, (argument: string) => string | undefined>>,
): Promise<{ readonly url: string; readonly said: string[] }> {
  const said: string[] = []
  const server = await ScriptedServer.start(
    async (peer) => {
      peer.send('+OK\r\n')
      for (let line = await peer.line(); line !== undefined; line = await peer.line()) {
        said.push(line)
        const [name = '', argument = ''] = line.split(' ')
        const answer = answers[name]
        const text = answer === undefined ? (name === 'CAPA' ? '-ERR\r\n' : '+OK\r\n') : answer(argument)
        if (text !== undefined) peer.send(text)
        if (text === undefined || !/(?:^\+OK|^-ERR)[^]*\r\n$/.test(text)) peer.socket.end()
      }
    },
    await testCertificate(),
  )
  t.after(() => server[Symbol.asyncDispose]())
  return { url: `pop3s://ann@localhost:${server.port}`, said }
}

const SHORT = 'Subject: short\r\n\r\nx\r\n'

test('sizes that a server lies about change nothing', async (t) => {
  const { collect, delivered } = await scene(t)
  const long = `Subject: long\r\n\r\n${'0123456789\r\n'.repeat(20_000)}`
  const { url, said } = await pop3(t, {
    LIST: () => '+OK\r\n1 999999999999\r\n2 0\r\n.\r\n',
    UIDL: () => '+OK\r\n1 a\r\n2 b\r\n.\r\n',
    RETR: (n) => `+OK ${n} octets\r\n${n === '1' ? SHORT : long}.\r\n`,
  })
  const ran = await collect(url, '--after', 'delete')
  assert.equal(ran.code, 0, ran.stderr)
  assert.deepEqual(
    await delivered(),
    [long, SHORT].map((text) => text.replaceAll('\r\n', '\n')),
  )
  assert.deepEqual(
    said.filter((line) => line.startsWith('DELE')),
    ['DELE 1', 'DELE 2'],
  )
})

test('a server that closes in the middle of a message: what came before it is here, it is not, and nothing is deleted', async (t) => {
  const { collect, delivered } = await scene(t)
  const { url, said } = await pop3(t, {
    LIST: () => '+OK\r\n1 20\r\n2 20\r\n.\r\n',
    UIDL: () => '+OK\r\n1 a\r\n2 b\r\n.\r\n',
    RETR: (n) => (n === '1' ? `+OK\r\n${SHORT}.\r\n` : '+OK\r\nSubject: half\r\n\r\nof a'),
  })
  const ran = await collect(url, '--after', 'delete')
  assert.equal(ran.code, 75)
  assert.match(ran.stderr, /^malle: .*localhost.* closed .*\n$/)
  assert.deepEqual(await delivered(), ['Subject: short\n\nx\n'])
  // what is here may go, but nothing goes without QUIT; tried again, and not for ever
  assert.deepEqual(
    said.filter((line) => /^(?:DELE|QUIT|RETR)/.test(line)),
    ['RETR 1', 'RETR 2', ...Array.from({ length: 3 }, () => ['DELE 1', 'RETR 2']).flat()],
  )
})

test('a message is deleted only when all of its batch is on disk, and unique-ids that repeat lose none', async (t) => {
  const { folder, collect, delivered } = await scene(t)
  const here: number[] = []
  const { url } = await pop3(t, {
    LIST: () => '+OK\r\n1 20\r\n2 20\r\n.\r\n',
    UIDL: () => '+OK\r\n1 same\r\n2 same\r\n.\r\n',
    RETR: (n) => `+OK\r\nSubject: ${n}\r\n\r\n.\r\n`,
    DELE: () => {
      here.push(readdirSync(path.join(folder, 'Mail', 'new')).length)
      return '+OK\r\n'
    },
    QUIT: () => (here.length > 2 ? '+OK\r\n' : '-ERR not all of them could be deleted\r\n'),
  })
  const ran = await collect(url, '--after', 'delete')
  assert.equal(ran.code, 69)
  assert.match(ran.stderr, /not all of them could be deleted/)
  assert.deepEqual(here, [2, 2])
  const again = await collect(url, '--after', 'delete')
  assert.match(`${again.stdout}${again.stderr}`, /^Nothing new from ann \(localhost\), 2 deleted there\.\n$/)
  assert.deepEqual(await delivered(), ['Subject: 1\n\n', 'Subject: 2\n\n'])
})

test('a listing that is none ends the run with a sentence', async (t) => {
  const { collect } = await scene(t)
  const { url, said } = await pop3(t, { LIST: () => '+OK\r\none 20\r\n.\r\n', UIDL: () => '+OK\r\n1 a\r\n.\r\n' })
  const ran = await collect(url, '--after', 'delete')
  assert.equal(ran.code, 69)
  assert.match(ran.stderr, /^malle: .* answered LIST with what is no listing\.\n$/)
  assert.ok(!said.some((line) => /^(?:RETR|DELE)/.test(line)), said.join())
})

for (const [how, capa, stls, code] of [
  ['does not offer it', '+OK\r\nUSER\r\n.\r\n', '+OK\r\n', 75],
  ['refuses it', '-ERR\r\n', '-ERR not today\r\n', 75],
  ['says yes and speaks on in the clear', '-ERR\r\n', '+OK\r\n+OK I am somebody else\r\n', 69],
] as const) {
  test(`STLS: a server that ${how} hears neither login nor password`, async (t) => {
    const { collect, delivered } = await scene(t)
    const said: string[] = []
    await using server = await ScriptedServer.start(async (peer) => {
      peer.send('+OK\r\n')
      for (let line = await peer.line(); line !== undefined; line = await peer.line()) {
        said.push(line)
        peer.send(line === 'CAPA' ? capa : stls)
      }
    })
    const ran = await collect(`pop3://ann@localhost:${server.port}`)
    assert.equal(ran.code, code)
    assert.match(ran.stderr, /^malle: .*(?:STLS|TLS).*\n$/)
    assert.ok(!said.some((line) => /ann|secret|USER|PASS|AUTH/.test(line)), said.join('\n'))
    assert.deepEqual(await delivered(), [])
  })
}

test('a mailbox of IMAP with a new UIDVALIDITY is another one: its mail is fetched before it is deleted', async (t) => {
  const { folder, collect, delivered } = await scene(t)
  let uidValidity = 1
  const events: string[] = []
  const note = (command: string): void => {
    events.push(`${command} with ${readdirSync(path.join(folder, 'Mail', 'new')).length}`)
  }
  await using server = await imapScript({
    capabilities: 'IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS',
    tls: await testCertificate(),
    answers: {
      SELECT: (tag, peer) =>
        peer.send(
          `* 1 EXISTS\r\n* FLAGS (\\Deleted)\r\n* OK [UIDVALIDITY ${uidValidity}]\r\n* OK [UIDNEXT 8]\r\n${tag} OK\r\n`,
        ),
      'UID FETCH': (tag, peer, line) => {
        note('FETCH')
        const body = `Subject: ${uidValidity}\r\n\r\n`
        const data = line.includes('BODY') ? `BODY[] {${body.length}}\r\n${body}` : `RFC822.SIZE ${body.length}`
        peer.send(`* 1 FETCH (UID 7 ${data})\r\n${tag} OK\r\n`)
      },
      'UID STORE': (tag, peer) => {
        note('STORE')
        peer.send(`${tag} OK\r\n`)
      },
      'UID EXPUNGE': (tag, peer) => {
        note('EXPUNGE')
        peer.send(`${tag} OK\r\n`)
      },
    },
  })
  const url = `imaps://ann@localhost:${server.port}`
  for (uidValidity of [1, 2]) {
    const ran = await collect(url, ...(uidValidity === 2 ? ['--after', 'delete'] : []))
    assert.equal(ran.code, 0, ran.stderr)
  }
  assert.deepEqual(await delivered(), ['Subject: 1\n\n', 'Subject: 2\n\n'])
  assert.deepEqual(events.slice(2), ['FETCH with 1', 'FETCH with 1', 'STORE with 2', 'EXPUNGE with 2'])
})
