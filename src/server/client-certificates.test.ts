/** AUTH=EXTERNAL with client certificates (RFC 4422 appendix A), on implicit TLS and after STARTTLS, in every protocol. @module */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { type ConnectionOptions, TLSSocket } from 'node:tls'
import { type ClientAuthority, clientAuthority } from '#testing/client-certificates.ts'
import { LineClient, type WholeServer, wholeServer } from '#testing/whole-server.ts'

let server: WholeServer
let authority: ClientAuthority
before(async () => {
  authority = await clientAuthority()
  server = await wholeServer(async (folder) => {
    const file = path.join(folder, 'clients.pem')
    await writeFile(file, authority.ca)
    return { tls: { client_ca: file } }
  })
})
after(() => server[Symbol.asyncDispose]())

const BOB = Buffer.from('bob@example.org').toString('base64')

/** How each protocol gets to its AUTH, what it then lists, and how it logs in. */
const WAYS = {
  imaps: {
    async open(options: ConnectionOptions) {
      const client = await (await LineClient.dial(server.port('imaps'))).secure(options)
      await client.line()
      return client
    },
    list: (client: LineClient) => client.ask('a CAPABILITY', /^a OK/),
    log: (client: LineClient, who: string) => client.say(`b AUTHENTICATE EXTERNAL ${who}`),
    in: /^b OK/,
    out: /^b NO \[(AUTHENTICATION|AUTHORIZATION)FAILED\]/,
  },
  imap: {
    async open(options: ConnectionOptions) {
      const client = await LineClient.dial(server.port('imap'))
      await client.line()
      await client.say('s STARTTLS')
      return client.secure(options)
    },
    list: (client: LineClient) => client.ask('a CAPABILITY', /^a OK/),
    log: (client: LineClient, who: string) => client.say(`b AUTHENTICATE EXTERNAL ${who}`),
    in: /^b OK/,
    out: /^b NO \[(AUTHENTICATION|AUTHORIZATION)FAILED\]/,
  },
  pop3: {
    async open(options: ConnectionOptions) {
      const client = await LineClient.dial(server.port('pop3'))
      await client.line()
      await client.say('STLS')
      return client.secure(options)
    },
    list: (client: LineClient) => client.ask('CAPA', /^\.$/),
    log: (client: LineClient, who: string) => client.say(`AUTH EXTERNAL ${who}`),
    in: /^\+OK/,
    out: /^-ERR \[AUTH\]/,
  },
  submission: {
    async open(options: ConnectionOptions) {
      const client = await LineClient.dial(server.port('submission'))
      await client.line()
      await client.say('EHLO x')
      await client.say('STARTTLS')
      return client.secure(options)
    },
    list: (client: LineClient) => client.ask('EHLO x', /^250 /),
    log: (client: LineClient, who: string) => client.say(`AUTH EXTERNAL ${who}`),
    in: /^235 /,
    out: /^535 /,
  },
  submissions: {
    async open(options: ConnectionOptions) {
      const client = await (await LineClient.dial(server.port('submissions'))).secure(options)
      await client.line()
      return client
    },
    list: (client: LineClient) => client.ask('EHLO x', /^250 /),
    log: (client: LineClient, who: string) => client.say(`AUTH EXTERNAL ${who}`),
    in: /^235 /,
    out: /^535 /,
  },
} as const

for (const [name, way] of Object.entries(WAYS)) {
  test(`${name}: a certificate opens the account it names, and EXTERNAL is listed where there is one`, async () => {
    using client = await way.open(await authority.issue(['Ann@example.org']))
    assert.match(await way.list(client), /\bEXTERNAL\b/)
    assert.match((await way.log(client, BOB)) ?? '', way.out, 'nobody else')
    assert.match((await way.log(client, '=')) ?? '', way.in)
  })

  test(`${name}: without a certificate that was verified, EXTERNAL is neither listed nor done`, async () => {
    const stranger = await clientAuthority()
    const expired = await authority.issue(['ann@example.org'], -60)
    for (const options of [{}, await stranger.issue(['ann@example.org']), expired, await authority.issue([])]) {
      using client = await way.open(options)
      assert.doesNotMatch(await way.list(client), /\bEXTERNAL\b/)
      assert.doesNotMatch((await way.log(client, '=')) ?? '', way.in)
    }
  })
}

test('one of several addresses is chosen', async () => {
  using client = await WAYS.imap.open(await authority.issue(['ann@example.org', 'bob@example.org']))
  assert.match((await WAYS.imap.log(client, BOB)) ?? '', /^b OK/)
  const sessions = await server.server.administration.ask('session.list', {})
  assert.ok(JSON.stringify(sessions).includes('bob@example.org'))
})

test('a certificate for strangers opens nothing', async () => {
  using client = await WAYS.imaps.open(await authority.issue(['eve@example.net', 'not an address']))
  assert.match((await WAYS.imaps.log(client, '=')) ?? '', /^b NO \[AUTHENTICATIONFAILED\]/)
})

test('a resumed session keeps what its certificate said', async () => {
  const certificate = await authority.issue(['ann@example.org'])
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    using client = await WAYS.imaps.open({ ...certificate, maxVersion })
    await WAYS.imaps.list(client)
    assert.ok(client.socket instanceof TLSSocket)
    const session = client.socket.getSession()
    assert.ok(session !== undefined)
    using again = await WAYS.imaps.open({ session, maxVersion })
    assert.ok(again.socket instanceof TLSSocket && again.socket.isSessionReused())
    assert.match(await WAYS.imaps.list(again), /\bEXTERNAL\b/)
    using without = await WAYS.imaps.open({ maxVersion })
    assert.doesNotMatch(await WAYS.imaps.list(without), /\bEXTERNAL\b/)
  }
})
