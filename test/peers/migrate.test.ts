/** `malle migrate` from Dovecot: programs that fetched there go on here with the files in which they keep what they have. */
import assert from 'node:assert/strict'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { ImapClient } from '#client/index.ts'
import { dovecotLacking, startDovecot } from './foreign/dovecot.ts'
import type { ForeignServer } from './foreign/server.ts'
import { lacking } from './install.ts'
import { GETMAIL, type Ran, run, said } from './run.ts'
import { type PeerAccount, PeerServer } from './server.ts'

type Host = ForeignServer | PeerServer

type Fetches = (host: Host, account: PeerAccount) => Promise<readonly string[]>

interface Kind {
  /** Of Dovecot's configuration. */
  readonly more: string
  readonly programs: readonly (readonly [name: string, fetches: Fetches])[]
}

/** Unique-ids that are made of UIDs, and such that are not; somebody who may log in for everybody. */
const KINDS: Readonly<Record<string, Kind>> = {
  'of UIDs': { more: '', programs: [['fetchmail', fetchmail]] },
  'of GUIDs, by its administrator': {
    more: `protocol pop3 {
  pop3_uidl_format = %g
}
auth_master_user_separator = *
plugin {
  acl_user = %u
}
passdb {
  driver = static
  master = yes
  args = password=allmine
}`,
    programs: [['getmail', getmail]],
  },
}

suite('migrate from Dovecot', { skip: dovecotLacking() || lacking('fetchmail', 'getmail') }, () => {
  let malle: PeerServer
  before(async () => {
    malle = await PeerServer.start()
  })
  after(() => malle.stop())

  for (const [kind, { more, programs }] of Object.entries(KINDS)) {
    suite(`with unique-ids ${kind}`, () => {
      let dovecot: ForeignServer
      let accounts: PeerAccount[]
      before(async () => {
        accounts = [await malle.account()]
        dovecot = await startDovecot({ accounts, more })
      })
      after(() => dovecot[Symbol.asyncDispose]())

      for (const [name, fetches] of programs) {
        test(`${name} with its old file fetches only what is new, in the old order`, async () => {
          const account = accounts.shift()
          assert.ok(account !== undefined)
          await fill(dovecot, account, ['a', 'b', 'gone', 'c', 'd'])
          await remove(dovecot, account, 3)
          assert.deepEqual(await fetches(dovecot, account), ['a', 'b', 'c', 'd'])
          await fill(dovecot, account, ['e', 'f'])
          const first = await migrate(account)
          assert.match(first, /^6 unique-ids kept, in the same order\.$/m)
          // mail comes in at both hosts before the last run
          await fill(malle, account, ['here'])
          await fill(dovecot, account, ['g', 'h'])
          const last = await migrate(account, '--cutover', '--verify')
          assert.match(last, /^8 unique-ids kept, in the same order\.$/m)
          assert.match(last, /^1 message that came here directly put behind the others\.$/m)
          assert.match(last, /^Done: /m)
          assert.deepEqual(await fetches(malle, account), ['e', 'f', 'g', 'h', 'here'])
          assert.deepEqual(await fetches(malle, account), [])
        })
      }

      async function migrate({ address, password, home }: PeerAccount, ...more: readonly string[]): Promise<string> {
        const master = kind.includes('administrator')
        const secret = path.join(home, 'secret')
        await writeFile(secret, master ? 'allmine' : password)
        const urls = [`imaps://localhost:${dovecot.port('imaps')}`, `pop3s://localhost:${dovecot.port('pop3s')}`]
        const who = master ? ['--master-user', 'admin'] : []
        const options = ['--ca', dovecot.ca, '--password-file', secret, ...who, ...more]
        return (await malle.malle('migrate', address, ...urls, ...options)).stdout.toString('utf8')
      }
    })
  }
})

async function connect(host: Host, { address: login, password }: PeerAccount): Promise<ImapClient> {
  const ca = await readFile(host.ca, 'utf8')
  return ImapClient.connect({
    host: 'localhost',
    port: host.port('imaps'),
    tls: { ca },
    credentials: { login, password },
  })
}

async function fill(host: Host, account: PeerAccount, names: readonly string[]): Promise<void> {
  await using client = await connect(host, account)
  for (const name of names)
    await client.append('INBOX', { body: `From: ann@example.org\r\nSubject: ${name}\r\n\r\nText of ${name}\r\n` })
}

async function remove(host: Host, account: PeerAccount, uid: number): Promise<void> {
  await using client = await connect(host, account)
  await client.select('INBOX')
  await client.store(uid, { add: ['\\Deleted'] })
  await client.expunge(uid)
}

/** An agent that notes the subjects of what it is given; what it noted since the last time. */
async function delivery(home: string): Promise<string> {
  const agent = path.join(home, 'deliver')
  await writeFile(agent, `#!/bin/sh\nexec sed -n 's/^Subject: *//p' >> '${home}/subjects'\n`, { mode: 0o700 })
  await writeFile(path.join(home, 'subjects'), '')
  return agent
}

async function delivered(home: string): Promise<readonly string[]> {
  return (await readFile(path.join(home, 'subjects'), 'utf8')).split(/\r?\n/).filter((line) => line !== '')
}

/** Keeps all on the server; its file of unique-ids is `ids`, whichever server it is. */
async function fetchmail(host: Host, { address, password, home }: PeerAccount): Promise<readonly string[]> {
  const agent = await delivery(home)
  const rc = path.join(home, 'fetchmailrc')
  await writeFile(
    rc,
    `set invisible\nset idfile '${home}/ids'\n` +
      `poll localhost protocol pop3 port ${host.port('pop3s')} uidl\n` +
      `user '${address}' password '${password}' is root here\n` +
      `ssl sslcertck sslcertfile '${host.ca}' no rewrite keep\nmda '${agent}'\n`,
    { mode: 0o600 },
  )
  const ran = await run('fetchmail', ['--nosyslog', '-f', rc, '--pidfile', `${home}/pid`], { home })
  // 1: there was nothing new
  assert.ok(ran.code === 0 || ran.code === 1, said(ran))
  return delivered(home)
}

/** The same; the name of its file has the port in it, which is the same where a host moves. */
async function getmail(host: Host, { address, password, home }: PeerAccount): Promise<readonly string[]> {
  const agent = await delivery(home)
  const folder = path.join(home, 'getmail')
  await mkdir(folder, { recursive: true })
  const port = host.port('pop3s')
  const file = (at: number): string => path.join(folder, `oldmail-localhost-${at}-${address}`)
  const last = await readFile(path.join(home, 'port'), 'utf8').catch(() => undefined)
  if (last !== undefined && Number(last) !== port) await rename(file(Number(last)), file(port))
  await writeFile(path.join(home, 'port'), String(port))
  const config =
    `[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\nport = ${port}\nusername = ${address}\n` +
    `password = ${password}\nca_certs = ${host.ca}\nssl_cert_hostname = localhost\n` +
    `[destination]\ntype = MDA_external\npath = ${agent}\nallow_root_commands = true\nignore_stderr = true\n` +
    '[options]\nread_all = false\ndelete = false\ndelivered_to = false\nreceived = false\n'
  await writeFile(path.join(folder, 'getmailrc'), config, { mode: 0o600 })
  const [taskset, ...args] = GETMAIL
  const ran: Ran = await run(taskset, [...args, `--getmaildir=${folder}`, '--rcfile=getmailrc'], { home })
  assert.equal(ran.code, 0, said(ran))
  return delivered(home)
}
