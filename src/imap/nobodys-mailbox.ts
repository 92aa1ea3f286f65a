/**
 * A session without a person: what a warm-up gives it in place of an account and a client. Every question goes to the real
 * store first, which knows no such account, so that its statements are prepared; what is answered is made up.
 * @module
 */
import { Duplex } from 'node:stream'
import { done } from '#lib/result.ts'
import type { AccountId, MailboxKey, Modseq, Uid } from '#mail/ids.ts'
import type { Login, Registry } from '#services/registry.ts'
import type { Log, SessionDeps } from '#services/session-deps.ts'
import { ascends } from '#store/ascending.ts'
import { SEEN } from '#store/flags.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { MailboxInfo, MessagePage } from '#store/types.ts'

/** No account has it. */
const NOBODY = { id: 0 as AccountId, shard: 0 }

export const NOBODYS_LOGIN: Login = { account: NOBODY, address: '', displayName: '', appPassword: undefined }

/** The same services, for a session that nobody counts, measures or logs, in a mailbox of these messages. */
export function nobodysDeps(deps: SessionDeps, messages: MessagePage, imprinted: boolean): SessionDeps {
  const { meter: _meter, searchIndex: _index, ...rest } = deps
  return {
    ...rest,
    store: nobodysStore(deps.store, messages, imprinted),
    registry: instead(deps.registry, NOBODYS_REGISTRY),
    log: SILENT,
    newConnectionId: () => 'nobody',
  }
}

const NOBODYS_REGISTRY: Partial<Registry> = {
  connect: () => Promise.resolve(done(undefined)),
  note: () => undefined,
  disconnect: () => undefined,
}

const SILENT: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** A client that says all of this, and does not listen. */
export class NobodysClient extends Duplex {
  constructor(commands: readonly string[]) {
    super()
    this.push(commands.map((command, index) => `${index} ${command}\r\n`).join(''))
  }

  override _read(): void {
    // it has said everything
  }

  override _write(_chunk: unknown, _encoding: string, taken: () => void): void {
    taken()
  }

  override _writev(_chunks: unknown, taken: () => void): void {
    taken()
  }
}

/** So many messages, every fourth of them unseen. */
export function madeUp(messages: number): MessagePage {
  return {
    uids: Uint32Array.from({ length: messages }, (_, index) => index + 1),
    flags: Uint32Array.from({ length: messages }, (_, index) => (index % 4 === 0 ? 0 : SEEN)),
    modseqs: Float64Array.from({ length: messages }, (_, index) => index + 1),
  }
}

const NO_MESSAGES: MessagePage = {
  uids: new Uint32Array(0),
  flags: new Uint32Array(0),
  modseqs: new Float64Array(0),
}

function nobodysStore(store: MailStore, page: MessagePage, imprinted: boolean): MailStore {
  const messages = page.uids.length
  const [modseq, uidNext] = [messages as Modseq, (messages + 1) as Uid]
  const info: MailboxInfo = {
    key: 1 as MailboxKey,
    name: 'INBOX',
    uidValidity: 1,
    uidNext,
    highestModseq: modseq,
    vanishedFloor: 0 as Modseq,
    messages,
    unseen: 0,
    deleted: 0,
    size: 0,
    specialUse: undefined,
    createdAt: 0,
  }
  const usage = { storageBytes: 0, messages, mailboxes: 1 }
  const own: Partial<MailStore> = {
    commits: () => 1,
    watch: () => () => undefined,
    async state(account) {
      await store.state(account)
      return { modseq, limits: { storageBytes: undefined, messages: undefined }, usage, lastEmail: 0 }
    },
    async mailbox(account, key) {
      await store.mailbox(account, key)
      return info
    },
    async mailboxByName(account, name) {
      await store.mailboxByName(account, name)
      return info
    },
    async messages(account, mailbox, after, limit, guest) {
      await store.messages(account, mailbox, after, limit, guest)
      const made = slice(page, after, limit ?? messages)
      // as the store does with its own, of which this account has none
      if (!ascends(made.uids)) throw new Error('What is made up is out of order')
      return made
    },
    async changes(account, mailbox, since, cursor, guest) {
      await store.changes(account, mailbox, since, cursor, guest)
      return { changed: NO_MESSAGES, vanished: [], complete: true, modseq, next: undefined, uidNext, messages }
    },
    async imprint(account, mailbox, part) {
      await store.imprint(account, mailbox, part)
      return imprinted && part === 0 ? { ...page, modseq, part, parts: 1 } : undefined
    },
  }
  return instead(store, own)
}

function slice({ uids, flags, modseqs }: MessagePage, from: number, count: number): MessagePage {
  const to = from + count
  return { uids: uids.slice(from, to), flags: flags.slice(from, to), modseqs: modseqs.slice(from, to) }
}

/** The object with some of its methods replaced. */
function instead<T extends object>(real: T, own: Partial<T>): T {
  return new Proxy(real, {
    get(target, name) {
      const from = name in own ? own : target
      const value: unknown = Reflect.get(from, name, from)
      return typeof value === 'function' ? value.bind(from) : value
    },
  })
}
