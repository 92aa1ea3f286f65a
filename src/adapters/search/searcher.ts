/** Looks texts up in the index of one account. @module */
import type { MailboxKey } from '#mail/ids.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { IndexAnswer, IndexedText, TextMatches } from '#store/search-index.ts'
import type { AccountRef } from '#store/types.ts'
import { IndexFile, indexPath } from './index-file.ts'
import { KeySet } from './key-set.ts'
import { needleParts, type Part } from './needle.ts'
import { type Field, fieldsOf, SPACES, type Space, spaceOf, tokenOf } from './token.ts'
import { WordList } from './word-list.ts'

/** Words that one part of a needle is looked for in; a letter or two may be in more. */
const MOST_WORDS = 10_000
/** Tokens of one query: with more, each row it finds costs more; with fewer, there are more queries. */
const AT_ONCE = 16

/** Emails with a part of a needle. */
interface Holders {
  readonly keys: KeySet
  /** `false`: there are more words than were looked for. */
  readonly all: boolean
}

/** The emails that a text is in, or may be in. */
interface Candidates {
  readonly yes: KeySet
  /** `undefined`: any other may have it. */
  readonly maybe: KeySet | undefined
}

/** An open index with its words in memory. */
export class AccountSearcher {
  readonly #file: IndexFile
  readonly #store: MailStore
  readonly #account: AccountRef
  readonly #lists: ReadonlyMap<Space, WordList> = new Map(
    Object.values(SPACES).map((space) => [space, new WordList()] as const),
  )

  private constructor(file: IndexFile, store: MailStore, account: AccountRef) {
    this.#file = file
    this.#store = store
    this.#account = account
  }

  /**
   * @returns `undefined` when there is no index.
   * @throws {UnusableIndex}
   */
  static async open(
    directory: string,
    store: MailStore,
    account: AccountRef,
  ): Promise<AccountSearcher | 'of-other-mail' | undefined> {
    const file = IndexFile.forReading(indexPath(directory, account.id))
    if (file === undefined) return undefined
    if (await file.isOf(store, account)) return new AccountSearcher(file, store, account)
    file.close()
    return 'of-other-mail'
  }

  /** Whether it still is the index of the account. */
  get isThere(): boolean {
    return this.#file.isThere
  }

  /** @throws {UnusableIndex} */
  async find(mailbox: MailboxKey, texts: readonly IndexedText[]): Promise<IndexAnswer> {
    const { through, unreadable, candidates } = this.#file.snapshot(() => {
      this.#learn()
      const upTo = this.#file.through
      return {
        through: upTo,
        unreadable: this.#file.unreadable,
        candidates: texts.map((text) => this.#candidates(text, upTo)),
      }
    })
    const uidsOf = (keys: Uint32Array): Promise<Uint32Array> => this.#store.uidsOfEmails(this.#account, mailbox, keys)
    const matches: (TextMatches | undefined)[] = []
    for (const found of candidates) {
      if (found === undefined) {
        matches.push(undefined)
        continue
      }
      const { yes, maybe } = found
      const uids = await uidsOf(yes.keys())
      if (maybe === undefined) {
        const all = await this.#store.uidsOfEmailsAfter(this.#account, mailbox, 0)
        const known = new Set(uids)
        matches.push({ yes: uids, maybe: all.filter((uid) => !known.has(uid)) })
      } else matches.push({ yes: uids, maybe: await uidsOf(maybe.keys()) })
    }
    const later = await this.#store.uidsOfEmailsAfter(this.#account, mailbox, through)
    const unknown = unreadable.length === 0 ? [] : await uidsOf(Uint32Array.from(unreadable))
    return { unknown: unknown.length === 0 ? later : Uint32Array.of(...unknown, ...later).sort(), matches }
  }

  close(): void {
    this.#file.close()
  }

  /** Takes words that came since the last time. */
  #learn(): void {
    for (const [space, list] of this.#lists) for (const lines of this.#file.words(space, list.size)) list.append(lines)
  }

  /** `undefined`: it has no words. */
  #candidates({ place, text }: IndexedText, through: number): Candidates | undefined {
    const { parts, certain } = needleParts(text)
    if (parts.length === 0) return undefined
    const found = new KeySet(through)
    let all = true
    for (const field of fieldsOf(place)) {
      const holders = this.#holdersOfAll(field, parts, through)
      all &&= holders.all
      found.unite(holders.keys)
    }
    if (certain) return { yes: found, maybe: all ? new KeySet(through) : undefined }
    return all ? { yes: new KeySet(through), maybe: found } : undefined
  }

  /** Emails that have all parts in a field, or more where some part is in too many words. */
  #holdersOfAll(field: Field, parts: readonly Part[], through: number): Holders {
    let narrowed: KeySet | undefined
    let incomplete: KeySet | undefined
    for (const part of parts) {
      const { keys, all } = this.#holders(field, part, through)
      if (!all) incomplete ??= keys
      else if (narrowed === undefined) narrowed = keys
      else narrowed.intersect(keys)
      if (narrowed?.count === 0) break
    }
    if (narrowed !== undefined) return { keys: narrowed, all: true }
    return { keys: incomplete ?? new KeySet(through), all: false }
  }

  #holders(field: Field, { text, lies }: Part, through: number): Holders {
    const offsets = this.#lists.get(spaceOf(field))?.find(text, lies, MOST_WORDS + 1) ?? []
    const keys = new KeySet(through)
    for (let at = 0; at < offsets.length; at += AT_ONCE) {
      const tokens = offsets.slice(at, at + AT_ONCE).map((offset) => tokenOf(field, offset))
      for (const [key] of this.#file.match(tokens)) keys.add(key as number)
    }
    return { keys, all: offsets.length <= MOST_WORDS }
  }
}
