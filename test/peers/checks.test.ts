/** Port 25 as swaks meets it: each refusal, with DNS of the test's own; signatures of dkimpy; rspamd of Debian. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { parseAuthenticationResults } from '#mail/authentication-results.ts'
import { signed, signingKey } from '#testing/signed-mail.ts'
import { SmtpClient } from '#testing/smtp-server.ts'
import { startZoneServer, type ZoneServer } from '#testing/zone-server.ts'
import { lacking, PROGRAM_PATH } from './install.ts'
import { Look } from './look.ts'
import { freePort } from './ports.ts'
import { eventually, type Ran, run, runWell, said } from './run.ts'
import { type PeerAccount, PeerServer } from './server.ts'

const BANK = signingKey('bank.example', 'rsa', 'rsa')
const BANK_ED = signingKey('bank.example', 'ed', 'ed25519')
const LOOSE = signingKey('loose.example', 'rsa', 'rsa')
const LOOSE_ED = signingKey('loose.example', 'ed', 'ed25519')
const LIST = signingKey('list.example', 'arc', 'rsa')
const KEYS = [BANK, BANK_ED, LOOSE, LOOSE_ED, LIST]

const ZONE = `
1.0.0.127.in-addr.arpa. IN PTR client.example.
client.example. IN A 127.0.0.1
good.example. IN TXT "v=spf1 ip4:127.0.0.1 -all"
_dmarc.good.example. IN TXT "v=DMARC1; p=reject"
_dmarc.bank.example. IN TXT "v=DMARC1; p=reject"
_dmarc.news.example. IN TXT "v=DMARC1; p=quarantine"
_dmarc.loose.example. IN TXT "v=DMARC1; p=none"
strict.example. IN TXT "v=spf1 -all"
1.0.0.127.bl.example. IN A 127.0.0.2
1.0.0.127.bl.example. IN TXT "see https://bl.example/"
${KEYS.map(({ record }) => record).join('')}`

/** Prints what dkimpy says of messages: each signature, and the ARC chain. */
const DKIMPY = `
import sys, json, base64, dkim
asked = json.load(sys.stdin)
records = asked['records']
def dns(name, timeout=5):
    return records.get(name.decode().rstrip('.'), '').encode() or None
def one(message, index):
    try:
        return bool(dkim.DKIM(message).verify(idx=index, dnsfunc=dns))
    except dkim.DKIMException:
        return False
def all(message):
    count = sum(1 for name, value in dkim.rfc822_parse(message)[0] if name.lower() == b'dkim-signature')
    cv, results, reason = dkim.ARC(message).verify(dnsfunc=dns)
    return {'dkim': [one(message, index) for index in range(count)], 'arc': (cv or b'none').decode()}
print(json.dumps([all(base64.b64decode(each)) for each in asked['messages']]))
`

function message(from: string, more = ''): string {
  return `${more}From: ${from}\r\nTo: ann@example.org\r\nSubject: about\r\nDate: Sun, 29 Nov 2026 08:00:00 +0000\r\nMessage-ID: <1@x.example>\r\n\r\nText\r\n`
}

/** The sections of a configuration that asks this zone about everybody. */
function sections(zone: ZoneServer, smtp: string): string {
  return `[dns]\nservers = ["${zone.server.host}:${zone.server.port}"]\n[smtp]\ncheck_exempt = []\n${smtp}`
}

function swaks(server: PeerServer, to: PeerAccount, from: string, more: readonly string[] = []): Promise<Ran> {
  const args = ['--server', '127.0.0.1', '--port', `${server.port('smtp')}`, '--ehlo', 'client.example']
  return run('swaks', [...args, '--from', from, '--to', to.address, ...more], { home: to.home })
}

/** Sends a message as it is; swaks adds the last CRLF itself. */
async function send(server: PeerServer, to: PeerAccount, from: string, text: string): Promise<Ran> {
  const file = path.join(to.home, 'message')
  await writeFile(file, text.slice(0, -2), 'latin1')
  return swaks(server, to, from, ['--data', `@${file}`])
}

/** The same without a program, where many are sent. */
async function hand(server: PeerServer, to: PeerAccount, text: string): Promise<void> {
  const client = await SmtpClient.connect(server.port('smtp'))
  await client.reply()
  for (const line of ['EHLO client.example', 'MAIL FROM:<x@good.example>', `RCPT TO:<${to.address}>`, 'DATA'])
    assert.match(await client.say(line), /^[23]/)
  client.send(Buffer.from(`${text}.\r\n`, 'latin1'))
  assert.match(await client.reply(), /^250 2\.0\.0 Kept/)
  client.close()
}

function assertReply(ran: Ran, reply: RegExp): void {
  assert.match(ran.stdout.toString(), reply, said(ran))
}

/** `spf=pass`, `dkim=fail` … of the first field of a message. */
function verdicts(arrived: Buffer | undefined): string[] {
  const [, body = ''] = /^Authentication-Results:((?:[^\r\n]|\r\n[ \t])*)\r\n/.exec(String(arrived)) ?? []
  return parseAuthenticationResults(body)?.results.map(({ method, result }) => `${method}=${result}`) ?? []
}

async function newest(server: PeerServer, account: PeerAccount, mailbox?: string): Promise<Buffer | undefined> {
  await using look = await Look.open(server, account)
  return (await look.bytes(mailbox)).at(-1)
}

suite('checks on port 25', { skip: lacking('swaks') }, () => {
  let zone: ZoneServer
  before(async () => {
    zone = await startZoneServer(ZONE)
  })
  after(() => zone[Symbol.asyncDispose]())

  suite('by SPF, DKIM, DMARC and ARC', () => {
    let server: PeerServer
    before(async () => {
      const smtp = 'spf_fail = "reject"\ntrusted_arc = ["list.example"]\ncheck_timeout = 2\n'
      server = await PeerServer.start({ sections: sections(zone, smtp) })
    })
    after(() => server.stop())

    test('what a domain asks to refuse is refused with the reason', async () => {
      const account = await server.account()
      const ran = await send(server, account, 'a@bank.example', message('a@bank.example'))
      assertReply(ran, /550 5\.7\.1 bank\.example asks to refuse mail .*DMARC reject; SPF none, DKIM none/)
      const spf = await send(server, account, 'a@strict.example', message('a@strict.example'))
      assertReply(spf, /550 5\.7\.23 strict\.example says /)
      assert.equal(await newest(server, account), undefined)
    })

    test('what is authenticated arrives with its results, without those that were forged', async () => {
      const account = await server.account()
      const forged = 'Authentication-Results: localhost;\r\n\tdkim=pass header.d=other.example\r\n'
      const text = await signed(message('a@bank.example', forged), BANK, BANK_ED)
      assertReply(await send(server, account, 'x@good.example', text), /250 2\.0\.0 Kept/)
      const arrived = await newest(server, account)
      assert.deepEqual(verdicts(arrived), ['spf=pass', 'dkim=pass', 'dkim=pass', 'dmarc=pass', 'iprev=pass'])
      assert.doesNotMatch(String(arrived), /other\.example/)
      assert.match(String(arrived), /^Received: from client\.example \(client\.example \[127\.0\.0\.1\]\)\r\n/m)
      assert.ok(String(arrived).endsWith(text.replace(forged, '')))
    })

    test('quarantine goes to Junk', async () => {
      const account = await server.account()
      assertReply(await send(server, account, '', message('a@news.example')), /250 2\.0\.0 Kept/)
      assert.match(String(await newest(server, account, 'Junk')), /dmarc=fail \(junk: DMARC quarantine\)/)
      assert.equal(await newest(server, account), undefined)
    })

    test('a resolver that is silent is a 451 within the time', async () => {
      const account = await server.account()
      zone.trouble('silent.example', 'silent')
      const started = performance.now()
      const ran = await send(server, account, 'a@silent.example', message('a@silent.example'))
      assertReply(ran, /451 4\.7\.0 The DNS of silent\.example /)
      assert.ok(performance.now() - started < 20_000)
    })

    test('dkimpy and Malle agree on signatures and seals', { skip: lacking('dkimverify') }, async () => {
      const account = await server.account()
      const { home } = account
      const rsa = path.join(home, 'rsa.pem')
      const ed = path.join(home, 'ed.key')
      const list = path.join(home, 'list.pem')
      await writeFile(rsa, createPrivateKey(LOOSE.privateKey).export({ type: 'pkcs1', format: 'pem' }))
      await writeFile(list, createPrivateKey(LIST.privateKey).export({ type: 'pkcs1', format: 'pem' }))
      const { d = '' } = createPrivateKey(LOOSE_ED.privateKey).export({ format: 'jwk' })
      await writeFile(ed, Buffer.from(d, 'base64url').toString('base64'))
      const sign = async (program: string, args: readonly string[], input: string): Promise<string> => {
        const { stdout } = await runWell(program, args, { home, input: Buffer.from(input, 'latin1') })
        return stdout.toString('latin1').replace(/\r?\n/g, '\r\n')
      }
      const plain = message('a@loose.example')
      const relaxed = await sign('dkimsign', ['--bcanon', 'relaxed', 'rsa', 'loose.example', rsa], plain)
      const simple = await sign('dkimsign', ['--hcanon', 'simple', 'rsa', 'loose.example', rsa], plain)
      const small = await sign('dkimsign', ['--signalg', 'ed25519-sha256', 'ed', 'loose.example', ed], plain)
      const both = await sign('dkimsign', ['--signalg', 'ed25519-sha256', 'ed', 'loose.example', ed], relaxed)
      const found = 'Authentication-Results: list.example; dkim=pass header.d=loose.example\r\n'
      const sealed = await sign('arcsign', ['arc', 'list.example', list, 'list.example'], `${found}${relaxed}`)
      const mailauth = await signed(plain, LOOSE, LOOSE_ED)
      const cases = [plain, relaxed, simple, small, both, sealed, mailauth].flatMap((text) => [
        text,
        text.replace('Text', 'Txet'),
        text.replace('Subject: about', 'Subject: another'),
        // relaxed canonicalization does not see these
        text.replace('Subject: about', 'SUBJECT:  about '),
        text.replace('Text\r\n', 'Text  \r\n'),
      ])
      const records = Object.fromEntries(
        KEYS.map(({ record }) => [
          record.slice(0, record.indexOf('. IN')),
          Array.from(record.matchAll(/"([^"]*)"/g), ([, text]) => text).join(''),
        ]),
      )
      const input = JSON.stringify({
        messages: cases.map((text) => Buffer.from(text, 'latin1').toString('base64')),
        records,
      })
      const { stdout } = await runWell('python3', ['-c', DKIMPY], { home, input })
      const theirs = JSON.parse(stdout.toString()) as readonly { dkim: boolean[]; arc: string }[]
      for (const text of cases) await hand(server, account, text)
      await using look = await Look.open(server, account)
      const ours = (await look.bytes()).map((arrived) => {
        const all = verdicts(arrived)
        const dkim = all.filter((one) => /^dkim=(?!none)/.test(one)).map((one) => one === 'dkim=pass')
        return { dkim, arc: all.find((one) => one.startsWith('arc='))?.slice(4) ?? 'none' }
      })
      for (const [index, text] of cases.entries())
        assert.deepEqual(ours[index], theirs[index], `case ${index}: ${text}`)
      const passed = theirs.reduce(
        (sum, { dkim, arc }) => sum + dkim.filter(Boolean).length + (arc === 'pass' ? 1 : 0),
        0,
      )
      assert.ok(passed >= 12, `${passed} passed`)
    })
  })

  suite('by lists and greylisting', () => {
    let server: PeerServer
    before(async () => {
      server = await PeerServer.start({ sections: sections(zone, 'dnsbl = ["bl.example"]\ngreylist_minutes = 1\n') })
    })
    after(() => server.stop())

    test('who is listed is refused by the name of the list, who is not waits', async () => {
      const account = await server.account()
      assertReply(
        await swaks(server, account, 'a@good.example'),
        /550 5\.7\.1 127\.0\.0\.1 is listed by bl\.example: see https:\/\/bl\.example\//,
      )
      const away = await swaks(server, account, 'a@good.example', ['--local-interface', '127.0.0.2'])
      assertReply(away, /451 4\.7\.1 Not known yet here/)
    })
  })

  suite('by rspamd', { skip: lacking('rspamd') }, () => {
    let server: PeerServer
    let rspamd: Rspamd
    before(async () => {
      rspamd = await Rspamd.start()
      server = await PeerServer.start({ sections: sections(zone, `rspamd = "${rspamd.url}"\n`) })
    })
    after(async () => {
      await rspamd.stop()
      await server.stop()
    })

    /** A pattern by which rspamd's action can be chosen. */
    const gtube = (letter: string): string =>
      message('a@good.example').replace(
        'Text',
        `${letter}JS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X`,
      )

    test('its reject is refused, its header goes to Junk, no action is kept', async () => {
      const account = await server.account()
      assertReply(await send(server, account, 'a@good.example', gtube('X')), /550 5\.7\.1 Gtube pattern/)
      assertReply(await send(server, account, 'a@good.example', gtube('Y')), /250 2\.0\.0 Kept/)
      assert.match(String(await newest(server, account, 'Junk')), /x-rspamd=add-header \(score 6\.0 of 15\.0\)/)
      assertReply(await send(server, account, 'a@good.example', message('a@good.example')), /250 2\.0\.0 Kept/)
      assert.match(String(await newest(server, account)), /x-rspamd=no-action/)
    })

    test('mail goes on without it when it is gone', async () => {
      const account = await server.account()
      await rspamd.stop()
      assertReply(await send(server, account, 'a@good.example', gtube('X')), /250 2\.0\.0 Kept/)
      assert.deepEqual(verdicts(await newest(server, account)), ['spf=pass', 'dkim=none', 'dmarc=pass', 'iprev=pass'])
    })
  })
})

/** Debian's rspamd with nothing but its core: no module that asks the network. */
class Rspamd {
  readonly url: string
  readonly #child: ChildProcess
  readonly #folder: string

  private constructor(url: string, child: ChildProcess, folder: string) {
    this.url = url
    this.#child = child
    this.#folder = folder
  }

  static async start(): Promise<Rspamd> {
    const folder = await mkdtemp(path.join(tmpdir(), 'malle-rspamd-'))
    const port = await freePort()
    const at = (name: string): string => JSON.stringify(path.join(folder, name))
    await writeFile(path.join(folder, 'tld'), 'example\norg\n')
    await writeFile(
      path.join(folder, 'rspamd.conf'),
      `options { filters = []; tempdir = ${JSON.stringify(folder)}; pidfile = ${at('pid')}; dynamic_conf = ${at('dynamic')};
         hs_cache_dir = ${JSON.stringify(folder)}; rrd = ${at('rrd')}; history_file = ${at('history')}; url_tld = ${at('tld')};
         control_socket = ${at('control')}; enable_test_patterns = true; gtube_patterns = "all"; local_addrs = [];
         dns { nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; } }
       logging { type = "console"; level = "warning"; }
       metric { name = "default"; actions { reject = 15; add_header = 6; greylist = 4; } }
       worker "normal" { bind_socket = "127.0.0.1:${port}"; count = 1; }\n`,
    )
    const args = ['-f', '-i', '-c', path.join(folder, 'rspamd.conf')]
    // as root it wants to be told who else to be
    if (process.getuid?.() === 0) args.push('-u', 'root', '-g', 'root')
    const child = spawn('rspamd', args, { env: { PATH: PROGRAM_PATH }, stdio: 'ignore' })
    process.on('exit', () => child.kill('SIGKILL'))
    const url = `http://127.0.0.1:${port}`
    await eventually('rspamd', async () => {
      const answer = await fetch(`${url}/ping`).catch(() => undefined)
      return answer?.ok === true ? true : undefined
    })
    return new Rspamd(url, child, folder)
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGTERM')
    await gone
    await rm(this.#folder, { recursive: true, force: true })
  }
}
