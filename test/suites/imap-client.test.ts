/** Our IMAP client against our own server: in the clear, by STARTTLS and deflated, by TLS. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { after } from 'node:test'
import { type ClientTarget, imapClientSuite } from '#testing/imap-client-suite/suite.ts'
import { type WholeServer, wholeServer } from '#testing/whole-server.ts'

const PASSWORD = 'correct horse battery'
const WAYS = [
  ['none', false],
  ['starttls', true],
  ['tls', false],
] as const

let started: Promise<WholeServer> | undefined
const server = (): Promise<WholeServer> =>
  (started ??= wholeServer({
    auth: { allow_plaintext: true },
    limits: { exempt: ['127.0.0.0/8', '::1/128'] },
  }))
after(async () => (await started)?.[Symbol.asyncDispose]())

for (const [security, compress] of WAYS) {
  imapClientSuite(`Malle, ${security}${compress ? ', deflated' : ''}`, async (): Promise<ClientTarget> => {
    const whole = await server()
    const login = `${security}@example.org`
    await whole.server.administration.ask('account.add', { address: login, password: PASSWORD })
    const ca = security === 'none' ? '' : await readFile(path.join(whole.folder, 'data', 'tls', 'ca.pem'), 'utf8')
    return {
      pushes: true,
      options: {
        host: 'localhost',
        port: whole.port(security === 'tls' ? 'imaps' : 'imap'),
        security,
        compress,
        allowPlaintext: true,
        tls: { ca },
        credentials: { login, password: PASSWORD },
      },
      async [Symbol.asyncDispose]() {},
    }
  })
}
