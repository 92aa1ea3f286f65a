/** Somebody who follows an account by changes() only, as a session's view does. @module */
import assert from 'node:assert/strict'
import type { MailboxKey, Modseq, Uid } from '#mail/ids.ts'
import { uidSetHas } from '#mail/uid-set.ts'
import type { Person } from './kit.contract.ts'
import type { ImprintPart, MailboxChanges } from './types.ts'

interface View {
  since: Modseq | 0
  uidNext: number
  readonly messages: Map<number, { readonly flags: number; readonly modseq: number }>
}

export class Reader {
  readonly #person: Person
  readonly #views = new Map<MailboxKey, View>()
  /** How often tombstones were missing and the mailbox had to be listed. */
  resyncs = 0

  constructor(person: Person) {
    this.#person = person
  }

  /** Asks every mailbox for what changed since last time. Writes may happen meanwhile. */
  async follow(): Promise<void> {
    const { store, ref } = this.#person
    const mailboxes = await store.mailboxes(ref)
    for (const { key } of mailboxes) {
      const view = this.#views.get(key) ?? { since: 0, uidNext: 1, messages: new Map() }
      this.#views.set(key, view)
      if (!(await this.#followOne(key, view))) this.#views.delete(key)
    }
    const there = new Set(mailboxes.map((mailbox) => mailbox.key))
    for (const key of this.#views.keys()) {
      if (there.has(key)) continue
      const changes = await store.changes(ref, key, this.#views.get(key)?.since ?? 0)
      assert.equal(changes.uidNext, undefined, `mailbox ${key} is in no list`)
      this.#views.delete(key)
    }
  }

  /** The reader's picture of each mailbox is the store's; to be asked while nothing happens, after `follow`. */
  async check(): Promise<void> {
    const { store, ref } = this.#person
    const mailboxes = await store.mailboxes(ref)
    assert.deepEqual(
      [...this.#views.keys()].toSorted((a, b) => a - b),
      mailboxes.map((mailbox) => mailbox.key).toSorted((a, b) => a - b),
      'the reader knows the mailboxes',
    )
    for (const { key, name, uidNext } of mailboxes) {
      const view = this.#views.get(key) ?? assert.fail()
      await this.#checkOne(key, view, `the reader's picture of "${name}"`)
      assert.equal(view.uidNext, uidNext)
    }
  }

  /** Has the store keep what this reader knows of each mailbox; to be asked after `follow`. */
  async keep(): Promise<void> {
    for (const [mailbox, { since, messages }] of this.#views) {
      if (since === 0 || messages.size === 0) continue
      const rows = [...messages].toSorted(([a], [b]) => a - b)
      const imprint: ImprintPart = {
        modseq: since,
        part: 0,
        parts: 1,
        uids: Uint32Array.from(rows, ([uid]) => uid),
        flags: Uint32Array.from(rows, ([, { flags }]) => flags),
        modseqs: Float64Array.from(rows, ([, { modseq }]) => modseq),
      }
      await this.#person.must('keepImprint', { mailbox, imprint })
    }
  }

  /** What anybody kept of a mailbox, with what happened since, is the mailbox; to be asked while nothing happens. */
  async checkKept(): Promise<void> {
    const { store, ref } = this.#person
    for (const { key, name, vanishedFloor } of await store.mailboxes(ref)) {
      const kept = await store.imprint(ref, key, 0)
      if (kept === undefined || kept.modseq < vanishedFloor) continue
      const view: View = { since: kept.modseq, uidNext: 1, messages: new Map() }
      for (const [index, uid] of kept.uids.entries())
        view.messages.set(uid, { flags: kept.flags[index] ?? 0, modseq: kept.modseqs[index] ?? 0 })
      assert.ok(await this.#followOne(key, view))
      await this.#checkOne(key, view, `the imprint of "${name}"`)
    }
  }

  async #checkOne(key: MailboxKey, { messages }: View, what: string): Promise<void> {
    const { store, ref } = this.#person
    const page = await store.messages(ref, key, 0, 1_000_000)
    assert.deepEqual(
      [...messages]
        .map(([uid, { flags, modseq }]) => [uid, flags, modseq])
        .toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0)),
      [...page.uids].map((uid, index) => [uid, page.flags[index], page.modseqs[index]]),
      what,
    )
    const slice = await store.changes(ref, key, 0)
    if (slice.next === undefined) assert.equal(slice.messages, page.uids.length, `messages of ${what}`)
  }

  async #followOne(key: MailboxKey, view: View): Promise<boolean> {
    const { store, ref } = this.#person
    let cursor: MailboxChanges['next']
    let slice: MailboxChanges
    let slices = 0
    do {
      slice = await store.changes(ref, key, view.since, cursor)
      if (slice.uidNext === undefined) return false
      for (const [index, uid] of slice.changed.uids.entries())
        view.messages.set(uid, { flags: slice.changed.flags[index] ?? 0, modseq: slice.changed.modseqs[index] ?? 0 })
      for (const uid of view.messages.keys()) if (uidSetHas(slice.vanished, uid)) view.messages.delete(uid)
      cursor = slice.next
      slices += 1
      assert.ok(slices < 10_000, 'changes() comes to an end')
    } while (cursor !== undefined)
    if (!slice.complete) await this.#dropMissing(key, view)
    assert.ok(slice.modseq >= view.since, 'MODSEQ went back')
    view.since = slice.modseq
    view.uidNext = slice.uidNext
    return true
  }

  async #dropMissing(key: MailboxKey, view: View): Promise<void> {
    this.resyncs += 1
    const { store, ref } = this.#person
    const present = new Set<number>()
    let last = 0
    for (;;) {
      const page = await store.messages(ref, key, last as Uid | 0, 50)
      for (const uid of page.uids) present.add(uid)
      last = page.uids.at(-1) ?? last
      if (page.uids.length < 50) break
    }
    for (const uid of view.messages.keys()) if (!present.has(uid)) view.messages.delete(uid)
  }
}
