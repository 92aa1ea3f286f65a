import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMemoryStore } from '#adapters/memory/memory-store.ts'
import type { AccountId } from '#mail/ids.ts'
import { uidSetOf } from '#mail/uid-set.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef } from '#store/types.ts'
import { type AcceptedRecipient, IncomingMessage, type LineEndPolicy } from './delivery.ts'
import type { Origin } from './trace-lines.ts'

const AT = Date.UTC(2026, 10, 23, 20, 45)
const clock = { now: () => AT }
const ann: AccountRef = { id: 1 as AccountId, shard: 0 }
const bob: AccountRef = { id: 2 as AccountId, shard: 0 }
const origin: Origin = {
  sender: 'sender@example.net',
  helo: 'mx.example.net',
  remoteAddress: '192.0.2.1',
  protocol: 'ESMTPS',
  tls: 'TLSv1.3 TLS_AES_128_GCM_SHA256',
  id: 'abc.1',
}
const toAnn: AcceptedRecipient = {
  address: 'Ann@example.org',
  targets: [{ account: ann, address: 'ann@example.org', detail: undefined }],
}
const toBob: AcceptedRecipient = {
  address: 'bob@example.org',
  targets: [{ account: bob, address: 'bob@example.org', detail: undefined }],
}
const toTeam: AcceptedRecipient = { address: 'team@example.org', targets: [...toAnn.targets, ...toBob.targets] }

async function openAccounts(bobLimit?: number): Promise<MailStore> {
  const store = openMemoryStore({ clock })
  for (const account of [ann, bob]) {
    const storageBytes = account === bob ? bobLimit : undefined
    await store.write('openAccount', {
      account,
      by: 'test',
      mailboxes: [],
      limits: { storageBytes, messages: undefined },
    })
  }
  return store
}

async function send(
  store: MailStore,
  text: string,
  recipients: readonly AcceptedRecipient[],
  options: { lineEnds?: LineEndPolicy; limitBytes?: number } = {},
): Promise<string[]> {
  const message = new IncomingMessage({ store, clock, hostname: 'mail.example.org' }, origin, recipients, {
    lineEnds: options.lineEnds ?? 'normalise',
    limitBytes: options.limitBytes ?? 1_000_000,
  })
  for (let at = 0; at < text.length; at += 7) await message.write(Buffer.from(text.slice(at, at + 7), 'latin1'))
  return (await message.finish()).map((outcome) => (outcome.ok ? 'ok' : outcome.error.kind))
}

async function inboxOf(store: MailStore, account: AccountRef): Promise<string[]> {
  const [inbox] = await store.mailboxes(account)
  assert.ok(inbox)
  const page = await store.messages(account, inbox.key, 0)
  const texts: string[] = []
  for await (const rows of store.emails(account, inbox.key, uidSetOf(page.uids), 0)) {
    for (const row of rows) {
      const body = store.body(account, row.place)
      texts.push(Buffer.concat([row.trace, await body.read(0, body.size)]).toString('latin1'))
    }
  }
  return texts
}

const TEXT = 'Subject: hello\r\n\r\nText\r\n'

test('a message gets the trace lines of its recipient', async () => {
  const store = await openAccounts()
  assert.deepEqual(await send(store, TEXT, [toAnn]), ['ok'])
  assert.deepEqual(await inboxOf(store, ann), [
    'Return-Path: <sender@example.net>\r\n' +
      'Delivered-To: ann@example.org\r\n' +
      'Received: from mx.example.net ([192.0.2.1])\r\n' +
      '\t(TLSv1.3 TLS_AES_128_GCM_SHA256)\r\n' +
      '\tby mail.example.org (Malle) with ESMTPS id abc.1\r\n' +
      '\tfor <Ann@example.org>; Mon, 23 Nov 2026 20:45:00 +0000\r\n' +
      TEXT,
  ])
})

test('an account reached through two recipients gets the message once', async () => {
  const store = await openAccounts()
  assert.deepEqual(await send(store, TEXT, [toTeam, toAnn]), ['ok', 'ok'])
  assert.equal((await inboxOf(store, ann)).length, 1)
  assert.equal((await inboxOf(store, bob)).length, 1)
})

test('one recipient over quota does not keep the others from their mail', async () => {
  const store = await openAccounts(10)
  assert.deepEqual(await send(store, TEXT, [toAnn, toBob, toTeam]), ['ok', 'over-quota', 'over-quota'])
  assert.equal((await inboxOf(store, ann)).length, 1)
  assert.equal((await inboxOf(store, bob)).length, 0)
})

test('bare line ends are normalised or refused as the policy says', async () => {
  const store = await openAccounts()
  const text = 'Subject: bare\n\none\rtwo\r\n'
  assert.deepEqual(await send(store, text, [toAnn], { lineEnds: 'reject' }), ['bare-line-end'])
  assert.deepEqual(await send(store, TEXT, [toAnn], { lineEnds: 'reject' }), ['ok'])
  assert.deepEqual(await send(store, text, [toAnn]), ['ok'])
  assert.ok((await inboxOf(store, ann))[1]?.endsWith('Subject: bare\r\n\r\none\r\ntwo\r\n'))
})

test('a message over the limit is refused, one that fits exactly is not', async () => {
  const store = await openAccounts()
  assert.deepEqual(await send(store, TEXT, [toAnn], { limitBytes: TEXT.length - 1 }), ['too-large'])
  assert.deepEqual(await send(store, TEXT, [toAnn], { limitBytes: TEXT.length }), ['ok'])
})

test('a message that goes round in circles is refused', async () => {
  const store = await openAccounts()
  assert.deepEqual(await send(store, 'Received: x\r\n'.repeat(51) + TEXT, [toAnn]), ['mail-loop'])
  assert.deepEqual(await send(store, 'Received: x\r\n'.repeat(50) + TEXT, [toAnn]), ['ok'])
  assert.deepEqual(await send(store, `Delivered-To: ANN@example.org\r\n${TEXT}`, [toAnn, toBob]), ['mail-loop', 'ok'])
})

test('plus-addressing reaches the mailbox of that name, or INBOX', async () => {
  const store = await openAccounts()
  await store.write('createMailbox', { account: ann, by: 'test', name: 'lists', specialUse: undefined })
  const detail = (name: string): AcceptedRecipient => ({
    address: `ann+${name}@example.org`,
    targets: [{ account: ann, address: 'ann@example.org', detail: name }],
  })
  assert.deepEqual(await send(store, TEXT, [detail('lists')]), ['ok'])
  assert.deepEqual(await send(store, TEXT, [detail('other')]), ['ok'])
  assert.equal((await store.mailboxByName(ann, 'lists'))?.messages, 1)
  assert.equal((await store.mailboxByName(ann, 'INBOX'))?.messages, 1)
})

test('a client that went away leaves nothing behind', async () => {
  const store = await openAccounts()
  const message = new IncomingMessage({ store, clock, hostname: 'mail.example.org' }, origin, [toAnn], {
    lineEnds: 'normalise',
    limitBytes: 10_000,
  })
  await message.write(Buffer.from('Subject: cut'))
  await message.abandon()
  assert.equal((await inboxOf(store, ann)).length, 0)
})
