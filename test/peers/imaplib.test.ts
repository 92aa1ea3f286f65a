import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { lacking } from './install.ts'
import { Look } from './look.ts'
import { ALL_TEXT_MAIL, assertSameBytes, assertSameMail, EXACT_MAIL, TEXT_MAIL } from './mail.ts'
import { runWell } from './run.ts'
import { type PeerAccount, PeerServer, SECURITIES, type Security } from './server.ts'

suite('imaplib of Python', { skip: lacking('python3') }, () => {
  let server: PeerServer
  before(async () => {
    server = await PeerServer.start()
  })
  after(() => server.stop())

  /** Runs lines of Python behind a login as `m`, in the account's home. */
  async function python(account: PeerAccount, security: Security, lines: string): Promise<void> {
    const script = `
import imaplib, re, ssl, sys
host, port, security, user, password, ca, lmtp = sys.argv[1:]
tls = ssl.create_default_context(cafile=ca)
def connect():
    if security == 'tls':
        m = imaplib.IMAP4_SSL(host, int(port), ssl_context=tls)
    else:
        m = imaplib.IMAP4(host, int(port))
    if security == 'starttls':
        assert 'STARTTLS' in m.capabilities
        m.starttls(tls)
        assert 'STARTTLS' not in m.capabilities
    return m
def ok(answer):
    assert answer[0] == 'OK', answer
    return answer[1]
def same(actual, expected):
    assert actual == expected, '%r is not %r' % (actual, expected)
def uids(answer):
    return [int(uid) for uid in ok(answer)[0].split()]
m = connect()
ok(m.login(user, password))
${lines}
m.logout()
`
    const { login, password, home } = account
    const { host, port } = server.place('imap', security)
    const args = ['-c', script, host, `${port}`, security, login, password]
    await runWell('python3', [...args, server.ca, `${server.port('lmtp')}`], { home })
  }

  for (const security of SECURITIES)
    test(`with zlib it goes on behind COMPRESS, ${security}`, async () => {
      const account = await server.account()
      await python(
        account,
        security,
        `
import zlib
m.send(b'z COMPRESS DEFLATE\\r\\n')
assert m.readline().startswith(b'z OK')
deflate, inflate = zlib.compressobj(6, zlib.DEFLATED, -15), zlib.decompressobj(-15)
plain = bytearray()
def send(data):
    m.sock.sendall(deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH))
def more():
    data = m.sock.recv(65536)
    assert data, 'the connection ended'
    plain.extend(inflate.decompress(data))
def take(count):
    data = bytes(plain[:count])
    del plain[:count]
    return data
def read(count):
    while len(plain) < count: more()
    return take(count)
def readline():
    while b'\\n' not in plain: more()
    return take(plain.index(b'\\n') + 1)
m.send, m.read, m.readline = send, read, readline
assert 'COMPRESS=DEFLATE' not in ok(m.capability())[-1].decode().split()
mail = b'Subject: deflated\\r\\n\\r\\n' + b''.join(b'line %d\\r\\n' % n for n in range(100000))
ok(m.append('INBOX', '', None, mail))
ok(m.select('INBOX'))
same(ok(m.fetch('1', '(BODY.PEEK[])'))[0][1], mail)
`,
      )
    })

  for (const security of SECURITIES) {
    test(`it appends and fetches every message byte for byte, ${security}`, async () => {
      const account = await server.account()
      const mail = [...ALL_TEXT_MAIL, ...EXACT_MAIL]
      for (const [index, [, bytes]] of mail.entries())
        await writeFile(path.join(account.home, `${index + 1}.in`), bytes)
      await python(
        account,
        security,
        `
count = ${mail.length}
imaplib.MapCRLF = re.compile(b'(?!)')  # else it makes every line end CRLF
for n in range(1, count + 1):
    data = open('%d.in' % n, 'rb').read()
    ok(m.append('INBOX', r'(\\Seen)' if n % 2 else None, '"14-Nov-2023 22:13:20 +0200"', data))
    same(m.untagged_responses['APPENDUID'][-1].split()[1], b'%d' % n)
same(ok(m.select('INBOX')), [b'%d' % count])
for n in range(1, count + 1):
    parts = ok(m.uid('FETCH', '%d' % n, '(FLAGS RFC822.SIZE INTERNALDATE BODY.PEEK[])'))
    data = parts[0][1]
    open('%d.out' % n, 'wb').write(data)
    facts = parts[0][0] + b' ' + parts[-1]
    assert b'RFC822.SIZE %d' % len(data) in facts, facts
    assert b'"14-Nov-2023 22:13:20 +0200"' in facts, facts
    same(b'\\\\Seen' in facts, n % 2 == 1)
    half = ok(m.fetch('%d' % n, '(BODY.PEEK[]<10.1000>)'))[0]
    same(half[1] if isinstance(half, tuple) else b'', data[10:1010])
    header = ok(m.fetch('%d' % n, '(BODY.PEEK[HEADER] BODY.PEEK[TEXT])'))
    same(b''.join(part[1] for part in header if isinstance(part, tuple)), data)
`,
      )
      for (const [index, [name, bytes]] of mail.entries())
        assertSameBytes(await readFile(path.join(account.home, `${index + 1}.out`)), bytes, name)
      await using look = await Look.open(server, account)
      assertSameMail(await look.bytes(), mail)
    })

    test(`its commands do what they say, ${security}`, async () => {
      const account = await server.account()
      await using look = await Look.open(server, account)
      await look.append(TEXT_MAIL)
      await python(
        account,
        security,
        `
total = ${TEXT_MAIL.length}
ok(m.noop())
same(m.state, 'AUTH')
# mailboxes
ok(m.create('Work')); ok(m.create('Work/Deep')); ok(m.subscribe('Work/Deep'))
assert any(b'"/" Work/Deep' in line.replace(b'"Work/Deep"', b'Work/Deep') for line in ok(m.list())), m.list()
assert any(b'Work/Deep' in line for line in ok(m.lsub())), m.lsub()
same(m.create('Work')[0], 'NO')
same(m.select('Nowhere')[0], 'NO')
ok(m.rename('Work/Deep', 'Work/Deeper'))
ok(m.unsubscribe('Work/Deep'))
assert re.search(rb'MESSAGES 0 .*UIDNEXT 1\\b', ok(m.status('Work', '(MESSAGES UIDNEXT)'))[0])
assert b'((' in ok(m.namespace())[0]
# select and search
same(ok(m.select('INBOX', readonly=True)), [b'%d' % total])
assert m.untagged_responses.get('READ-ONLY') is not None
same(m.store('1', '+FLAGS', r'(\\Seen)')[0], 'NO')
ok(m.select('INBOX'))
same(uids(m.search(None, 'ALL')), list(range(1, total + 1)))
same(uids(m.uid('SEARCH', 'SUBJECT', '"Dots"')), [7])
same(uids(m.search(None, 'HEADER', 'Message-ID', '"<binary@"')), [6])
same(uids(m.search(None, 'NOT', 'SMALLER', '10000')), [9])
same(uids(m.search('UTF-8', 'OR', 'TEXT', '"attachment"', 'SUBJECT', '"plain"')), [1, 3])
m.literal = 'Köln'.encode()
same(uids(m.search('UTF-8', 'TEXT')), [2, 4])
# flags
same(sorted(imaplib.ParseFlags(ok(m.store('2', '+FLAGS', r'(\\Flagged \\Answered $Forwarded)'))[0])), [b'$Forwarded', b'\\\\Answered', b'\\\\Flagged'])
same(len(imaplib.ParseFlags(ok(m.store('2', '-FLAGS', r'(\\Answered)'))[0])), 2)
same(imaplib.ParseFlags(ok(m.uid('STORE', '2', 'FLAGS', r'(Later)'))[0]), (b'Later',))
same(uids(m.search(None, 'KEYWORD', 'Later')), [2])
same(ok(m.store('3', '+FLAGS.SILENT', r'(\\Seen)')), [None])
same(uids(m.search(None, 'SEEN')), [3])
# fetch makes it seen
same(ok(m.fetch('4', '(BODY[HEADER.FIELDS (SUBJECT)])'))[0][1], b'Subject: nested\\r\\n\\r\\n')
same(uids(m.search(None, 'SEEN')), [3, 4])
assert ok(m.fetch('1', '(ENVELOPE)'))[0].startswith(b'1 (ENVELOPE ("Tue, 14 Nov 2023 22:13:20 +0000" "plain" (("Ann Example" NIL "ann" "example.org"))')
assert b'"ALTERNATIVE"' in ok(m.fetch('2', '(BODYSTRUCTURE)'))[0].upper()
# copy, move, expunge
ok(m.copy('1:3', 'Work'))
same(m.copy('1', 'Nowhere')[0], 'NO')
assert b'[TRYCREATE]' in m.copy('1', 'Nowhere')[1][0]
ok(m.uid('COPY', '1', 'Work'))
imaplib.Commands.setdefault('MOVE', ('SELECTED',))
ok(m.uid('MOVE', '9', 'Work'))
same(uids(m.uid('SEARCH', 'ALL')), [n for n in range(1, total + 1) if n != 9])
ok(m.store('1', '+FLAGS', r'(\\Deleted)')); ok(m.uid('STORE', '3', '+FLAGS', r'(\\Deleted)'))
imaplib.Commands.setdefault('EXPUNGE', ('SELECTED',))
ok(m.uid('EXPUNGE', '3'))
same(uids(m.uid('SEARCH', 'DELETED')), [1])
same(ok(m.expunge()), [b'9', b'3', b'1'])  # with those of UID MOVE and UID EXPUNGE
same(uids(m.uid('SEARCH', 'ALL')), [n for n in range(2, total + 1) if n not in (3, 9)])
ok(m.store('1', '+FLAGS', r'(\\Deleted)'))
ok(m.close())
same(m.state, 'AUTH')
assert b'MESSAGES %d' % (total - 4) in ok(m.status('INBOX', '(MESSAGES)'))[0]
assert b'MESSAGES 5' in ok(m.status('Work', '(MESSAGES)'))[0]
ok(m.delete('Work/Deeper'))
same(m.select('Work/Deeper')[0], 'NO')
ok(m.select('INBOX')); ok(m.unselect())
same(m.state, 'AUTH')
ok(m.getquotaroot('INBOX'))
`,
      )
    })
  }

  for (const mechanism of ['PLAIN', 'LOGIN'])
    test(`AUTHENTICATE ${mechanism} by hand, and a wrong password`, async () => {
      const account = await server.account()
      const answers =
        mechanism === 'PLAIN'
          ? "lambda _: ('\\0%s\\0%s' % (user, secret)).encode()"
          : 'lambda asked: (user if b"user" in asked.lower() else secret).encode()'
      await python(
        account,
        'tls',
        `
m2 = connect()
secret = password
ok(m2.authenticate('${mechanism}', ${answers}))
ok(m2.select()); m2.logout()
m2 = connect()
secret = 'wrong'
try:
    m2.authenticate('${mechanism}', ${answers})
    raise AssertionError('logged in')
except imaplib.IMAP4.error as error:
    assert 'AUTHENTICATIONFAILED' in str(error), error
try:
    m2.login(user, 'wrong')
    raise AssertionError('logged in')
except imaplib.IMAP4.error as error:
    assert 'AUTHENTICATIONFAILED' in str(error), error
ok(m2.login(user, password)); m2.logout()
`,
      )
    })

  test('IDLE by hand sees an append, a delivery, flags and an expunge of others', async () => {
    const account = await server.account()
    await using look = await Look.open(server, account)
    await look.append(TEXT_MAIL.slice(0, 2))
    await python(
      account,
      'tls',
      `
import smtplib
ok(m.select('INBOX'))
tag = m._new_tag()
m.send(tag + b' IDLE\\r\\n')
assert m.readline().startswith(b'+')
m.sock.settimeout(10)
def until(pattern):
    for _ in range(20):
        line = m.readline()
        if re.fullmatch(pattern, line.strip()): return
    raise AssertionError('never came: %r' % pattern)
other = connect(); ok(other.login(user, password)); ok(other.select('INBOX'))
ok(other.append('INBOX', None, None, b'Subject: x\\r\\n\\r\\nx\\r\\n'))
until(rb'\\* 3 EXISTS')
with smtplib.LMTP(host, int(lmtp)) as lmtp_client:
    lmtp_client.sendmail('', [user], b'Subject: y\\r\\n\\r\\ny\\r\\n')
until(rb'\\* 4 EXISTS')
ok(other.store('2', '+FLAGS', r'(\\Flagged)'))
until(rb'\\* 2 FETCH \\(.*\\\\Flagged.*\\)')
ok(other.store('1', '+FLAGS', r'(\\Deleted)')); ok(other.expunge())
until(rb'\\* 1 EXPUNGE|\\* VANISHED.*')
m.send(b'DONE\\r\\n')
until(re.escape(tag) + b' OK .*')
same(len(uids(m.search(None, 'ALL'))), 3)
other.logout()
`,
    )
  })
})
