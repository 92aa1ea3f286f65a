import assert from 'node:assert/strict'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { ImapFlow } from 'imapflow'
import { SMALL_MESSAGE, TestImapServer } from '#testing/imap-server.ts'

test('imapflow logs in by STARTTLS, compresses, makes a mailbox, appends, fetches, copies, and hears of a delivery while it idles', async () => {
  await using server = await TestImapServer.start({ tls: true, allowPlaintext: false, messages: [{}] })
  const listener = createServer((socket) => server.service.accept(socket, { secure: false }))
  await new Promise<void>((resolve) => {
    listener.listen(0, '127.0.0.1', resolve)
  })
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    secure: false,
    auth: { user: 'ann@example.org', pass: 'secret' },
    tls: { rejectUnauthorized: false },
    logger: false,
  })
  await client.connect()
  try {
    assert.equal(client.secureConnection, true)
    // It compresses where it can: all that follows goes through DEFLATE.
    assert.deepEqual(
      [...server.service.connections()].map(({ compressed }) => compressed),
      [true],
    )
    await client.mailboxCreate(['Été', 'Fotos & co'])
    assert.deepEqual(
      (await client.list()).map(({ path }) => path),
      ['INBOX', 'Été', 'Été/Fotos & co'],
    )
    const appended = await client.append('Été', SMALL_MESSAGE, ['\\Seen'], new Date(1_600_000_000_000))
    assert.ok(appended !== false)
    assert.equal(appended.uid, 1)
    const mailbox = await client.mailboxOpen('Été')
    assert.equal(mailbox.exists, 1)
    const message = await client.fetchOne('1', { source: true, flags: true, internalDate: true, envelope: true })
    assert.ok(message !== false)
    assert.equal(message.source?.toString('latin1'), SMALL_MESSAGE)
    assert.equal(message.envelope?.subject, 'small')
    assert.deepEqual([...(message.flags ?? [])], ['\\Seen'])
    await client.messageCopy('1', 'INBOX')
    await client.mailboxOpen('INBOX')
    const exists = new Promise<number>((resolve) => {
      client.on('exists', ({ count }) => resolve(count))
    })
    const idling = client.idle()
    await server.add()
    assert.equal(await exists, 3)
    await client.noop()
    await idling
  } finally {
    await client.logout()
    await new Promise((resolve) => listener.close(resolve))
  }
})
