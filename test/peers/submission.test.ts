import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { lacking } from './install.ts'
import { popMessages } from './look.ts'
import { run, said } from './run.ts'
import { type PeerAccount, PeerServer } from './server.ts'

/** Nobody answers there: nothing leaves this machine. */
const NO_DNS = '[dns]\nservers = ["127.0.0.1:1"]\n'
const ELSEWHERE = 'someone@elsewhere.invalid'

suite('submission, with swaks', { skip: lacking('swaks') }, () => {
  let server: PeerServer
  before(async () => {
    server = await PeerServer.start({ submission: `outburst = 0\n${NO_DNS}` })
  })
  after(() => server.stop())

  interface Sent {
    readonly from?: string
    readonly to?: string
    readonly header?: readonly string[]
    readonly login?: boolean
  }

  async function submit(account: PeerAccount, { from, to, header, login = true }: Sent): Promise<string> {
    const { address, login: user, password, home } = account
    const { host, port } = server.place('smtp', 'tls')
    const file = path.join(home, 'message')
    await writeFile(file, `${(header ?? [`From: ${address}`]).join('\n')}\n\ntext\n`)
    const where = ['--server', host, '--port', `${port}`, '--ehlo', 'laptop', '-tlsc']
    const trust = ['--tls-verify', '--tls-ca-path', server.ca, '--tls-sni', host]
    const envelope = ['--from', from ?? address, '--to', to ?? ELSEWHERE, '--data', `@${file}`]
    const who = login ? ['--auth', 'PLAIN', '--auth-user', user, '--auth-password', password] : []
    const ran = await run('swaks', [...where, ...trust, ...envelope, ...who], { home })
    const refused = /^<[~*]\* ([45]\d\d.*)$/m.exec(said(ran))?.[1]
    return refused ?? / (250 2\.0\.0 Kept as \S+)/.exec(said(ran))?.[1] ?? said(ran)
  }

  async function queued(address: string): Promise<readonly { readonly id: string }[]> {
    const { stdout } = await server.malle('queue', 'list', '--account', address, '--json')
    return JSON.parse(stdout.toString())
  }

  test('mail for another server is in the queue under the id of the reply, with an own sender of any form', async () => {
    const account = await server.account()
    const [name = ''] = account.address.split('@')
    await server.malle('alias', 'add', `alias-${name}@example.org`, account.address)
    const ids: string[] = []
    for (const from of [account.address, `${name}+list@example.org`, `alias-${name}@example.org`]) {
      const reply = await submit(account, { from, header: [`From: Me <${from}>`, 'Bcc: hidden@elsewhere.invalid'] })
      ids.push(/^250 2\.0\.0 Kept as (\S+)$/.exec(reply)?.[1] ?? reply)
    }
    assert.deepEqual((await queued(account.address)).map(({ id }) => id).toSorted(), ids.toSorted())
  })

  test('it is refused as somebody else, to nobody, and where a message is none', async () => {
    const account = await server.account()
    const several = [`From: ${account.address}`, 'From: boss@example.org']
    for (const [what, sent, reply] of [
      ['without a login', { login: false }, /^530 5\.7\.0 /],
      ['as somebody elsewhere', { from: 'me@elsewhere.invalid' }, /^550 5\.7\.1 /],
      ['with the null sender', { from: '<>' }, /^550 5\.7\.1 The null sender/],
      ['with a From of somebody else', { header: ['From: boss@example.org'] }, /^550 5\.7\.1 boss@example\.org /],
      ['to nobody here', { to: 'nobody@example.org' }, /^550 5\.1\.1 /],
      ['to an address literal', { to: 'someone@[127.0.0.1]' }, /^550 5\.7\.1 /],
      ['with several From fields', { header: several }, /^550 5\.6\.0 /],
    ] as const)
      assert.match(await submit(account, sent), reply, what)
    assert.deepEqual(await queued(account.address), [])
    assert.deepEqual(await popMessages(server, account), [])
  })

  test('it is refused for now when the day’s messages or recipients are spent', async () => {
    const account = await server.account()
    const { address } = account
    await server.malle('account', 'set', address, '--messages-per-day', '3', '--recipients-per-day', '3')
    assert.match(await submit(account, {}), /^250 /)
    // swaks goes on with those who were taken
    await submit(account, { to: `a@elsewhere.invalid,b@elsewhere.invalid,c@elsewhere.invalid` })
    assert.match(
      await submit(account, {}),
      /^452 4\.5\.3 3 recipients a day .* go on after \d{4}-\d\d-\d\d \d\d:00 UTC$/,
    )
    await server.malle('account', 'set', address, '--messages-per-day', '2', '--recipients-per-day', 'none')
    assert.match(await submit(account, {}), /^450 4\.7\.1 2 messages a day /)
  })

  test('it is refused where the mailbox is full, and Sent has a copy where the account asks', async () => {
    const account = await server.account()
    const { address } = account
    await server.malle('account', 'set', address, '--quota', '1KB')
    const big = Array.from({ length: 100 }, (_, n) => `X-${n}: ${'x'.repeat(50)}`)
    assert.match(await submit(account, { to: address, header: [`From: ${address}`, ...big] }), /^452 4\.2\.2 /)
    await server.malle('account', 'set', address, '--quota', 'none', '--sent-copy', 'on')
    assert.match(await submit(account, { header: [`From: ${address}`, 'Subject: kept'] }), /^250 /)
    const { stdout } = await server.malle('mail', 'list', address, '--mailbox', 'Sent', '--json')
    assert.deepEqual(
      JSON.parse(stdout.toString()).map(({ subject }: { subject: string }) => subject),
      ['kept'],
    )
  })
})
