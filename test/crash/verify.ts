/** Compares what a restarted server shows over IMAP and POP3 with what the journal says, and settles what was open. @module */
import { createHash } from 'node:crypto'
import type { Random } from '#testing/random.ts'
import { type Completion, expandSet, fetched, RawImap, RawLines } from './connection.ts'
import { type AccountJournal, type Journal, type MailboxJournal, ownerOf, POP3_OWNER } from './journal.ts'
import { messageOf, tokenOf } from './messages.ts'
import type { Served } from './server-process.ts'

/** Messages read over POP3 in each account. */
const POP3_READ = 8

/** What was looked at. */
export interface Verified {
  readonly messages: number
  readonly bytes: number
  /** Commands that were open when the server was killed, and what became of them. */
  readonly happened: number
  readonly notHappened: number
  /** Sentences; empty when all is as it must be. */
  readonly faults: readonly string[]
}

/** Looks at every message of every account; afterwards the journal says what is there. */
export async function verify(server: Served, journal: Journal, random: Random): Promise<Verified> {
  const all = await Promise.all(journal.accounts.map((account) => new Verification(server, account, random).run()))
  const sum = (pick: (one: Verified) => number): number => all.reduce((total, one) => total + pick(one), 0)
  return {
    messages: sum((one) => one.messages),
    bytes: sum((one) => one.bytes),
    happened: sum((one) => one.happened),
    notHappened: sum((one) => one.notHappened),
    faults: all.flatMap((one) => one.faults),
  }
}

/** A message as it is. */
interface Real {
  readonly uid: number
  readonly token: number
  readonly flags: string
  readonly modseq: number
  readonly size: number
}

interface Missing {
  /** Tokens by UID. */
  readonly uids: Map<number, number>
  readonly tokens: Set<number>
}

class Verification {
  readonly #server: Served
  readonly #account: AccountJournal
  readonly #random: Random
  readonly #faults: string[] = []
  /** Messages that the journal does not explain, by mailbox. */
  readonly #unexplained = new Map<string, Real[]>()
  /** Messages of the journal that are not there, by mailbox: those with a UID, by it; those without. */
  readonly #missing = new Map<string, Missing>()
  #messages = 0
  #bytes = 0
  #happened = 0
  #notHappened = 0

  constructor(server: Served, account: AccountJournal, random: Random) {
    this.#server = server
    this.#account = account
    this.#random = random
  }

  async run(): Promise<Verified> {
    const { address, password } = this.#account
    const imap = await RawImap.login(this.#server.endpoint('imap'), address, password)
    await imap.ok('ENABLE QRESYNC')
    await this.#names(imap)
    const mailboxes: (readonly [MailboxJournal, readonly Real[]])[] = []
    for (const mailbox of this.#account.mailboxes.values()) mailboxes.push([mailbox, await this.#read(imap, mailbox)])
    for (const [mailbox, messages] of mailboxes) this.#explain(mailbox, messages)
    this.#settleOpen()
    for (const [name, rest] of this.#unexplained) {
      const { tokens } = this.#account.mailbox(name)
      for (const { uid, token } of rest) {
        // One that was seen before may also have come by a command that is open.
        if (tokens.has(uid)) this.#fault(name, `UID ${uid} (message ${token}) was expunged and is back`)
        else this.#fault(name, `UID ${uid} holds message ${token}: no one put it there`)
      }
    }
    for (const [name, rest] of this.#missing) {
      for (const token of [...rest.uids.values(), ...rest.tokens])
        this.#fault(name, `message ${token} was acknowledged and is lost`)
    }
    for (const [mailbox, messages] of mailboxes) settle(mailbox, messages)
    const inbox = mailboxes.find(([{ name }]) => name === 'INBOX')
    if (inbox !== undefined) await this.#readPop3(...inbox)
    imap.close()
    return {
      messages: this.#messages,
      bytes: this.#bytes,
      happened: this.#happened,
      notHappened: this.#notHappened,
      faults: this.#faults,
    }
  }

  #fault(mailbox: string, sentence: string): void {
    this.#faults.push(`${this.#account.address} ${mailbox}: ${sentence}`)
  }

  async #names(imap: RawImap): Promise<void> {
    const text = (await imap.ok('LIST "" *')).lines.join('\n')
    for (const name of this.#account.mailboxes.keys()) {
      if (!new RegExp(`" "?${name}"?$`, 'm').test(text)) this.#fault(name, 'the mailbox is lost')
    }
  }

  /** Reads every message, byte for byte, and compares the counters. */
  async #read(imap: RawImap, mailbox: MailboxJournal): Promise<readonly Real[]> {
    const { name } = mailbox
    const items = 'MESSAGES UNSEEN DELETED SIZE UIDNEXT UIDVALIDITY HIGHESTMODSEQ'
    const status = statusOf(await imap.ok(`STATUS ${name} (${items})`))
    await imap.ok(`SELECT ${name}`)
    const answer = await imap.ok('UID FETCH 1:* (UID FLAGS MODSEQ RFC822.SIZE BODY.PEEK[])')
    const messages: Real[] = []
    for (const { uid, flags = '', modseq = 0, size = 0, body = new Uint8Array(0) } of fetched(answer.untagged)) {
      const token = tokenOf(body)
      this.#messages += 1
      this.#bytes += body.length
      if (token === undefined) {
        this.#fault(name, `UID ${uid} holds no message of ours`)
        continue
      }
      if (size !== body.length) this.#fault(name, `UID ${uid} is said to have ${size} octets and has ${body.length}`)
      this.#compareBytes(name, uid, token, body)
      messages.push({ uid, token, flags, modseq, size: body.length })
    }
    this.#counters(mailbox, status, messages)
    await this.#resynchronise(imap, mailbox, messages)
    return messages
  }

  #compareBytes(name: string, uid: number, token: number, body: Uint8Array): void {
    const expected = messageOf(token)
    const before = body.length - expected.length
    if (before < 0 || !expected.equals(body.subarray(before))) {
      this.#fault(name, `UID ${uid}: message ${token} has other bytes`)
      return
    }
    // What stands before it: the recipient's own trace lines, the same in every copy and after every restart.
    const trace = createHash('sha256').update(body.subarray(0, before)).digest('base64')
    const known = this.#account.traces.get(token)
    if (known === undefined) this.#account.traces.set(token, trace)
    else if (known !== trace) this.#fault(name, `UID ${uid}: message ${token} has other trace lines`)
  }

  #counters(mailbox: MailboxJournal, status: ReadonlyMap<string, number>, messages: readonly Real[]): void {
    const { name } = mailbox
    const real = {
      MESSAGES: messages.length,
      UNSEEN: messages.filter(({ flags }) => !flags.includes('\\Seen')).length,
      DELETED: messages.filter(({ flags }) => flags.includes('\\Deleted')).length,
      SIZE: messages.reduce((sum, { size }) => sum + size, 0),
      UIDVALIDITY: mailbox.uidValidity,
    }
    for (const [item, value] of Object.entries(real)) {
      if (status.get(item) !== value) this.#fault(name, `STATUS says ${item} ${status.get(item)}, and it is ${value}`)
    }
    const uidNext = status.get('UIDNEXT') ?? 0
    const modseq = status.get('HIGHESTMODSEQ') ?? 0
    if (uidNext < mailbox.uidNext) this.#fault(name, `UIDNEXT went back from ${mailbox.uidNext} to ${uidNext}`)
    if (modseq < mailbox.modseq) this.#fault(name, `HIGHESTMODSEQ went back from ${mailbox.modseq} to ${modseq}`)
    for (const message of messages) {
      if (message.uid >= uidNext) this.#fault(name, `UIDNEXT is ${uidNext} and UID ${message.uid} exists`)
      if (message.modseq > modseq) this.#fault(name, `UID ${message.uid} has MODSEQ ${message.modseq} over ${modseq}`)
    }
    mailbox.uidNext = uidNext
    mailbox.modseq = modseq
  }

  /** A client that was here at the last verification is told all that happened (RFC 7162 §3.2.6). */
  async #resynchronise(imap: RawImap, mailbox: MailboxJournal, messages: readonly Real[]): Promise<void> {
    const { picture, pictureModseq, name } = mailbox
    if (pictureModseq > 0) {
      const answer = await imap.ok(`UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE ${pictureModseq} VANISHED)`)
      for (const { text } of answer.untagged) {
        const vanished = /^\* VANISHED \(EARLIER\) (\S+)$/.exec(text)?.[1]
        if (vanished !== undefined) for (const uid of expandSet(vanished)) picture.delete(uid)
      }
      for (const { uid, flags = '' } of fetched(answer.untagged)) picture.set(uid, flags)
      const real = new Map(messages.map(({ uid, flags }) => [uid, flags]))
      for (const [uid, flags] of picture) {
        if (real.get(uid) !== flags) this.#fault(name, `a client that resynchronises sees UID ${uid} "${flags}"`)
      }
      for (const uid of real.keys()) {
        if (!picture.has(uid)) this.#fault(name, `a client that resynchronises does not see UID ${uid}`)
      }
    }
    mailbox.picture = new Map(messages.map(({ uid, flags }) => [uid, flags]))
    mailbox.pictureModseq = mailbox.modseq
  }

  /** What the journal expects in this mailbox, except for what open commands may have done. */
  #explain(mailbox: MailboxJournal, messages: readonly Real[]): void {
    const { name, entries, arrivals, tokens } = mailbox
    const unexplained: Real[] = []
    const missing: Missing = { uids: new Map(), tokens: new Set() }
    const found = new Set<number>()
    for (const message of messages) {
      const { uid, token, flags, modseq } = message
      const before = tokens.get(uid)
      if (before !== undefined && before !== token) this.#fault(name, `UID ${uid} was ${before} and is now ${token}`)
      const entry = entries.get(uid)
      const arrival = arrivals.get(token)
      if (entry !== undefined) {
        found.add(uid)
        if (!entry.flags.includes(flags)) {
          this.#fault(name, `UID ${uid} has the flags "${flags}" and must have "${entry.flags.join('" or "')}"`)
        }
        if (entry.modseq !== undefined && entry.flags.length === 1 && entry.modseq !== modseq) {
          this.#fault(name, `UID ${uid} had MODSEQ ${entry.modseq} and has ${modseq}`)
        }
        if (entry.mayBeGone && !this.#isMoved(name, uid)) this.#notHappened += 1
      } else if (arrival !== undefined) {
        arrivals.delete(token)
        if (arrival.flags !== flags) this.#fault(name, `UID ${uid} came with the flags "${flags}"`)
        if (!arrival.must) this.#happened += 1
      } else unexplained.push(message)
    }
    for (const [uid, { token, mayBeGone }] of entries) {
      if (found.has(uid)) continue
      if (mayBeGone && !this.#isMoved(name, uid)) this.#happened += 1
      else missing.uids.set(uid, token)
    }
    for (const [token, { must }] of arrivals) {
      if (must) missing.tokens.add(token)
      else this.#notHappened += 1
    }
    this.#unexplained.set(name, unexplained)
    this.#missing.set(name, missing)
  }

  #isMoved(mailbox: string, uid: number): boolean {
    for (const { kind, from, members } of this.#account.open) {
      if (kind === 'move' && from === mailbox && members.some((one) => one.uid === uid)) return true
    }
    return false
  }

  /** Commands without an answer happened wholly or not at all. */
  #settleOpen(): void {
    for (const { kind, from, to, members } of this.#account.open) {
      const came = this.#unexplained.get(to) ?? []
      const missing = this.#missing.get(from)
      const done = members.filter(({ uid, token, flags }) => {
        if (kind === 'quit') return missing?.tokens.delete(token) === true
        const index = came.findIndex((one) => one.token === token)
        const [message] = index < 0 ? [] : came.splice(index, 1)
        if (message === undefined) return false
        if (message.flags !== flags) this.#fault(to, `UID ${message.uid} lost its flags "${flags}" in a ${kind}`)
        if (kind === 'move' && missing?.uids.delete(uid) !== true) {
          this.#fault(from, `UID ${uid} was moved and is still here`)
        }
        return true
      })
      if (done.length > 0 && done.length < members.length) {
        this.#fault(from, `an open ${kind} of ${members.length} messages was done for ${done.length}`)
      }
      if (members.length > 0) {
        if (done.length > 0) this.#happened += 1
        else this.#notHappened += 1
      }
    }
    this.#account.open.clear()
  }

  /** The maildrop is the same mailbox; UIDLs never change. */
  async #readPop3(mailbox: MailboxJournal, messages: readonly Real[]): Promise<void> {
    const { address, password } = this.#account
    const connection = await RawLines.connect(this.#server.endpoint('pop3'))
    await connection.line()
    await connection.ok(`USER ${address}`)
    await connection.ok(`PASS ${password}`)
    const octets = messages.reduce((sum, { size }) => sum + size, 0)
    const stat = await connection.ok('STAT')
    if (stat !== `+OK ${messages.length} ${octets}`) {
      this.#fault('INBOX', `STAT says ${stat}, and it is ${messages.length} ${octets}`)
    }
    await connection.ok('UIDL')
    const uidls = (await connection.multiline()).toString('latin1').split('\r\n').slice(0, -1)
    if (uidls.length !== messages.length)
      this.#fault('INBOX', `UIDL names ${uidls.length} of ${messages.length} messages`)
    for (const [index, { uid }] of messages.entries()) {
      const uidl = uidls[index]?.split(' ')[1] ?? ''
      const known = mailbox.uidls.get(uid)
      if (known !== undefined && known !== uidl) this.#fault('INBOX', `the UIDL of UID ${uid} became ${uidl}`)
      mailbox.uidls.set(uid, uidl)
    }
    for (let read = 0; read < Math.min(POP3_READ, messages.length); read += 1) {
      const index = this.#random.below(messages.length)
      const message = messages[index]
      await connection.ok(`RETR ${index + 1}`)
      const body = await connection.multiline()
      if (message === undefined) continue
      this.#compareBytes('INBOX by POP3', message.uid, message.token, body)
    }
    await connection.ok('QUIT')
    connection.close()
  }
}

/** Nothing is open any more: what is there is what must be there from now on. */
function settle(mailbox: MailboxJournal, messages: readonly Real[]): void {
  mailbox.entries.clear()
  mailbox.arrivals.clear()
  for (const { uid, token, flags, modseq } of messages) {
    mailbox.tokens.set(uid, token)
    // POP3's own stay without a UID, as POP3 knows none.
    if (mailbox.name === 'INBOX' && ownerOf(token) === POP3_OWNER) mailbox.arrivals.set(token, { flags, must: true })
    else mailbox.entries.set(uid, { token, flags: [flags], modseq, mayBeGone: false })
  }
}

function statusOf({ untagged }: Completion): ReadonlyMap<string, number> {
  const text = untagged.find((one) => one.text.startsWith('* STATUS '))?.text ?? ''
  const list = /\(([^)]*)\)$/.exec(text)?.[1] ?? ''
  return new Map(Array.from(list.matchAll(/(\S+) (\d+)/g), ([, name = '', value]) => [name, Number(value)]))
}
