/** Our POP3 client against the servers of others: the suite that it passes against ours. */
import { readFile } from 'node:fs/promises'
import { after, suite } from 'node:test'
import { type Pop3Target, pop3ClientSuite } from '#testing/pop3-client-suite.ts'
import { cyrusLacking, startCyrus } from './foreign/cyrus.ts'
import { dovecotLacking, startDovecot } from './foreign/dovecot.ts'
import type { ForeignServer } from './foreign/server.ts'

const PASSWORD = 'correct horse'
const WAYS = ['none', 'starttls', 'tls'] as const
const accounts = WAYS.map((way) => ({ address: `${way}@example.org`, password: PASSWORD }))

const SERVERS = [
  {
    name: 'Dovecot',
    lacking: dovecotLacking,
    start: startDovecot,
    facts: {
      mechanisms: ['SCRAM-SHA-256', 'PLAIN', 'LOGIN'],
      capabilities: ['TOP', 'UIDL', 'RESP-CODES', 'AUTH-RESP-CODE', 'PIPELINING'],
      bareLf: 'crlf',
    },
  },
  {
    name: 'Cyrus',
    lacking: cyrusLacking,
    start: startCyrus,
    facts: {
      mechanisms: ['SCRAM-SHA-256', 'PLAIN', 'LOGIN'],
      capabilities: ['TOP', 'UIDL', 'RESP-CODES', 'AUTH-RESP-CODE', 'PIPELINING'],
      bareLf: 'refused',
    },
  },
] as const

for (const { name, lacking, start, facts } of SERVERS)
  suite(`our POP3 client and ${name}`, { skip: lacking(), concurrency: WAYS.length }, () => {
    let started: Promise<ForeignServer> | undefined
    after(async () => (await started)?.[Symbol.asyncDispose]())
    for (const security of WAYS)
      pop3ClientSuite(`${name}, ${security}`, async (): Promise<Pop3Target> => {
        const server = await (started ??= start({ accounts }))
        const shared = {
          host: '127.0.0.1',
          security,
          allowPlaintext: security === 'none',
          tls: { ca: await readFile(server.ca, 'utf8'), servername: server.host },
          credentials: { login: `${security}@example.org`, password: PASSWORD },
        }
        return {
          options: { ...shared, port: server.portOf('pop3', security === 'none' ? 'plain' : security) },
          imap: { ...shared, port: server.portOf('imap', security === 'none' ? 'plain' : security) },
          ...facts,
          // two sessions at once are fine with both
          exclusive: false,
          async [Symbol.asyncDispose]() {},
        }
      })
  })
