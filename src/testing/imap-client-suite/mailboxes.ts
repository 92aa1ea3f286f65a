/** Logging in and mailboxes. @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ImapClient, RefusedError } from '#client/index.ts'
import { large, message } from '../suite-messages.ts'
import type { Bench } from './bench.ts'

export function mailboxTests(bench: Bench): void {
  test('connects as it is told to', async () => {
    const { options } = await bench.target()
    await using client = await bench.connect()
    assert.equal(client.secure, (options.security ?? 'tls') !== 'none')
    assert.equal(client.compressed, options.compress === true && client.capabilities.has('COMPRESS=DEFLATE'))
    assert.ok(client.capabilities.has('IMAP4REV1') || client.capabilities.has('IMAP4REV2'))
    assert.equal(client.enabled.has('QRESYNC'), client.capabilities.has('QRESYNC'))
  })

  test('a wrong password is an AuthenticationError', async () => {
    const { options } = await bench.target()
    const credentials = { login: 'login' in options.credentials ? options.credentials.login : '', password: 'wrong' }
    await assert.rejects(ImapClient.connect({ ...options, credentials }), { name: 'AuthenticationError' })
  })

  test('mailboxes are made, listed, renamed, subscribed to and removed, whatever they are called', async () => {
    await using client = await bench.connect()
    const [inbox] = (await client.list({ pattern: 'INBOX' })).filter(({ role }) => role === 'inbox')
    const delimiter = inbox?.delimiter ?? '/'
    const [first, second] = ['Été & 汉字', `Hiver${delimiter}1`]
    await client.create(first)
    const [listed] = (await client.list({ status: true })).filter((each) => each.name === first)
    assert.equal(listed?.status?.MESSAGES, 0)
    assert.equal(listed?.noSelect, false)
    await client.rename(first, second)
    await client.subscribe(second)
    const subscribed = await client.list({ subscribed: true })
    assert.ok(subscribed.some((each) => each.name === second && each.subscribed))
    await client.unsubscribe(second)
    const { MESSAGES, UIDNEXT } = await client.status(second)
    assert.deepEqual([MESSAGES, UIDNEXT], [0, 1])
    await client.delete(second)
    await client.delete('Hiver').catch(() => undefined)
    assert.ok(!(await client.list()).some((each) => each.name === second))
  })

  test('special mailboxes are found by what they are for', async () => {
    await using client = await bench.connect()
    const made: string[] = []
    const before = await client.specialMailboxes()
    for (const [role, mailbox] of [
      ['sent', 'Éléments envoyés'],
      ['trash', 'Papierkorb'],
    ] as const) {
      if (before.has(role)) continue
      await client.create(mailbox)
      made.push(mailbox)
    }
    const special = await client.specialMailboxes()
    assert.deepEqual(
      ['inbox', 'sent', 'trash'].map((role) => special.has(role as 'sent')),
      [true, true, true],
    )
    for (const mailbox of made) await client.delete(mailbox)
  })

  test('a no is a RefusedError', async () => {
    await using client = await bench.connect()
    const refused = (error: unknown): boolean => error instanceof RefusedError
    await assert.rejects(client.select('Nowhere'), refused)
    assert.equal(client.mailbox, undefined)
    await assert.rejects(client.append('Nowhere', { body: message(1) }), { name: 'RefusedError', code: 'TRYCREATE' })
    await assert.rejects(client.append('Nowhere', { body: large(400_000, 1) }), { code: 'TRYCREATE' })
    await assert.rejects(client.search({}), { name: 'MailboxChangedError' })
    await client.noop()
  })
}
