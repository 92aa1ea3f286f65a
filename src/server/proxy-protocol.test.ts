/** The PROXY protocol in front of IMAP, POP3 and SMTP: whose address counts, and whose word. @module */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { LineClient, type WholeServer, wholeServer } from '#testing/whole-server.ts'

let server: WholeServer
/** Trusts a proxy elsewhere. */
let direct: WholeServer
before(async () => {
  const limits = { connections_per_address: 1 }
  server = await wholeServer({ listen: { proxy_from: ['127.0.0.0/8'] }, limits })
  direct = await wholeServer({ listen: { proxy_from: ['192.0.2.77'] } })
})
after(async () => {
  await server[Symbol.asyncDispose]()
  await direct[Symbol.asyncDispose]()
})

const v1 = (address: string) => `PROXY TCP4 ${address} 10.0.0.1 50123 143\r\n`
/** Version 2 with an IPv6 source and a TLV. */
const v2Example = Buffer.from(
  '0d0a0d0a000d0a515549540a 21 21 0027 20010db8000000000000000000000001 20010db8000000000000000000000002 c3c3 008f 04 0000'.replaceAll(
    ' ',
    '',
  ),
  'hex',
)
/** From `2001:db8::…`. */
function v2(last: number): Buffer {
  const bytes = Buffer.from(v2Example)
  bytes[31] = last
  return bytes
}
const LOCAL = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex')

async function sessions(of: WholeServer = server): Promise<string[]> {
  const list = await of.server.administration.ask('session.list', {})
  return list.map(({ protocol, remoteAddress, remotePort }) => `${protocol} ${remoteAddress} ${remotePort}`)
}

const PROTOCOLS = {
  imap: { plain: 'imap', secure: 'imaps', greeting: /^\* OK/, upgrade: 's STARTTLS', refusal: /^\* BYE/ },
  pop3: { plain: 'pop3', secure: 'pop3s', greeting: /^\+OK/, upgrade: 'STLS', refusal: /^-ERR/ },
  submission: {
    plain: 'submission',
    secure: 'submissions',
    greeting: /^220 /,
    upgrade: 'EHLO x\r\nSTARTTLS',
    refusal: /^421 /,
  },
} as const

for (const [index, [protocol, how]] of Object.entries(PROTOCOLS).entries()) {
  // a connection that has just gone may still count: no two protocols come from the same address
  const last = index + 1
  const from = (host: number) => v1(`192.0.${last}.${host}`)

  test(`${protocol}: the client's address counts, not the proxy's`, async () => {
    using one = await LineClient.dial(server.port(how.plain), from(1))
    assert.match((await one.line()) ?? '', how.greeting)
    using other = await LineClient.dial(server.port(how.plain), v2(last))
    assert.match((await other.line()) ?? '', how.greeting)
    const port = 0xc3c3
    const here = (await sessions()).filter((session) => session.startsWith(protocol)).sort()
    assert.deepEqual(here, [`${protocol} 192.0.${last}.1 50123`, `${protocol} 2001:db8::${last} ${port}`])
    using third = await LineClient.dial(server.port(how.plain), from(1))
    assert.match((await third.line()) ?? '', how.refusal, 'a second connection of the same client')
  })

  test(`${protocol}: the header comes before TLS, in one piece with it or byte by byte`, async () => {
    using whole = await LineClient.dial(server.port(how.secure), from(2))
    await whole.secure()
    assert.match((await whole.line()) ?? '', how.greeting)
    using cut = await LineClient.dial(server.port(how.secure))
    for (const byte of Buffer.from(from(6))) {
      cut.send(Buffer.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await cut.secure()
    assert.match((await cut.line()) ?? '', how.greeting)
    assert.equal((await sessions()).filter((one) => one.includes(` 192.0.${last}.2 50123`)).length, 1)
    using plain = await LineClient.dial(server.port(how.plain), from(3))
    await plain.line()
    for (const line of how.upgrade.split('\r\n')) await plain.say(line)
    await plain.secure()
    assert.match((await plain.say('a NOOP')) ?? '', /^(?:a OK|-ERR|50\d )/)
    assert.ok((await sessions()).some((one) => one.includes(` 192.0.${last}.3 50123`)))
  })

  test(`${protocol}: what follows the header in the same piece is the client's`, async () => {
    const quit = protocol === 'imap' ? 'a LOGOUT\r\n' : 'QUIT\r\n'
    using client = await LineClient.dial(server.port(how.plain), from(4) + quit)
    assert.match((await client.line()) ?? '', how.greeting)
    assert.match((await client.line()) ?? '', /^(?:\* BYE|\+OK|221 )/)
  })

  test(`${protocol}: a proxy may speak for itself`, async () => {
    using client = await LineClient.dial(server.port(how.plain), LOCAL)
    assert.match((await client.line()) ?? '', how.greeting)
    assert.ok((await sessions()).some((one) => one.startsWith(`${protocol} 127.0.0.1 `)))
  })

  test(`${protocol}: a trusted address that sends no header is refused without a word`, async () => {
    for (const start of ['a NOOP\r\n', 'EHLO x\r\n', 'PROXY TCP4 1.2.3 4 5 6\r\n', `PROXY ${'x'.repeat(200)}`]) {
      using client = await LineClient.dial(server.port(how.plain), start)
      assert.equal(await client.line(), undefined)
    }
    using secure = await LineClient.dial(server.port(how.secure), Buffer.of(0x16, 3, 1, 0, 5))
    assert.equal(await secure.line(), undefined)
  })

  test(`${protocol}: from anybody else the header is a command nobody knows`, async () => {
    using client = await LineClient.dial(direct.port(how.plain), from(5))
    assert.match((await client.line()) ?? '', how.greeting)
    assert.match((await client.line()) ?? '', /^(?:PROXY BAD|-ERR|50\d )/)
    assert.ok((await sessions(direct)).every((one) => one.includes(' 127.0.0.1 ')))
    using secure = await LineClient.dial(direct.port(how.secure), from(5))
    assert.doesNotMatch((await secure.line()) ?? '', how.greeting)
  })
}
