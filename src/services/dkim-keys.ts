/** Keys that sign the mail of a domain: made, published, rotated. What is public is in the directory, the rest in files. @module */
import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { Clock } from '#lib/clock.ts'
import { done, type Result, refused } from '#lib/result.ts'
import type { Directory, DirectoryRefusal, DkimAlgorithm, DkimKeyRecord } from '#store/directory.ts'
import { parseDomain } from './addresses.ts'

/**
 * `next`: published, signs from `activeFrom` on. `retired`: signs no more, published for those who have mail of it still to
 * check. `gone`: may leave the DNS.
 */
export type DkimState = 'next' | 'active' | 'retired' | 'gone'

export type DkimRefusal =
  | DirectoryRefusal
  | { readonly kind: 'bad-domain'; readonly text: string }
  | { readonly kind: 'bad-selector'; readonly text: string }
  /** There are keys already; they are rotated. */
  | { readonly kind: 'has-dkim-keys'; readonly domain: string }
  /** There is nothing to rotate. */
  | { readonly kind: 'no-dkim-keys'; readonly domain: string }
  /** A key waits for its time already. */
  | { readonly kind: 'dkim-rotating'; readonly selector: string; readonly activeFrom: number }

/** Where private keys are. */
export interface PrivateKeyFiles {
  /** On disk when it settles, readable by the owner alone; a file of that name is replaced whole. */
  write(domain: string, selector: string, pem: string): Promise<void>
  /** `undefined`: there is none. */
  read(domain: string, selector: string): Promise<string | undefined>
  /** Of one key, or of all of a domain; none is fine. */
  remove(domain: string, selector?: string): Promise<void>
}

/** A key that signs now. */
export interface SigningKey {
  readonly domain: string
  readonly selector: string
  readonly algorithm: DkimAlgorithm
  readonly privateKey: KeyObject
}

/** What signs, for the thread that sends. */
export interface SigningKeys {
  /** Of each algorithm one at most; none where the domain is not ours. Changes are seen at once. */
  active(domain: string): readonly SigningKey[]
}

export interface DkimDeps {
  readonly directory: Pick<Directory, 'domain' | 'dkimKeys' | 'putDkimKeys' | 'removeDkimKey'>
  readonly files: PrivateKeyFiles
  readonly clock: Clock
}

export interface DkimWish {
  readonly domain: string
  /** Absent: both; with `rotate` those that the domain has. */
  readonly algorithm?: DkimAlgorithm | undefined
  /** Absent: named after the month. With both algorithms theirs is added to it. */
  readonly selector?: string | undefined
}

const ALGORITHMS: readonly DkimAlgorithm[] = ['rsa', 'ed25519']
const DAY_MS = 86_400_000
/** From being made to signing: time to publish it, and for the DNS to forget that it was not there. */
export const DKIM_GRACE_MS: number = 3 * DAY_MS
/** Longer than any queue tries (RFC 5321 §4.5.4.1). */
export const DKIM_RETIRED_MS: number = 7 * DAY_MS
/** RFC 8301 §3.2: at least 1024, should be 2048; more does not fit into one UDP answer. */
const RSA_BITS = 2048
const SELECTOR = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/

export function dkimState({ activeFrom, retiredFrom }: DkimKeyRecord, now: number): DkimState {
  if (retiredFrom !== undefined && retiredFrom <= now) return retiredFrom + DKIM_RETIRED_MS <= now ? 'gone' : 'retired'
  return activeFrom <= now ? 'active' : 'next'
}

/** The TXT record of a key (RFC 6376 §3.6.1, RFC 8463 §4). */
export function dkimRecord({ domain, selector, algorithm, publicKey }: DkimKeyRecord): {
  readonly name: string
  readonly value: string
} {
  return { name: `${selector}._domainkey.${domain}`, value: `v=DKIM1; k=${algorithm}; p=${publicKey}` }
}

export class DkimKeys {
  readonly #deps: DkimDeps
  /** One change after the other: files and rows must agree. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(deps: DkimDeps) {
    this.#deps = deps
  }

  /** What is, was or will be in the DNS; of one domain or of all. */
  async list(text?: string): Promise<Result<readonly DkimKeyRecord[], DkimRefusal>> {
    if (text === undefined) return done(await this.#living(undefined))
    const domain = await this.#domain(text)
    return domain.ok ? done(await this.#living(domain.value)) : domain
  }

  /** Makes the first keys of a domain, which sign at once: a key that nobody finds yet is no worse than none. */
  add(wish: DkimWish): Promise<Result<readonly DkimKeyRecord[], DkimRefusal>> {
    return this.#inTurn(() => this.#add(wish))
  }

  async #add(wish: DkimWish): Promise<Result<readonly DkimKeyRecord[], DkimRefusal>> {
    const domain = await this.#domain(wish.domain)
    if (!domain.ok) return domain
    const now = this.#deps.clock.now()
    const there = await this.#living(domain.value)
    const current = there.filter((key) => dkimState(key, now) !== 'retired').map(({ algorithm }) => algorithm)
    const wanted = ALGORITHMS.filter((one) => one === (wish.algorithm ?? one) && !current.includes(one))
    if (wanted.length === 0) return refused({ kind: 'has-dkim-keys', domain: domain.value })
    return this.#make(domain.value, wanted, wish, there, now, [])
  }

  /** Each key that signs gets a successor, published now, signing after the grace, or `now`. */
  rotate(wish: DkimWish & { readonly now: boolean }): Promise<Result<readonly DkimKeyRecord[], DkimRefusal>> {
    return this.#inTurn(() => this.#rotate(wish))
  }

  async #rotate(wish: DkimWish & { readonly now: boolean }): Promise<Result<readonly DkimKeyRecord[], DkimRefusal>> {
    const domain = await this.#domain(wish.domain)
    if (!domain.ok) return domain
    const now = this.#deps.clock.now()
    const there = await this.#living(domain.value)
    const meant = there.filter(({ algorithm }) => algorithm === (wish.algorithm ?? algorithm))
    const active = meant.filter((key) => dkimState(key, now) === 'active')
    const next = meant.filter((key) => dkimState(key, now) === 'next')
    const [waiting] = next
    if (waiting !== undefined) {
      const { selector, activeFrom } = waiting
      if (!wish.now) return refused({ kind: 'dkim-rotating', selector, activeFrom })
      const begun = next.map((key) => ({ ...key, activeFrom: now }))
      const ended = active.filter(({ algorithm }) => next.some((key) => key.algorithm === algorithm))
      return this.#put(begun, retired(ended, now))
    }
    if (active.length === 0) return refused({ kind: 'no-dkim-keys', domain: domain.value })
    const from = wish.now ? now : now + DKIM_GRACE_MS
    const algorithms = ALGORITHMS.filter((one) => active.some(({ algorithm }) => algorithm === one))
    return this.#make(domain.value, algorithms, wish, there, from, retired(active, from))
  }

  /** At once. Where it was to follow another, that one goes on. */
  remove(text: string, selector: string): Promise<Result<void, DkimRefusal>> {
    return this.#inTurn(() => this.#remove(text, selector))
  }

  async #remove(text: string, selector: string): Promise<Result<void, DkimRefusal>> {
    const domain = await this.#domain(text)
    if (!domain.ok) return domain
    const now = this.#deps.clock.now()
    const there = await this.#living(domain.value)
    const gone = there.find((key) => key.selector === selector)
    if (gone === undefined) return refused({ kind: 'no-such', what: 'dkim-key', name: selector })
    if (dkimState(gone, now) === 'next') {
      const before = there.filter((key) => key.algorithm === gone.algorithm && key.retiredFrom === gone.activeFrom)
      const kept = await this.#deps.directory.putDkimKeys(before.map((key) => ({ ...key, retiredFrom: undefined })))
      if (!kept.ok) return kept
    }
    const removed = await this.#deps.directory.putDkimKeys([{ ...gone, retiredFrom: 0 }])
    if (removed.ok) await this.#tidy()
    return removed
  }

  /** After a domain was removed. */
  async forget(text: string): Promise<void> {
    const domain = parseDomain(text)
    if (domain !== undefined) await this.#deps.files.remove(domain)
  }

  /** Keys that nobody needs any more go, and the private halves of those that do not sign any more. */
  tidy(): Promise<void> {
    return this.#inTurn(() => this.#tidy())
  }

  async #tidy(): Promise<void> {
    const { directory, files, clock } = this.#deps
    const now = clock.now()
    for (const key of await directory.dkimKeys()) {
      const state = dkimState(key, now)
      if (state !== 'retired' && state !== 'gone') continue
      await files.remove(key.domain, key.selector)
      // until then no other key gets its name, which resolvers may still know
      if (state === 'gone' && monthOf(key.createdAt) !== monthOf(now))
        await directory.removeDkimKey(key.domain, key.selector)
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => undefined)
    return done
  }

  async #living(domain: string | undefined): Promise<readonly DkimKeyRecord[]> {
    const now = this.#deps.clock.now()
    return (await this.#deps.directory.dkimKeys(domain)).filter((key) => dkimState(key, now) !== 'gone')
  }

  async #domain(text: string): Promise<Result<string, DkimRefusal>> {
    const name = parseDomain(text)
    if (name === undefined) return refused({ kind: 'bad-domain', text })
    const known = await this.#deps.directory.domain(name)
    return known === undefined ? refused({ kind: 'no-such', what: 'domain', name }) : done(name)
  }

  /** The files are there before the directory tells of them. */
  async #make(
    domain: string,
    algorithms: readonly DkimAlgorithm[],
    wish: DkimWish,
    there: readonly DkimKeyRecord[],
    activeFrom: number,
    others: readonly DkimKeyRecord[],
  ): Promise<Result<readonly DkimKeyRecord[], DkimRefusal>> {
    const { directory, files, clock } = this.#deps
    const createdAt = clock.now()
    const taken = new Set(there.map(({ selector }) => selector))
    const known = new Set((await directory.dkimKeys(domain)).map(({ selector }) => selector))
    const made: DkimKeyRecord[] = []
    const wishes = algorithms.map((algorithm) => ({
      algorithm,
      selector: wish.selector === undefined ? undefined : wishedSelector(wish.selector, algorithm, algorithms.length),
    }))
    for (const { selector } of wishes) {
      if (selector === undefined) continue
      if (!SELECTOR.test(selector)) return refused({ kind: 'bad-selector', text: wish.selector ?? '' })
      if (taken.has(selector)) return refused({ kind: 'exists', what: 'dkim-key', name: selector })
    }
    for (const { algorithm, selector: wished } of wishes) {
      const selector = wished ?? freeSelector(createdAt, algorithm, known)
      known.add(selector)
      const { privateKey, publicKey } = await makeKeys(algorithm)
      await files.write(domain, selector, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
      made.push({
        domain,
        selector,
        algorithm,
        publicKey: publicText(publicKey),
        createdAt,
        activeFrom,
        retiredFrom: undefined,
      })
    }
    return this.#put(made, others)
  }

  async #put(
    made: readonly DkimKeyRecord[],
    others: readonly DkimKeyRecord[],
  ): Promise<Result<readonly DkimKeyRecord[], DkimRefusal>> {
    const put = await this.#deps.directory.putDkimKeys([...made, ...others])
    if (!put.ok) return put
    await this.#tidy()
    return done(made)
  }
}

function retired(keys: readonly DkimKeyRecord[], from: number): readonly DkimKeyRecord[] {
  return keys.map((key) => ({ ...key, retiredFrom: Math.min(key.retiredFrom ?? from, from) }))
}

const SUFFIX: Readonly<Record<DkimAlgorithm, string>> = { rsa: 'r', ed25519: 'e' }

function wishedSelector(text: string, algorithm: DkimAlgorithm, algorithms: number): string {
  const lower = text.toLowerCase()
  return algorithms === 1 ? lower : `${lower}-${algorithm}`
}

/** `202611`, in UTC. */
function monthOf(at: number): string {
  return new Date(at).toISOString().slice(0, 7).replace('-', '')
}

/** `m202611r`, then `m202611r2` … */
function freeSelector(at: number, algorithm: DkimAlgorithm, taken: ReadonlySet<string>): string {
  const base = `m${monthOf(at)}${SUFFIX[algorithm]}`
  let selector = base
  for (let turn = 2; taken.has(selector); turn += 1) selector = `${base}${turn}`
  return selector
}

const generate = promisify(generateKeyPair)

async function makeKeys(
  algorithm: DkimAlgorithm,
): Promise<{ readonly privateKey: KeyObject; readonly publicKey: KeyObject }> {
  return algorithm === 'rsa' ? generate('rsa', { modulusLength: RSA_BITS }) : generate('ed25519')
}

/** An Ed25519 key is 32 octets at the end of its SubjectPublicKeyInfo (RFC 8410 §4). */
function publicText(key: KeyObject): string {
  const spki = key.export({ type: 'spki', format: 'der' })
  return (key.asymmetricKeyType === 'ed25519' ? spki.subarray(-32) : spki).toString('base64')
}
