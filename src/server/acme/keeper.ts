/**
 * Keeps certificates by ACME: looks every hour what is due, and asks for one after the other. Failures are told, and
 * tried again later and later, also over a restart; what was there stays until something better comes.
 * @module
 */
import { readFile } from 'node:fs/promises'
import type { AcmeConfig, Config } from '#config/config.ts'
import type { Clock } from '#lib/clock.ts'
import type { Log } from '#services/session-deps.ts'
import type { ChallengeType } from './challenges.ts'
import type { AcmeFiles } from './files.ts'
import type { OrderOutcome, PlaceOrder } from './order.ts'
import {
  type AcmeRecord,
  afterFailure,
  dueAt,
  NEVER_TRIED,
  namesNow,
  OF_DOMAIN,
  type WantedCertificate,
  wantedCertificates,
} from './plan.ts'

export interface KeeperDeps {
  readonly files: AcmeFiles
  readonly clock: Clock
  readonly log: Log
  /** Names of the domains that are ours. */
  domains(): Promise<readonly string[]>
  /** Whether the DNS leads a name here; `undefined`: it does not answer. */
  leadsHere(name: string, config: Config): Promise<boolean | undefined>
  readonly order: PlaceOrder
  /** New certificates are there to be shown. */
  changed(): Promise<void>
}

const HOUR_MS = 3_600_000
const LEAST_PAUSE_MS = 1_000
/** So that servers that were started together do not come together. */
const JITTER = 0.1

export class AcmeKeeper implements AsyncDisposable {
  readonly #deps: KeeperDeps
  readonly #stopping = new AbortController()
  #config: Config
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> | undefined
  #looking = false
  /** Something has changed since the look under way began. */
  #asked = false

  constructor(config: Config, deps: KeeperDeps) {
    this.#config = config
    this.#deps = deps
  }

  /** Looks soon, and every hour from now on. With a configuration: goes by that one. */
  start(config: Config = this.#config): void {
    this.#config = config
    this.#asked = true
    if (!this.#looking) this.#sleep(0)
  }

  /** One look at all certificates. @returns when the next one should be; milliseconds. */
  async look(): Promise<number> {
    const { clock, files } = this.#deps
    const { acme } = this.#config.tls
    let next = clock.now() + HOUR_MS
    if (acme === undefined) return next
    const all = wantedCertificates(this.#config, await this.#deps.domains())
    await this.#forgetOthers(new Set(all.map(({ id }) => id)))
    for (const wanted of all) {
      if (this.#stopping.signal.aborted) break
      const record = (await files.records()).get(wanted.id) ?? NEVER_TRIED
      const at = await this.#lookAt(wanted, record, acme)
      if (at === 'enough') break
      next = Math.min(next, at)
    }
    return next
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    clearTimeout(this.#timer)
    await this.#round
  }

  #sleep(until: number): void {
    clearTimeout(this.#timer)
    if (this.#stopping.signal.aborted || this.#config.tls.acme === undefined) return
    const pause = Math.min(Math.max(until - this.#deps.clock.now(), LEAST_PAUSE_MS), HOUR_MS)
    this.#timer = setTimeout(
      () => {
        this.#round = this.#run()
      },
      pause * (1 + Math.random() * JITTER),
    )
    this.#timer.unref()
  }

  async #run(): Promise<void> {
    this.#looking = true
    this.#asked = false
    let next = this.#deps.clock.now() + HOUR_MS
    try {
      next = await this.look()
    } catch (error) {
      this.#deps.log.error({ error }, 'certificates cannot be looked after')
    } finally {
      this.#looking = false
    }
    this.#sleep(this.#asked ? 0 : next)
  }

  /** @returns when to look again; `enough`: the authority wants no more questions now. */
  async #lookAt(wanted: WantedCertificate, record: AcmeRecord, acme: AcmeConfig): Promise<number | 'enough'> {
    const { clock, files, log } = this.#deps
    const present = (await files.certificate(wanted.id))?.certificate
    const names = namesNow(wanted, await this.#whereNamesLead(wanted), record, present, clock.now())
    if (names.length === 0) return Number.POSITIVE_INFINITY
    const due = Math.max(dueAt(names, present), record.nextTry)
    if (due > clock.now()) return due
    const outcome = await this.#ask(wanted, names, record, acme)
    if (this.#stopping.signal.aborted) return Number.POSITIVE_INFINITY
    if (outcome.ok) {
      await files.keep(wanted.id, outcome.chain)
      await this.#remember(wanted.id, { ...record, failures: 0, nextTry: 0, reason: undefined })
      const kept = (await files.certificate(wanted.id))?.certificate
      log.info({ names, until: kept?.validTo }, 'a certificate was given')
      await this.#deps.changed()
      return Math.max(dueAt(names, kept), clock.now() + LEAST_PAUSE_MS)
    }
    const { reason, failed } = outcome
    const after = afterFailure(record, { reason, failed, names }, present, clock.now())
    await this.#remember(wanted.id, after)
    const nextTry = new Date(after.nextTry).toISOString()
    log.warn({ names, reason, nextTry, until: present?.validTo }, 'no certificate was given')
    return /rate ?limit|too many/i.test(reason) ? 'enough' : after.nextTry
  }

  /**
   * Of domains that are not ours any more: what went wrong at once, certificates when they would be renewed. Else everybody
   * would be told for ever that they have ended.
   */
  async #forgetOthers(wanted: ReadonlySet<string>): Promise<void> {
    const { clock, files } = this.#deps
    const records = await files.records()
    const left = new Map([...records].filter(([id]) => wanted.has(id)))
    if (left.size < records.size) await files.keepRecords(left)
    const others = (await files.certificates()).filter(({ id }) => id.startsWith(OF_DOMAIN) && !wanted.has(id))
    const gone = others.filter(({ certificate }) => dueAt([], certificate) <= clock.now())
    for (const { id } of gone) await files.remove(id)
    if (gone.length > 0) await this.#deps.changed()
  }

  async #whereNamesLead({ names, domain }: WantedCertificate): Promise<ReadonlyMap<string, boolean | undefined>> {
    if (domain === undefined) return new Map()
    return new Map(
      await Promise.all(names.map(async (name) => [name, await this.#deps.leadsHere(name, this.#config)] as const)),
    )
  }

  async #ask(
    { id }: WantedCertificate,
    names: readonly string[],
    { failures }: AcmeRecord,
    { directory, email, ca, account }: AcmeConfig,
  ): Promise<OrderOutcome> {
    const { files, order } = this.#deps
    const ways = challengeTypes(this.#config)
    try {
      const request = {
        directory,
        email,
        ca: ca === undefined ? undefined : await readFile(ca, 'utf8'),
        account:
          account === undefined
            ? undefined
            : { kid: account.keyId, hmacKey: (await readFile(account.keyFile, 'utf8')).trim() },
        accountKey: await files.accountKey(),
        names,
        key: await files.keyOf(id),
        // each other try begins with the other way
        challenges: failures % 2 === 0 ? ways : ways.toReversed(),
      }
      return await order(request, this.#stopping.signal)
    } catch (error) {
      // a file that cannot be read or written: told as what it is, and tried again
      return { ok: false, reason: error instanceof Error ? error.message : String(error), failed: [] }
    }
  }

  async #remember(id: string, record: AcmeRecord): Promise<void> {
    const { files } = this.#deps
    await files.keepRecords(new Map(await files.records()).set(id, record))
  }
}

/** The ways to show that names are ours, by the listeners there are. */
function challengeTypes({ tls: { acme }, listen }: Config): readonly ChallengeType[] {
  if (acme !== undefined && acme.challenge !== 'auto') return [acme.challenge]
  // one on loopback is reached through a web server that passes the path on
  const open = listen.http.some(({ host }) => host !== '::1' && !host.startsWith('127.'))
  if (listen.https.length === 0) return ['http-01']
  if (listen.http.length === 0) return ['tls-alpn-01']
  return open ? ['http-01', 'tls-alpn-01'] : ['tls-alpn-01', 'http-01']
}
