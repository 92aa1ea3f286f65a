/** Sockets that listen, for one thread. @module */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { HANDSHAKE_MS, KEEP_ALIVE_MS } from '#lib/peer-limits.ts'
import { serverHandshake } from '#lib/tls-handshake.ts'
import type { NetworkTest } from '#services/networks.ts'
import type { Log, TlsIdentity } from '#services/session-deps.ts'
import type { ProxyHeader } from '#wire/proxy/header.ts'
import type { Handshakes } from './handshakes.ts'
import { standIn, takeProxyHeader } from './proxied-socket.ts'

/** An address to listen on. */
export interface Endpoint {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

/** What takes accepted sockets over. */
export interface Acceptor {
  accept(socket: Socket, how: { readonly secure: boolean }): void
}

const PROXY_TIMEOUT_MS = 5_000
const BACKLOG = 1024

/** As people write it. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** An address that cannot be had, with the reason in plain words. */
export class ListenFault extends Error {
  readonly endpoint: Endpoint
  readonly code: string

  constructor(endpoint: Endpoint, cause: NodeJS.ErrnoException) {
    super(`Cannot listen on ${formatEndpoint(endpoint)}: ${explain(cause)}`, { cause })
    this.endpoint = endpoint
    this.code = cause.code ?? 'UNKNOWN'
  }
}

function explain(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return 'another program uses that port'
    case 'EACCES':
      return 'ports below 1024 need root or CAP_NET_BIND_SERVICE'
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address'
    default:
      return error.message
  }
}

/**
 * Binds the address once without `reusePort` and lets it go: with `reusePort` a second server would silently take half
 * of the connections (design §5).
 * @returns The endpoint with its port, where any was asked for.
 */
export async function probe(endpoint: Endpoint): Promise<Endpoint> {
  const server = createServer()
  const bound = await listen(server, endpoint, false)
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return bound
}

/** Listens, and hands what comes to `acceptor`; TLS handshakes are done before. */
export async function open(
  endpoint: Endpoint,
  acceptor: Acceptor,
  options: {
    readonly implicitTls: TlsIdentity | undefined
    /** What ALPN calls the protocol, where TLS is implicit and it has a name. */
    readonly alpn?: string | undefined
    readonly reusePort: boolean
    /** Proxies whose connections begin with the PROXY protocol. */
    readonly proxies?: NetworkTest
    /** Counts them where TLS is implicit. */
    readonly handshakes?: Handshakes
    readonly log: Log
  },
): Promise<{ readonly endpoint: Endpoint; close(): Promise<void> }> {
  const { implicitTls, alpn, reusePort, proxies, handshakes, log } = options
  function take(socket: Socket, header?: ProxyHeader): void {
    if (implicitTls === undefined) acceptor.accept(socket, { secure: false })
    else void handshake(socket, implicitTls, { alpn, acceptor, handshakes, log, header })
  }
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }, (socket) => {
    if (proxies?.(socket.remoteAddress ?? '') === true) void takeProxied(socket, take, log)
    else take(socket)
  })
  const bound = await listen(server, endpoint, reusePort)
  // Behind `listen`, which takes the errors of binding for itself.
  server.on('error', (error) => log.error({ error, endpoint: formatEndpoint(endpoint) }, 'listener failed'))
  return { endpoint: bound, close: () => new Promise((resolve) => server.close(() => resolve())) }
}

/** A connection of a trusted proxy without a header is refused: nobody may stand in for the proxy itself. */
async function takeProxied(
  socket: Socket,
  take: (socket: Socket, header: ProxyHeader) => void,
  log: Log,
): Promise<void> {
  const proxy = socket.remoteAddress
  const header = await takeProxyHeader(socket, PROXY_TIMEOUT_MS)
  if (typeof header === 'string') {
    // a port that is only tried out is no cause for a warning
    log[header === 'closed' ? 'debug' : 'warn']({ proxy, why: header }, 'a proxy sent no PROXY header')
    return
  }
  standIn(socket, header)
  take(socket, header)
}

interface Onward {
  readonly alpn: string | undefined
  readonly acceptor: Acceptor
  readonly handshakes: Handshakes | undefined
  readonly log: Log
  readonly header: ProxyHeader | undefined
}

async function handshake(socket: Socket, identity: TlsIdentity, onward: Onward): Promise<void> {
  const { alpn, acceptor, handshakes, log, header } = onward
  if (handshakes?.begin(socket) === false) {
    log.debug({ remote: socket.remoteAddress }, 'too many TLS handshakes at once from one address')
    return
  }
  let secure: Socket
  try {
    secure = await serverHandshake(socket, identity, HANDSHAKE_MS, alpn)
  } catch (error) {
    log.debug(
      { error: error instanceof Error ? error.message : error, remote: socket.remoteAddress },
      'TLS handshake failed',
    )
    return
  } finally {
    handshakes?.end(socket)
  }
  if (header !== undefined) standIn(secure, header)
  acceptor.accept(secure, { secure: true })
}

async function listen(server: Server, endpoint: Endpoint, reusePort: boolean): Promise<Endpoint> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new ListenFault(endpoint, error)))
    server.listen({ host: endpoint.host, port: endpoint.port, backlog: BACKLOG, reusePort }, () => {
      server.removeAllListeners('error')
      resolve()
    })
  })
  return { host: endpoint.host, port: (server.address() as AddressInfo).port }
}
