/** Our clients log in to Dovecot without a password: by a certificate (EXTERNAL) and by tokens (OAUTHBEARER, XOAUTH2). */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { ClientError, type ConnectOptions, type Credentials, ImapClient, Pop3Client } from '#client/index.ts'
import { type ClientAuthority, clientAuthority } from '#testing/client-certificates.ts'
import { dovecotLacking, startDovecot } from './foreign/dovecot.ts'
import type { ForeignServer } from './foreign/server.ts'

const ANN = 'ann@example.org'
const WAYS = ['tls', 'starttls'] as const
const lacking = dovecotLacking()

suite('our clients at Dovecot, without a password', { skip: lacking }, () => {
  let folder: string
  let issuer: Server
  let authority: ClientAuthority
  let server: ForeignServer
  let ca: string

  before(async () => {
    if (lacking !== false) return
    folder = await mkdtemp(path.join(tmpdir(), 'malle-credentials-'))
    await chmod(folder, 0o755)
    authority = await clientAuthority()
    issuer = await introspection()
    const clients = path.join(folder, 'clients.pem')
    await writeFile(clients, authority.ca, { mode: 0o644 })
    const oauth = path.join(folder, 'oauth2.conf')
    const url = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/`
    await writeFile(
      oauth,
      `introspection_mode = post
introspection_url = ${url}
active_attribute = active
active_value = true
username_attribute = email
`,
      { mode: 0o644 },
    )
    server = await startDovecot({
      accounts: [{ address: ANN, password: 'unused' }],
      more: `ssl_ca = <${clients}
ssl_require_crl = no
ssl_verify_client_cert = yes
auth_ssl_username_from_cert = yes
auth_mechanisms = external oauthbearer xoauth2
passdb {
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = ${oauth}
}
passdb {
  driver = static
  mechanisms = external
  args = nopassword=yes
}
`,
    })
    ca = await readFile(server.ca, 'utf8')
  })

  after(async () => {
    if (lacking !== false) return
    await server[Symbol.asyncDispose]()
    issuer.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** Puts a message in by IMAP and takes it by POP3. */
  async function useBoth(
    security: (typeof WAYS)[number],
    tls: NonNullable<ConnectOptions['tls']>,
    credentials: Credentials,
  ): Promise<void> {
    const options = { host: '127.0.0.1', security, tls: { ca, servername: server.host, ...tls }, credentials }
    await using imap = await ImapClient.connect({ ...options, port: server.portOf('imap', security) })
    await imap.append('INBOX', { body: `Subject: ${security}\r\n\r\n` })
    await using pop3 = await Pop3Client.connect({ ...options, port: server.portOf('pop3', security) })
    const [entry] = await pop3.maildrop()
    assert.ok(entry !== undefined)
    await pop3.delete(entry.message)
    await pop3.quit()
  }

  test('EXTERNAL, and not with the certificate of a stranger', async () => {
    const stranger = await clientAuthority()
    for (const security of WAYS) {
      await useBoth(security, await authority.issue([], 86_400, ANN), { external: true })
      await assert.rejects(useBoth(security, await stranger.issue([], 86_400, ANN), { external: true }), ClientError)
    }
  })

  for (const mechanism of ['OAUTHBEARER', 'XOAUTH2'])
    test(`${mechanism}, with a token that is fetched anew when it is refused`, async () => {
      const asked: (string | undefined)[] = []
      const credentials = {
        login: ANN,
        mechanisms: [mechanism],
        token(refused: string | undefined) {
          asked.push(refused)
          return refused === undefined ? 'stale' : 'fresh'
        },
      }
      for (const security of WAYS) await useBoth(security, {}, credentials)
      assert.deepEqual(
        asked,
        WAYS.flatMap(() => [undefined, 'stale', undefined, 'stale']),
      )
      const never = useBoth('tls', {}, { login: ANN, mechanisms: [mechanism], token: 'stale' })
      await assert.rejects(never, { name: 'AuthenticationError', trouble: 'refused' })
    })
})

/** Says of each token whose it is and whether it still counts. */
async function introspection(): Promise<Server> {
  const http = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => {
      const active = new URLSearchParams(body).get('token') === 'fresh'
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ active, email: ANN }))
    })
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return http
}
