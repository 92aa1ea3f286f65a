/**
 * COPY and MOVE between mailboxes, whoever's they are. Inside an account it is one request of the store. Between accounts
 * it is a read here and an append there, within the quota of the target; MOVE is that, on disk, and then the expunge, so
 * that what breaks in between leaves two messages and never none (design §4).
 * @module
 */
import { done, type Result, refused } from '#lib/result.ts'
import type { Modseq, Uid } from '#mail/ids.ts'
import { prepareEmail } from '#mail/prepare.ts'
import { MessageScanner } from '#mail/scanner.ts'
import { normaliseUidSet, type UidSet, uidSetOf } from '#mail/uid-set.ts'
import { SnapshotWalk } from '#services/snapshot-walk.ts'
import { type Flags, type PackedFlags, systemFlags } from '#store/flags.ts'
import { type BodyStage, DamagedBody } from '#store/mail-store.ts'
import type { EmailRow, NewMessage } from '#store/types.ts'
import type { Completion, Context } from './command.ts'
import { refusalCompletion } from './completion.ts'
import { guestIn, NO_TARGET, type Reached } from './resolve.ts'

/** What became of it. */
export interface Done {
  /** UIDVALIDITY of the target. */
  readonly uidValidity: number
  /** The nth became the nth of `to`. */
  readonly from: UidSet
  readonly to: UidSet
  /** Of the last change in the account of the view, 0 where there was none. */
  readonly modseq: Modseq | 0
}

/** Octets and messages that are appended at once. */
const BATCH_BYTES = 8 * 1024 * 1024
const BATCH_MESSAGES = 256

const DAMAGED: Completion = { status: 'NO', code: 'CORRUPTION', text: 'A message cannot be read' }

/** Copies or moves messages of the view. All or nothing, but for those that are no more. */
export async function transfer(
  context: Context,
  kind: 'copy' | 'move',
  uids: UidSet,
  to: Reached,
): Promise<Result<Done, Completion>> {
  const { view, store, actor } = context
  const { account, mailbox } = view
  if (to.account.id === account.id) {
    const request = { account, by: actor, guest: guestIn(to), mailbox, uids, target: to.info.key }
    const answer = await store.write(kind, request)
    if (answer.ok) return answer
    // The source may be missing as well, and then the session ends by itself.
    return refused(answer.error.kind === 'no-such-mailbox' ? NO_TARGET : refusalCompletion(answer.error))
  }
  const copied = await new CrossCopy(context, to).run(uids)
  if (!copied.ok || kind === 'copy' || copied.value.from.length === 0) return copied
  const gone = await store.write('expunge', { account, by: actor, mailbox, uids: copied.value.from, which: 'any' })
  if (!gone.ok) return refused(refusalCompletion(gone.error))
  return done({ ...copied.value, modseq: gone.value.modseq })
}

/** A copy on its way into another account. */
class CrossCopy {
  readonly #context: Context
  readonly #to: Reached
  /** Of the batch being gathered. */
  #stages: BodyStage[] = []
  #messages: NewMessage[] = []
  #bytes = 0
  readonly #from: number[] = []
  readonly #added: Uid[] = []
  #uidValidity: number

  constructor(context: Context, to: Reached) {
    this.#context = context
    this.#to = to
    this.#uidValidity = to.info.uidValidity
  }

  async run(uids: UidSet): Promise<Result<Done, Completion>> {
    let kept = false
    try {
      const refusal = await this.#copyAll(uids)
      if (refusal !== undefined) return refused(refusal)
      kept = true
      return done({ uidValidity: this.#uidValidity, from: uidSetOf(this.#from), to: uidSetOf(this.#added), modseq: 0 })
    } catch (error) {
      if (error instanceof DamagedBody) return refused(DAMAGED)
      throw error
    } finally {
      if (!kept) await this.#undo()
    }
  }

  async #copyAll(uids: UidSet): Promise<Completion | undefined> {
    const { view, store, signal } = this.#context
    const walk = new SnapshotWalk(view.shown, uids)
    for await (const rows of store.emails(view.account, view.mailbox, uids, 0))
      for (const row of rows) {
        if (row.gone || !walk.goTo(row.uid)) continue
        signal.throwIfAborted()
        await this.#gather(row, this.#flagsOf(walk.flags))
        if (this.#bytes < BATCH_BYTES && this.#messages.length < BATCH_MESSAGES) continue
        const refusal = await this.#append()
        if (refusal !== undefined) return refusal
      }
    return this.#append()
  }

  /** As the person who copies sees them; the store keeps those that they may set there. */
  #flagsOf(packed: PackedFlags): Flags {
    return { system: systemFlags(packed), keywords: this.#context.view.keywords.of(packed) }
  }

  async #gather(row: EmailRow, flags: Flags): Promise<void> {
    const { view, store } = this.#context
    const stage = store.stage(this.#to.account.shard)
    this.#stages.push(stage)
    const scanner = new MessageScanner()
    const body = store.body(view.account, row.place)
    for await (const chunk of body.stream(0, body.size)) {
      scanner.push(chunk)
      await stage.write(chunk)
    }
    const { trace, internalDate, internalZone } = row
    const email = prepareEmail(scanner.end())
    this.#messages.push({
      body: await stage.finish(),
      email,
      trace,
      flags,
      internalDate,
      internalZone,
      uidl: undefined,
    })
    this.#from.push(row.uid)
    this.#bytes += row.size
  }

  async #append(): Promise<Completion | undefined> {
    const messages = this.#messages
    if (messages.length === 0) return undefined
    const { store, actor } = this.#context
    const { account, info } = this.#to
    const request = { account, by: actor, guest: guestIn(this.#to), mailbox: info.key, messages }
    const answer = await store.write('append', request)
    if (!answer.ok) return answer.error.kind === 'no-such-mailbox' ? NO_TARGET : refusalCompletion(answer.error)
    this.#uidValidity = answer.value.uidValidity
    this.#added.push(...answer.value.uids)
    this.#messages = []
    this.#stages = []
    this.#bytes = 0
    return undefined
  }

  /** What did not come about as a whole leaves nothing behind (RFC 9051 §6.4.7). */
  async #undo(): Promise<void> {
    for (const stage of this.#stages) await stage.abandon()
    if (this.#added.length === 0) return
    const { store, actor } = this.#context
    const { account, info } = this.#to
    const uids = normaliseUidSet(uidSetOf(this.#added))
    await store.write('expunge', { account, by: actor, mailbox: info.key, uids, which: 'any' })
  }
}
