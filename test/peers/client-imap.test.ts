/** Our client against the servers of others: the suite that it passes against ours. */
import { readFile } from 'node:fs/promises'
import { suite } from 'node:test'
import { type ClientTarget, imapClientSuite } from '#testing/imap-client-suite.ts'
import { cyrusLacking, startCyrus } from './foreign/cyrus.ts'
import { dovecotLacking, startDovecot } from './foreign/dovecot.ts'

const ANN = { address: 'ann@example.org', password: 'correct horse' }

const WAYS = [
  ['none', false],
  ['none', true],
  ['starttls', false],
  ['starttls', true],
  ['tls', false],
  ['tls', true],
] as const

for (const [name, lacking, start] of [
  ['Dovecot', dovecotLacking, startDovecot],
  ['Cyrus', cyrusLacking, startCyrus],
] as const)
  suite(`our IMAP client and ${name}`, { skip: lacking() }, () => {
    for (const [security, compress] of WAYS)
      imapClientSuite(`${name}, ${security}${compress ? ', deflated' : ''}`, async (): Promise<ClientTarget> => {
        const server = await start({ accounts: [ANN] })
        return {
          // Debian's Cyrus was built to look once a minute
          pushes: name !== 'Cyrus',
          options: {
            host: '127.0.0.1',
            port: server.port(security === 'tls' ? 'imaps' : 'imap'),
            security,
            compress,
            allowPlaintext: true,
            tls: { ca: await readFile(server.ca, 'utf8'), servername: server.host },
            credentials: { login: ANN.address, password: ANN.password },
          },
          [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
        }
      })
  })
