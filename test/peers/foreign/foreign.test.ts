/** That the servers of others which our client is tried on are there, whole, and gone afterwards. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import path from 'node:path'
import { suite, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { createTransport } from 'nodemailer'
import { ImapLines } from '#testing/imap-client.ts'
import { fill, Look, popMessages } from '../look.ts'
import { cyrusLacking, startCyrus } from './cyrus.ts'
import { dovecotLacking, startDovecot } from './dovecot.ts'
import type { ForeignServer } from './server.ts'

const ANN = { address: 'ann@example.org', password: 'secret' }
const BOB = { address: 'bob@example.org', password: 'secret too' }
const MAIL = Buffer.from('From: a@example.org\r\nSubject: hello\r\n\r\nHello\r\n')

for (const [name, lacking, start] of [
  ['Dovecot', dovecotLacking, startDovecot],
  ['Cyrus', cyrusLacking, startCyrus],
] as const)
  suite(`${name} for tests`, { skip: lacking() }, () => {
    test('takes mail by IMAP and LMTP, gives it by POP3, and leaves nothing behind', async () => {
      let folder = ''
      let port = 0
      {
        await using server = await start({ accounts: [ANN, BOB] })
        folder = path.dirname(path.dirname(server.ca))
        port = server.port('imap')
        await fill(server, ANN, [['hello', MAIL]])
        await deliver(server, ANN.address)
        await using look = await Look.open(server, BOB)
        assert.deepEqual(await look.messages(), [], 'accounts are apart')
        await look.create('Kept/Deep')
        assert.ok((await look.mailboxes()).includes('Kept/Deep'))
        const [first, second, ...more] = await popMessages(server, ANN)
        assert.deepEqual(first, MAIL)
        assert.match(String(second), /Subject: by LMTP\r\n/)
        assert.equal(more.length, 0)
      }
      assert.ok(!existsSync(folder))
      await assert.rejects(once(connect(port, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' })
    })

    test('speaks TLS, at once and by STARTTLS, with a certificate that its authority signed', async () => {
      await using server = await start({ accounts: [ANN] })
      const ca = readFileSync(server.ca)
      const { host } = server
      for (const protocol of ['imap', 'pop3'] as const) {
        const direct = connectTls({ host: '127.0.0.1', servername: host, port: server.portOf(protocol, 'tls'), ca })
        await once(direct, 'secureConnect')
        assert.ok(direct.authorized)
        direct.destroy()
        const socket = connect(server.portOf(protocol, 'starttls'), '127.0.0.1')
        await once(socket, 'connect')
        const lines = new ImapLines(socket)
        await lines.line()
        lines.send(protocol === 'imap' ? 'a STARTTLS\r\n' : 'STLS\r\n')
        assert.match((await lines.line()) ?? '', /OK/)
        const secure = new ImapLines(await lines.secure())
        if (protocol === 'imap') {
          const answers = await secure.command(`b LOGIN "${ANN.address}" "${ANN.password}"`)
          assert.match(answers.at(-1) ?? '', /^b OK/)
        }
        secure.reset()
      }
    })
  })

async function deliver(server: ForeignServer, to: string): Promise<void> {
  const transport = createTransport({ host: '127.0.0.1', port: server.port('lmtp'), lmtp: true, ignoreTLS: true })
  await transport.sendMail({ from: 'a@example.org', to, subject: 'by LMTP', text: 'Hello' })
  transport.close()
}
