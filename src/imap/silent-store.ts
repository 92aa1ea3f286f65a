/** What a client believes after STORE … .SILENT, so that it hears of flags only where it is wrong (RFC 9051 §6.4.6). @module */
import type { AccountKeywords } from '#services/account-keywords.ts'
import { DELETED, DRAFT, type Flags, type PackedFlags, systemFlags } from '#store/flags.ts'
import type { ChangeFlagsRequest } from '#store/writes.ts'

/** Bits that STORE can set. */
const SETTABLE = DELETED | DRAFT | (DRAFT - 1)

/** The change that a client made, as it works it out itself. */
export class BelievedFlags {
  readonly #action: ChangeFlagsRequest['action']
  readonly #flags: Flags
  readonly #lower: ReadonlySet<string>
  readonly #keywords: AccountKeywords
  /** What flags become, in a form to compare; few distinct flags exist. */
  readonly #after = new Map<PackedFlags, string>()
  readonly #now = new Map<PackedFlags, string>()

  constructor(action: ChangeFlagsRequest['action'], flags: Flags, keywords: AccountKeywords) {
    this.#action = action
    this.#flags = flags
    this.#lower = new Set(flags.keywords.map((keyword) => keyword.toLowerCase()))
    this.#keywords = keywords
  }

  /** Whether a client that knew `before` now believes `after`. */
  matches(before: PackedFlags, after: PackedFlags): boolean {
    return (
      remembered(this.#after, before, () => this.#changed(before)) ===
      remembered(this.#now, after, () => this.#form(after))
    )
  }

  #changed(before: PackedFlags): string {
    const { system } = this.#flags
    const had = this.#lowerOf(before)
    switch (this.#action) {
      case 'replace':
        return form(system & SETTABLE, this.#lower)
      case 'add':
        return form((systemFlags(before) | system) & SETTABLE, new Set([...had, ...this.#lower]))
      case 'remove':
        return form(systemFlags(before) & ~system, new Set(had.filter((name) => !this.#lower.has(name))))
    }
  }

  #form(flags: PackedFlags): string {
    return form(systemFlags(flags), new Set(this.#lowerOf(flags)))
  }

  #lowerOf(flags: PackedFlags): string[] {
    return this.#keywords.of(flags).map((keyword) => keyword.toLowerCase())
  }
}

function form(system: number, keywords: ReadonlySet<string>): string {
  return [system, ...[...keywords].sort()].join(' ')
}

function remembered(map: Map<PackedFlags, string>, flags: PackedFlags, make: () => string): string {
  let known = map.get(flags)
  if (known === undefined) {
    known = make()
    map.set(flags, known)
  }
  return known
}
