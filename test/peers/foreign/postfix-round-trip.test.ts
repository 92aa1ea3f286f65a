/** Mail from Malle through Postfix back to Malle: what is signed on the way out is what is verified on the way in. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, suite, test } from 'node:test'
import { createTransport } from 'nodemailer'
import { parseAuthenticationResults } from '#mail/authentication-results.ts'
import { startZoneServer, type ZoneServer } from '#testing/zone-server.ts'
import { lacking } from '../install.ts'
import { Look } from '../look.ts'
import { eventually, runWell } from '../run.ts'
import { type PeerAccount, PeerServer } from '../server.ts'
import { Postfix, postfixLacking } from './postfix.ts'

const PATIENCE_MS = 30_000

/** What python3-dkim says of each signature of the message on its standard input; the records come as JSON before it. */
const JUDGE = `
import sys, json, base64, dkim
asked = json.load(sys.stdin)
message = base64.b64decode(asked['message'])
def dns(name, timeout=5):
    return asked['records'].get(name.decode().rstrip('.'), '').encode() or None
count = sum(1 for name, value in dkim.rfc822_parse(message)[0] if name.lower() == b'dkim-signature')
print(json.dumps([dkim.DKIM(message).verify(idx=index, dnsfunc=dns) for index in range(count)]))
`

const ALIASES = '/^back-to-(.*)@example\\.net$/ $1@example.org\n'

suite('Malle and Postfix, there and back', { skip: postfixLacking() || lacking('dkimverify') }, () => {
  let zone: ZoneServer
  let postfix: Postfix
  let malle: PeerServer
  let records = ''

  before(async () => {
    zone = await startZoneServer()
    postfix = await Postfix.start({
      main: `virtual_alias_maps = regexp:$config_directory/aliases
smtp_tls_security_level = encrypt
lmtp_host_lookup = native
`,
      files: { aliases: ALIASES },
    })
    malle = await PeerServer.start({
      sections: `[dns]
servers = ["${zone.server.host}:${zone.server.port}"]
[smtp]
check_exempt = []
[[route]]
domain = "example.net"
host = "localhost"
port = ${postfix.port}
security = "starttls"
ca = "${postfix.ca}"
`,
    })
    postfix.command('postconf', '-e', `relayhost = [127.0.0.1]:${malle.port('smtp')}`)
    postfix.command('postfix', 'reload')
    records = (await malle.malle('domain', 'dkim', 'show', 'example.org')).stdout.toString()
    zone.load(`${records}
example.org. IN TXT "v=spf1 ip4:127.0.0.1 -all"
_dmarc.example.org. IN TXT "v=DMARC1; p=reject; adkim=s; aspf=s"
`)
  })
  after(async () => {
    await malle.stop()
    await postfix[Symbol.asyncDispose]()
    await zone[Symbol.asyncDispose]()
  })

  async function submit(from: PeerAccount, to: string, subject: string): Promise<void> {
    const transport = createTransport({
      host: 'localhost',
      port: malle.port('submissions'),
      secure: true,
      tls: { ca: await readFile(malle.ca) },
      auth: { user: from.address, pass: from.password },
    })
    await transport.sendMail({ from: from.address, to, subject, text: 'Grüße\n.\n..\nfrom here' })
    transport.close()
  }

  test('python3-dkim takes both signatures of what Postfix has', async () => {
    const ann = await malle.account()
    await submit(ann, 'bob@example.net', 'there')
    const there = async () => (await postfix.messages('bob@example.net'))[0]
    const arrived = await eventually('the message at Postfix', there, PATIENCE_MS)
    const text = String(arrived)
    assert.match(text, /with ESMTPS id/)
    // what Postfix put before it is not signed, and its Maildir has LF
    const message = Buffer.from(text.slice(text.indexOf('DKIM-Signature:')).replaceAll('\n', '\r\n'))
    const texts = Object.fromEntries(
      Array.from(records.matchAll(/^(\S+)\.\s.*\bTXT\s+(.*)$/gm), ([, name, strings]) => [
        name,
        Array.from((strings ?? '').matchAll(/"([^"]*)"/g), ([, part]) => part).join(''),
      ]),
    )
    const input = Buffer.from(JSON.stringify({ message: message.toString('base64'), records: texts }))
    const { stdout } = await runWell('python3', ['-c', JUDGE], { home: ann.home, input })
    assert.deepEqual(JSON.parse(stdout.toString()), [true, true])
  })

  test('what comes back over TLS passes SPF, DKIM with RSA and Ed25519, and DMARC', async () => {
    const ann = await malle.account()
    const [local] = ann.address.split('@')
    await submit(ann, `back-to-${local}@example.net`, 'and back')
    const back = async () => {
      await using look = await Look.open(malle, ann)
      return (await look.bytes())[0]
    }
    const arrived = await eventually('the message at Malle', back, PATIENCE_MS)
    const text = String(arrived)
    const [, body = ''] = /^Authentication-Results:((?:[^\r\n]|\r\n[ \t])*)\r\n/.exec(text) ?? []
    const results = parseAuthenticationResults(body)?.results.map(({ method, result }) => `${method}=${result}`) ?? []
    assert.deepEqual(
      results.filter((one) => one.startsWith('dkim=')),
      ['dkim=pass', 'dkim=pass'],
      text,
    )
    assert.ok(results.includes('spf=pass') && results.includes('dmarc=pass'), text)
    assert.match(text, /^Subject: and back\r$/m)
    assert.match(text, /^Received: from postfix\.example\.net .*\r\n(?:\t.*\r\n)*?.*with ESMTPS/m)
  })
})
