/**
 * Compaction under load: most mail goes, its space is given back while mail comes in and is read, and nothing is lost.
 *
 * ```
 * node bench/compaction.ts [--messages 8000] [--kept 0.2]
 * ```
 * On the store itself with a clock that is set forward, since deleted mail keeps its body for days. @module
 */
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { openEmbeddedStore } from '#adapters/embedded/embedded-store.ts'
import { type EmbeddedHost, startEmbedded } from '#adapters/embedded/host.ts'
import type { EmbeddedTuning } from '#adapters/embedded/options.ts'
import type { Uid } from '#mail/ids.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef } from '#store/types.ts'
import { Random } from '#testing/random.ts'
import { addAccount, addMessage, messageBytes } from '#testing/store.ts'
import { messageOf } from '../test/crash/messages.ts'
import { inFolder, megabytes, percentile, report, rounded } from './kit.ts'

const { values } = parseArgs({
  options: { messages: { type: 'string', default: '8000' }, kept: { type: 'string', default: '0.2' } },
})
const ACCOUNTS = 4
const DAY_MS = 86_400_000
const TUNING: Partial<EmbeddedTuning> = { segmentBytes: 16 * 1_048_576 }

const random = new Random(1)
let ahead = 0
const clock = { now: () => Date.now() + ahead }
const log = ({ level, message }: { readonly level: string; readonly message: string }): void => {
  if (level !== 'info') console.error(`${level}: ${message}`)
}

interface Work {
  readonly added: number
  readonly read: number
  /** Of an append, in milliseconds. */
  readonly p50: number
  readonly p99: number
}

/** What must be there: tokens by account and UID. */
class Mail {
  #store: MailStore
  readonly #accounts: readonly AccountRef[]
  readonly #kept: readonly Map<Uid, number>[]
  #tokens = 0

  constructor(store: MailStore, accounts: readonly AccountRef[]) {
    this.#store = store
    this.#accounts = accounts
    this.#kept = accounts.map(() => new Map())
  }

  reopened(store: MailStore): void {
    this.#store = store
  }

  get count(): number {
    return this.#kept.reduce((sum, { size }) => sum + size, 0)
  }

  get octets(): number {
    let sum = 0
    for (const kept of this.#kept) for (const token of kept.values()) sum += messageOf(token).length
    return sum
  }

  async fill(index: number, count: number): Promise<void> {
    for (let each = 0; each < count; each += 1) await this.#add(index)
  }

  async #add(index: number): Promise<void> {
    const [account, kept] = this.#of(index)
    this.#tokens += 1
    const token = this.#tokens
    kept.set(await addMessage(this.#store, account, 'INBOX', messageOf(token)), token)
  }

  #of(index: number): readonly [AccountRef, Map<Uid, number>] {
    const [account, kept] = [this.#accounts[index], this.#kept[index]]
    if (account === undefined || kept === undefined) throw new RangeError(`There is no account ${index}`)
    return [account, kept]
  }

  async expungeMost(share: number): Promise<void> {
    for (const index of this.#accounts.keys()) {
      const [account, kept] = this.#of(index)
      const mailbox = (await this.#store.mailboxByName(account, 'INBOX'))?.key
      if (mailbox === undefined) throw new Error('There is no INBOX')
      const doomed = Array.from(kept.keys()).filter(() => !random.chance(share))
      const uids = doomed.map((uid) => [uid, uid] as const)
      const answer = await this.#store.write('expunge', { account, by: 'bench', mailbox, uids, which: 'any' })
      if (!answer.ok) throw new Error(JSON.stringify(answer))
      for (const uid of doomed) kept.delete(uid)
    }
  }

  /** Appends and reads until `until` settles. */
  async work(until: () => Promise<void>): Promise<Work> {
    const waits: number[] = []
    let read = 0
    let over = false
    const adding = this.#accounts.map(async (_, index) => {
      while (!over) {
        const begun = performance.now()
        await this.#add(index)
        waits.push(performance.now() - begun)
      }
    })
    const reading = this.#accounts.map(async (_, index) => {
      while (!over) {
        const [, kept] = this.#of(index)
        const uid = random.pick(Array.from(kept.keys()))
        const wrong = await this.#compareOne(index, uid)
        if (wrong !== undefined) throw new Error(wrong)
        read += 1
        await delay(1)
      }
    })
    await until()
    over = true
    await Promise.all([...adding, ...reading])
    const [p50, p99] = [rounded(percentile(waits, 0.5)), rounded(percentile(waits, 0.99))]
    return { added: waits.length, read, p50, p99 }
  }

  async compare(): Promise<string[]> {
    const wrong: string[] = []
    for (const index of this.#accounts.keys()) {
      for (const uid of this.#of(index)[1].keys()) {
        const sentence = await this.#compareOne(index, uid)
        if (sentence !== undefined) wrong.push(sentence)
      }
    }
    return wrong
  }

  async #compareOne(index: number, uid: Uid): Promise<string | undefined> {
    const [account, kept] = this.#of(index)
    const token = kept.get(uid)
    try {
      const bytes = await messageBytes(this.#store, account, 'INBOX', uid)
      if (token !== undefined && messageOf(token).equals(bytes)) return undefined
      return `UID ${uid} of account ${account.id} has other bytes`
    } catch (error) {
      return `UID ${uid} of account ${account.id}: ${String(error)}`
    }
  }
}

/** Octets of the files with bodies. */
async function sizeOf(directory: string): Promise<number> {
  let sum = 0
  for (const name of await readdir(directory, { recursive: true })) {
    if (!/(?:segments|big)\//.test(name)) continue
    sum += (await stat(path.join(directory, name))).size
  }
  return sum
}

await inFolder(async (directory) => {
  const begin = (tuning: Partial<EmbeddedTuning>): Promise<EmbeddedHost> =>
    startEmbedded({ directory, shards: 1, durability: 'full', keeping: { days: 1 }, clock, log, tuning })
  let host = await begin({ ...TUNING, upkeepMs: 0 })
  let store = openEmbeddedStore(host.connect(), clock)
  const accounts: AccountRef[] = []
  for (let id = 1; id <= ACCOUNTS; id += 1) accounts.push(await addAccount(store, id))
  const mail = new Mail(store, accounts)
  await Promise.all(accounts.map((_, index) => mail.fill(index, Number(values.messages) / ACCOUNTS)))
  const filled = await sizeOf(directory)
  await mail.expungeMost(Number(values.kept))
  const quiet = await mail.work(() => delay(2_000))
  ahead = 2 * DAY_MS
  const purged = await host.purge()
  const before = await sizeOf(directory)
  let compactSeconds = 0
  const busy = await mail.work(async () => {
    const begun = performance.now()
    await host.compact()
    compactSeconds = rounded((performance.now() - begun) / 1_000)
  })
  const wrongAfter = await mail.compare()
  await store[Symbol.asyncDispose]()
  await host[Symbol.asyncDispose]()
  // Old segments go when no reader can hold a place in them any more, also after a restart.
  ahead += DAY_MS / 24
  host = await begin({ ...TUNING, upkeepMs: 100 })
  store = openEmbeddedStore(host.connect(), clock)
  mail.reopened(store)
  await delay(1_000)
  const findings: string[] = []
  for await (const { kind, message } of host.check({ bodies: true, repair: false }))
    findings.push(`${kind}: ${message}`)
  const wrong = [...wrongAfter, ...(await mail.compare()), ...findings]
  const after = await sizeOf(directory)
  await store[Symbol.asyncDispose]()
  await host[Symbol.asyncDispose]()
  for (const sentence of wrong.slice(0, 10)) console.log(`FAULT ${sentence}`)
  if (wrong.length > 0) process.exitCode = 1
  report(
    'compaction',
    `${purged} of ${values.messages} messages gone; ${megabytes(filled)} on disk when full, ${megabytes(before)} before compaction, ${megabytes(after)} after it and its grace time for ${megabytes(mail.octets)} of mail; compacted in ${compactSeconds} s beside ${busy.added} appends (p99 ${busy.p99} ms, quiet ${quiet.p99} ms) and ${busy.read} reads; ${mail.count} messages compared, ${wrong.length} faults`,
    { purged, filled, before, after, mail: mail.octets, compactSeconds, busy, quiet, faults: wrong.length },
  )
})
