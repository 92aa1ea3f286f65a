/**
 * Two people of a whole server whose accounts lie in different shards, with two protocol threads: what one shares the
 * other reaches, and what is shared survives a restart.
 * @module
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineClient, type WholeServer, wholeServer } from '#testing/whole-server.ts'

const PASSWORD = 'correct horse battery'
const DONE = /^x (?:OK|NO|BAD) .*$/m

async function logIn(whole: WholeServer, name: string): Promise<LineClient> {
  const client = await LineClient.dial(whole.port('imap'))
  await client.line()
  assert.match((await client.say(`l LOGIN ${name}@example.org "${PASSWORD}"`)) ?? '', /^l OK /)
  return client
}

for (const threads of [1, 2])
  test(`mailboxes are shared between shards, with ${threads} protocol threads`, async () => {
    await using whole = await wholeServer({
      auth: { allow_plaintext: true },
      limits: { exempt: ['127.0.0.0/8', '::1/128'] },
      store: { shards: 2 },
      workers: { count: threads },
    })
    const { administration } = whole.server
    for (const name of ['cat', 'dan', 'eve'])
      await administration.ask('account.add', { address: `${name}@example.org`, password: PASSWORD })
    using cat = await logIn(whole, 'cat')
    using dan = await logIn(whole, 'dan')
    using eve = await logIn(whole, 'eve')
    const say = (client: LineClient, said: string) => client.ask(`x ${said}`, DONE)
    const big = `Subject: big\r\n\r\n${'0123456789abcdef\r\n'.repeat(100_000)}`
    for (const body of ['Subject: one\r\n\r\n1\r\n', big])
      assert.match(await say(cat, `APPEND INBOX {${body.length}+}\r\n${body}`), /^x OK/m)
    assert.match(await say(cat, 'SETACL INBOX dan@example.org lrsitew'), /^x OK/m)
    assert.match(await say(cat, 'SETACL INBOX anyone l'), /^x OK/m)
    const box = '"Other users/cat@example.org/INBOX"'
    assert.match(
      await say(dan, 'LIST "" "Other users/*" RETURN (MYRIGHTS STATUS (MESSAGES UNSEEN))'),
      /MESSAGES 2 UNSEEN 2/,
    )
    assert.match(await say(eve, `LIST "" ${box}`), /^\* LIST \(\\HasNoChildren\)/m)
    assert.match(await say(eve, `SELECT ${box}`), /^x NO \[NOPERM\]/m)
    assert.match(await say(dan, `SELECT ${box}`), /^x OK \[READ-WRITE\]/m)
    assert.match(await say(dan, 'FETCH 1 BODY[]'), /Subject: one/)
    assert.match(await say(dan, 'FETCH 1:2 FLAGS'), /1 FETCH \(FLAGS \(\\Seen\)\)\n\* 2 FETCH \(FLAGS \(\)\)/)
    assert.match(await say(cat, 'STATUS INBOX (UNSEEN)'), /UNSEEN 2/)
    // a change of somebody in another shard and another thread wakes who idles there
    dan.send('i IDLE\r\n')
    while (!(await dan.line())?.startsWith('+'));
    assert.match(await say(cat, 'APPEND INBOX {4+}\r\nA: b'), /^x OK/m)
    assert.equal(await dan.line(), '* 3 EXISTS')
    dan.send('DONE\r\n')
    while (!(await dan.line())?.startsWith('i OK'));
    assert.match(await say(dan, 'MOVE 1:2 INBOX'), /COPYUID \d+ 1:2 1:2\] Moved\n\* 2 EXPUNGE\n\* 1 EXPUNGE\nx OK/)
    assert.match(await say(cat, 'STATUS INBOX (MESSAGES)'), /MESSAGES 1/)
    assert.match(await say(dan, 'SELECT INBOX'), /^\* 2 EXISTS/m)
    assert.match(
      await say(dan, 'FETCH 1:2 (FLAGS RFC822.SIZE)'),
      new RegExp(`\\* 2 FETCH \\(FLAGS \\(\\) RFC822.SIZE ${big.length}\\)`),
    )
    assert.match(await say(dan, 'FETCH 2 BODY.PEEK[TEXT]<1799900.100>'), /0123456789abcdef/)
    assert.match(await say(dan, `SELECT ${box}`), /^x OK/m)
    assert.match(await say(cat, 'DELETEACL INBOX dan@example.org'), /^x OK/m)
    assert.equal(await say(dan, 'NOOP'), '* BYE Your right to read the selected mailbox was withdrawn')
    assert.deepEqual((await administration.ask('status', {})).problems, [])
  })
