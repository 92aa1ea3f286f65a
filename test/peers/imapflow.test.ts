import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, suite, test } from 'node:test'
import { ImapFlow } from 'imapflow'
import nodemailer from 'nodemailer'
import { Look } from './look.ts'
import { ALL_TEXT_MAIL, assertSameBytes, assertSameMail, EXACT_MAIL, type NamedMail, TEXT_MAIL } from './mail.ts'
import { eventually } from './run.ts'
import { type PeerAccount, PeerServer, SECURITIES, type Security } from './server.ts'

for (const workers of [1, 2])
  suite(`imapflow, ${workers === 1 ? 'one thread' : 'two threads'}`, () => {
    let server: PeerServer
    let ca: string
    before(async () => {
      server = await PeerServer.start({ workers })
      ca = await readFile(server.ca, 'utf8')
    })
    after(() => server.stop())

    async function connected({ login, password }: PeerAccount, security: Security, qresync = false): Promise<ImapFlow> {
      const flow = new ImapFlow({
        ...server.place('imap', security),
        secure: security === 'tls',
        doSTARTTLS: security === 'starttls',
        auth: { user: login, pass: password },
        tls: { ca },
        logger: false,
        qresync,
      })
      await flow.connect()
      return flow
    }

    for (const security of SECURITIES) {
      test(`it appends and fetches every message byte for byte, ${security}`, async () => {
        const account = await server.account()
        const flow = await connected(account, security)
        // It compresses where it can: all that follows goes through DEFLATE.
        const [session] = await server.sessions(account.address)
        assert.deepEqual([session?.secure, session?.compressed], [security !== 'plain', true])
        const mail = [...ALL_TEXT_MAIL, ...EXACT_MAIL]
        const date = new Date('2023-11-14T22:13:20Z')
        for (const [index, [name, bytes]] of mail.entries()) {
          const appended = await flow.append('INBOX', Buffer.from(bytes), ['\\Seen'], date)
          assert.ok(appended !== false, name)
          assert.equal(appended.uid, index + 1)
        }
        const lock = await flow.getMailboxLock('INBOX')
        let at = 0
        for await (const message of flow.fetch('1:*', { source: true, size: true, flags: true, internalDate: true })) {
          const [name, bytes] = mail[at] as NamedMail
          assertSameBytes(message.source ?? Buffer.alloc(0), bytes, name)
          assert.equal(message.size, bytes.length, name)
          assert.equal(new Date(message.internalDate ?? 0).getTime(), date.getTime())
          assert.deepEqual([...(message.flags ?? [])], ['\\Seen'])
          at += 1
        }
        assert.equal(at, mail.length)
        // in pieces, decoded: what it does for attachments
        const number = ALL_TEXT_MAIL.length
        const { content } = await flow.download(`${number}`, '2')
        assert.ok(content !== undefined)
        const chunks: Buffer[] = []
        for await (const chunk of content) chunks.push(chunk as Buffer)
        assert.equal(Buffer.concat(chunks).length, 3_700_000)
        lock.release()
        await flow.logout()
      })

      test(`it idles and sees a delivery, a flag and an expunge, ${security}`, async () => {
        const account = await server.account()
        const flow = await connected(account, security)
        await flow.mailboxOpen('INBOX')
        const seen: string[] = []
        flow.on('exists', ({ count }) => seen.push(`exists ${count}`))
        flow.on('flags', ({ seq, flags }) => seen.push(`flags ${seq} ${[...(flags ?? [])].join(' ')}`))
        flow.on('expunge', (event) => seen.push(`expunge ${'seq' in event ? event.seq : event.uid}`))
        const idle = flow.idle()
        const mailer = nodemailer.createTransport({
          host: '127.0.0.1',
          port: server.port('lmtp'),
          lmtp: true,
          ignoreTLS: true,
        })
        const raw = Buffer.from(TEXT_MAIL[0]?.[1] ?? [])
        for (const expected of ['exists 1', 'exists 2']) {
          await mailer.sendMail({ envelope: { from: 'a@example.com', to: [account.address] }, raw })
          await eventually(expected, () => (seen.includes(expected) ? true : undefined))
        }
        await using look = await Look.open(server, account)
        await look.store('INBOX', '2', '+FLAGS (\\Flagged)')
        await eventually('flags', () => (seen.some((event) => /^flags 2 .*\\Flagged/.test(event)) ? true : undefined))
        await look.expunge('INBOX', '1')
        await eventually('expunge', () => (seen.includes('expunge 1') ? true : undefined))
        await flow.noop()
        await idle
        assert.ok(flow.mailbox !== false)
        assert.equal(flow.mailbox.exists, 1)
        await flow.logout()
      })
    }

    test('mailboxes: tree, special uses, names with an accent, rename, status, quota', async () => {
      const account = await server.account()
      const flow = await connected(account, 'tls')
      for (const name of ['Work', 'Work/Été 2024', 'Work/Été 2024/A & B']) await flow.mailboxCreate(name)
      const made = await flow.mailboxCreate('Work')
      assert.equal(made.created, false)
      const list = await flow.list({ statusQuery: { messages: true, unseen: true } })
      const paths = list.map(({ path }) => path)
      for (const name of ['INBOX', 'Work', 'Work/Été 2024', 'Work/Été 2024/A & B'])
        assert.ok(paths.includes(name), name)
      assert.deepEqual(list.find(({ path }) => path === 'Work')?.status?.messages, 0)
      const uses = list.flatMap(({ specialUse }) => (specialUse === undefined ? [] : [specialUse])).sort()
      assert.deepEqual(uses, ['\\Archive', '\\Drafts', '\\Inbox', '\\Junk', '\\Sent', '\\Trash'])
      const tree = await flow.listTree()
      const work = tree.folders?.find(({ name }) => name === 'Work')
      assert.equal(work?.folders?.[0]?.folders?.[0]?.name, 'A & B')
      await flow.mailboxRename('Work/Été 2024', 'Work/Herbst')
      await flow.mailboxSubscribe('Work/Herbst/A & B')
      assert.ok((await flow.list()).find(({ path }) => path === 'Work/Herbst/A & B')?.subscribed)
      const status = await flow.status('INBOX', {
        messages: true,
        uidNext: true,
        uidValidity: true,
        highestModseq: true,
      })
      assert.ok(status !== false)
      assert.equal(status.messages, 0)
      assert.equal(status.uidNext, 1)
      await flow.getQuota('INBOX')
      await flow.mailboxDelete('Work/Herbst/A & B')
      assert.ok(!(await flow.list()).some(({ path }) => path === 'Work/Herbst/A & B'))
      await flow.logout()
    })

    test('search, flags, copy, move and delete by UID', async () => {
      const account = await server.account()
      await using look = await Look.open(server, account)
      await look.append(TEXT_MAIL)
      await look.create('Work')
      const flow = await connected(account, 'starttls', true)
      await flow.mailboxOpen('INBOX')
      assert.deepEqual(await flow.search({ subject: 'Dots' }, { uid: true }), [7])
      assert.deepEqual(await flow.search({ body: 'Köln' }, { uid: true }), [2, 4])
      assert.deepEqual(await flow.search({ or: [{ larger: 15_000 }, { header: { 'message-id': '<plain@' } }] }), [1, 9])
      assert.deepEqual(await flow.search({ seen: true }), [])
      assert.ok(await flow.messageFlagsAdd('2:3', ['\\Seen', '$Label'], { uid: true }))
      assert.deepEqual(await flow.search({ keyword: '$Label' }, { uid: true }), [2, 3])
      assert.ok(await flow.messageFlagsRemove({ seen: true }, ['\\Seen']))
      assert.deepEqual(await flow.search({ seen: true }), [])
      const copied = await flow.messageCopy('1,3', 'Work', { uid: true })
      assert.ok(copied !== false)
      assert.deepEqual(
        [...(copied.uidMap ?? [])],
        [
          [1, 1],
          [3, 2],
        ],
      )
      const moved = await flow.messageMove('7:8', 'Work', { uid: true })
      assert.ok(moved !== false)
      assert.deepEqual(
        [...(moved.uidMap ?? [])],
        [
          [7, 3],
          [8, 4],
        ],
      )
      assert.ok(await flow.messageDelete('2', { uid: true }))
      assert.deepEqual(
        await flow.search({ all: true }, { uid: true }),
        TEXT_MAIL.map((_, index) => index + 1).filter((uid) => ![2, 7, 8].includes(uid)),
      )
      const message = await flow.fetchOne(
        '3',
        { envelope: true, bodyStructure: true, headers: ['subject'] },
        { uid: true },
      )
      assert.ok(message !== false)
      assert.equal(message.envelope?.subject, 'attachment')
      assert.equal(message.bodyStructure?.childNodes?.[1]?.type, 'application/octet-stream')
      assert.equal(String(message.headers).trim(), 'Subject: attachment')
      await flow.logout()
      assertSameMail(
        await look.bytes('Work'),
        TEXT_MAIL.filter((_, index) => [0, 2, 6, 7].includes(index)),
      )
    })

    test('what changed since a MODSEQ', async () => {
      const account = await server.account()
      await using look = await Look.open(server, account)
      await look.append(TEXT_MAIL)
      const flow = await connected(account, 'tls')
      const opened = await flow.mailboxOpen('INBOX')
      const since = opened.highestModseq
      assert.ok(since !== undefined)
      await look.store('INBOX', '2,5', '+FLAGS (\\Flagged)')
      const changed: number[] = []
      for await (const { uid } of flow.fetch('1:*', { uid: true, flags: true }, { changedSince: since }))
        changed.push(uid)
      assert.deepEqual(changed, [2, 5])
      await flow.logout()
    })
  })
