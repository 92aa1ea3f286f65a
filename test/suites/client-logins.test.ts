/** Our clients log in to our server without a password: tokens of an issuer, and certificates. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { type ConnectOptions, type Credentials, ImapClient, Pop3Client, type Security } from '#client/index.ts'
import { type ClientAuthority, clientAuthority } from '#testing/client-certificates.ts'
import { CuttingProxy } from '#testing/cutting-proxy.ts'
import { TokenIssuer } from '#testing/token-issuer.ts'
import { type WholeServer, wholeServer } from '#testing/whole-server.ts'

const ANN = 'ann@example.org'

let server: WholeServer
let issuer: TokenIssuer
let authority: ClientAuthority
let ca: Uint8Array
before(async () => {
  authority = await clientAuthority()
  issuer = await TokenIssuer.start()
  server = await wholeServer(async (folder) => {
    const file = path.join(folder, 'clients.pem')
    await writeFile(file, authority.ca)
    return {
      auth: { allow_plaintext: true, oauth: { issuer: issuer.url, audience: ['malle'], jwks_uri: issuer.jwksUri } },
      tls: { client_ca: file },
      limits: { exempt: ['127.0.0.0/8', '::1/128'] },
    }
  })
  ca = await readFile(path.join(server.folder, 'data', 'tls', 'ca.pem'))
})
after(async () => {
  await server[Symbol.asyncDispose]()
  await issuer[Symbol.asyncDispose]()
})

/** A token for Ann that ends so many seconds from now. */
function token(endsIn: number): string {
  return issuer.token({ aud: 'malle', email: ANN, exp: Math.floor(Date.now() / 1000) + endsIn })
}

/** Logs in and asks for something. */
const PROTOCOLS = {
  async imap(options: ConnectOptions & { readonly credentials: Credentials }): Promise<void> {
    await using client = await ImapClient.connect(options)
    assert.equal((await client.select('INBOX')).exists, 0)
  },
  async pop3(options: ConnectOptions & { readonly credentials: Credentials }): Promise<void> {
    await using client = await Pop3Client.connect(options)
    assert.equal((await client.stat()).messages, 0)
    await client.quit()
  },
}

function optionsOf(protocol: 'imap' | 'pop3', security: Security): ConnectOptions {
  const port = server.port(security === 'tls' ? `${protocol}s` : protocol)
  return { host: 'localhost', port, security, tls: { ca } }
}

for (const protocol of ['imap', 'pop3'] as const) {
  const logIn = PROTOCOLS[protocol]

  for (const mechanism of ['OAUTHBEARER', 'XOAUTH2']) {
    test(`${protocol}: ${mechanism}, with a token that is fetched, and fetched anew when it is refused`, async () => {
      const asked: (string | undefined)[] = []
      const old = token(-3_600)
      const credentials = {
        login: ANN,
        mechanisms: [mechanism],
        async token(refused: string | undefined) {
          asked.push(refused)
          return refused === undefined ? old : token(60)
        },
      }
      for (const security of ['tls', 'starttls'] as const)
        await logIn({ ...optionsOf(protocol, security), credentials })
      assert.deepEqual(asked, [undefined, old, undefined, old])
    })
  }

  test(`${protocol}: a token that nobody takes, for others, or in the clear is an error, and not sent in the clear`, async () => {
    const tls = optionsOf(protocol, 'tls')
    const refused = { name: 'AuthenticationError', trouble: 'refused' }
    await assert.rejects(logIn({ ...tls, credentials: { login: ANN, token: token(-3_600) } }), refused)
    await assert.rejects(logIn({ ...tls, credentials: { login: 'bob@example.org', token: token(60) } }), refused)
    const inTheClear = { ...optionsOf(protocol, 'none'), credentials: { login: ANN, token: () => token(60) } }
    await assert.rejects(logIn(inTheClear), { name: 'AuthenticationError', trouble: 'no-mechanism' })
    await logIn({ ...inTheClear, allowPlaintext: true })
  })

  test(`${protocol}: EXTERNAL, as the certificate says or as one of those it names`, async () => {
    const own = await authority.issue([ANN])
    const two = await authority.issue([ANN, 'bob@example.org'])
    for (const security of ['tls', 'starttls'] as const) {
      const options = optionsOf(protocol, security)
      const external = { external: true } as const
      await logIn({ ...options, tls: { ca, ...own }, credentials: external })
      await logIn({ ...options, tls: { ca, ...two }, credentials: { ...external, authorizeAs: 'bob@example.org' } })
      await assert.rejects(
        logIn({ ...options, tls: { ca, ...own }, credentials: { ...external, authorizeAs: 'bob@example.org' } }),
        { name: 'AuthenticationError', trouble: 'refused' },
      )
      const nothing = logIn({ ...options, credentials: external })
      await assert.rejects(nothing, { name: 'AuthenticationError', trouble: 'no-mechanism' })
    }
  })
}

test('imap: a connection made again asks for a token again, as the first one is over', async () => {
  await using proxy = await CuttingProxy.start('127.0.0.1', server.port('imaps'))
  let asked = 0
  const credentials = {
    login: ANN,
    token() {
      asked += 1
      return token(60)
    },
  }
  const options = { host: '127.0.0.1', port: proxy.port, tls: { ca, servername: 'localhost' }, credentials }
  await using client = await ImapClient.connect({ ...options, security: 'tls' })
  await client.select('INBOX')
  proxy.cut()
  assert.equal((await client.search({})).count, 0)
  assert.equal(asked, 2)
})
