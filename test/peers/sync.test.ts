/** `malle sync` between Dovecot and Malle, and beside mbsync: after the same changes both leave the same. */
import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { ImapClient } from '#client/index.ts'
import { dovecotLacking, startDovecot } from './foreign/dovecot.ts'
import type { ForeignServer } from './foreign/server.ts'
import { lacking } from './install.ts'
import { runWell } from './run.ts'
import { PeerServer } from './server.ts'

const LAUNCHER = path.join(import.meta.dirname, '..', '..', 'bin', 'malle.cjs')

interface End {
  readonly host: string
  readonly port: number
  readonly ca: string
  readonly login: string
  readonly password: string
}

/** A person with an account at Dovecot and one at Malle. */
interface Person {
  readonly home: string
  readonly dovecot: End
  readonly malle: End
}

suite('malle sync beside mbsync', { skip: dovecotLacking() || lacking('mbsync') }, () => {
  const logins = ['one', 'two', 'three', 'four', 'five'].map((name) => `${name}@example.org`)
  let dovecot: ForeignServer
  let malle: PeerServer
  before(async () => {
    dovecot = await startDovecot({ accounts: logins.map((address) => ({ address, password: 'secret' })) })
    malle = await PeerServer.start()
  })
  after(async () => {
    await dovecot[Symbol.asyncDispose]()
    await malle.stop()
  })

  async function person(): Promise<Person> {
    const { address, password, home } = await malle.account()
    const login = logins.shift()
    assert.ok(login !== undefined)
    return {
      home,
      dovecot: { host: 'localhost', port: dovecot.port('imaps'), ca: dovecot.ca, login, password: 'secret' },
      malle: { host: 'localhost', port: malle.port('imaps'), ca: malle.ca, login: address, password },
    }
  }

  async function connect({ host, port, ca, login, password }: End): Promise<ImapClient> {
    return ImapClient.connect({ host, port, tls: { ca: await readFile(ca, 'utf8') }, credentials: { login, password } })
  }

  async function byMalle({ home, dovecot: from, malle: to }: Person, more: readonly string[]): Promise<string> {
    const file = (name: string): string => path.join(home, name)
    await writeFile(file('ca.pem'), (await readFile(from.ca, 'utf8')) + (await readFile(to.ca, 'utf8')))
    await writeFile(file('from'), from.password)
    await writeFile(file('to'), to.password)
    const url = ({ login, host, port }: End): string => `imaps://${login}@${host}:${port}`
    const secrets = ['--password-file', file('from'), '--to-password-file', file('to')]
    const args = ['sync', url(from), url(to), '--ca', file('ca.pem'), '--state', file('state.db'), ...secrets, ...more]
    return (await runWell(process.execPath, [LAUNCHER, ...args], { home })).stdout.toString('utf8')
  }

  async function byMbsync({ home, dovecot: from, malle: to }: Person): Promise<void> {
    const account = (name: string, { host, port, ca, login, password }: End): string =>
      `IMAPAccount ${name}\nHost ${host}\nPort ${port}\nUser ${login}\nPass ${password}\nSSLType IMAPS\nSystemCertificates no\nCertificateFile ${ca}\n\nIMAPStore ${name}\nAccount ${name}\n\n`
    await mkdir(path.join(home, 'state'), { recursive: true })
    const rc = path.join(home, 'mbsyncrc')
    const channel = `Channel both\nFar :old:\nNear :new:\nPatterns INBOX Work Lists\nCreate Both\nExpunge Both\nSync All\nCopyArrivalDate yes\nSyncState ${home}/state/\n`
    await writeFile(rc, account('old', from) + account('new', to) + channel)
    await runWell('mbsync', ['-c', rc, '-q', 'both'], { home })
  }

  /** Mailbox, Message-ID, date and flags of all messages. */
  async function contents(end: End): Promise<readonly string[]> {
    await using client = await connect(end)
    const found: string[] = []
    for (const { name, noSelect } of await client.list()) {
      if (noSelect) continue
      await client.select(name, { readOnly: true })
      for await (const { flags, internalDate, envelope } of client.fetch('1:*', {
        flags: true,
        internalDate: true,
        envelope: true,
      })) {
        const kept = flags.filter((flag) => flag !== '\\Recent').sort()
        found.push(`${name} ${String(envelope.messageId)} ${internalDate.time} ${kept.join(' ')}`)
      }
    }
    return found.sort()
  }

  const letter = (n: string): string =>
    `From: ann@example.org\r\nSubject: ${n}\r\nMessage-ID: <${n}@example.org>\r\n\r\nText of ${n}\r\n`
  const date = new Date('2020-05-06T07:08:09Z')

  async function fill({ dovecot: from, malle: to }: Person): Promise<void> {
    await using old = await connect(from)
    await using fresh = await connect(to)
    await old.create('Work')
    await fresh.create('Lists')
    for (let n = 0; n < 8; n += 1) {
      await old.append('INBOX', { body: letter(`inbox${n}`), date, flags: n % 2 === 0 ? ['\\Seen'] : [] })
      await old.append('Work', { body: letter(`work${n}`), date, flags: ['\\Answered', '\\Flagged'] })
      await fresh.append('Lists', { body: letter(`lists${n}`), date, flags: ['\\Draft'] })
    }
  }

  /** Flags, deletions and new messages, on both sides. */
  async function change({ dovecot: from, malle: to }: Person): Promise<void> {
    for (const [end, off] of [
      [from, 0],
      [to, 1],
    ] as const) {
      await using client = await connect(end)
      const where = async (id: string): Promise<number> => {
        const { uids } = await client.search({ header: { 'Message-ID': `<${id}@example.org>` } })
        const uid = uids[0]?.[0]
        assert.ok(uid !== undefined, id)
        return uid
      }
      for (const [name, prefix] of [
        ['INBOX', 'inbox'],
        ['Work', 'work'],
        ['Lists', 'lists'],
      ] as const) {
        await client.select(name)
        await client.store(await where(`${prefix}${off}`), { add: ['\\Flagged', '\\Seen'] })
        await client.store(await where(`${prefix}${2 + off}`), { remove: ['\\Answered', '\\Draft'] })
        // both ends change this one
        await client.store(await where(`${prefix}4`), off === 0 ? { add: ['\\Seen'] } : { add: ['\\Answered'] })
        const gone = await where(`${prefix}${5 + off}`)
        await client.store(gone, { add: ['\\Deleted'] })
        await client.expunge(gone)
        await client.append(name, { body: letter(`${prefix}-new-${off}`), date, flags: off === 0 ? ['\\Seen'] : [] })
      }
    }
  }

  test('both ways, flags, deletions and new messages end as mbsync leaves them', async () => {
    const [ours, theirs] = [await person(), await person()]
    for (const one of [ours, theirs]) await fill(one)
    const both = ['--two-way', '--delete']
    await byMalle(ours, both)
    await byMbsync(theirs)
    assert.deepEqual(await contents(ours.dovecot), await contents(theirs.dovecot))
    assert.deepEqual(await contents(ours.malle), await contents(ours.dovecot))
    for (const one of [ours, theirs]) await change(one)
    await byMalle(ours, both)
    await byMbsync(theirs)
    assert.deepEqual(await contents(ours.malle), await contents(theirs.malle))
    assert.deepEqual(await contents(ours.dovecot), await contents(theirs.dovecot))
    assert.deepEqual(await contents(ours.malle), await contents(ours.dovecot))
    assert.equal((await contents(ours.malle)).length, 24)
    const again = JSON.parse(await byMalle(ours, [...both, '--verify', 'bodies', '--json']))
    assert.deepEqual([again.copied, again.flagged, again.removed, again.verified.differences], [0, 0, 0, []])
  })

  test('mailboxes that are gone from either side go from both when it is asked for', async () => {
    const one = await person()
    await fill(one)
    const both = ['--two-way', '--delete', '--delete-mailboxes']
    await byMalle(one, both)
    {
      await using old = await connect(one.dovecot)
      await using fresh = await connect(one.malle)
      await old.delete('Lists')
      await fresh.delete('Work')
    }
    assert.match(await byMalle(one, both), /16 deleted, 2 mailboxes deleted/)
    for (const end of [one.dovecot, one.malle]) {
      assert.equal((await contents(end)).length, 8)
      await using client = await connect(end)
      assert.ok((await client.list()).every(({ name }) => name !== 'Work' && name !== 'Lists'))
    }
  })

  test('between Dovecot and Malle, QRESYNC tells what changed, and nothing is to be done right after a first run', async () => {
    const one = await person()
    await fill(one)
    const both = ['--two-way', '--delete']
    await byMalle(one, both)
    assert.match(await byMalle(one, both), /nothing to do/)
    await change(one)
    const changed = JSON.parse(await byMalle(one, [...both, '--verify', 'bodies', '--json']))
    assert.deepEqual([changed.copied, changed.removed, changed.verified.differences], [6, 6, []])
    assert.deepEqual(await contents(one.malle), await contents(one.dovecot))
  })

  test('out of Dovecot and into another account of it, special mailboxes go to those of the same use', async () => {
    const one = await person()
    {
      await using old = await connect(one.dovecot)
      await old.create('Notes/Éte & 汉字')
      await old.append('Notes/Éte & 汉字', { body: letter('note'), date, flags: ['\\Seen', 'Keyword'] })
      await old.create('Sent')
      await old.append('Sent', { body: letter('sent'), date })
    }
    assert.match(await byMalle(one, ['--verify', 'bodies']), /2 messages copied .* 2 messages verified/)
    assert.deepEqual(await contents(one.malle), await contents(one.dovecot))
    assert.match(await byMalle(one, []), /nothing to do/)
  })
})
