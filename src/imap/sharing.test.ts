/** Two people and a mailbox: each right of RFC 4314 §4, allowed and denied. @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RIGHTS } from '#store/acl.ts'
import { ImapLines } from '#testing/imap-client.ts'
import { ANN, SMALL_MESSAGE, TestImapServer } from '#testing/imap-server.ts'

const BOX = '"Other users/ann@example.org/Team"'
const NOPERM = /^x NO \[NOPERM\] /
const OK = /^x OK /

interface Row {
  readonly right: string
  readonly what: string
  /** What Bob says; the answer to the last one counts. `{}` is a message. */
  readonly say: readonly string[]
  /** Lines of the answer; the tagged one of `x` last. */
  readonly allowed: readonly RegExp[]
  readonly denied: readonly RegExp[]
  /** Rights that it needs besides. */
  readonly also?: string
  /** What Ann sees afterwards. */
  readonly ann?: { readonly say: string; readonly allowed: RegExp; readonly denied: RegExp }
}

const FLAGS = 'UID FETCH 1:* (FLAGS)'
const SELECT = `SELECT ${BOX}`

/** The table of RFC 4314 §4, with what has come since. */
const TABLE: readonly Row[] = [
  {
    right: 'l',
    what: 'LIST',
    say: ['LIST "" "Other users/ann@example.org/Team"'],
    allowed: [/^\* LIST \(\\HasNoChildren\) "\/" "?Other users\/ann@example.org\/Team"?$/, OK],
    denied: [OK],
  },
  {
    right: 'l',
    what: 'LSUB of a name subscribed to',
    say: [`SUBSCRIBE ${BOX}`, 'LIST (SUBSCRIBED) "" *'],
    allowed: [/^\* LIST \(\\HasNoChildren \\Subscribed\) /, OK],
    denied: [/^\* LIST \(\\NonExistent \\HasNoChildren \\Subscribed\) /, OK],
  },
  {
    right: 'l',
    what: 'GETMETADATA',
    also: 'r',
    say: [`GETMETADATA ${BOX} /shared/comment`],
    allowed: [/^\* METADATA .* \(\/shared\/comment NIL\)$/, OK],
    denied: [/^x NO \[NONEXISTENT\] /],
  },
  { right: 'r', what: 'SELECT', say: [SELECT], allowed: [OK], denied: [NOPERM] },
  { right: 'r', what: 'EXAMINE', say: [`EXAMINE ${BOX}`], allowed: [OK], denied: [NOPERM] },
  {
    right: 'r',
    what: 'STATUS',
    say: [`STATUS ${BOX} (MESSAGES UNSEEN)`],
    allowed: [/^\* STATUS .* \(MESSAGES 2 UNSEEN 2\)$/, OK],
    denied: [NOPERM],
  },
  { right: 'r', what: 'GETQUOTAROOT', say: [`GETQUOTAROOT ${BOX}`], allowed: [OK], denied: [NOPERM] },
  {
    right: 'r',
    what: 'ESEARCH',
    say: [`ESEARCH IN (mailboxes ${BOX}) RETURN (COUNT) ALL`],
    allowed: [/^\* ESEARCH .* COUNT 2$/, OK],
    denied: [OK],
  },
  {
    right: 's',
    what: 'STORE \\Seen',
    also: 'r',
    say: [SELECT, 'UID STORE 1 +FLAGS (\\Seen)'],
    allowed: [/FLAGS \(\\Seen\)/, OK],
    denied: [NOPERM],
    ann: { say: FLAGS, allowed: /UID 1 FLAGS \(\)/, denied: /UID 1 FLAGS \(\)/ },
  },
  {
    right: 's',
    what: 'FETCH BODY[] sets \\Seen',
    also: 'r',
    say: [SELECT, 'UID FETCH 1 BODY[]', FLAGS],
    allowed: [/UID 1 FLAGS \(\\Seen\)/, OK],
    denied: [/UID 1 FLAGS \(\)/, OK],
  },
  {
    right: 's',
    what: 'APPEND with \\Seen',
    also: 'ir',
    say: [`APPEND ${BOX} (\\Seen) {}`, SELECT, FLAGS],
    allowed: [/UID 3 FLAGS \(\\Seen\)/, OK],
    denied: [/UID 3 FLAGS \(\)/, OK],
  },
  {
    right: 'w',
    what: 'STORE \\Flagged and a keyword',
    also: 'r',
    say: [SELECT, 'UID STORE 1 +FLAGS (\\Flagged work)'],
    allowed: [/FLAGS \(\\Flagged work\)/, OK],
    denied: [NOPERM],
    ann: { say: FLAGS, allowed: /UID 1 FLAGS \(\\Flagged work\)/, denied: /UID 1 FLAGS \(\)/ },
  },
  {
    right: 'w',
    what: 'APPEND with \\Draft and a keyword',
    also: 'i',
    say: [`APPEND ${BOX} (\\Draft work) {}`],
    allowed: [/^x OK \[APPENDUID /],
    denied: [/^x OK \[APPENDUID /],
    ann: { say: FLAGS, allowed: /UID 3 FLAGS \(\\Draft work\)/, denied: /UID 3 FLAGS \(\)/ },
  },
  { right: 'i', what: 'APPEND', say: [`APPEND ${BOX} {}`], allowed: [/^x OK \[APPENDUID /], denied: [NOPERM] },
  {
    right: 'i',
    what: 'COPY into it',
    say: ['SELECT INBOX', `COPY 1 ${BOX}`],
    allowed: [/^x OK \[COPYUID \d+ 1 3\] /],
    denied: [NOPERM],
    ann: { say: FLAGS, allowed: /UID 3 /, denied: /UID 2 / },
  },
  {
    right: 'i',
    what: 'MOVE into it',
    say: ['SELECT INBOX', `MOVE 1 ${BOX}`],
    allowed: [/^\* OK \[COPYUID \d+ 1 3\] /, OK],
    denied: [NOPERM],
  },
  {
    right: 'i',
    what: 'REPLACE into it',
    say: ['SELECT INBOX', `REPLACE 1 ${BOX} {}`],
    allowed: [/^\* OK \[APPENDUID \d+ 3\] /, OK],
    denied: [NOPERM],
  },
  {
    right: 'k',
    what: 'CREATE below it',
    say: [`CREATE ${BOX.slice(0, -1)}/new"`],
    allowed: [/^x OK \[MAILBOXID /],
    denied: [NOPERM],
    ann: { say: 'LIST "" Team/%', allowed: /Team\/new/, denied: /OK/ },
  },
  {
    right: 'k',
    what: 'RENAME of another one to below it',
    also: 'x',
    say: [`RENAME "Other users/ann@example.org/Old" ${BOX.slice(0, -1)}/new"`],
    allowed: [OK],
    denied: [NOPERM],
  },
  { right: 'x', what: 'DELETE', say: [`DELETE ${BOX}`], allowed: [OK], denied: [NOPERM] },
  {
    right: 'x',
    what: 'RENAME',
    also: 'k',
    say: [`RENAME ${BOX} "Other users/ann@example.org/Old/Team"`],
    allowed: [OK],
    denied: [NOPERM],
    ann: { say: 'LIST "" *', allowed: /Old\/Team/, denied: /Team$/ },
  },
  {
    right: 't',
    what: 'STORE \\Deleted',
    also: 'r',
    say: [SELECT, 'UID STORE 1 +FLAGS (\\Deleted)'],
    allowed: [/FLAGS \(\\Deleted\)/, OK],
    denied: [NOPERM],
    ann: { say: FLAGS, allowed: /UID 1 FLAGS \(\\Deleted\)/, denied: /UID 1 FLAGS \(\)/ },
  },
  {
    right: 't',
    what: 'APPEND with \\Deleted',
    also: 'i',
    say: [`APPEND ${BOX} (\\Deleted) {}`],
    allowed: [OK],
    denied: [OK],
    ann: { say: FLAGS, allowed: /UID 3 FLAGS \(\\Deleted\)/, denied: /UID 3 FLAGS \(\)/ },
  },
  {
    right: 't',
    what: 'MOVE out of it',
    also: 're',
    say: [SELECT, 'UID MOVE 1 INBOX'],
    allowed: [/^\* OK \[COPYUID \d+ 1 2\] /, OK],
    denied: [NOPERM],
  },
  {
    right: 'e',
    what: 'EXPUNGE',
    also: 'rt',
    say: [SELECT, 'UID STORE 1 +FLAGS (\\Deleted)', 'EXPUNGE'],
    allowed: [/^\* 1 EXPUNGE$/, OK],
    denied: [NOPERM],
    ann: { say: FLAGS, allowed: /UID 2 /, denied: /UID 1 / },
  },
  {
    right: 'e',
    what: 'UID EXPUNGE',
    also: 'rt',
    say: [SELECT, 'UID STORE 1 +FLAGS (\\Deleted)', 'UID EXPUNGE 1'],
    allowed: [/^\* 1 EXPUNGE$/, OK],
    denied: [NOPERM],
  },
  {
    right: 'e',
    what: 'CLOSE expunges',
    also: 'rt',
    say: [SELECT, 'UID STORE 1 +FLAGS (\\Deleted)', 'CLOSE'],
    allowed: [OK],
    denied: [OK],
    ann: { say: FLAGS, allowed: /^\* 1 FETCH \(UID 2/, denied: /^\* 1 FETCH \(UID 1/ },
  },
  {
    right: 'e',
    what: 'MOVE out of it',
    also: 'rt',
    say: [SELECT, 'UID MOVE 1 INBOX'],
    allowed: [/^\* OK \[COPYUID \d+ 1 2\] /, OK],
    denied: [NOPERM],
  },
  { right: 'a', what: 'GETACL', say: [`GETACL ${BOX}`], allowed: [/^\* ACL /, OK], denied: [NOPERM] },
  { right: 'a', what: 'SETACL', say: [`SETACL ${BOX} anyone lr`], allowed: [OK], denied: [NOPERM] },
  { right: 'a', what: 'DELETEACL', say: [`DELETEACL ${BOX} anyone`], allowed: [OK], denied: [NOPERM] },
  {
    right: 'a',
    what: 'LISTRIGHTS',
    say: [`LISTRIGHTS ${BOX} anyone`],
    allowed: [/^\* LISTRIGHTS /, OK],
    denied: [NOPERM],
  },
]

for (const row of TABLE) {
  test(`${row.what} is allowed with ${row.right}${row.also === undefined ? '' : ` and ${row.also}`}`, () =>
    play(row, `${row.right}${row.also ?? ''}`, true))
  test(`${row.what} is denied without ${row.right}, whatever else there is`, () =>
    play(
      row,
      Array.from(RIGHTS)
        .filter((right) => right !== row.right)
        .join(''),
      false,
    ))
}

for (const right of 'lrikxa')
  test(`MYRIGHTS is answered to who has only ${right}`, async () => {
    await using people = await Two.meet(right)
    assert.match((await people.bob(`MYRIGHTS ${BOX}`))[0] ?? '', new RegExp(`^\\* MYRIGHTS .* ${right}[cd]?$`))
  })

for (const right of ['', 's', 'w', 't', 'e', 'p'])
  test(`to who has ${right === '' ? 'no right' : `only ${right}`} there is no such mailbox`, async () => {
    await using people = await Two.meet(right)
    for (const said of [
      `SELECT ${BOX}`,
      `STATUS ${BOX} (MESSAGES)`,
      `MYRIGHTS ${BOX}`,
      `GETACL ${BOX}`,
      `SETACL ${BOX} anyone l`,
      `DELETE ${BOX}`,
      `RENAME ${BOX} mine`,
      `GETMETADATA ${BOX} /shared/comment`,
      `SETMETADATA ${BOX} (/shared/comment "x")`,
      `GETQUOTAROOT ${BOX}`,
      `APPEND ${BOX} {}`,
    ]) {
      const none = said.replace('Team', 'Nothing')
      const answer = await people.bob(said)
      assert.match(answer.join('\n'), /^x NO \[NONEXISTENT\] No such mailbox$/, said)
      assert.deepEqual(answer, await people.bob(none), 'as for a mailbox that is not there')
    }
    assert.deepEqual(await people.bob('LIST "" "Other*"'), ['x OK That is the list'])
  })

async function play(row: Row, rights: string, allowed: boolean): Promise<void> {
  await using people = await Two.meet(rights)
  let lines: string[] = []
  for (const said of row.say) lines = await people.bob(said)
  for (const pattern of allowed ? row.allowed : row.denied)
    assert.ok(
      lines.some((line) => pattern.test(line)),
      `${pattern} is not in\n${lines.join('\n')}`,
    )
  if (!allowed && row.denied.length === 1) assert.equal(lines.length, 1, lines.join('\n'))
  if (row.ann === undefined) return
  await people.ann('SELECT Team')
  const seen = await people.ann(row.ann.say)
  const pattern = allowed ? row.ann.allowed : row.ann.denied
  assert.ok(
    seen.some((line) => pattern.test(line)),
    `Ann: ${pattern} is not in\n${seen.join('\n')}`,
  )
}

/** Ann, whose mailbox Team has two messages, and Bob, who has these rights there and in Old, and one message in INBOX. */
class Two implements AsyncDisposable {
  readonly #server: TestImapServer
  readonly #ann: ImapLines
  readonly #bob: ImapLines

  private constructor(server: TestImapServer, ann: ImapLines, bob: ImapLines) {
    this.#server = server
    this.#ann = ann
    this.#bob = bob
  }

  static async meet(rights: string): Promise<Two> {
    const messages = [{ mailbox: 'Team' }, { mailbox: 'Team' }]
    const server = await TestImapServer.start({ mailboxes: ['Team', 'Old'], messages })
    const [ann, bob] = [new ImapLines(await server.connect()), new ImapLines(await server.connect())]
    const two = new Two(server, ann, bob)
    for (const [lines, name] of [
      [ann, 'ann'],
      [bob, 'bob'],
    ] as const) {
      await lines.line()
      await say(lines, `LOGIN ${name}@example.org ${ANN.password}`)
    }
    for (const box of ['Team', 'Old'])
      assert.match((await two.ann(`SETACL ${box} bob@example.org "${rights}"`)).at(-1) ?? '', OK)
    assert.match((await two.bob('APPEND INBOX {}')).at(-1) ?? '', OK)
    return two
  }

  ann(said: string): Promise<string[]> {
    return say(this.#ann, said)
  }

  bob(said: string): Promise<string[]> {
    return say(this.#bob, said)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ann.reset()
    this.#bob.reset()
    const errors = this.#server.log.lines.filter(({ level }) => level === 'error')
    await this.#server[Symbol.asyncDispose]()
    assert.deepEqual(errors, [])
  }
}

function say(lines: ImapLines, said: string): Promise<string[]> {
  return lines.command(`x ${said.replace('{}', `{${SMALL_MESSAGE.length}+}\r\n${SMALL_MESSAGE}`)}`)
}
