/** Clients that work until the server is gone, writing into the journal what they were told. @module */
import { setTimeout as delay } from 'node:timers/promises'
import { Random } from '#testing/random.ts'
import { canonicalFlags, expandSet, fetched, Gone, RawImap, RawLines, Refused, stuffed } from './connection.ts'
import { type AccountJournal, type Journal, type MailboxJournal, ownerOf, POP3_OWNER, type Whole } from './journal.ts'
import { messageOf, tokenOf } from './messages.ts'
import type { Served } from './server-process.ts'

/** Mailboxes of an account besides INBOX: one for both IMAP clients, one for each. */
export const MAILBOXES: readonly string[] = ['INBOX', 'Shared', 'Work0', 'Work1']
/** IMAP clients of an account; their numbers are owners of messages. */
const IMAP_CLIENTS = 2
/** More messages than this in a mailbox, and clients rather expunge. */
const CROWDED = 60
/** In one POP3 session. */
const MOST_DELETED = 30
const FLAGS = ['\\Seen', '\\Answered', '\\Flagged', '\\Draft', '\\Deleted', '$Work', 'Later', '$Forwarded'] as const

export interface LoadOptions {
  readonly random: Random
  readonly lmtpClients: number
  /** Whether the server may be gone. */
  readonly over: () => boolean
  /** What was refused is in doubt, and the client begins again; without it a refusal is a fault. */
  readonly refused?: (why: string) => void
  /** Clients end after what they are doing; without it, when the server goes. */
  readonly done?: () => boolean
}

/** A client that was refused waits so long. */
const PAUSE_MS = 25

/** Runs all clients until the server goes; a connection that is lost earlier is a fault. */
export async function load(
  server: Served,
  journal: Journal,
  { random, lmtpClients, over, refused, done = () => false }: LoadOptions,
): Promise<void> {
  const own = (): Random => new Random(random.below(2 ** 32))
  /** Again and again, where clients may be refused. */
  const run = async (client: () => Promise<void>): Promise<void> => {
    for (;;) {
      try {
        return await client()
      } catch (error) {
        if (!(error instanceof Refused) || refused === undefined) throw error
        refused(error.message)
        if (over() || done()) return
        await delay(PAUSE_MS)
      }
    }
  }
  const clients: Promise<void>[] = []
  for (const account of journal.accounts) {
    for (let owner = 0; owner < IMAP_CLIENTS; owner += 1) {
      const client = new ImapLoad(server, journal, account, owner, own(), { mayDoubt: refused !== undefined, done })
      clients.push(run(() => client.run()))
    }
    const pop3 = own()
    clients.push(run(() => pop3Load(server, journal, account, pop3, done)))
  }
  for (let client = 0; client < lmtpClients; client += 1) {
    const lmtp = own()
    clients.push(run(() => lmtpLoad(server, journal, lmtp, done)))
  }
  await Promise.all(
    clients.map((client) =>
      client.catch((error: unknown) => {
        if (!(error instanceof Gone && over())) throw error
      }),
    ),
  )
}

async function lmtpLoad(server: Served, journal: Journal, random: Random, done: () => boolean): Promise<void> {
  const connection = await RawLines.connect(server.endpoint('lmtp'))
  try {
    await deliverAll(connection, journal, random, done)
  } finally {
    connection.close()
  }
}

async function deliverAll(connection: RawLines, journal: Journal, random: Random, done: () => boolean): Promise<void> {
  await connection.line()
  connection.send('LHLO crash.example.net\r\n')
  while (!(await connection.line()).startsWith('250 '));
  while (!done()) {
    const token = journal.token()
    const some = random.some(journal.accounts, 0.4)
    const accounts = some.length > 0 ? some : [random.pick(journal.accounts)]
    await connection.ok('MAIL FROM:<sender@example.net>')
    for (const { address } of accounts) await connection.ok(`RCPT TO:<${address}>`)
    await connection.ok('DATA')
    for (const account of accounts) account.mailbox('INBOX').arrivals.set(token, { flags: '', must: false })
    await connection.write(stuffed(messageOf(token)))
    for (const account of accounts) {
      const answer = await connection.line()
      if (!answer.startsWith('250')) throw new Refused(`A delivery was answered ${answer}`)
      const arrival = account.mailbox('INBOX').arrivals.get(token)
      // An IMAP client may have seen it before this answer came.
      if (arrival !== undefined) arrival.must = true
      journal.count('deliver')
    }
  }
}

async function pop3Load(
  server: Served,
  journal: Journal,
  account: AccountJournal,
  random: Random,
  done: () => boolean,
): Promise<void> {
  while (!done()) {
    const connection = await RawLines.connect(server.endpoint('pop3'))
    try {
      await drain(connection, journal, account, random)
    } finally {
      connection.close()
    }
  }
}

/** One session, which takes its own messages away, most of them. */
async function drain(connection: RawLines, journal: Journal, account: AccountJournal, random: Random): Promise<void> {
  const inbox = account.mailbox('INBOX')
  await connection.line()
  await connection.ok(`USER ${account.address}`)
  await connection.ok(`PASS ${account.password}`)
  const [, count = '0'] = (await connection.ok('STAT')).split(' ')
  const whole: Whole & { readonly members: { uid: number; token: number; flags: string }[] } = {
    ...({ kind: 'quit', from: 'INBOX', to: '' } as const),
    members: [],
  }
  for (let number = 1; number <= Number(count) && whole.members.length < MOST_DELETED; number += 1) {
    await connection.ok(`TOP ${number} 0`)
    const token = tokenOf(await connection.multiline())
    if (token === undefined) throw new Error('POP3 gave a message that nobody sent')
    if (ownerOf(token) !== POP3_OWNER) continue
    // What one client has seen must stay.
    const arrival = inbox.arrivals.get(token)
    if (arrival !== undefined) arrival.must = true
    if (random.chance(0.3)) continue
    await connection.ok(`RETR ${number}`)
    if (!(await connection.multiline()).includes(messageOf(token))) {
      throw new Error(`POP3 gave other bytes for message ${token}`)
    }
    await connection.ok(`DELE ${number}`)
    whole.members.push({ uid: 0, token, flags: '' })
  }
  account.open.add(whole)
  await connection.ok('QUIT')
  account.open.delete(whole)
  for (const { token } of whole.members) forget(inbox, token)
  if (whole.members.length > 0) journal.count('quit')
}

function forget(inbox: MailboxJournal, token: number): void {
  inbox.arrivals.delete(token)
  for (const [uid, entry] of inbox.entries) if (entry.token === token) inbox.entries.delete(uid)
}

interface How {
  readonly mayDoubt: boolean
  readonly done: () => boolean
}

/** One IMAP client, which works on its own messages only. */
class ImapLoad {
  readonly #server: Served
  readonly #journal: Journal
  readonly #account: AccountJournal
  readonly #owner: number
  readonly #random: Random
  /** EXPUNGE would take messages whose flags are in doubt. */
  readonly #mayDoubt: boolean
  readonly #done: () => boolean
  #selected: MailboxJournal
  #nextNew = 1

  constructor(server: Served, journal: Journal, account: AccountJournal, owner: number, random: Random, how: How) {
    this.#mayDoubt = how.mayDoubt
    this.#done = how.done
    this.#server = server
    this.#journal = journal
    this.#account = account
    this.#owner = owner
    this.#random = random
    this.#selected = account.mailbox('INBOX')
  }

  async run(): Promise<void> {
    const { address, password } = this.#account
    const imap = await RawImap.login(this.#server.endpoint('imap'), address, password)
    try {
      await this.#work(imap)
    } finally {
      imap.close()
    }
  }

  async #work(imap: RawImap): Promise<void> {
    await this.#select(imap)
    while (!this.#done()) {
      const crowded = this.#selected.owned(this.#owner).length > CROWDED
      const step = this.#random.weighted([
        [2, () => this.#select(imap)],
        [4, () => this.#discover(imap)],
        [crowded ? 1 : 6, () => this.#append(imap)],
        [8, () => this.#store(imap)],
        [crowded ? 10 : 2, () => this.#expunge(imap)],
        [crowded ? 0 : 2, () => this.#transfer(imap, 'copy')],
        [3, () => this.#transfer(imap, 'move')],
      ])
      await step()
    }
  }

  /** Mailboxes this client uses: not the other's own. */
  #names(): readonly string[] {
    return ['INBOX', 'Shared', `Work${this.#owner}`]
  }

  #some(most: number): number[] {
    const own = this.#selected.owned(this.#owner)
    const from = this.#random.below(Math.max(1, own.length))
    return own.slice(from, from + this.#random.between(1, most))
  }

  async #select(imap: RawImap): Promise<void> {
    const mailbox = this.#account.mailbox(this.#random.pick(this.#names()))
    const { lines } = await imap.ok(`SELECT ${mailbox.name} (CONDSTORE)`)
    this.#selected = mailbox
    this.#nextNew = 1
    const text = lines.join('\n')
    const validity = Number(/\[UIDVALIDITY (\d+)\]/.exec(text)?.[1])
    if (validity !== mailbox.uidValidity) throw new Error(`UIDVALIDITY of ${mailbox.name} became ${validity}`)
    mailbox.sawModseq(Number(/\[HIGHESTMODSEQ (\d+)\]/.exec(text)?.[1]))
    mailbox.uidNext = Math.max(mailbox.uidNext, Number(/\[UIDNEXT (\d+)\]/.exec(text)?.[1]))
  }

  /** Finds what was delivered: from now on it has a UID, and must stay. */
  async #discover(imap: RawImap): Promise<void> {
    const mailbox = this.#selected
    const from = this.#nextNew
    const { untagged } = await imap.ok(
      `UID FETCH ${from}:* (UID FLAGS MODSEQ BODY.PEEK[HEADER.FIELDS (X-CRASH-TOKEN)])`,
    )
    for (const { uid, flags, modseq, body } of fetched(untagged)) {
      this.#nextNew = Math.max(this.#nextNew, uid + 1)
      const token = body === undefined ? undefined : tokenOf(body)
      if (token === undefined) continue
      mailbox.sawUid(uid, token)
      mailbox.sawModseq(modseq)
      const arrival = mailbox.arrivals.get(token)
      if (arrival === undefined || ownerOf(token) !== this.#owner) continue
      if (flags !== arrival.flags) throw new Error(`Message ${token} came with "${flags}", not "${arrival.flags}"`)
      mailbox.arrived(uid, token, flags, modseq)
    }
  }

  async #append(imap: RawImap): Promise<void> {
    const mailbox = this.#account.mailbox(this.#random.pick(this.#names()))
    const token = this.#journal.token(this.#owner)
    const bytes = messageOf(token)
    const flags = canonicalFlags(this.#random.some(FLAGS, 0.2))
    mailbox.arrivals.set(token, { flags, must: false })
    const { code } = await imap.ok(`APPEND ${mailbox.name} (${flags}) {${bytes.length}+}`, bytes)
    const [, , uid] = /^APPENDUID (\d+) (\d+)$/.exec(code) ?? []
    if (uid === undefined) throw new Error(`APPEND was answered [${code}]`)
    mailbox.arrived(Number(uid), token, flags)
    this.#journal.count('append')
  }

  async #store(imap: RawImap): Promise<void> {
    const mailbox = this.#selected
    const uids = this.#some(8)
    if (uids.length === 0) return
    const named = this.#random.some(FLAGS, 0.3)
    await this.#change(imap, mailbox, uids, this.#random.pick(['+', '-', '']), named)
  }

  async #change(
    imap: RawImap,
    mailbox: MailboxJournal,
    uids: readonly number[],
    how: '+' | '-' | '',
    named: readonly string[],
  ): Promise<void> {
    const wanted = new Map<number, string>()
    for (const uid of uids) {
      const entry = mailbox.entries.get(uid)
      if (entry === undefined) continue
      const [before = ''] = entry.flags
      const after = changedFlags(before, how, named)
      wanted.set(uid, after)
      if (after === before) continue
      entry.flags = [before, after]
      entry.modseq = undefined
    }
    const { code, untagged } = await imap.ok(`UID STORE ${uids.join(',')} ${how}FLAGS (${named.join(' ')})`)
    for (const [uid, after] of wanted) {
      const entry = mailbox.entries.get(uid)
      if (entry !== undefined) entry.flags = [after]
    }
    mailbox.sawModseq(Number(/HIGHESTMODSEQ (\d+)/.exec(code)?.[1] ?? 0))
    for (const { uid, flags, modseq } of fetched(untagged)) {
      const entry = mailbox.entries.get(uid)
      mailbox.sawModseq(modseq)
      const after = wanted.get(uid)
      if (after === undefined || entry === undefined) continue
      if (flags !== undefined && flags !== after) throw new Error(`STORE gave "${flags}" and not "${after}"`)
      entry.modseq = modseq
    }
    this.#journal.count('store')
  }

  /** EXPUNGE where the mailbox is this client's alone, UID EXPUNGE elsewhere. */
  async #expunge(imap: RawImap): Promise<void> {
    const mailbox = this.#selected
    const uids = this.#some(25)
    if (uids.length === 0) return
    await this.#change(imap, mailbox, uids, '+', ['\\Deleted'])
    const alone = mailbox.name.startsWith('Work') && !this.#mayDoubt
    const doomed = mailbox
      .owned(this.#owner)
      .filter((uid) => mailbox.entries.get(uid)?.flags[0]?.includes('\\Deleted') === true)
      .filter((uid) => alone || uids.includes(uid))
    for (const uid of doomed) {
      const entry = mailbox.entries.get(uid)
      if (entry !== undefined) entry.mayBeGone = true
    }
    const { code } = await imap.ok(alone ? 'EXPUNGE' : `UID EXPUNGE ${uids.join(',')}`)
    for (const uid of doomed) mailbox.entries.delete(uid)
    mailbox.sawModseq(Number(/HIGHESTMODSEQ (\d+)/.exec(code)?.[1] ?? 0))
    this.#journal.count('expunge')
  }

  async #transfer(imap: RawImap, kind: 'copy' | 'move'): Promise<void> {
    const from = this.#selected
    const to = this.#account.mailbox(this.#random.pick(this.#names()))
    const uids = this.#some(6)
    if (uids.length === 0 || to === from) return
    const members = uids.flatMap((uid) => {
      const entry = from.entries.get(uid)
      return entry === undefined ? [] : [{ uid, token: entry.token, flags: entry.flags[0] ?? '', entry }]
    })
    const whole: Whole = { kind, from: from.name, to: to.name, members }
    this.#account.open.add(whole)
    if (kind === 'move') for (const { entry } of members) entry.mayBeGone = true
    const { code, lines } = await imap.ok(`UID ${kind.toUpperCase()} ${uids.join(',')} ${to.name}`)
    const found = /COPYUID (\d+) (\S+) ([^\s\]]+)/.exec(`${code}\n${lines.join('\n')}`)
    if (found === null) throw new Error(`UID ${kind} was answered ${lines.join(' | ')}`)
    const [old, fresh] = [expandSet(found[2] ?? ''), expandSet(found[3] ?? '')]
    if (old.length !== members.length) throw new Error(`UID ${kind} of ${uids.join(',')} was answered ${found[0]}`)
    this.#account.open.delete(whole)
    for (const [index, uid] of old.entries()) {
      const member = members.find((one) => one.uid === uid)
      const target = fresh[index]
      if (member === undefined || target === undefined) throw new Error(`Not asked for: ${found[0]}`)
      if (kind === 'move') from.entries.delete(uid)
      to.arrived(target, member.token, member.flags)
    }
    this.#journal.count(kind)
  }
}

function changedFlags(before: string, how: '+' | '-' | '', named: readonly string[]): string {
  if (how === '') return canonicalFlags(named)
  const old = before.split(' ')
  return canonicalFlags(
    how === '+' ? [...old, ...named] : old.filter((flag) => !named.includes(flag as (typeof FLAGS)[number])),
  )
}
