/** What the queue thread sends with: resolver, policies, keys, the store for mail that stays here. @module */
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { MessagePort } from 'node:worker_threads'
import { openResolver } from '#adapters/dns/dns-resolver.ts'
import { openEmbeddedStore } from '#adapters/embedded/embedded-store.ts'
import type { EmbeddedConnection } from '#adapters/embedded/options.ts'
import { QueueFiles } from '#adapters/sqlite/queue-files.ts'
import { openTlsRecords } from '#adapters/sqlite/tls-records.ts'
import type { Config } from '#config/config.ts'
import { systemClock } from '#lib/clock.ts'
import type { Result } from '#lib/result.ts'
import { Connections } from '#outbound/connections.ts'
import { openHere } from '#outbound/here.ts'
import { keptPrefixes } from '#outbound/kept-prefixes.ts'
import { MtaSts } from '#outbound/mta-sts.ts'
import { policyFetch } from '#outbound/policy-fetch.ts'
import { isThisMachine, Routes } from '#outbound/routes.ts'
import { Scheduler } from '#outbound/scheduler.ts'
import { tlsPolicies } from '#outbound/tls-policies.ts'
import { RemoteRegistry } from '#services/remote-registry.ts'
import type { Log } from '#services/session-deps.ts'
import { SenderRewriting } from '#services/srs.ts'
import type { EnqueueRefusal, NewMessage, QueueStore } from '#store/queue.ts'
import { openQueueSigning } from './queue-signing.ts'
import { startTlsReporting } from './tls-reporting.ts'

/** What the configuration says of sending; cloneable. */
export interface SendingSettings {
  readonly data: string
  readonly hostname: string
  readonly queue: Config['queue']
  readonly routes: Config['routes']
  readonly dns: Config['dns']
  /** Mail from other servers is checked. */
  readonly checked: boolean
  /** PEM of `queue.ca`. */
  readonly authorities: string | undefined
}

/** A thread's ways to the rest; its ports are transferred. */
export interface SendingLink {
  readonly store: EmbeddedConnection
  readonly registry: MessagePort
  /** For the envelope senders of what goes on by an alias. */
  readonly senderKey: Uint8Array
}

export interface Sending {
  readonly scheduler: Scheduler
  /** Finishes what is in flight, then lets go of everything but the queue. */
  stop(): Promise<void>
}

export async function startSending(
  store: QueueStore,
  directory: string,
  settings: SendingSettings,
  link: SendingLink,
  log: Log,
): Promise<Sending> {
  const { data, hostname, queue, dns, authorities } = settings
  // of this thread alone, where all TLS is with servers of others
  if (authorities !== undefined) setDefaultCACertificates([...getCACertificates('default'), authorities])
  const stopping = new AbortController()
  const resources = new AsyncDisposableStack()
  const mail = resources.use(openEmbeddedStore(link.store, systemClock))
  const records = resources.use(await openTlsRecords(directory))
  const resolver = openResolver(dns)
  const files = new QueueFiles(directory)
  const enqueue = async (messages: readonly NewMessage[]): Promise<Result<void, EnqueueRefusal>> => {
    const enqueued = await store.enqueue(messages)
    scheduler.poke()
    return enqueued
  }
  const reporting = { records, resolver, stage: () => files.stage(), enqueue, submitter: hostname }
  const { results } = resources.use(startTlsReporting(queue.tlsReports, reporting, after, log))
  const found = tlsPolicies({
    resolver,
    mtaSts: new MtaSts({
      resolver,
      records,
      fetch: policyFetch({ resolver, port: queue.httpsPort, signal: stopping.signal }),
      clock: systemClock,
      onFault: (domain, fault) => {
        log.info({ domain, fault }, 'the MTA-STS policy cannot be had')
        results?.fetchFault(domain, fault)
      },
    }),
  })
  const policies = results?.noting(found) ?? found
  const routes = new Routes({
    resolver,
    policies,
    settings: settings.routes,
    hostname,
    port: queue.port,
    isOurs: isThisMachine,
    random: Math.random,
  })
  const { connections: most, messagesPerConnection } = queue
  const connections = new Connections({
    routes,
    hostname,
    messagesPerConnection,
    most,
    after,
    ...(results === undefined ? {} : { tried: results.tried }),
  })
  const registry = new RemoteRegistry(link.registry)
  const rewriting = new SenderRewriting(link.senderKey, systemClock)
  const signing = resources.use(openQueueSigning({ data, hostname, checked: settings.checked, log }))
  const scheduler = new Scheduler({
    store,
    stage: () => files.stage(),
    routes,
    connections,
    local: openHere({
      store: mail,
      clock: systemClock,
      hostname,
      registry,
      stage: () => files.stage(),
      forwardedSender: (sender, alias) => rewriting.forwardBy(sender, alias),
    }),
    sign: keptPrefixes(signing, store),
    settings: queue,
    hostname,
    clock: systemClock,
    after,
    random: Math.random,
    log,
  })
  return {
    scheduler,
    async stop() {
      await scheduler.stop()
      stopping.abort()
      await resources.disposeAsync()
      link.registry.close()
    },
  }
}

function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}
