/** One thread that speaks with clients: its listeners and the sessions behind them (design §5). @module */
import { openEmbeddedStore } from '#adapters/embedded/embedded-store.ts'
import type { EmbeddedConnection } from '#adapters/embedded/options.ts'
import type { Config, Listener } from '#config/config.ts'
import { ImapService } from '#imap/service.ts'
import { systemClock } from '#lib/clock.ts'
import type { Pop3Options } from '#pop3/service.ts'
import { type AskChecks, type ChecksGate, GatedChecks } from '#services/gated-checks.ts'
import { type NetworkTest, networkTest } from '#services/networks.ts'
import type { OAuthOffer } from '#services/oauth-tokens.ts'
import type { Registry } from '#services/registry.ts'
import type { Log, SessionDeps, SessionLimits } from '#services/session-deps.ts'
import { SenderRewriting } from '#services/srs.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { Outbox } from '#store/queue.ts'
import type { SearchIndex } from '#store/search-index.ts'
import { Handshakes } from './handshakes.ts'
import { LaterService } from './later-service.ts'
import { type Acceptor, type Endpoint, open } from './listeners.ts'
import { ThreadMeter } from './meter.ts'
import { ThreadTls, type TlsMaterial } from './tls.ts'

/** Listeners that protocol threads open; `http` and `https` belong to the main thread. */
export type MailListener = Exclude<Listener, 'http' | 'https'>

/** Where each kind of listener listens. */
export type MailEndpoints = Readonly<Record<MailListener, readonly Endpoint[]>>

/** What a thread is started with; cloneable but for the ports of `store`, which are transferred. */
export interface ThreadSetup {
  /** From 0; in connection ids where there are several threads. */
  readonly number: number
  readonly threads: number
  readonly hostname: string
  readonly endpoints: MailEndpoints
  readonly tls: TlsMaterial
  /** For the envelope senders of what is forwarded (`services/srs.ts`). */
  readonly senderKey: Uint8Array
  readonly limits: SessionLimits
  readonly allowPlaintext: boolean
  readonly scramForPasswords: boolean
  readonly unauthenticate: boolean
  readonly oauth: OAuthOffer | undefined
  /** Networks of proxies. */
  readonly proxyFrom: readonly string[]
  /** Connections of one address at once, and networks that it does not count for. */
  readonly perAddress: number
  readonly exempt: readonly string[]
  /** `undefined`: nothing is checked. */
  readonly checks: ChecksGate | undefined
  readonly bareNewline: Config['smtp']['bareNewline']
  readonly submission: Config['submission']
  readonly pop3: Pop3Options
  readonly store: EmbeddedConnection
}

/** Names that ALPN knows (RFC 7301 §6, IANA); the others have none. */
const ALPN: ReadonlyMap<MailListener, string> = new Map([
  ['imaps', 'imap'],
  ['pop3s', 'pop3'],
])
/** TLS handshakes of one thread under way at once. */
const HANDSHAKES_AT_ONCE = 1_000
/** Whoever waits for the server to start comes first. */
const WARM_UP_MS = 1_000
const IMPLICIT_TLS: ReadonlySet<MailListener> = new Set(['imaps', 'pop3s', 'submissions'])

/** What a protocol thread asks others for. */
export interface ThreadServices {
  readonly registry: Registry
  readonly search: SearchIndex
  readonly outbox: Outbox
  readonly checks: AskChecks | undefined
}

/** A running protocol thread, seen from inside it. */
export class ProtocolThread implements AsyncDisposable {
  readonly meter: ThreadMeter
  readonly #tls: ThreadTls
  readonly #proxies: NetworkTest
  readonly #handshakes: Handshakes
  readonly #store: MailStore
  readonly #deps: SessionDeps
  readonly #services: readonly AsyncDisposable[]
  readonly #acceptors: Readonly<Record<MailListener, Acceptor>>
  readonly #listening: { close(): Promise<void> }[] = []

  constructor(setup: ThreadSetup, { registry, search, outbox, checks }: ThreadServices, log: Log) {
    this.meter = new ThreadMeter()
    this.#tls = new ThreadTls(setup.tls)
    this.#proxies = networkTest(setup.proxyFrom)
    this.#handshakes = new Handshakes({
      perAddress: setup.perAddress,
      atOnce: HANDSHAKES_AT_ONCE,
      exempt: networkTest(setup.exempt),
    })
    this.#store = openEmbeddedStore(setup.store, systemClock)
    const rewriting = new SenderRewriting(setup.senderKey, systemClock)
    const deps: SessionDeps = {
      hostname: setup.hostname,
      store: this.#store,
      searchIndex: search,
      registry,
      outbox,
      forwardedSender: (sender, alias) => rewriting.forwardBy(sender, alias),
      limits: setup.limits,
      allowPlaintext: setup.allowPlaintext,
      scramForPasswords: setup.scramForPasswords,
      unauthenticate: setup.unauthenticate,
      oauth: setup.oauth,
      submission: setup.submission,
      checks: setup.checks && checks && new GatedChecks(setup.checks, checks),
      tls: this.#tls,
      clock: systemClock,
      log,
      newConnectionId: connectionIds(setup),
      meter: this.meter,
    }
    this.#deps = deps
    const imap = new ImapService(deps)
    const pop3 = new LaterService(async () => {
      const { Pop3Service } = await import('#pop3/service.ts')
      return new Pop3Service(deps, setup.pop3)
    }, log)
    const smtp = (role: 'mx' | 'submission' | 'lmtp') =>
      new LaterService(async () => {
        const { SmtpService } = await import('#smtp/service.ts')
        return new SmtpService(deps, { role, bareNewline: setup.bareNewline })
      }, log)
    const [mx, submission, lmtp] = [smtp('mx'), smtp('submission'), smtp('lmtp')]
    this.#services = [imap, pop3, mx, submission, lmtp]
    this.#acceptors = { imap, imaps: imap, pop3, pop3s: pop3, lmtp, smtp: mx, submission, submissions: submission }
  }

  /** Opens every listener. @returns where they are, with the ports that were free. */
  async listen(endpoints: MailEndpoints, reusePort: boolean, log: Log): Promise<MailEndpoints> {
    const bound: Record<string, Endpoint[]> = {}
    const later = new Set<LaterService>()
    for (const [name, wanted] of Object.entries(endpoints) as [MailListener, readonly Endpoint[]][]) {
      const here: Endpoint[] = []
      bound[name] = here
      const acceptor = this.#acceptors[name]
      if (wanted.length > 0 && acceptor instanceof LaterService) later.add(acceptor)
      for (const endpoint of wanted) {
        const implicitTls = IMPLICIT_TLS.has(name) ? this.#tls : undefined
        const listener = await open(endpoint, acceptor, {
          implicitTls,
          alpn: ALPN.get(name),
          reusePort,
          proxies: this.#proxies,
          handshakes: this.#handshakes,
          log,
        })
        this.#listening.push(listener)
        here.push(listener.endpoint)
      }
    }
    setTimeout(() => void this.#warmUp(log, later), WARM_UP_MS).unref()
    return bound as unknown as MailEndpoints
  }

  /** Loads what nobody has asked for yet: a server goes on with the code that it began with, also while an update replaces files. */
  async #warmUp(log: Log, later: Iterable<LaterService>): Promise<void> {
    try {
      for (const service of later) await service.load()
      const { warmUp } = await import('#imap/warm-up.ts')
      await warmUp(this.#deps)
    } catch (error) {
      // a server that stops closes its store
      log.debug({ err: error }, 'The warm-up broke off')
    }
  }

  /** New certificates, from the next handshake on. */
  replaceTls(material: TlsMaterial): void {
    this.#tls.replace(material)
  }

  /** No new connections; sessions finish what is in flight; then the store is let go. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([
      ...this.#listening.map((listener) => listener.close()),
      ...this.#services.map((service) => service[Symbol.asyncDispose]()),
    ])
    await this.#store[Symbol.asyncDispose]()
  }
}

/** Short ids that no two connections of a run share, whichever thread they are on. */
function connectionIds({ number, threads }: ThreadSetup): () => string {
  const run = Math.floor(systemClock.now() / 1000).toString(36)
  const thread = threads > 1 ? `${number.toString(36)}-` : ''
  let last = 0
  return () => {
    last += 1
    return `${run}-${thread}${last.toString(36)}`
  }
}
