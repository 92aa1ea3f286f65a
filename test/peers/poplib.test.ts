import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { lacking } from './install.ts'
import { fill, popMessages } from './look.ts'
import { ALL_TEXT_MAIL, assertSameBytes, EXACT_MAIL, TEXT_MAIL } from './mail.ts'
import { runWell } from './run.ts'
import { type PeerAccount, PeerServer, SECURITIES, type Security } from './server.ts'

suite('poplib of Python', { skip: lacking('python3') }, () => {
  let server: PeerServer
  before(async () => {
    server = await PeerServer.start()
  })
  after(() => server.stop())

  /** Runs lines of Python behind a login as `box`; what they print is given back. */
  async function python(account: PeerAccount, security: Security, lines: string) {
    const script = `
import os, poplib, ssl, sys
poplib._MAXLINE = 1 << 20  # the library's own limit of 2,048 octets a line is not the protocol's
host, port, security, user, password, ca = sys.argv[1:]
tls = ssl.create_default_context(cafile=ca)
if security == 'tls':
    box = poplib.POP3_SSL(host, int(port), context=tls)
else:
    box = poplib.POP3(host, int(port))
if security == 'starttls':
    assert 'STLS' in box.capa()
    box.stls(context=tls)
    assert 'STLS' not in box.capa()
box.user(user)
box.pass_(password)
def refused(call, *args):
    try:
        call(*args)
    except poplib.error_proto as error:
        return str(error)
    raise AssertionError('not refused')
${lines}
box.quit()
`
    const { login, password, home } = account
    const { host, port } = server.place('pop3', security)
    const args = ['-c', script, host, `${port}`, security, login]
    return (await runWell('python3', [...args, password, server.ca], { home })).stdout.toString('utf8')
  }

  for (const security of SECURITIES) {
    test(`it reads every message byte for byte, ${security}`, async () => {
      const account = await server.account()
      await fill(server, account, ALL_TEXT_MAIL)
      await python(
        account,
        security,
        `
count, size = box.stat()
sizes = 0
for number in range(1, count + 1):
    _, lines, octets = box.retr(number)
    message = b''.join(line + b'\\r\\n' for line in lines)
    assert len(message) == int(box.list(number).split()[2]), number
    sizes += len(message)
    open('%d.eml' % number, 'wb').write(message)
assert sizes == size
assert count == ${ALL_TEXT_MAIL.length}, count
`,
      )
      for (const [index, [name, bytes]] of ALL_TEXT_MAIL.entries())
        assertSameBytes(await readFile(path.join(account.home, `${index + 1}.eml`)), bytes, name)
    })
  }

  test('a message without a last line end is given one, which LIST does not count', async () => {
    const account = await server.account()
    await fill(server, account, EXACT_MAIL)
    const printed = await python(account, 'tls', `for n in range(1, 5): print(box.list(n).decode().split()[2])`)
    assert.deepEqual(
      printed.trim().split('\n').map(Number),
      EXACT_MAIL.map(([, bytes]) => bytes.length),
    )
  })

  test('TOP, UIDL, DELE, RSET and NOOP do what RFC 1939 says, and only QUIT deletes', async () => {
    const account = await server.account()
    await fill(server, account, TEXT_MAIL.slice(0, 4))
    const first = await python(
      account,
      'starttls',
      `
_, lines, _ = box.top(1, 1)
assert lines[lines.index(b''):] == [b'', b'Hello Bob,'], lines
_, lines, _ = box.top(1, 0)
assert lines[-1] == b'', lines
uids = dict(line.decode().split() for line in box.uidl()[1])
assert len(set(uids.values())) == 4
assert box.uidl(2).decode().split()[1:] == ['2', uids['2']]
box.noop()
box.dele(1)
assert box.stat()[0] == 3
assert 'no such' in refused(box.retr, 1).lower() or '-ERR' in refused(box.retr, 1)
refused(box.dele, 1); refused(box.dele, 5); refused(box.retr, 0)
box.rset()
assert box.stat()[0] == 4
box.dele(2)
print(uids['1'], uids['3'], uids['4'])
`,
    )
    assert.equal((await popMessages(server, account)).length, 3)
    const second = await python(
      account,
      'starttls',
      `
print(*[line.decode().split()[1] for line in box.uidl()[1]])
box.dele(1)
box.close()  # no QUIT: nothing is deleted
sys.exit(0)
`,
    )
    assert.equal(second, first, 'UIDLs stay')
    assert.equal((await popMessages(server, account)).length, 3)
  })

  test('a second login meets the lock, a wrong password a refusal that says which it is', async () => {
    const account = await server.account()
    await python(
      account,
      'tls',
      `
other = poplib.POP3_SSL(host, int(port), context=tls)
other.user(user)
assert '[IN-USE]' in refused(other.pass_, password)
other.close()
other = poplib.POP3_SSL(host, int(port), context=tls)
other.user(user)
assert '[AUTH]' in refused(other.pass_, 'wrong')
other.quit()
`,
    )
  })

  test('UTF-8 in a password goes through', async () => {
    const account = await server.add('utf8@example.org', 'pässwörd €')
    await python(account, 'tls', `assert box.stat() == (0, 0)`)
  })
})
