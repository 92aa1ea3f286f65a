import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { wholeServer } from '#testing/whole-server.ts'
import { publicKeyHash } from './certificates.ts'
import { VerbRefused } from './verbs.ts'

test('the facts of a domain are those of the configuration, the bound ports and the certificate shown', async () => {
  await using whole = await wholeServer({
    hostname: 'mail.example.org',
    public: { submission: 'smtp.example.org:587', pop3s: 'off', addresses: ['192.0.2.7'], mta_sts: 'enforce' },
  })
  const { administration } = whole.server
  const facts = await administration.ask('dns.facts', { domain: 'Example.ORG.' })
  assert.deepEqual(facts.services, {
    imaps: { host: 'mail.example.org', port: whole.port('imaps') },
    imap: { host: 'mail.example.org', port: whole.port('imap') },
    pop3: { host: 'mail.example.org', port: whole.port('pop3') },
    submissions: { host: 'mail.example.org', port: whole.port('submissions') },
    submission: { host: 'smtp.example.org', port: 587 },
  })
  assert.deepEqual(facts.mtaSts, { mode: 'enforce', mx: ['mail.example.org'] })
  assert.equal(facts.reports, 'postmaster@example.org')
  const socket = connect({ port: whole.port('imaps'), host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const shown = socket.getPeerX509Certificate()
  socket.destroy()
  assert.ok(shown !== undefined)
  assert.deepEqual(facts.tlsa, [publicKeyHash(shown)])
  const unknown = administration.ask('dns.facts', { domain: 'example.net' })
  await assert.rejects(unknown, (error) => error instanceof VerbRefused && error.refusal.kind === 'no-such')
})
