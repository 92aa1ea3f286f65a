/** The HTTP listeners, in the main thread. @module */
import { createServer, type Server } from 'node:http'
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { AggregatorRegistry, collectDefaultMetrics, Gauge, Registry as MetricsRegistry } from 'prom-client'
import type { SearchIndexStatus } from '#adapters/search/host.ts'
import type { Config } from '#config/config.ts'
import { httpApp } from '#http/app.ts'
import type { Log } from '#services/session-deps.ts'
import type { Installation } from './installation.ts'
import { type Endpoint, ListenFault } from './listeners.ts'
import type { ProtocolThreads } from './threads.ts'
import { ThreadTls, type TlsMaterial } from './tls.ts'

export interface HttpOptions {
  readonly config: Config
  readonly threads: ProtocolThreads
  readonly installation: Installation
  readonly tls: TlsMaterial
  readonly log: Log
}

export interface HttpListeners extends AsyncDisposable {
  readonly endpoints: { readonly http: readonly Endpoint[]; readonly https: readonly Endpoint[] }
  replaceTls(material: TlsMaterial): void
}

/** Opens the HTTP listeners of the configuration. */
export async function startHttp(options: HttpOptions): Promise<HttpListeners> {
  const { config, tls } = options
  const metrics = config.listen.http.length + config.listen.https.length > 0 ? installationMetrics(options) : undefined
  const app = httpApp({
    problems: () => problemsOf(options),
    metrics: async () => {
      await metrics?.refresh()
      const lists = [...(await options.threads.metrics()), (await metrics?.registry.getMetricsAsJSON()) ?? []]
      // prom-client's own aggregation: counters and histograms of threads are added up
      const merged = AggregatorRegistry.aggregate(lists)
      return { contentType: merged.contentType, text: await merged.metrics() }
    },
  })
  const listener = getRequestListener(app.fetch)
  const contexts = new ThreadTls(tls)
  const servers: (Server | SecureServer)[] = []
  const open = async (make: () => Server | SecureServer, wanted: readonly Endpoint[]): Promise<Endpoint[]> => {
    const bound: Endpoint[] = []
    for (const endpoint of wanted) {
      const server = make()
      servers.push(server)
      bound.push(await listen(server, endpoint))
    }
    return bound
  }
  const close = async () => {
    for (const server of servers) server.closeAllConnections()
    await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))))
  }
  try {
    const http = await open(
      () => createServer((request, response) => void listener(request, response)),
      config.listen.http,
    )
    const https = await open(
      () =>
        createSecureServer(
          {
            ...tls.pairs[0],
            minVersion: 'TLSv1.2',
            SNICallback: (name, callback) => callback(null, contexts.context(name)),
          },
          (request, response) => void listener(request, response),
        ),
      config.listen.https,
    )
    return {
      endpoints: { http, https },
      replaceTls(material) {
        contexts.replace(material)
        for (const server of servers)
          if ('setSecureContext' in server && material.pairs[0] !== undefined)
            server.setSecureContext(material.pairs[0])
      },
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function problemsOf({ installation }: HttpOptions): Promise<readonly string[]> {
  const shards = await installation.host.status()
  return shards.filter(({ state }) => state !== 'ok').map(({ shard, state }) => `shard ${shard} is ${state}`)
}

/** What the main thread measures: the process, connections by protocol, each shard (as of the last `refresh`). */
function installationMetrics({ installation, threads }: HttpOptions): {
  readonly registry: MetricsRegistry
  refresh(): Promise<void>
} {
  const registry = new MetricsRegistry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'malle_connections',
    help: 'Open connections, by protocol',
    labelNames: ['protocol'],
    registers,
    collect() {
      this.reset()
      for (const [protocol, count] of installation.registry.counts()) this.set({ protocol }, count)
    },
  })
  new Gauge({
    name: 'malle_thread_restarts',
    help: 'Protocol threads started again',
    registers,
    collect: function () {
      this.set(threads.restarts)
    },
  })
  const search = (name: keyof SearchIndexStatus, metric: string, help: string) =>
    new Gauge({
      name: `malle_search_index_${metric}`,
      help,
      registers,
      collect() {
        this.set(installation.search.status()[name])
      },
    })
  search('accounts', 'accounts', 'Accounts that have a search index')
  search('waiting', 'backlog', 'Messages that are not in the search index of their account yet, at most')
  search('restarts', 'thread_restarts', 'Threads of the search index that ended by themselves')
  const shard = (name: string, help: string) =>
    new Gauge({ name: `malle_shard_${name}`, help, labelNames: ['shard'], registers })
  const gauges = {
    ok: shard('ok', '1 while the shard takes writes'),
    walBytes: shard('wal_bytes', 'Octets of the write-ahead log'),
    segmentBytes: shard('segment_bytes', 'Octets of segments'),
    liveBytes: shard('live_bytes', 'Octets of segments that belong to mail'),
    requests: shard('requests', 'Writes answered since the start'),
    syncs: shard('syncs', 'Syncs since the start'),
    queued: shard('queued', 'Writes that wait'),
  }
  const shards = new Gauge({ name: 'malle_shards', help: 'Shards of the store', registers })
  return {
    registry,
    // Not in a `collect`: prom-client reads all metrics at once and would show the shards as they were before.
    async refresh() {
      const list = await installation.host.status()
      shards.set(list.length)
      for (const one of list) {
        const labels = { shard: String(one.shard) }
        gauges.ok.set(labels, one.state === 'ok' ? 1 : 0)
        gauges.walBytes.set(labels, one.walBytes)
        gauges.segmentBytes.set(labels, one.segmentBytes)
        gauges.liveBytes.set(labels, one.liveBytes)
        gauges.requests.set(labels, one.requests)
        gauges.syncs.set(labels, one.syncs)
        gauges.queued.set(labels, one.queued)
      }
    },
  }
}

async function listen(server: Server | SecureServer, endpoint: Endpoint): Promise<Endpoint> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new ListenFault(endpoint, error)))
    server.listen(endpoint.port, endpoint.host, () => {
      server.removeAllListeners('error')
      resolve()
    })
  })
  return { host: endpoint.host, port: (server.address() as AddressInfo).port }
}
