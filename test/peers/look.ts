/** Our own eyes on a mailbox: the plainest client there is, over IMAP or POP3, to fill it and to see what a program left. @module */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { ImapLines } from '#testing/imap-client.ts'
import type { NamedMail } from './mail.ts'

/** Ours or another: `PeerServer`, `ForeignServer`. */
export interface LookedAt {
  port(listener: 'imap' | 'pop3'): number
}

interface Account {
  readonly address: string
  readonly password: string
}

/** A message as a client sees it. */
export interface Seen {
  readonly uid: number
  /** Sorted, without `\Recent`. */
  readonly flags: readonly string[]
  readonly bytes: Buffer
}

const INBOX = 'INBOX'

export class Look implements AsyncDisposable {
  readonly #lines: ImapLines
  #tag = 0

  private constructor(lines: ImapLines) {
    this.#lines = lines
  }

  /** Logs in over IMAP without TLS. */
  static async open(server: LookedAt, { address, password }: Account): Promise<Look> {
    const socket = connect(server.port('imap'), '127.0.0.1')
    await once(socket, 'connect')
    const look = new Look(new ImapLines(socket))
    await look.#lines.line()
    await look.#command(`LOGIN "${address}" "${password}"`)
    return look
  }

  /** Puts messages into a mailbox, exactly as they are. */
  async append(mail: readonly NamedMail[], mailbox: string = INBOX, flags: readonly string[] = []): Promise<void> {
    for (const [, bytes] of mail) {
      const tag = this.#nextTag()
      this.#lines.send(`${tag} APPEND "${mailbox}" (${flags.join(' ')}) {${bytes.length}}\r\n`)
      const go = await this.#lines.line()
      assert.match(go ?? '', /^\+ /)
      this.#lines.send(`${Buffer.from(bytes).toString('latin1')}\r\n`)
      await this.#end(tag)
    }
  }

  /** All messages of a mailbox. */
  async messages(mailbox: string = INBOX): Promise<Seen[]> {
    await this.#command(`EXAMINE "${mailbox}"`)
    const tag = this.#nextTag()
    this.#lines.send(`${tag} UID FETCH 1:* (UID FLAGS BODY.PEEK[])\r\n`)
    const seen: Seen[] = []
    for (;;) {
      const line = await this.#lines.line()
      assert.ok(line !== undefined, 'the connection ended')
      if (line.startsWith(`${tag} `)) {
        assert.match(line, / OK /)
        await this.#command('UNSELECT')
        return seen.sort((a, b) => a.uid - b.uid)
      }
      const literal = /^\* \d+ FETCH \((.*)\{(\d+)\}$/.exec(line)
      if (literal === null) continue
      const bytes = Buffer.from(await this.#lines.bytes(Number(literal[2])), 'latin1')
      const items = `${literal[1]} ${await this.#lines.line()}`
      const flags = /FLAGS \(([^)]*)\)/.exec(items)?.[1] ?? ''
      seen.push({
        uid: Number(/UID (\d+)/.exec(items)?.[1]),
        flags: flags
          .split(' ')
          .filter((flag) => flag !== '' && flag !== '\\Recent')
          .sort(),
        bytes,
      })
    }
  }

  /** Octets of all messages of a mailbox. */
  async bytes(mailbox: string = INBOX): Promise<Buffer[]> {
    return (await this.messages(mailbox)).map(({ bytes }) => bytes)
  }

  /** Changes flags by UID, such as `+FLAGS (\\Seen)`. */
  async store(mailbox: string, uids: string, change: string): Promise<void> {
    await this.#command(`SELECT "${mailbox}"`)
    await this.#command(`UID STORE ${uids} ${change}`)
    await this.#command('UNSELECT')
  }

  /** Removes messages by UID. */
  async expunge(mailbox: string, uids: string): Promise<void> {
    await this.#command(`SELECT "${mailbox}"`)
    await this.#command(`UID STORE ${uids} +FLAGS.SILENT (\\Deleted)`)
    await this.#command(`UID EXPUNGE ${uids}`)
    await this.#command('UNSELECT')
  }

  /** Makes mailboxes; names as they go over the wire. */
  async create(...mailboxes: readonly string[]): Promise<void> {
    for (const mailbox of mailboxes) await this.#command(`CREATE "${mailbox}"`)
  }

  /** Subscribes to mailboxes; names as they go over the wire. */
  async subscribe(...mailboxes: readonly string[]): Promise<void> {
    for (const mailbox of mailboxes) await this.#command(`SUBSCRIBE "${mailbox}"`)
  }

  /** Counters of a mailbox and the MODSEQ of its last change, as STATUS writes them. */
  async status(mailbox: string): Promise<string> {
    const lines = await this.#command(`STATUS "${mailbox}" (MESSAGES UIDNEXT UNSEEN HIGHESTMODSEQ)`)
    return /\(([^)]*)\)$/.exec(lines.join('\r\n'))?.[1] ?? ''
  }

  /** Deletes a mailbox. */
  async remove(mailbox: string): Promise<void> {
    await this.#command(`DELETE "${mailbox}"`)
  }

  /** Names as they come over the wire, sorted. */
  async mailboxes(): Promise<string[]> {
    const lines = await this.#command('LIST "" "*"')
    return lines.flatMap((line) => /^\* LIST \([^)]*\) "\/" "?(.*?)"?$/.exec(line)?.[1] ?? []).sort()
  }

  /** Sends one command, gives its untagged lines. */
  async #command(text: string): Promise<string[]> {
    const tag = this.#nextTag()
    this.#lines.send(`${tag} ${text}\r\n`)
    return this.#end(tag)
  }

  async #end(tag: string): Promise<string[]> {
    const lines: string[] = []
    for (;;) {
      const line = await this.#lines.line()
      assert.ok(line !== undefined, 'the connection ended')
      if (line.startsWith(`${tag} `)) {
        assert.match(line, / OK /)
        return lines
      }
      lines.push(line)
    }
  }

  #nextTag(): string {
    this.#tag += 1
    return `l${this.#tag}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#command('LOGOUT')
    this.#lines.reset()
  }
}

/** Fills INBOX over a connection of its own. */
export async function fill(server: LookedAt, account: Account, mail: readonly NamedMail[]): Promise<void> {
  await using look = await Look.open(server, account)
  await look.append(mail)
}

/** What POP3 finds: the octets of every message, in order. */
export async function popMessages(server: LookedAt, account: Account): Promise<Buffer[]> {
  const socket = connect(server.port('pop3'), '127.0.0.1')
  await once(socket, 'connect')
  const lines = new ImapLines(socket)
  const ask = async (command: string): Promise<string> => {
    if (command !== '') lines.send(`${command}\r\n`)
    const line = (await lines.line()) ?? ''
    assert.match(line, /^\+OK/, command)
    return line
  }
  await ask('')
  await ask(`USER ${account.address}`)
  await ask(`PASS ${account.password}`)
  const count = Number((await ask('STAT')).split(' ')[1])
  const messages: Buffer[] = []
  for (let number = 1; number <= count; number += 1) {
    await ask(`RETR ${number}`)
    const body: string[] = []
    for (let line = await lines.line(); line !== '.'; line = await lines.line()) {
      assert.ok(line !== undefined, 'the connection ended')
      body.push(`${line.startsWith('.') ? line.slice(1) : line}\r\n`)
    }
    messages.push(Buffer.from(body.join(''), 'latin1'))
  }
  await ask('QUIT')
  lines.reset()
  return messages
}
