/** Connections over HTTP, counted with all others: nobody has more of this server by asking another way. @module */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { systemClock } from '#lib/clock.ts'
import type { NetworkTest } from '#services/networks.ts'
import type { Registry } from '#services/registry.ts'
import type { Log } from '#services/session-deps.ts'

export interface HttpCounting {
  readonly registry: Pick<Registry, 'connect' | 'disconnect'>
  /** Those that watch the server, and proxies near it: they must be heard when it is full, too. */
  readonly exempt: NetworkTest
  readonly log: Log
}

/** Short ids that no two connections have. */
export function httpConnectionIds(): () => string {
  const run = Math.floor(systemClock.now() / 1000).toString(36)
  let last = 0
  return () => {
    last += 1
    return `${run}-h${last.toString(36)}`
  }
}

/**
 * Counts what a listener accepts against the limits of all connections and of an address; what is too much is closed at
 * once. With TLS, handshakes count from their beginning.
 */
export function countHttpConnections(
  server: Pick<Server, 'on'>,
  secure: boolean,
  newId: () => string,
  { registry, exempt, log }: HttpCounting,
): void {
  server.on('connection', (socket: Socket) => {
    const { remoteAddress = '', remotePort = 0, localPort = 0 } = socket
    if (exempt(remoteAddress)) return
    const id = newId()
    const since = systemClock.now()
    const info = { id, protocol: 'http', remoteAddress, remotePort, localPort, secure, since } as const
    const admitted = registry.connect(info, ({ kind }) => {
      if (kind === 'close') socket.destroy()
    })
    admitted.then(
      (answer) => {
        if (answer.ok) {
          if (socket.destroyed) registry.disconnect(id)
          else socket.once('close', () => registry.disconnect(id))
          return
        }
        log.info({ connection: id, remoteAddress, reason: answer.error.kind }, 'HTTP connection refused')
        socket.destroy()
      },
      (error: unknown) => {
        log.error({ connection: id, error }, 'an HTTP connection could not be counted')
        socket.destroy()
      },
    )
  })
}
