/** Our POP3 client against our own server, in the clear, by STLS and by TLS. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { after } from 'node:test'
import { type Pop3Target, pop3ClientSuite } from '#testing/pop3-client-suite.ts'
import { type WholeServer, wholeServer } from '#testing/whole-server.ts'

const PASSWORD = 'correct horse battery'
const PASSWORDS = ['SCRAM-SHA-256', 'PLAIN', 'LOGIN']

let started: Promise<WholeServer> | undefined
const server = (): Promise<WholeServer> =>
  (started ??= wholeServer({
    auth: { allow_plaintext: true, scram_for_passwords: true },
    limits: { exempt: ['127.0.0.0/8', '::1/128'] },
  }))
after(async () => (await started)?.[Symbol.asyncDispose]())

for (const security of ['none', 'starttls', 'tls'] as const) {
  pop3ClientSuite(`Malle, ${security}`, async (): Promise<Pop3Target> => {
    const whole = await server()
    const login = `${security}@example.org`
    await whole.server.administration.ask('account.add', { address: login, password: PASSWORD })
    const ca = await readFile(path.join(whole.folder, 'data', 'tls', 'ca.pem'), 'utf8')
    const shared = {
      host: 'localhost',
      security,
      allowPlaintext: security === 'none',
      tls: { ca },
      credentials: { login, password: PASSWORD },
    }
    return {
      options: { ...shared, port: whole.port(security === 'tls' ? 'pop3s' : 'pop3') },
      imap: { ...shared, port: whole.port(security === 'tls' ? 'imaps' : 'imap') },
      mechanisms: security === 'none' ? PASSWORDS : ['SCRAM-SHA-256-PLUS', ...PASSWORDS],
      capabilities: ['TOP', 'UIDL', 'RESP-CODES', 'AUTH-RESP-CODE', 'PIPELINING', 'UTF8', 'USER', 'SASL'],
      bareLf: 'kept',
      exclusive: true,
      async [Symbol.asyncDispose]() {},
    }
  })
}
