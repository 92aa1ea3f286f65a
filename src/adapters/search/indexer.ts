/** Brings the index of one account up to date, a step at a time. @module */
import type { Clock } from '#lib/clock.ts'
import { DamagedBody, type MailStore } from '#store/mail-store.ts'
import type { AccountRef, BodyPlace, IndexableEmail } from '#store/types.ts'
import { Tokenizer } from './email-tokens.ts'
import { IndexFile, isSame, UnusableIndex } from './index-file.ts'

/** What one step takes at most: it is one transaction. */
export const STEP_EMAILS = 2_000
const STEP_BYTES = 33_554_432
/** Emails that are asked for at once. */
export const SLICE = 250
/** Octets that can be read in one call. */
const ONE_READ = 1_048_576
/** How often emails that are gone for good are looked for. */
const SWEEP_MS = 86_400_000
const SWEEP_SLICE = 1_000
/** Pages of the full-text index that are merged in one step, after so many emails came in one go. */
const MERGE_PAGES = 500
const MERGE_AFTER = 4_000

/** How far an index is. */
export interface IndexProgress {
  /** Emails that are not in it yet, at most. */
  readonly left: number
  /** The key of the last one that is. */
  readonly through: number
  /** Whether there is something to do. */
  readonly more: boolean
}

/** See the module. */
export class Indexer {
  readonly #file: IndexFile
  readonly #store: MailStore
  readonly #account: AccountRef
  readonly #clock: Clock
  readonly #log: (message: string) => void
  readonly #tokenizer = new Tokenizer()
  #sinceMerge = 0

  private constructor(
    file: IndexFile,
    store: MailStore,
    account: AccountRef,
    clock: Clock,
    log: (message: string) => void,
  ) {
    this.#file = file
    this.#store = store
    this.#account = account
    this.#clock = clock
    this.#log = log
    for (const [space, vocabulary] of this.#tokenizer.vocabularies)
      for (const lines of file.words(space, 0)) vocabulary.load(lines)
  }

  /** Opens the index, or makes it. @throws {UnusableIndex} @param log told of messages that cannot be indexed. */
  static async open(
    file: string,
    store: MailStore,
    account: AccountRef,
    clock: Clock,
    log: (message: string) => void,
  ): Promise<Indexer> {
    const opened = IndexFile.forWriting(file)
    try {
      if (!(await opened.isOf(store, account))) throw new UnusableIndex('The index is of other mail')
      return new Indexer(opened, store, account, clock, log)
    } catch (error) {
      opened.close()
      throw error
    }
  }

  /** Whether the file is still where it was. */
  get isThere(): boolean {
    return this.#file.isThere
  }

  /**
   * Does a part of what is to do. After a fault only {@link close} may be called. @throws {UnusableIndex}
   * @param emails At most so many, where they are not fewer than {@link SLICE}.
   * @param enough Asked after each slice of them whether the rest is left for later.
   */
  async step(emails: number = STEP_EMAILS, enough: () => boolean = () => false): Promise<IndexProgress> {
    const { lastEmail = 0 } = (await this.#store.state(this.#account)) ?? {}
    const indexed = await this.#add(emails, enough)
    this.#sinceMerge += indexed
    const left = Math.max(0, lastEmail - this.#file.through)
    if (indexed > 0) return { left, through: this.#file.through, more: true }
    // keys above the last one belong to emails that are gone
    const through = Math.max(lastEmail, this.#file.through)
    if (this.#sinceMerge >= MERGE_AFTER) {
      const more = this.#file.write(() => this.#file.merge(MERGE_PAGES))
      if (more) return { left, through, more }
      this.#sinceMerge = 0
    }
    if (this.#clock.now() - this.#file.sweptAt >= SWEEP_MS) await this.#sweep()
    return { left: 0, through, more: false }
  }

  close(): void {
    this.#file.close()
  }

  /** @returns how many emails were added. */
  async #add(most: number, enough: () => boolean): Promise<number> {
    const ready: { readonly email: IndexableEmail; readonly tokens: string | undefined }[] = []
    let bytes = 0
    let through = this.#file.through
    for (let full = false; !full && ready.length < most && bytes < STEP_BYTES; full ||= enough()) {
      const emails = await this.#store.indexable(this.#account, through, SLICE)
      for (const email of emails) {
        ready.push({ email, tokens: await this.#tokens(email) })
        bytes += email.place.length
        through = email.key
        if (bytes >= STEP_BYTES) break
      }
      full = emails.length < SLICE
    }
    if (ready.length === 0) return 0
    const words = Array.from(this.#tokenizer.vocabularies, ([space, vocabulary]) => ({
      space,
      new: vocabulary.takeNew(),
    }))
    this.#file.write(() => {
      for (const { email, tokens } of ready) this.#file.add(email, tokens)
      this.#file.advance(
        through,
        words.flatMap(({ space, new: lines }) => (lines === undefined ? [] : [{ space, ...lines }])),
      )
    })
    return ready.length
  }

  async #tokens(email: IndexableEmail): Promise<string | undefined> {
    try {
      return this.#tokenizer.tokensOf(email, await this.#body(email.place))
    } catch (error) {
      // It is scanned by every search; whatever is wrong with it must not keep the others out.
      if (!(error instanceof DamagedBody))
        this.#log(`Email ${email.key} of account ${this.#account.id} is not indexed: ${(error as Error).stack}`)
      return undefined
    }
  }

  async #body(place: BodyPlace): Promise<Uint8Array> {
    const body = this.#store.body(this.#account, place)
    if (body.size <= ONE_READ) return body.read(0, body.size)
    const bytes = Buffer.allocUnsafe(body.size)
    let at = 0
    for await (const chunk of body.stream(0, body.size)) {
      bytes.set(chunk, at)
      at += chunk.length
    }
    return bytes
  }

  /** Removes emails that the store has no longer. @throws {UnusableIndex} when an email is not the one that was indexed. */
  async #sweep(): Promise<void> {
    for (let after = 0; ; ) {
      const known = this.#file.emails(after, SWEEP_SLICE)
      const last = known.at(-1)
      if (last === undefined) break
      const there = new Map(
        (await this.#store.imageEmails(this.#account, after as typeof last.key, SWEEP_SLICE)).map((each) => [
          each.key,
          each,
        ]),
      )
      const reached = there.size < SWEEP_SLICE ? last.key : Math.min(last.key, Math.max(...there.keys()))
      const gone: number[] = []
      for (const email of known) {
        if (email.key > reached) break
        const now = there.get(email.key)
        if (now === undefined) gone.push(email.key)
        else if (!isSame(now, email)) throw new UnusableIndex('The index is of other mail')
      }
      if (gone.length > 0) this.#file.write(() => this.#file.remove(gone))
      after = reached
    }
    this.#file.write(() => this.#file.swept(this.#clock.now()))
  }
}
