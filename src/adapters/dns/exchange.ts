/** One question to one server, over UDP or TCP. @module */
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'

export interface DnsServer {
  /** IP address. */
  readonly host: string
  readonly port: number
}

/** Why a server said nothing that counts: `no answer`, or the code of the system's error. */
export interface Silence {
  readonly silence: string
}

/**
 * Sends a datagram from a port of its own and waits for one that counts, from that server alone.
 * @param accept What a datagram means; `undefined`: it is not the answer, and the wait goes on.
 */
export function askUdp<T>(
  { host, port }: DnsServer,
  question: Uint8Array,
  accept: (bytes: Uint8Array) => T | undefined,
  ms: number,
): Promise<T | Silence> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(bareAddress(host)) ? 'udp6' : 'udp4')
    let ended = false
    const end = (outcome: T | Silence): void => {
      if (ended) return
      ended = true
      clearTimeout(timer)
      socket.close()
      resolve(outcome)
    }
    const timer = setTimeout(() => end({ silence: 'no answer' }), ms)
    socket.on('error', (error) => end({ silence: codeOf(error) }))
    socket.on('message', (bytes) => {
      const outcome = ended ? undefined : accept(bytes)
      if (outcome !== undefined) end(outcome)
    })
    socket.on('connect', () => {
      if (!ended) socket.send(question)
    })
    // connected: the system drops what others send, and tells of a port where nobody is
    socket.connect(port, host)
  })
}

/** The same over a connection of its own (RFC 7766 §5): one message each way, length before it. */
export function askTcp<T>(
  { host, port }: DnsServer,
  question: Uint8Array,
  accept: (bytes: Uint8Array) => T | undefined,
  ms: number,
): Promise<T | Silence> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true })
    const chunks: Buffer[] = []
    let length = 0
    const end = (outcome: T | Silence): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(outcome)
    }
    const timer = setTimeout(() => end({ silence: 'no answer over TCP' }), ms)
    socket.on('error', (error) => end({ silence: `${codeOf(error)} over TCP` }))
    socket.on('close', () => end({ silence: 'closed over TCP' }))
    socket.on('connect', () => {
      const head = Buffer.alloc(2)
      head.writeUInt16BE(question.length)
      socket.write(Buffer.concat([head, question]))
    })
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      length += chunk.length
      if (length < 2) return
      const all = Buffer.concat(chunks)
      if (length < 2 + all.readUInt16BE(0)) return
      end(accept(all.subarray(2, 2 + all.readUInt16BE(0))) ?? { silence: 'another answer over TCP' })
    })
  })
}

function bareAddress(host: string): string {
  return host.replace(/%.*$/, '')
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
