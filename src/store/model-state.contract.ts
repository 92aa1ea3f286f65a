/** A mail account as plain arrays: what a store must come to after the same requests. @module */
import assert from 'node:assert/strict'
import type { EmailKey, MailboxKey } from '#mail/ids.ts'
import { uidSetHas } from '#mail/uid-set.ts'
import type { QuotaLimits, UidSet } from './types.ts'

/** Bytes that came in once; copies share it. */
export interface ModelEmail {
  readonly size: number
  readonly body: Uint8Array
  /** Learnt when it is first read; the same from then on. */
  key: EmailKey | undefined
}

export interface ModelMessage {
  readonly uid: number
  readonly email: ModelEmail
  /** In lower case. */
  flags: ReadonlySet<string>
  /** Of the answer to the request that changed it last; the message's own may be lower. */
  modseq: number
}

export interface ModelMailbox {
  /** Learnt from the store. */
  key: MailboxKey | undefined
  name: string
  uidNext: number
  messages: ModelMessage[]
  /** Expunged ones by UID. */
  readonly gone: Map<number, ModelEmail>
}

/** One account. Names are the key of the tree; there is always an INBOX. */
export class Model {
  readonly mailboxes: Map<string, ModelMailbox> = new Map([['INBOX', newMailbox('INBOX')]])
  readonly deleted: ModelMailbox[] = []
  readonly subscriptions: Set<string> = new Set()
  limits: QuotaLimits = { storageBytes: undefined, messages: undefined }
  /** MODSEQs of answers, where UNCHANGEDSINCE cuts cleanly. */
  readonly marks: number[] = [0]
  /** The mailbox that showed a name under a UIDVALIDITY. */
  readonly #shown = new Map<string, MailboxKey>()

  get inbox(): ModelMailbox {
    return this.mailboxes.get('INBOX') ?? assert.fail('the model lost its INBOX')
  }

  get limited(): boolean {
    return this.limits.storageBytes !== undefined || this.limits.messages !== undefined
  }

  /** Octets and messages, copies counted again. */
  usage(): { storageBytes: number; messages: number; mailboxes: number } {
    const all = [...this.mailboxes.values()].flatMap((mailbox) => mailbox.messages)
    return {
      storageBytes: all.reduce((total, message) => total + message.email.size, 0),
      messages: all.length,
      mailboxes: this.mailboxes.size,
    }
  }

  /** What refuses so many octets and messages more. */
  overQuota(octets: number, messages: number): { kind: 'over-quota'; resource: string; limit: number } | undefined {
    const usage = this.usage()
    const { storageBytes, messages: most } = this.limits
    if (messages === 0) return undefined
    if (storageBytes !== undefined && usage.storageBytes + octets > storageBytes)
      return { kind: 'over-quota', resource: 'storage', limit: storageBytes }
    if (most !== undefined && usage.messages + messages > most)
      return { kind: 'over-quota', resource: 'message', limit: most }
    return undefined
  }

  add(mailbox: ModelMailbox, email: ModelEmail, flags: ReadonlySet<string>, modseq: number): number {
    const uid = mailbox.uidNext
    mailbox.uidNext += 1
    mailbox.messages.push({ uid, email, flags, modseq })
    return uid
  }

  /** Takes messages out of a mailbox. */
  bury(mailbox: ModelMailbox, messages: readonly ModelMessage[]): void {
    for (const message of messages) mailbox.gone.set(message.uid, message.email)
    const leaving = new Set(messages)
    mailbox.messages = mailbox.messages.filter((message) => !leaving.has(message))
  }

  /** The mailbox of a name, made with the levels above where it is missing. */
  make(name: string): ModelMailbox {
    const levels = name.split('/')
    for (let depth = 1; depth <= levels.length; depth += 1) {
      const each = levels.slice(0, depth).join('/')
      if (!this.mailboxes.has(each)) this.mailboxes.set(each, newMailbox(each))
    }
    return this.mailboxes.get(name) ?? assert.fail()
  }

  remove(mailbox: ModelMailbox): void {
    this.bury(mailbox, mailbox.messages)
    this.mailboxes.delete(mailbox.name)
    this.deleted.push(mailbox)
  }

  /** Renames without INBOX's special case; `false` when a name is taken. */
  rename(from: string, to: string): boolean {
    const moving = [...this.mailboxes.values()].filter((box) => box.name === from || box.name.startsWith(`${from}/`))
    const staying = new Set(this.mailboxes.keys())
    for (const mailbox of moving) staying.delete(mailbox.name)
    const names = moving.map((mailbox) => to + mailbox.name.slice(from.length))
    if (names.some((name) => staying.has(name))) return false
    for (const mailbox of moving) this.mailboxes.delete(mailbox.name)
    for (const [index, mailbox] of moving.entries()) {
      mailbox.name = names[index] ?? assert.fail()
      this.mailboxes.set(mailbox.name, mailbox)
    }
    this.make(to)
    return true
  }

  /** Name, UIDVALIDITY and UID mean one message for ever: no other mailbox may show what one has shown. */
  shows(name: string, uidValidity: number, key: MailboxKey): void {
    const shown = `${name}\n${uidValidity}`
    const before = this.#shown.get(shown)
    assert.ok(before === undefined || before === key, `"${name}" shows UIDVALIDITY ${uidValidity} again`)
    this.#shown.set(shown, key)
  }
}

/** Messages of the set that are there. */
export function messagesIn(mailbox: ModelMailbox, set: UidSet): ModelMessage[] {
  return mailbox.messages.filter((message) => uidSetHas(set, message.uid))
}

function newMailbox(name: string): ModelMailbox {
  return { key: undefined, name, uidNext: 1, messages: [], gone: new Map() }
}
