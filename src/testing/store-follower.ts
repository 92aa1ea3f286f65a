import assert from 'node:assert/strict'
import type { MailboxKey, Modseq } from '#mail/ids.ts'
import { prepareEmail } from '#mail/prepare.ts'
import { scanMessage } from '#mail/scanner.ts'
import { normaliseUidSet, uidSetHas } from '#mail/uid-set.ts'
import { flagNames, flagsOf, keywordSetId, systemFlags } from '#store/flags.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef, ChangesCursor, NewMessage } from '#store/types.ts'
import { type Action, type Follower, foldedFlags, type Pictured } from './followers.ts'
import { plainMail } from './messages.ts'

/** A client that speaks to the store itself: requests one way, changes() the other. */
export class StoreFollower implements Follower {
  readonly name: string
  readonly #store: MailStore
  readonly #account: AccountRef
  readonly #mailbox: MailboxKey
  readonly #known = new Map<number, { readonly flags: number; readonly modseq: number }>()
  #since: Modseq | 0 = 0
  #sets: readonly (readonly string[])[] = [[]]

  constructor(name: string, store: MailStore, account: AccountRef, mailbox: MailboxKey) {
    this.name = name
    this.#store = store
    this.#account = account
    this.#mailbox = mailbox
  }

  async act(action: Action): Promise<void> {
    const asked = { account: this.#account, by: this.name, mailbox: this.#mailbox }
    switch (action.do) {
      case 'append': {
        const messages = Array.from({ length: action.count }, (_, index) => newMessage(`${index}`, action.flags))
        assert.ok((await this.#store.write('append', { ...asked, messages })).ok)
        return
      }
      case 'store': {
        const uids = normaliseUidSet(action.uids.map((uid) => [uid, uid]))
        const modseqs = action.uids.map((uid) => this.#known.get(uid)?.modseq ?? 0)
        const unchangedSince = action.conditional ? (Math.max(0, ...modseqs) as Modseq) : undefined
        const flags = flagsOf(action.flags)
        const request = { ...asked, uids, action: action.how, flags, unchangedSince }
        assert.ok((await this.#store.write('changeFlags', request)).ok)
        return
      }
      case 'copy':
      case 'move': {
        const target = (await this.#store.mailboxByName(this.#account, action.target))?.key
        assert.ok(target)
        const uids = normaliseUidSet(action.uids.map((uid) => [uid, uid]))
        assert.ok((await this.#store.write(action.do, { ...asked, uids, target })).ok)
        return
      }
      case 'expunge': {
        const uids = action.uids === undefined ? undefined : normaliseUidSet(action.uids.map((uid) => [uid, uid]))
        assert.ok((await this.#store.write('expunge', { ...asked, uids, which: 'deleted' })).ok)
        return
      }
      case 'read':
        return this.sync()
      case 'idle':
        return
      case 'reconnect':
        // It remembers everything but what it was told last.
        this.#since = Math.max(0, this.#since - 3) as Modseq
    }
  }

  async sync(): Promise<void> {
    let cursor: ChangesCursor | undefined
    do {
      const slice = await this.#store.changes(this.#account, this.#mailbox, this.#since, cursor)
      assert.ok(slice.complete, 'these walks are too short to lose tombstones')
      for (const [index, uid] of slice.changed.uids.entries())
        this.#known.set(uid, { flags: slice.changed.flags[index] ?? 0, modseq: slice.changed.modseqs[index] ?? 0 })
      for (const uid of this.#known.keys()) if (uidSetHas(slice.vanished, uid)) this.#known.delete(uid)
      cursor = slice.next
      if (cursor === undefined) this.#since = slice.modseq
    } while (cursor !== undefined)
    this.#sets = [...this.#sets, ...(await this.#store.keywordSets(this.#account, this.#sets.length))]
  }

  picture(): Pictured[] {
    return [...this.#known]
      .sort(([a], [b]) => a - b)
      .map(([uid, { flags }]) => {
        const keywords = this.#sets[keywordSetId(flags)] ?? assert.fail(`keyword set ${keywordSetId(flags)} is unknown`)
        return { uid, flags: foldedFlags(flagNames({ system: systemFlags(flags), keywords })) }
      })
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function newMessage(subject: string, flags: readonly string[]): NewMessage {
  const bytes = plainMail({ subject })
  return {
    body: { kind: 'bytes', bytes },
    email: prepareEmail(scanMessage(bytes)),
    trace: new Uint8Array(0),
    flags: flagsOf(flags),
    internalDate: 1_700_000_000_000,
    internalZone: 0,
    uidl: undefined,
  }
}
