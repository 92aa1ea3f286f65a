/** The HTTP listeners, in the main thread. @module */
import type { RequestListener, Server } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Config } from '#config/config.ts'
import { formatNetwork } from '#lib/network.ts'
import { networkTest } from '#services/networks.ts'
import type { Log } from '#services/session-deps.ts'
import type { Challenges } from './acme/challenges.ts'
import { choosing } from './acme/choosing.ts'
import { countHttpConnections, httpConnectionIds } from './http-connections.ts'
import type { Installation } from './installation.ts'
import { type Endpoint, ListenFault } from './listeners.ts'
import type { QueueDesk } from './queue-desk.ts'
import type { ProtocolThreads } from './threads.ts'
import { ThreadTls, type TlsMaterial } from './tls.ts'

// An `import` of these would load the runtime's HTTP client with them (see `smtp/engine.ts`).
const { createServer } = process.getBuiltinModule('node:http')
const { createServer: createSecureServer } = process.getBuiltinModule('node:https')

/** Whoever may ask is anybody: bounds of one listener, and of a request until it is read. */
const CONNECTIONS = 1_000
const HEADERS_MS = 10_000
const REQUEST_MS = 30_000

export interface HttpOptions {
  readonly config: Config
  readonly threads: ProtocolThreads
  readonly queue: QueueDesk
  readonly installation: Installation
  readonly tls: TlsMaterial
  /** What a certificate authority asks to be shown. */
  readonly challenges: Challenges
  readonly log: Log
}

export interface HttpListeners extends AsyncDisposable {
  readonly endpoints: { readonly http: readonly Endpoint[]; readonly https: readonly Endpoint[] }
  replaceTls(material: TlsMaterial): void
}

/** Opens the HTTP listeners of the configuration. */
export async function startHttp(options: HttpOptions): Promise<HttpListeners> {
  const { config, tls, challenges } = options
  let answering: Promise<RequestListener> | undefined
  const answer: RequestListener = (request, response) => {
    if (challenges.answer(request, response)) return
    answering ??= import('./http-answers.ts').then(({ httpAnswers }) =>
      httpAnswers(options, () => contexts.certificates),
    )
    answering.then(
      (listener) => listener(request, response),
      (error: unknown) => {
        options.log.error({ error }, 'HTTP cannot be answered')
        response.destroy()
      },
    )
  }
  const contexts = new ThreadTls(tls)
  const servers: (Server | SecureServer)[] = []
  const { registry } = options.installation
  const exempt = networkTest(config.http.watchers.map(formatNetwork))
  const counting = { registry, exempt, log: options.log }
  const newId = httpConnectionIds()
  const open = async (
    make: () => Server | SecureServer,
    wanted: readonly Endpoint[],
    secure: boolean,
  ): Promise<Endpoint[]> => {
    const bound: Endpoint[] = []
    for (const endpoint of wanted) {
      const server = make()
      countHttpConnections(server, secure, newId, counting)
      server.maxConnections = CONNECTIONS
      server.headersTimeout = HEADERS_MS
      server.requestTimeout = REQUEST_MS
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
    const http = await open(() => createServer(answer), config.listen.http, false)
    const https = await open(
      () =>
        createSecureServer(
          {
            ...tls.pairs[0],
            minVersion: 'TLSv1.2',
            ...choosing(contexts, challenges),
          },
          answer,
        ),
      config.listen.https,
      true,
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
