import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { type ClientTarget, imapClientSuite } from '#testing/imap-client-suite.ts'
import { wholeServer } from '#testing/whole-server.ts'

const WAYS = [
  ['none', false],
  ['starttls', true],
  ['tls', false],
] as const
for (const [security, compress] of WAYS) {
  imapClientSuite(`Malle, ${security}${compress ? ', deflated' : ''}`, async (): Promise<ClientTarget> => {
    const whole = await wholeServer({
      auth: { allow_plaintext: true },
      limits: { exempt: ['127.0.0.0/8', '::1/128'] },
    })
    const login = 'cat@example.org'
    const password = 'correct horse battery'
    await whole.server.administration.ask('account.add', { address: login, password })
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
        credentials: { login, password },
      },
      [Symbol.asyncDispose]: () => whole[Symbol.asyncDispose](),
    }
  })
}
