import { flagNames, keywordSetId, type PackedFlags, systemFlags } from '#store/flags.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef } from '#store/types.ts'

/** Values kept ready; more of them are made again each time. */
const MOST_TEXTS = 10_000

/** Keyword sets of an account as far as a thread has seen them. Sets never change, so what is known stays true. */
export class AccountKeywords {
  #sets: (readonly string[])[] = [[]]
  readonly #names = new Map<string, string>()
  readonly #texts = new Map<PackedFlags, string>()

  /** How many distinct keywords are known; grows only. */
  get count(): number {
    return this.#names.size
  }

  /** Every keyword known, in the spelling of its first use. */
  names(): Iterable<string> {
    return this.#names.values()
  }

  /** How many sets are known: flags with a {@link keywordSetId} below can be shown. */
  get sets(): number {
    return this.#sets.length
  }

  /** Reads the sets that are not known yet. */
  async load(store: MailStore, account: AccountRef): Promise<void> {
    const first = this.#sets.length
    const sets = await store.keywordSets(account, first)
    // Someone else may have read them meanwhile.
    for (const set of sets.slice(this.#sets.length - first)) {
      this.#sets.push(set)
      for (const name of set) if (!this.#names.has(name.toLowerCase())) this.#names.set(name.toLowerCase(), name)
    }
  }

  /** Keywords of packed flags. */
  of(flags: PackedFlags): readonly string[] {
    const set = this.#sets[keywordSetId(flags)]
    if (set === undefined) throw new Error(`Keyword set ${keywordSetId(flags)} was not loaded`)
    return set
  }

  /** Flags as FETCH shows them: `\Seen $Forwarded`. */
  text(flags: PackedFlags): string {
    let text = this.#texts.get(flags)
    if (text === undefined) {
      text = flagNames({ system: systemFlags(flags), keywords: this.of(flags) }).join(' ')
      if (this.#texts.size < MOST_TEXTS) this.#texts.set(flags, text)
    }
    return text
  }

  /** Ids of the sets that have the keyword, in any case. */
  setsWith(keyword: string): ReadonlySet<number> {
    const lower = keyword.toLowerCase()
    const ids = new Set<number>()
    for (const [id, set] of this.#sets.entries()) if (set.some((name) => name.toLowerCase() === lower)) ids.add(id)
    return ids
  }
}
