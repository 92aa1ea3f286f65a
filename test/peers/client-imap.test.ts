/** Our IMAP client against the servers of others: the suite that it passes against ours. */
import { readFile } from 'node:fs/promises'
import { after, suite } from 'node:test'
import { type ClientTarget, imapClientSuite, imapResumeSuite } from '#testing/imap-client-suite/suite.ts'
import { cyrusLacking, startCyrus } from './foreign/cyrus.ts'
import { dovecotLacking, startDovecot } from './foreign/dovecot.ts'
import type { ForeignServer } from './foreign/server.ts'

const PASSWORD = 'correct horse'

const WAYS = [
  ['none', false],
  ['none', true],
  ['starttls', false],
  ['starttls', true],
  ['tls', false],
  ['tls', true],
] as const

/** Everybody has an account of their own, so that all can be played at once. */
const accounts = WAYS.map((_, n) => ({ address: `ann${n}@example.org`, password: PASSWORD }))

async function target(server: ForeignServer, n: number): Promise<ClientTarget> {
  const [security, compress] = WAYS[n] ?? ['none', false]
  return {
    // Debian's Cyrus was built to look once a minute
    pushes: server.name !== 'cyrus',
    options: {
      host: '127.0.0.1',
      port: server.port(security === 'tls' ? 'imaps' : 'imap'),
      security,
      compress,
      allowPlaintext: true,
      tls: { ca: await readFile(server.ca, 'utf8'), servername: server.host },
      credentials: { login: `ann${n}@example.org`, password: PASSWORD },
    },
    async [Symbol.asyncDispose]() {},
  }
}

// they mostly wait for each other: side by side they take a third of the time
for (const [name, lacking, start] of [
  ['Dovecot', dovecotLacking, startDovecot],
  ['Cyrus', cyrusLacking, startCyrus],
] as const)
  suite(`our IMAP client and ${name}`, { skip: lacking(), concurrency: WAYS.length }, () => {
    let started: Promise<ForeignServer> | undefined
    after(async () => (await started)?.[Symbol.asyncDispose]())
    for (const [n, [security, compress]] of WAYS.entries())
      imapClientSuite(`${name}, ${security}${compress ? ', deflated' : ''}`, async () =>
        target(await (started ??= start({ accounts })), n),
      )
  })

suite('our IMAP client and a Dovecot that has less', { skip: dovecotLacking(), concurrency: 2 }, () => {
  let started: Promise<ForeignServer> | undefined
  after(async () => (await started)?.[Symbol.asyncDispose]())
  imapResumeSuite('Dovecot without CONDSTORE and QRESYNC', async () => {
    const capabilities = 'IMAP4rev1 SASL-IR LITERAL+ ENABLE IDLE NAMESPACE UIDPLUS UNSELECT ESEARCH'
    started ??= startDovecot({ accounts, more: `protocol imap {\n  imap_capability = ${capabilities}\n}\n` })
    return target(await started, 0)
  })
})
