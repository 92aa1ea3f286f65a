import { addressGroup, type NetworkTest } from './networks.ts'

/** Counts what each address has open, an IPv6 /64 being one (see {@link addressGroup}), against a limit. */
export class AddressTally {
  readonly #most: number
  readonly #exempt: NetworkTest
  readonly #counts = new Map<string, number>()

  /**
   * @param most Of one address; 0: no limit.
   * @param exempt Networks that the limit does not count for.
   */
  constructor(most: number, exempt: NetworkTest) {
    this.#most = most
    this.#exempt = exempt
  }

  /** Whether the address has as much as it may have. */
  full(address: string): boolean {
    const open = this.#counts.get(addressGroup(address)) ?? 0
    return this.#most > 0 && open >= this.#most && !this.#exempt(address)
  }

  add(address: string): void {
    const from = addressGroup(address)
    this.#counts.set(from, (this.#counts.get(from) ?? 0) + 1)
  }

  remove(address: string): void {
    const from = addressGroup(address)
    const left = (this.#counts.get(from) ?? 1) - 1
    if (left === 0) this.#counts.delete(from)
    else this.#counts.set(from, left)
  }
}
