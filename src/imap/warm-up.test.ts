import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestImapServer } from '#testing/imap-server.ts'
import { madeUp, NOBODYS_LOGIN, NobodysClient, nobodysDeps } from './nobodys-mailbox.ts'
import { Session } from './session.ts'
import { warmUp } from './warm-up.ts'

class Listening extends NobodysClient {
  heard = ''

  override _write(chunk: Buffer, encoding: string, taken: () => void): void {
    this.heard += chunk.toString('latin1')
    super._write(chunk, encoding, taken)
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], taken: () => void): void {
    for (const { chunk } of chunks) this.heard += chunk.toString('latin1')
    super._writev(chunks, taken)
  }
}

for (const imprinted of [false, true])
  test(`a warm-up takes the way of a client through a mailbox ${imprinted ? 'with' : 'without'} an imprint`, async () => {
    await using server = await TestImapServer.start({})
    const commands = ['SELECT INBOX', 'UID FETCH 1:* (UID FLAGS)', 'UID SEARCH UNSEEN', 'LOGOUT']
    const client = new Listening(commands)
    const session = new Session(nobodysDeps(server.deps, madeUp(3_000), imprinted), client, () => undefined)
    session.loggedIn(NOBODYS_LOGIN)
    await session.run({ address: '', port: 0, localPort: 0 })
    const lines = client.heard.split('\r\n')
    for (const tag of commands.keys())
      assert.ok(
        lines.some((line) => line.startsWith(`${tag} OK`)),
        client.heard,
      )
    assert.ok(lines.includes('* 3000 EXISTS'))
    assert.equal(lines.filter((line) => line.includes(' FETCH (UID ')).length, 3_000)
    assert.equal(lines.find((line) => line.startsWith('* SEARCH'))?.split(' ').length, 2 + 750)
  })

test('a warm-up leaves nothing behind', async () => {
  await using server = await TestImapServer.start({ messages: [{}] })
  const before = await server.store.state(server.account)
  await warmUp(server.deps)
  assert.deepEqual(await server.store.state(server.account), before)
  assert.equal(server.registry.connections.size, 0)
  assert.equal(server.service.size, 0)
  assert.deepEqual(server.log.lines, [])
})
