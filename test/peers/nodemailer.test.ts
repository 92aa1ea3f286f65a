import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, suite, test } from 'node:test'
import nodemailer from 'nodemailer'
import { popMessages } from './look.ts'
import { ALL_TEXT_MAIL, assertSameMail, TEXT_MAIL, withoutTrace } from './mail.ts'
import { type PeerAccount, PeerServer, SECURITIES, type Security } from './server.ts'

suite('nodemailer', () => {
  let server: PeerServer
  let ca: string
  before(async () => {
    server = await PeerServer.start()
    ca = await readFile(server.ca, 'utf8')
  })
  after(() => server.stop())

  function transport({ login, password }: PeerAccount, security: Security, method = 'PLAIN') {
    return nodemailer.createTransport({
      ...server.place('smtp', security),
      secure: security === 'tls',
      requireTLS: security === 'starttls',
      ignoreTLS: security === 'plain',
      auth: { user: login, pass: password },
      authMethod: method,
      tls: { ca },
      pool: true,
      maxConnections: 3,
    })
  }

  for (const security of SECURITIES) {
    test(`it submits every message byte for byte over a few connections, ${security}`, async () => {
      const account = await server.account()
      const { address } = account
      const mailer = transport(account, security)
      await Promise.all(
        ALL_TEXT_MAIL.map(([, bytes]) =>
          mailer.sendMail({ envelope: { from: address, to: [address] }, raw: Buffer.from(bytes) }),
        ),
      )
      mailer.close()
      assertSameMail(
        (await popMessages(server, account)).map((bytes) => withoutTrace(bytes)),
        ALL_TEXT_MAIL,
      )
    })
  }

  test('several recipients share one message, and one of them unknown does not stop the others', async () => {
    const [one, two] = [await server.account(), await server.account()]
    const mailer = transport(one, 'tls', 'LOGIN')
    const raw = Buffer.from(TEXT_MAIL[0]?.[1] ?? [])
    const sent = await mailer.sendMail({
      envelope: { from: one.address, to: [one.address, 'nobody@example.org', two.address] },
      raw,
    })
    mailer.close()
    assert.deepEqual(sent.rejected, ['nobody@example.org'])
    for (const account of [one, two])
      assertSameMail(
        (await popMessages(server, account)).map((bytes) => withoutTrace(bytes)),
        TEXT_MAIL.slice(0, 1),
      )
  })

  test('what it composes itself arrives, with an attachment and an address in UTF-8', async () => {
    const account = await server.account()
    const mailer = transport(account, 'starttls')
    await mailer.sendMail({
      from: `Jörg <${account.address}>`,
      to: account.address,
      subject: 'Grüße',
      text: 'Text',
      html: '<p>Text</p>',
      attachments: [{ filename: 'änhang.txt', content: 'attached' }],
    })
    mailer.close()
    const [arrived] = await popMessages(server, account)
    assert.match(String(arrived), /Subject: =\?UTF-8\?/i)
    assert.match(String(arrived), new RegExp(Buffer.from('attached').toString('base64')))
  })

  test('a wrong password is refused, and so is an address that nobody has', async () => {
    const account = await server.account()
    const mail = { envelope: { from: account.address, to: ['nobody@example.org'] }, raw: 'Subject: x\r\n\r\nx\r\n' }
    const wrong = transport({ ...account, password: 'wrong' }, 'tls')
    await assert.rejects(wrong.sendMail(mail), { responseCode: 535 })
    wrong.close()
    const right = transport(account, 'tls')
    await assert.rejects(right.sendMail(mail), { responseCode: 550 })
    right.close()
  })
})
