/** Sockets behind a proxy that speaks the PROXY protocol: they get the address of the client it speaks for. @module */
import type { Socket } from 'node:net'
import { type ProxyHeader, readProxyStart } from '#wire/proxy/header.ts'

/** Why there was no header. */
export type ProxyFault = 'garbage' | 'too slow' | 'closed'

/**
 * Takes the header from the beginning of a connection; what follows it stays to be read.
 * @returns The header, or why the connection cannot be used; it is destroyed then.
 */
export async function takeProxyHeader(socket: Socket, timeoutMs: number): Promise<ProxyHeader | ProxyFault> {
  const answer = await new Promise<ProxyHeader | ProxyFault>((resolve) => {
    let bytes: Buffer = Buffer.alloc(0)
    const timer = setTimeout(() => finish('too slow'), timeoutMs)
    const lost = (): void => finish('closed')
    function more(): void {
      for (let chunk: unknown = socket.read(); chunk instanceof Buffer; chunk = socket.read()) {
        bytes = Buffer.concat([bytes, chunk])
        const start = readProxyStart(bytes)
        if (start.kind === 'garbage') return finish('garbage')
        if (start.kind === 'more') continue
        const rest = bytes.subarray(start.length)
        if (rest.length > 0) socket.unshift(rest)
        return finish(start.header)
      }
    }
    function finish(end: ProxyHeader | ProxyFault): void {
      clearTimeout(timer)
      socket.off('readable', more)
      for (const event of ['end', 'close'] as const) socket.off(event, lost)
      // an error from here on is the next owner's
      setImmediate(() => socket.off('error', lost))
      resolve(end)
    }
    socket.on('readable', more)
    for (const event of ['end', 'close', 'error'] as const) socket.on(event, lost)
  })
  if (typeof answer === 'string') {
    socket.on('error', () => undefined)
    socket.destroy()
  }
  return answer
}

/** The socket is, for everybody who asks it, from where the proxy says. */
export function standIn(socket: Socket, { ends }: ProxyHeader): void {
  if (ends === undefined) return
  Object.defineProperties(socket, {
    remoteAddress: { value: ends.source.address, configurable: true },
    remotePort: { value: ends.source.port, configurable: true },
    remoteFamily: { value: ends.source.address.includes(':') ? 'IPv6' : 'IPv4', configurable: true },
  })
}
