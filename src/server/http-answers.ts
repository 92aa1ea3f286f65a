/**
 * What is answered over HTTP. Loaded by the first question: most servers are asked by nobody for a while, and these
 * libraries are a good part of the memory of one that rests.
 * @module
 */
import type { X509Certificate } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { AggregatorRegistry, collectDefaultMetrics, Gauge, Registry as MetricsRegistry } from 'prom-client'
import type { SearchIndexStatus } from '#adapters/search/host.ts'
import { httpApp } from '#http/app.ts'
import { formatNetwork } from '#lib/network.ts'
import { networkTest } from '#services/networks.ts'
import type { HttpOptions } from './http.ts'
import { mtaStsPolicy, publicServices } from './public-names.ts'
import { queueMetrics } from './queue-metrics.ts'
import { namesOf } from './tls.ts'

/** @param shown The certificates in use. */
export function httpAnswers(options: HttpOptions, shown: () => readonly X509Certificate[]): RequestListener {
  const { config, threads, installation } = options
  const metrics = installationMetrics(options)
  certificateMetric(metrics.registry, shown)
  const app = httpApp({
    problems: () => problemsOf(options),
    metrics: async () => {
      await metrics.refresh()
      const lists = [...(await threads.metrics()), await metrics.registry.getMetricsAsJSON()]
      // prom-client's own aggregation: counters and histograms of threads are added up
      const merged = AggregatorRegistry.aggregate(lists)
      return { contentType: merged.contentType, text: await merged.metrics() }
    },
    mayWatch: networkTest(config.http.watchers.map(formatNetwork)),
    settings: {
      isOurs: async (domain) => (await installation.directory.domain(domain)) !== undefined,
      hostname: config.hostname,
      services: () => publicServices(config, threads.endpoints),
      policy: () => mtaStsPolicy(config),
    },
  })
  const listener = getRequestListener(app.fetch)
  return (request, response) => void listener(request, response)
}

async function problemsOf({ installation, queue }: HttpOptions): Promise<readonly string[]> {
  const shards = await installation.host.status()
  const { failing } = await queue.status()
  const sick = shards.filter(({ state }) => state !== 'ok')
  return [...sick.map(({ shard, state }) => `shard ${shard} is ${state}`), ...(failing ? ['the queue fails'] : [])]
}

function certificateMetric(registry: MetricsRegistry, shown: () => readonly X509Certificate[]): void {
  new Gauge({
    name: 'malle_certificate_expiry_timestamp_seconds',
    help: 'When a certificate ends, by the first of its names',
    labelNames: ['name'],
    registers: [registry],
    collect() {
      this.reset()
      for (const certificate of shown())
        this.set({ name: namesOf(certificate)[0] ?? '' }, certificate.validToDate.getTime() / 1_000)
    },
  })
}

/** What the main thread measures: the process, connections by protocol, each shard (as of the last `refresh`). */
function installationMetrics({ installation, queue, threads }: HttpOptions): {
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
  const showQueue = queueMetrics(queue, registers)
  const shards = new Gauge({ name: 'malle_shards', help: 'Shards of the store', registers })
  return {
    registry,
    // Not in a `collect`: prom-client reads all metrics at once and would show the shards as they were before.
    async refresh() {
      const list = await installation.host.status()
      shards.set(list.length)
      await showQueue()
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
