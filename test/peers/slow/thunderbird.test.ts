import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import nodemailer from 'nodemailer'
import { attachmentMail, encodedSubjectMail, plainMail } from '#testing/messages.ts'
import { lacking } from '../install.ts'
import { Look } from '../look.ts'
import { assertSameBytes, type NamedMail } from '../mail.ts'
import { eventually } from '../run.ts'
import { type PeerAccount, PeerServer } from '../server.ts'
import { type Header, Thunderbird } from './thunderbird.ts'

const MESSAGES = 1_000
const WAIT_MS = 30_000
/** As people see it, and as it goes over the wire. */
const ACCENTED = ['Work/Été 2024', 'Work/&AMk-t&AOk- 2024'] as const

const idOf = (index: number) => `m${index}@example.org`

/** A thousand messages, now and then one with a file or a subject in UTF-8. */
const MAIL: readonly NamedMail[] = Array.from({ length: MESSAGES }, (_, index) => {
  const parts = { from: 'Bob Example <user1@example.org>', messageId: `<${idOf(index)}>`, subject: `Message ${index}` }
  if (index % 10 === 3) return [idOf(index), attachmentMail({}, parts)]
  if (index % 10 === 6) return [idOf(index), encodedSubjectMail(`Grüße ${index}, 日本`, parts)]
  return [idOf(index), plainMail({ ...parts, text: `Text of message ${index}\r\n` })]
})

suite('Thunderbird', { skip: lacking('thunderbird', 'Xvfb') }, () => {
  let server: PeerServer
  before(async () => {
    server = await PeerServer.start()
  })
  after(() => server.stop())

  async function deliver({ address }: PeerAccount, id: string): Promise<void> {
    const port = server.port('lmtp')
    const mailer = nodemailer.createTransport({ host: '127.0.0.1', port, lmtp: true, ignoreTLS: true })
    const raw = Buffer.from(plainMail({ messageId: `<${id}>`, subject: id }))
    await mailer.sendMail({ envelope: { from: 'a@example.com', to: [address] }, raw })
  }

  for (const security of ['tls', 'starttls'] as const)
    test(`it works over ${security} and COMPRESS: folders, 1,000 headers, read, reply, IDLE, flags, trash`, async () => {
      const [account, correspondent] = [await server.account(), await server.account()]
      await using look = await Look.open(server, account)
      await look.create('Work', ACCENTED[1])
      // It shows what is subscribed.
      await look.subscribe('Work', ACCENTED[1])
      const mail = MAIL.map(
        ([id, bytes]): NamedMail => [
          id,
          Buffer.from(
            Buffer.from(bytes).toString('latin1').replace('user1@example.org', correspondent.address),
            'latin1',
          ),
        ],
      )
      await look.append(mail)
      await using thunderbird = await Thunderbird.start(server, account, { security })

      // folders, once it has been told to open INBOX
      await thunderbird.call('open', 'INBOX', MESSAGES)
      const folders = await thunderbird.folders('Sent', 'Trash', 'Work', ACCENTED[0])
      assert.deepEqual(
        folders.map(({ path, uses }) => `${path}: ${uses.join()}`).sort(),
        ['Archive: archive', 'Drafts: drafts', 'INBOX: inbox', 'Junk: junk', 'Sent: sent', 'Trash: trash', 'Work: ']
          .concat(`${ACCENTED[0]}: `)
          .sort(),
      )

      // what the list of messages shows is what was stored
      assert.deepEqual(
        await thunderbird.headers('INBOX'),
        mail.map(
          ([id, bytes], index): Header => ({
            uid: index + 1,
            id,
            subject: index % 10 === 6 ? `Grüße ${index}, 日本` : `Message ${index}`,
            author: `Bob Example <${correspondent.address}>`,
            seconds: Date.parse('2023-11-14T22:13:20Z') / 1_000,
            size: bytes.length,
            read: false,
            flagged: false,
          }),
        ),
      )

      // the server sees TLS, and that both deflate
      const sessions = await server.sessions(account.address)
      const its = sessions.filter(({ client }) => client?.startsWith('Thunderbird '))
      assert.ok(its.some(({ mailbox }) => mailbox === 'INBOX'))
      for (const one of its) assert.deepEqual([one.secure, one.compressed], [true, true])

      // reading: what it shows, and every octet of it
      assert.match(await thunderbird.text('show', 'INBOX', idOf(7)), /Text of message 7/)
      for (const index of [0, 3, 6]) {
        const octets = Buffer.from(await thunderbird.text('source', 'INBOX', idOf(index)), 'base64')
        assertSameBytes(octets, mail[index]?.[1] ?? Buffer.alloc(0), idOf(index))
      }

      // a reply: with the other person, and in Sent
      await thunderbird.call('reply', 'INBOX', idOf(7), 'Thank you')
      await using other = await Look.open(server, correspondent)
      const [sent] = await eventually('the copy in Sent', () => some(look.bytes('Sent')), WAIT_MS)
      const [received] = await eventually('the reply', () => some(other.bytes()), WAIT_MS)
      for (const bytes of [sent, received]) {
        const text = bytes?.toString('utf8') ?? ''
        assert.match(text, /^Subject: Re: Message 7\r$/m)
        assert.match(text, /^In-Reply-To: <m7@example\.org>\r$/m)
        assert.match(text, /Thank you/)
        assert.match(text, /^> Text of message 7\r$/m)
      }
      await eventually('\\Answered', () => flag(look, 8, '\\Answered'), WAIT_MS)

      // it never looks by itself: these come by IDLE
      for (const id of ['first@example.org', 'second@example.org']) {
        await deliver(account, id)
        await thunderbird.call('arrival', 'INBOX', id)
      }

      // what it changes comes to the server
      await thunderbird.call('markRead', 'INBOX', [idOf(10), idOf(11)])
      await thunderbird.call('star', 'INBOX', [idOf(12)])
      await thunderbird.call('remove', 'INBOX', [idOf(13)])
      await eventually('\\Seen', () => flag(look, 12, '\\Seen'), WAIT_MS)
      await eventually('\\Flagged', () => flag(look, 13, '\\Flagged'), WAIT_MS)
      const [gone] = await eventually('the message in Trash', () => some(look.bytes('Trash')), WAIT_MS)
      assertSameBytes(gone ?? Buffer.alloc(0), mail[13]?.[1] ?? Buffer.alloc(0), idOf(13))

      // and what others change comes to it
      await look.store('INBOX', '21', '+FLAGS (\\Flagged)')
      await eventually(
        'the star of another',
        async () => ((await thunderbird.headers('INBOX')).find(({ uid }) => uid === 21)?.flagged ? true : undefined),
        WAIT_MS,
      )
    })
})

async function some<T>(found: Promise<readonly T[]>): Promise<readonly T[] | undefined> {
  const list = await found
  return list.length > 0 ? list : undefined
}

async function flag(look: Look, uid: number, name: string): Promise<true | undefined> {
  const message = (await look.messages()).find((one) => one.uid === uid)
  return message?.flags.includes(name) ? true : undefined
}
