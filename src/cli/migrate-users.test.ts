import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DiscoveryNetwork } from '#client/index.ts'
import { CliError } from './cli-error.ts'
import { masterLogin } from './migrate-run.ts'
import { foundSentence, parseServer, serversOf, withOther } from './migrate-servers.ts'
import { usersOfCsv } from './migrate-users.ts'

const SERVERS = serversOf(['imaps://imap.example.net', 'pop3s://pop.example.net'])

test('a list has its own servers, logins and secrets for whoever needs them', () => {
  const text =
    '\ufeffAddress,login,source_password,hash,pop3,name\r\n' +
    'a@example.org,,"pa""ss,word",,,\r\n' +
    'b@example.org,bob,secret,{SSHA}x,pop3://other.example.net:1110,"B, b"\r\n'
  const [a, b] = usersOfCsv('list.csv', text, SERVERS, false)
  assert.deepEqual([a?.login, a?.password, a?.servers.pop3?.host], ['a@example.org', 'pa"ss,word', 'pop.example.net'])
  assert.match(a?.account ?? '', /"pa""ss,word"/)
  assert.deepEqual([b?.login, b?.servers.pop3?.port, b?.servers.imap?.host], ['bob', 1110, 'imap.example.net'])
  assert.equal(
    b?.account,
    'address,password,hash,name,quota,messages,protocols\r\n"b@example.org","","{SSHA}x","B, b","","",""\r\n',
  )
})

const FAULTY: readonly (readonly [string, RegExp])[] = [
  ['login\r\nann\r\n', /no column "address"/],
  ['address,colour\r\na@b.example,red\r\n', /no column "colour"/],
  ['address,address\r\n', /there twice/],
  ['address,source_password\r\na@b.example\r\n', /1 field where the heading has 2/],
  ['address,source_password\r\na@b.example,\r\n', /cannot be the source_password/],
  ['address,source_password\r\na@b.example,x\r\nA@B.example,y\r\n', /Line 3: "A@B\.example" cannot be the address/],
  ['address,source_password,pop3\r\na@b.example,x,imaps://c.example\r\n', /column of pop3/],
  ['address,source_password\r\n"a@b.example,x\r\n', /quoted field does not end/],
]
for (const [text, words] of FAULTY)
  test(`a list is refused: ${JSON.stringify(text)}`, () =>
    assert.throws(
      () => usersOfCsv('list.csv', text, SERVERS, false),
      (error) => error instanceof CliError && error.exitCode === 65 && words.test(error.message),
    ))

test('an administrator needs no passwords of others, and logs in as the host wants it', () => {
  const [one] = usersOfCsv('list.csv', 'address\r\na@example.org\r\n', SERVERS, true)
  assert.deepEqual([one?.password, one?.account], [undefined, undefined])
  assert.deepEqual(masterLogin('admin', '%u*%m', 'x')('a@example.org', undefined), {
    login: 'a@example.org*admin',
    password: 'x',
  })
  assert.deepEqual(masterLogin('admin', 'authzid', 'x')('a@example.org', undefined), {
    login: 'admin',
    password: 'x',
    authorizeAs: 'a@example.org',
  })
})

/** A network on which these ports fit. */
function network(...ports: readonly number[]): DiscoveryNetwork & { readonly asked: number[] } {
  const asked: number[] = []
  return {
    asked,
    fetch: () => Promise.resolve(undefined),
    srv: () => Promise.resolve([]),
    probe: ({ port }) => {
      asked.push(port)
      return Promise.resolve(ports.includes(port) ? 'fits' : 'nothing')
    },
  }
}

test('the other protocol is looked for at the same host, and said before it is used', async () => {
  const given = serversOf(['imaps://ann@mail.example.net'])
  const both = await withOther(given, undefined, network(110))
  assert.deepEqual(
    [both.pop3?.port, both.pop3?.security, both.pop3?.login, both.guessed],
    [110, 'starttls', 'ann', true],
  )
  assert.match(foundSentence(given, both) ?? '', /^POP3 was found at pop3:\/\/mail\.example\.net:110 .*--only imap/)
  const none = await withOther(given, undefined, network())
  assert.match(foundSentence(given, none) ?? '', /^Only IMAP at mail\.example\.net: /)
  const alone = network(995)
  assert.equal((await withOther(given, 'imap', alone)).pop3, undefined)
  await withOther(SERVERS, undefined, alone)
  assert.deepEqual(alone.asked, [])
  const found = await withOther(serversOf(['pop3s://mail.example.net']), undefined, network(993))
  assert.deepEqual([found.imap?.port, found.guessed], [993, false])
})

for (const text of ['imap.example.net', 'imaps://a:b@c.example', 'smtp://a.example', 'imaps://a.example/INBOX', ''])
  test(`${JSON.stringify(text)} is no server to migrate from`, () => assert.throws(() => parseServer(text), CliError))

test('a host has one server of each protocol', () => {
  assert.throws(() => serversOf(['imaps://a.example', 'imap://b.example']), /one IMAP server, one POP3 server/)
})

test('a password in a URL is refused and not repeated', () => {
  for (const text of ['imaps://ann:secret@imap.example.org', 'imaps://ann@example.org:se:cr@et@imap.example.org'])
    assert.throws(
      () => parseServer(text),
      (error) =>
        error instanceof CliError && !/secret|se:cr|cr@et/.test(error.message) && error.message.includes('ann'),
    )
})
