/** That the Postfix which our outgoing mail is tried on is there, whole, and gone afterwards. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { suite, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createTransport } from 'nodemailer'
import { Postfix, postfixLacking } from './postfix.ts'

const PATIENCE_MS = 20_000
const LOOKS_MS = 50

suite('Postfix for tests', { skip: postfixLacking() }, () => {
  test('takes mail over STARTTLS, keeps what is for example.net, and leaves nothing behind', async () => {
    let port = 0
    {
      await using postfix = await Postfix.start()
      port = postfix.port
      const transport = createTransport({
        host: 'localhost',
        port: postfix.port,
        requireTLS: true,
        tls: { ca: readFileSync(postfix.ca) },
      })
      await transport.sendMail({ from: 'ann@example.org', to: 'bob@example.net', subject: 'hello', text: 'Hello' })
      transport.close()
      const until = Date.now() + PATIENCE_MS
      while ((await postfix.messages('bob@example.net')).length === 0 && Date.now() < until) await pause(LOOKS_MS)
      const [message] = await postfix.messages('bob@example.net')
      assert.match(String(message), /^Return-Path: <ann@example\.org>\n[^]*\nSubject: hello\n[^]*\n\nHello\n$/)
      assert.deepEqual(await postfix.messages('eve@example.net'), [])
      assert.match(postfix.command('postqueue', '-p'), /Mail queue is empty/)
    }
    await assert.rejects(once(connect({ host: '127.0.0.1', port }), 'connect'), { code: 'ECONNREFUSED' })
  })
})
