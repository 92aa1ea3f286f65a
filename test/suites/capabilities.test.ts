/**
 * CAPABILITY by state against what the server knows: each name is backed by a command of the registry, and each command
 * that needs a name has it (RFC 9051 §6.1.1, §7.2.2).
 * @module
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commands } from '#imap/commands/index.ts'
import { RIGHTS } from '#store/acl.ts'
import { ImapLines } from '#testing/imap-client.ts'
import { ANN, TestImapServer } from '#testing/imap-server.ts'

/** A capability without which a client would not say the command (name of the registry). */
const BEHIND: Readonly<Record<string, readonly string[]>> = {
  COMPRESS: ['COMPRESS=DEFLATE'],
  ENABLE: ['ENABLE'],
  ESEARCH: ['MULTISEARCH'],
  GETACL: ['ACL'],
  GETMETADATA: ['METADATA'],
  GETQUOTA: ['QUOTA'],
  ID: ['ID'],
  IDLE: ['IDLE'],
  LANGUAGE: ['LANGUAGE'],
  MOVE: ['MOVE'],
  NAMESPACE: ['NAMESPACE'],
  NOTIFY: ['NOTIFY'],
  REPLACE: ['REPLACE'],
  SORT: ['SORT'],
  THREAD: ['THREAD=REFERENCES', 'THREAD=ORDEREDSUBJECT'],
  UIDBATCHES: ['UIDBATCHES'],
  UNAUTHENTICATE: ['UNAUTHENTICATE'],
  UNSELECT: ['UNSELECT'],
  'UID EXPUNGE': ['UIDPLUS'],
}

async function asked(lines: ImapLines): Promise<string[]> {
  const [line = '', last = ''] = await lines.command('x CAPABILITY')
  assert.match(last, /^x OK/)
  return line.split(' ').slice(2)
}

/** What each state lists; the same as the greeting and the answer to the login say. */
async function byState(): Promise<{ before: string[]; secure: string[]; after: string[] }> {
  await using server = await TestImapServer.start({ tls: true, allowPlaintext: false })
  const lines = new ImapLines(await server.connect())
  const greeting = /\[CAPABILITY ([^\]]*)\]/.exec((await lines.line()) ?? '')?.[1]?.split(' ')
  const before = await asked(lines)
  assert.deepEqual(greeting, before)
  assert.match((await lines.command('a STARTTLS')).at(-1) ?? '', /^a OK/)
  await lines.secure()
  const secure = await asked(lines)
  const login = (await lines.command(`b LOGIN ${ANN.address} ${ANN.password}`)).at(-1) ?? ''
  const after = await asked(lines)
  const said = /\[CAPABILITY ([^\]]*)\]/.exec(login)?.[1]?.split(' ')
  if (said !== undefined) assert.deepEqual(said, after)
  lines.reset()
  return { before, secure, after }
}

test('no state names a capability twice, and each names both revisions', async () => {
  for (const [state, names] of Object.entries(await byState())) {
    assert.equal(new Set(names).size, names.length, `${state}: ${names.join(' ')}`)
    assert.ok(names.includes('IMAP4rev1') && names.includes('IMAP4rev2'), state)
  }
})

test('STARTTLS and LOGINDISABLED stand before TLS only, mechanisms before the login only, and all of them work', async () => {
  const { before, secure, after } = await byState()
  assert.ok(before.includes('STARTTLS') && before.includes('LOGINDISABLED'))
  for (const names of [secure, after])
    assert.deepEqual(
      names.filter((name) => name === 'STARTTLS' || name === 'LOGINDISABLED'),
      [],
    )
  assert.ok(!before.includes('AUTH=PLAIN') && !before.includes('AUTH=LOGIN'), 'no password in the clear')
  assert.ok(secure.includes('AUTH=PLAIN'))
  assert.deepEqual(
    after.filter((name) => name.startsWith('AUTH=')),
    [],
  )
  await using server = await TestImapServer.start({ tls: true, allowPlaintext: false })
  const lines = new ImapLines(await server.connect())
  await lines.line()
  await lines.command('a STARTTLS')
  await lines.secure()
  for (const name of secure.filter((each) => each.startsWith('AUTH='))) {
    lines.send(`m AUTHENTICATE ${name.slice(5)}\r\n`)
    const challenge = await lines.line()
    assert.match(challenge ?? '', /^\+/, `${name} is listed and was answered ${challenge}`)
    lines.send('*\r\n')
    assert.match((await lines.line()) ?? '', /^m (?:BAD|NO)/)
    // three bad commands in a row would end the session
    await lines.command('n NOOP')
  }
  lines.reset()
})

test('a command of the registry is listed by its capability, and a listed one is in the registry', async () => {
  const { after } = await byState()
  for (const [command, capabilities] of Object.entries(BEHIND)) {
    const known = commands.has(command)
    const listed = capabilities.filter((name) => after.includes(name))
    if (known) assert.deepEqual(listed, capabilities, `${command} works and is not listed`)
    else assert.deepEqual(listed, [], `${command} is listed and is not there`)
  }
})

test('RIGHTS= names the rights of RFC 4314 that RFC 2086 does not have, and no other (RFC 4314 §2.2)', async () => {
  const { after } = await byState()
  const named = after.filter((name) => name.startsWith('RIGHTS=')).map((name) => Array.from(name.slice(7)).sort())
  assert.deepEqual(named, [
    Array.from(RIGHTS)
      .filter((right) => !'lrswipa'.includes(right))
      .sort(),
  ])
})

test('what is ENABLEd is listed, and what is listed as to be ENABLEd can be (RFC 5161 §3.1)', async () => {
  const { after } = await byState()
  await using server = await TestImapServer.start()
  for (const name of ['CONDSTORE', 'QRESYNC', 'UTF8=ACCEPT', 'IMAP4rev2', 'UIDONLY']) {
    const lines = new ImapLines(await server.connect())
    await lines.line()
    await lines.command(`a LOGIN ${ANN.address} ${ANN.password}`)
    const [said = ''] = await lines.command(`b ENABLE ${name}`)
    assert.equal(said.split(' ').includes(name), after.includes(name), `${name}: ${said}`)
    lines.reset()
  }
})

test('what LIST, STATUS, FETCH, SEARCH and SELECT take is listed, and the reverse', async () => {
  const { after } = await byState()
  await using server = await TestImapServer.start({ messages: [{}] })
  for (const [capability, command] of [
    ['STATUS=SIZE', 'STATUS INBOX (SIZE)'],
    ['OBJECTID', 'STATUS INBOX (MAILBOXID)'],
    ['OBJECTID', 'FETCH 1 (EMAILID THREADID)'],
    ['CONDSTORE', 'STATUS INBOX (HIGHESTMODSEQ)'],
    ['SAVEDATE', 'FETCH 1 SAVEDATE'],
    ['PREVIEW', 'FETCH 1 PREVIEW'],
    ['BINARY', 'FETCH 1 BINARY.SIZE[1]'],
    ['ESEARCH', 'SEARCH RETURN (COUNT) ALL'],
    ['SEARCHRES', 'SEARCH RETURN (SAVE) ALL'],
    ['WITHIN', 'SEARCH YOUNGER 10'],
    ['SEARCH=FUZZY', 'SEARCH FUZZY SUBJECT x'],
    ['PARTIAL', 'UID SEARCH RETURN (PARTIAL 1:1) ALL'],
    ['ESORT', 'SORT RETURN (COUNT) (DATE) UTF-8 ALL'],
    ['SORT=DISPLAY', 'SORT (DISPLAYFROM) UTF-8 ALL'],
    ['LIST-EXTENDED', 'LIST (SUBSCRIBED) "" * RETURN (CHILDREN)'],
    ['LIST-STATUS', 'LIST "" * RETURN (STATUS (MESSAGES))'],
    ['LIST-MYRIGHTS', 'LIST "" * RETURN (MYRIGHTS)'],
    ['LIST-METADATA', 'LIST "" * RETURN (METADATA (/private/comment))'],
    ['SPECIAL-USE', 'LIST (SPECIAL-USE) "" *'],
  ] as const) {
    const lines = new ImapLines(await server.connect())
    await lines.line()
    await lines.command(`a LOGIN ${ANN.address} ${ANN.password}`)
    await lines.command('b SELECT INBOX')
    const last = (await lines.command(`c ${command}`)).at(-1) ?? ''
    assert.equal(last.startsWith('c OK'), after.includes(capability), `${capability}: ${command}: ${last}`)
    lines.reset()
  }
})
