import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { after, before, suite, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { ImapLines } from '#testing/imap-client.ts'
import { type ChannelBindings, channelBindings } from '#wire/sasl/channel-binding.ts'
import type { SaslClient } from '#wire/sasl/mechanism.ts'
import { ScramClient } from '#wire/sasl/scram-client.ts'
import { type PeerAccount, PeerServer } from './server.ts'

suite('SCRAM-SHA-256-PLUS', () => {
  let server: PeerServer
  let account: PeerAccount
  let password: string
  before(async () => {
    server = await PeerServer.start({ scramForPasswords: true })
    account = await server.account()
    password = await server.appPassword(account.address)
  })
  after(() => server.stop())

  async function connected(protocol: 'imaps' | 'pop3s' | 'submissions'): Promise<readonly [TLSSocket, ImapLines]> {
    const ca = await readFile(server.ca)
    const socket = connect({ host: '127.0.0.1', port: server.port(protocol), servername: server.host, ca })
    await once(socket, 'secureConnect')
    const lines = new ImapLines(socket)
    await lines.line()
    return [socket, lines]
  }

  /** The exchange, base64 both ways; gives the server's last line. */
  async function exchange(lines: ImapLines, client: SaslClient, command: string, challenge: RegExp): Promise<string> {
    let reply = await client.respond(undefined)
    assert.ok(reply.kind === 'response')
    lines.send(`${command} ${Buffer.from(reply.data).toString('base64')}\r\n`)
    for (;;) {
      const line = (await lines.line()) ?? ''
      const asked = challenge.exec(line)
      if (asked === null) return line
      reply = await client.respond(Buffer.from(asked[1] ?? '', 'base64'))
      if (reply.kind === 'abort') {
        lines.send('*\r\n')
        return (await lines.line()) ?? ''
      }
      lines.send(`${Buffer.from(reply.data).toString('base64')}\r\n`)
    }
  }

  function scram(binding: 'n' | 'y' | { readonly type: string; readonly data: Uint8Array }): ScramClient {
    return new ScramClient({ message: { authorizeAs: '', login: account.address, password }, binding })
  }

  const imap = async (client: SaslClient, lines: ImapLines) =>
    exchange(lines, client, `a AUTHENTICATE ${client.mechanism}`, /^\+ ?(.*)$/)

  function bound(bindings: ChannelBindings, type: string): { type: string; data: Uint8Array } {
    const data = bindings(type)
    assert.ok(data !== undefined, type)
    return { type, data }
  }

  for (const type of ['tls-exporter', 'tls-server-end-point'])
    test(`bound by ${type}, over IMAP, POP3 and submission`, async () => {
      for (const [listener, command, challenge, good] of [
        ['imaps', 'a AUTHENTICATE', /^\+ ?(.*)$/, /^a OK/],
        ['pop3s', 'AUTH', /^\+ (.*)$/, /^\+OK/],
        ['submissions', 'AUTH', /^334 ?(.*)$/, /^235 /],
      ] as const) {
        const [socket, lines] = await connected(listener)
        if (listener === 'submissions') {
          lines.send('EHLO client.example.org\r\n')
          while (!((await lines.line()) ?? '250 ').startsWith('250 ')) continue
        }
        const client = scram(bound(channelBindings(socket, 'client'), type))
        assert.match(await exchange(lines, client, `${command} ${client.mechanism}`, challenge), good)
        assert.ok(client.complete, `the server has not proved itself over ${listener}`)
        lines.reset()
      }
    })

  test('a wrong channel binding is refused: somebody sits in the middle', async () => {
    for (const type of ['tls-exporter', 'tls-server-end-point']) {
      const [socket, lines] = await connected('imaps')
      const { data } = bound(channelBindings(socket, 'client'), type)
      const other = Uint8Array.from(data, (octet, index) => (index === 0 ? octet ^ 1 : octet))
      assert.match(await imap(scram({ type, data: other }), lines), /^a NO \[AUTHENTICATIONFAILED\]/)
      // and the binding of another connection is a wrong one
      const [elsewhere, otherLines] = await connected('imaps')
      if (type === 'tls-exporter') {
        const stolen = bound(channelBindings(elsewhere, 'client'), type)
        assert.match(await imap(scram(stolen), lines), /^a NO \[AUTHENTICATIONFAILED\]/)
      }
      otherLines.reset()
      // the same connection is good for another try
      assert.match(await imap(scram({ type, data }), lines), /^a OK/)
      lines.reset()
    }
  })

  test('a client that was told that there is no -PLUS is refused (RFC 5802 §6)', async () => {
    const [, lines] = await connected('imaps')
    const capabilities = (await lines.command('c CAPABILITY')).join(' ')
    assert.match(capabilities, /AUTH=SCRAM-SHA-256-PLUS/)
    assert.match(await imap(scram('y'), lines), /^a NO/)
    assert.match(await imap(scram('n'), lines), /^a OK/)
    lines.reset()
  })

  test('an ordinary password works, too', async () => {
    const [socket, lines] = await connected('imaps')
    const binding = bound(channelBindings(socket, 'client'), 'tls-exporter')
    const message = { authorizeAs: '', login: account.address, password: account.password }
    assert.match(await imap(new ScramClient({ message, binding }), lines), /^a OK/)
    lines.reset()
  })

  test('a wrong password is refused by SCRAM, too', async () => {
    const [socket, lines] = await connected('imaps')
    const binding = bound(channelBindings(socket, 'client'), 'tls-exporter')
    const message = { authorizeAs: '', login: account.address, password: 'wrong' }
    assert.match(await imap(new ScramClient({ message, binding }), lines), /^a NO \[AUTHENTICATIONFAILED\]/)
    const nobody = { ...message, login: 'nobody@example.org' }
    assert.match(await imap(new ScramClient({ message: nobody, binding }), lines), /^a NO \[AUTHENTICATIONFAILED\]/)
    lines.reset()
  })
})
