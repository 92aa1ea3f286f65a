/** The messages of one APPEND or REPLACE on their way from the client into the store. @module */
import { ConnectionGone } from '#lib/peer-connection.ts'
import type { MailboxKey, Uid } from '#mail/ids.ts'
import { prepareEmail } from '#mail/prepare.ts'
import { MessageScanner } from '#mail/scanner.ts'
import { formatUidSet, type UidSet, uidSetOf } from '#mail/uid-set.ts'
import { flagsOf } from '#store/flags.ts'
import type { BodyStage } from '#store/mail-store.ts'
import type { NewMessage } from '#store/types.ts'
import type { AppendMessage } from '#wire/imap/append-message.ts'
import type { FrameEvent, LiteralAnnounced } from '#wire/imap/frame-events.ts'
import type { MessageSet } from '#wire/imap/message-set.ts'
import { CommandReader } from '#wire/imap/reader.ts'
import type { By, Completion, Context } from './command.ts'
import { overQuotaText, refusalCompletion } from './completion.ts'
import { Farewell } from './connection.ts'
import { MULTIAPPEND_BYTES } from './limits.ts'
import { readMailbox } from './mailbox-names.ts'
import { NO_SUCH_NUMBER, READ_ONLY } from './message-commands.ts'
import { limitCode, messageLimit, tooMany } from './message-limit.ts'
import { guestIn, NO_MAILBOX, NO_TARGET, NOT_ALLOWED, type Reached, reach, rightsNow } from './resolve.ts'

/** A no that was found before the command was over. */
class Refusal extends Error {
  readonly completion: Completion
  constructor(completion: Completion) {
    super(completion.text)
    this.completion = completion
  }
}

/** The message that leaves the selected mailbox when the one of REPLACE has come (RFC 8508). */
export interface LeavingMessage {
  readonly message: MessageSet
  readonly by: By
}

/** Takes one APPEND, literal by literal, until it is over; keeps all of its messages or none (RFC 3502 §6.3.11). */
export class AppendUpload {
  readonly #context: Context
  readonly #stages: BodyStage[] = []
  readonly #messages: NewMessage[] = []
  readonly #leaving: LeavingMessage | undefined
  /** The UID of the leaving message, and its octets. */
  #left: { readonly uids: UidSet; readonly octets: number } | undefined
  #mailbox: Reached | undefined
  #bytes = 0
  /** The command was read to its end, by the framer at least. */
  #over = false

  /** @param leaving With it, this is REPLACE. */
  constructor(context: Context, leaving?: LeavingMessage) {
    this.#context = context
    this.#leaving = leaving
  }

  /** @param position Where the mailbox name begins in the command's text. */
  async take(first: LiteralAnnounced, position: number): Promise<Completion> {
    let kept = false
    try {
      await this.#receiveAll(first, position)
      await this.#checkRights()
      const completion = await this.#write()
      kept = completion.status === 'OK'
      return completion
    } catch (error) {
      if (error instanceof ConnectionGone || error instanceof Farewell) throw error
      // The client may still be sending: the next command begins where this one ends (RFC 7888 §4).
      await this.#skip()
      if (error instanceof Refusal) return error.completion
      throw error
    } finally {
      if (!kept) for (const stage of this.#stages) await stage.abandon()
    }
  }

  async #receiveAll(first: LiteralAnnounced, position: number): Promise<void> {
    if (this.#leaving !== undefined) this.#left = await this.#find(this.#leaving)
    const { connection } = this.#context.session
    let event: FrameEvent = first
    let at = position
    let message: AppendMessage | undefined
    for (;;) {
      if (event.kind === 'fault' || event.kind === 'refused') {
        this.#over = true
        throw new Refusal({ status: 'BAD', text: 'The command cannot be read' })
      }
      if (event.kind !== 'literal' && event.kind !== 'frame') throw new Error(`A ${event.kind} came inside APPEND`)
      this.#over = event.kind === 'frame'
      const r: CommandReader = new CommandReader(event.frame, { utf8: this.#context.enabled.utf8, from: at })
      if (message === undefined) this.#mailbox = await this.#target(readMailbox(r))
      else if (!r.appendMore(message) || this.#leaving !== undefined) {
        r.end()
        if (event.kind === 'frame') return
        r.fault('A message is expected')
      }
      message = r.appendMessage()
      if (event.kind === 'frame') r.fault('A literal is expected')
      await this.#admit(event, message)
      await this.#receive(event, message)
      at = r.position
      event = await connection.next()
    }
  }

  /** @throws {Refusal} where there is no such message to be replaced */
  async #find({ message, by }: LeavingMessage): Promise<{ readonly uids: UidSet; readonly octets: number }> {
    const { view, out, store } = this.#context
    if (view.readOnly) throw new Refusal(READ_ONLY)
    this.#mayLeave()
    const uids = await view.resolve(out, message, by)
    if (uids === undefined) throw new Refusal(NO_SUCH_NUMBER)
    for await (const rows of store.emails(view.account, view.mailbox, uids, 0))
      for (const { size, gone } of rows) if (!gone) return { uids, octets: size }
    throw new Refusal(refusalCompletion({ kind: 'no-such-message' }))
  }

  async #target(name: string): Promise<Reached> {
    const found = await reach(this.#context, name, 'i', NO_TARGET)
    if (!found.ok) throw new Refusal(found.error)
    return found.value
  }

  get #box(): Reached {
    if (this.#mailbox === undefined) throw new Error('APPEND has no mailbox')
    return this.#mailbox
  }

  /** What STORE, EXPUNGE and APPEND need together (RFC 8508 §4.1). */
  #mayLeave(): void {
    const { view } = this.#context
    if (!view.may('t') || !view.may('e')) throw new Refusal(NOT_ALLOWED)
  }

  /** Looks at what was announced, before the client is asked to send it. */
  async #admit({ size, synchronising }: LiteralAnnounced, { utf8 }: AppendMessage): Promise<void> {
    const { store, enabled, session } = this.#context
    const { messageBytes } = session.deps.limits
    if (utf8 && !enabled.utf8) throw new Refusal({ status: 'BAD', text: 'Enable UTF8=ACCEPT first' })
    if (size === 0) throw new Refusal({ status: 'NO', code: 'CANNOT', text: 'The message is empty' })
    // §3.1 of RFC 9738: a MULTIAPPEND of too many keeps none.
    if (this.#messages.length >= messageLimit(this.#context)) throw new Refusal(tooMany(limitCode(this.#context)))
    if (size > messageBytes)
      throw new Refusal({ status: 'NO', code: 'TOOBIG', text: `The limit is ${messageBytes} bytes` })
    this.#bytes += size
    if (this.#bytes > Math.max(MULTIAPPEND_BYTES, messageBytes))
      throw new Refusal({ status: 'NO', code: 'LIMIT', text: 'These are too many messages at once' })
    // What comes anyway, and is small, is refused by the writer, who has to look in any case.
    if (!synchronising && size <= SMALL) return
    const state = await store.state(this.#box.account)
    const limit = state?.limits.storageBytes
    // Only what REPLACE takes more counts (RFC 8508 §3.4), if both are of one account.
    const more = this.#bytes - (this.#isWithin ? (this.#left?.octets ?? 0) : 0)
    if (state !== undefined && limit !== undefined && more > 0 && state.usage.storageBytes + more > limit)
      throw new Refusal({ status: 'NO', code: 'OVERQUOTA', text: overQuotaText('storage', limit) })
  }

  /** Reads one literal, scanning and staging it as it comes. */
  async #receive(announced: LiteralAnnounced, message: AppendMessage): Promise<void> {
    const { store, out, clock, session } = this.#context
    const { connection } = session
    const stage = store.stage(this.#box.account.shard)
    this.#stages.push(stage)
    const scanner = new MessageScanner()
    connection.framer.stream()
    if (announced.synchronising) out.text('+ OK\r\n')
    for (;;) {
      const event = await connection.next()
      if (event.kind !== 'chunk') throw new Error(`A ${event.kind} came inside a literal`)
      scanner.push(event.bytes)
      const writing = stage.write(event.bytes)
      if (writing !== undefined) await writing
      if (event.last) break
    }
    const scanned = scanner.end()
    if (scanned.hasNul && !announced.binary)
      throw new Refusal({ status: 'BAD', text: 'NUL is only allowed in literal8' })
    this.#messages.push({
      body: await stage.finish(),
      email: prepareEmail(scanned),
      trace: NO_TRACE,
      flags: flagsOf(message.flags),
      internalDate: message.date?.time ?? Math.floor(clock.now() / 1000) * 1000,
      internalZone: message.date?.zone ?? 0,
      uidl: undefined,
    })
  }

  /** Rights that were withdrawn while the client took its time do not count any more. */
  async #checkRights(): Promise<void> {
    if (this.#left !== undefined) {
      await this.#context.view.checkRights(this.#context.out)
      this.#mayLeave()
    }
    const box = this.#box
    if (box.user === undefined) return
    const rights = await rightsNow(this.#context, box.account, box.info)
    if (!rights.includes('i')) throw new Refusal(rights.includes('l') ? NOT_ALLOWED : NO_MAILBOX)
    this.#mailbox = { ...box, rights }
  }

  async #write(): Promise<Completion> {
    const { store, actor, session } = this.#context
    const { account, info } = this.#box
    if (this.#left !== undefined && this.#isWithin) return this.#replace(info.key, this.#left.uids)
    const guest = guestIn(this.#box)
    const answer = await store.write('append', {
      account,
      by: actor,
      guest,
      mailbox: info.key,
      messages: this.#messages,
    })
    if (!answer.ok) {
      if (answer.error.kind === 'no-such-mailbox') return NO_TARGET
      return refusalCompletion(answer.error)
    }
    const { uidValidity, uids, modseq } = answer.value
    if (this.#left !== undefined) return this.#expunge(this.#left.uids, uidValidity, uids)
    if (session.selected?.isOf(this.#box) === true) session.selected.expect(modseq, uidSetOf(uids))
    return { status: 'OK', code: `APPENDUID ${uidValidity} ${formatUidSet(uidSetOf(uids))}`, text: 'Appended' }
  }

  /** APPENDUID goes out before EXPUNGE, which the session writes when it brings the view up (RFC 8508 §4.3). */
  async #replace(target: MailboxKey, uids: UidSet): Promise<Completion> {
    const { store, actor, view, out, enabled } = this.#context
    const uid = uids[0]?.[0]
    const message = this.#messages[0]
    if (uid === undefined || message === undefined) throw new Error('REPLACE has nothing to replace')
    const { account, mailbox } = view
    const guest = guestIn(this.#box)
    const answer = await store.write('replace', { account, by: actor, guest, mailbox, uid, target, message })
    if (!answer.ok) {
      if (answer.error.kind === 'no-such-mailbox') return NO_TARGET
      return refusalCompletion(answer.error)
    }
    const { modseq, uidValidity, uid: added } = answer.value
    const own = target === view.mailbox ? [uid, added] : [uid]
    view.expect(modseq, uidSetOf(own))
    out.text(`* OK [APPENDUID ${uidValidity} ${added}] `).line('Replaced')
    return { status: 'OK', ...(enabled.qresync ? { code: `HIGHESTMODSEQ ${modseq}` } : {}), text: 'Replaced' }
  }

  /** REPLACE into another account: the message is there, on disk, and the other one goes (design §4). */
  async #expunge(leaving: UidSet, uidValidity: number, added: readonly Uid[]): Promise<Completion> {
    const { store, actor, view, out, enabled } = this.#context
    const { account, mailbox } = view
    out.text(`* OK [APPENDUID ${uidValidity} ${formatUidSet(uidSetOf(added))}] `).line('Replaced')
    const gone = await store.write('expunge', { account, by: actor, mailbox, uids: leaving, which: 'any' })
    if (!gone.ok) return refusalCompletion(gone.error)
    const { modseq, expunged } = gone.value
    view.expect(modseq, expunged)
    return { status: 'OK', ...(enabled.qresync ? { code: `HIGHESTMODSEQ ${modseq}` } : {}), text: 'Replaced' }
  }

  /** Both messages of REPLACE are of one account. */
  get #isWithin(): boolean {
    return this.#left !== undefined && this.#box.account.id === this.#context.view.account.id
  }

  /** Drops what is left of the command. */
  async #skip(): Promise<void> {
    if (this.#over) return
    const { connection } = this.#context.session
    connection.framer.refuse()
    const event = await connection.next()
    this.#over = true
    if (event.kind === 'fault' && event.reason === 'too-much-to-discard')
      throw new Farewell('[TOOBIG] The message is too large')
  }
}

/** Octets of a message that costs less to take than to ask whether there is room for it. */
const SMALL = 65_536
const NO_TRACE = new Uint8Array(0)
