/** The whole server: installation, protocol threads, control socket, HTTP (design §5). @module */
import { randomBytes } from 'node:crypto'
import type { Config } from '#config/config.ts'
import { shrinkWhenQuiet } from '#lib/quiet-heap.ts'
import type { Log } from '#services/session-deps.ts'
import { senderKey } from '#services/srs.ts'
import type { MailStore } from '#store/mail-store.ts'
import { Challenges } from './acme/challenges.ts'
import { keepCertificates } from './acme/keep-certificates.ts'
import { readCertificates } from './certificates.ts'
import { type ChecksHost, checksOf } from './checks-host.ts'
import { serveControl } from './control.ts'
import { startHttp } from './http.ts'
import { openInstallation, type StoreTuning } from './installation.ts'
import { LaterAdministration } from './later-administration.ts'
import type { Endpoint } from './listeners.ts'
import type { MailEndpoints } from './protocol-thread.ts'
import { queueStart } from './queue-desk.ts'
import { QueueHost } from './queue-host.ts'
import { queueLink } from './queue-link.ts'
import { startThreads } from './threads.ts'
import { readAuthorities, type TlsMaterial } from './tls.ts'

/** A server whose listeners accept. */
export interface RunningServer extends AsyncDisposable {
  readonly endpoints: MailEndpoints & { readonly http: readonly Endpoint[]; readonly https: readonly Endpoint[] }
  readonly administration: LaterAdministration
  readonly store: MailStore
  /** `undefined`: nothing is checked. */
  readonly checks: ChecksHost | undefined
  readonly log: Log
  /** Path of the authority's certificate when Malle made its own. */
  readonly ca: string | undefined
  /** Rejects when the server cannot go on. */
  readonly failed: Promise<never>
  /** Reads certificates again; they count from the next handshake on. */
  reload(config: Config): Promise<void>
}

/** Whoever waits for the server to start comes first. */
const LEISURE_MS = 1_500

/**
 * Starts everything; what was started is ended again when something fails.
 * @param tuned for suites only.
 */
export async function startServer(config: Config, log: Log, tuned?: StoreTuning): Promise<RunningServer> {
  await using started = new AsyncDisposableStack()
  const since = new Date()
  const parts = started.use(await openInstallation(config, log, tuned))
  const ticketKeys = randomBytes(48)
  const certificates = await readCertificates(config, log)
  const tls: TlsMaterial = { pairs: certificates.pairs, clientCa: certificates.clientCa, ticketKeys }
  const { registry, host, search } = parts
  search.start()
  const checks = started.use(checksOf(config, log))
  const sender = senderKey(await parts.directory.secret())
  const authorities = config.queue.ca === undefined ? undefined : await readAuthorities(config.queue.ca)
  const queue = started.use(
    new QueueHost({ start: queueStart(config, authorities), log, connect: () => queueLink(registry, host, sender) }),
  )
  queue.start()
  const { directory, store } = parts
  parts.sending.onOutburst(async (outburst) => {
    const { onOutburst } = await import('./outbursts.ts')
    await onOutburst({ config, directory, registry, store, queue, log }, outburst)
  })
  const threads = started.use(await startThreads({ config, tls, sender, registry, host, search, queue, checks, log }))
  const challenges = new Challenges()
  const http = started.use(await startHttp({ config, threads, queue, installation: parts, tls, challenges, log }))
  let current = config
  const showAgain = async (): Promise<void> => {
    const { pairs, clientCa } = await readCertificates(current, log)
    const material = { pairs, clientCa, ticketKeys }
    threads.replaceTls(material)
    http.replaceTls(material)
  }
  const keeper = started.use(keepCertificates(config, { directory, challenges, log, changed: showAgain }))
  const endpoints = { ...threads.endpoints, ...http.endpoints }
  const administration = new LaterAdministration(parts, queue, {
    status: () => ({
      since: since.toISOString(),
      endpoints,
      threads: threads.count,
      threadRestarts: threads.restarts,
      connections: parts.registry.sessions().length,
      silentLists: checks?.silentLists ?? [],
    }),
    domainAdded: () => keeper.start(current),
  })
  started.use(
    await serveControl(config.data, (verb, args, progress, signal) =>
      administration.askAnything(verb, args, progress, signal),
    ),
  )
  started.defer(() => parts.registry.stop())
  started.defer(shrinkWhenQuiet())
  const failed = (error: unknown): void => log.error({ error }, 'what carries out verbs cannot be loaded')
  const atLeisure = setTimeout(() => void administration.load().catch(failed), LEISURE_MS).unref()
  started.defer(() => clearTimeout(atLeisure))
  const running = started.move()
  log.info({ endpoints, threads: threads.count }, 'ready')
  keeper.start()
  return {
    endpoints,
    administration,
    store: parts.store,
    checks,
    log,
    ca: certificates.ca,
    failed: new Promise(() => undefined),
    async reload(fresh) {
      const before = current
      current = fresh
      try {
        await showAgain()
      } catch (error) {
        current = before
        throw error
      }
      keeper.start(fresh)
      log.info({}, 'certificates read again')
    },
    async [Symbol.asyncDispose]() {
      log.info({}, 'stopping')
      await running.disposeAsync()
      log.info({}, 'stopped')
    },
  }
}
