/** The network of this machine as discovery needs it: HTTPS, DNS, TLS. @module */
import { Resolver } from 'node:dns/promises'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { connect, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { beginTls, type TlsOptions } from '../tls.ts'
import { CONFIG_BYTES, PROBE_BYTES, REDIRECTS, STEP_MS } from './limits.ts'
import type { DiscoveryNetwork, MailProtocol, ProbeTarget, SrvRecord } from './types.ts'

export interface SystemNetworkOptions {
  /** Which authorities are trusted, for files and servers alike. */
  readonly tls?: Pick<TlsOptions, 'ca'>
  /** `address:port` of name servers; default: the system's. */
  readonly nameServers?: readonly string[]
}

/** See the module. */
export function systemNetwork(options: SystemNetworkOptions = {}): DiscoveryNetwork {
  const tls = options.tls ?? {}
  return {
    fetch: (url, signal) => fetchFile(url, tls, signal, REDIRECTS),
    srv: (name, signal) => lookUp(name, options.nameServers, signal),
    probe: (target, signal) => probe(target, tls, signal),
  }
}

/** A file; redirects are followed to `https:` only, so that nobody on the way can put another in place. */
async function fetchFile(
  url: string,
  tls: Pick<TlsOptions, 'ca'>,
  signal: AbortSignal,
  redirects: number,
): Promise<string | undefined> {
  if (new URL(url).protocol !== 'https:') throw new Error(`${url} is not fetched: it is not https`)
  const response = await get(url, tls, signal)
  try {
    const { statusCode = 0, headers } = response
    if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
      if (redirects === 0) throw new Error('too many redirects')
      if (!URL.canParse(headers.location, url)) throw new Error('a broken redirect')
      return await fetchFile(new URL(headers.location, url).href, tls, signal, redirects - 1)
    }
    if (statusCode === 404 || statusCode === 410 || statusCode === 403) return undefined
    if (statusCode !== 200) throw new Error(`HTTP status ${statusCode}`)
    return await readLimited(response)
  } finally {
    response.destroy()
  }
}

async function readLimited(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let octets = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    octets += chunk.length
    if (octets > CONFIG_BYTES) throw new Error(`the file has more than ${CONFIG_BYTES} octets`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function get(url: string, { ca }: Pick<TlsOptions, 'ca'>, signal: AbortSignal): Promise<IncomingMessage> {
  const trusted = ca === undefined ? {} : { ca: [ca].flat().map((pem) => Buffer.from(pem)) }
  return new Promise((resolve, reject) => {
    const headers = { accept: 'text/xml, application/xml' }
    const asked = request(url, { ...trusted, signal, headers, agent: false }, resolve)
    asked.on('error', reject)
    asked.end()
  })
}

async function lookUp(
  name: string,
  nameServers: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<readonly SrvRecord[]> {
  const resolver = new Resolver({ timeout: STEP_MS / 2, tries: 2 })
  if (nameServers !== undefined) resolver.setServers([...nameServers])
  const cancel = (): void => resolver.cancel()
  signal.addEventListener('abort', cancel)
  try {
    const records = await resolver.resolveSrv(name)
    return records.map(({ name: host, port, priority, weight }) => ({ host, port, priority, weight }))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOTFOUND' || code === 'ENODATA') return []
    throw error
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

/** What is said up to TLS: what the server's answer must be, and what is said to it then. */
const STARTTLS: Readonly<Record<MailProtocol, readonly (readonly [answer: RegExp, say: string])[]>> = {
  imap: [
    [/^\* OK[^\n]*\n$/m, 'a STARTTLS\r\n'],
    [/^a OK[^\n]*\n$/m, ''],
  ],
  pop3: [
    [/^\+OK[^\n]*\n$/, 'STLS\r\n'],
    [/^\+OK[^\n]*\n$/, ''],
  ],
  smtp: [
    [/^220 [^\n]*\n$/m, 'EHLO [127.0.0.1]\r\n'],
    [/^250 [^\n]*\n$/m, 'STARTTLS\r\n'],
    [/^220 [^\n]*\n$/m, ''],
  ],
}

async function probe(
  { protocol, host, port, security }: ProbeTarget,
  tls: Pick<TlsOptions, 'ca'>,
  signal: AbortSignal,
): Promise<'fits' | 'nothing' | 'untrusted'> {
  let socket: Socket | undefined
  const abort = (): void => void socket?.destroy(new Error('no answer in time'))
  signal.addEventListener('abort', abort)
  try {
    if (security === 'tls') socket = beginTls({ host, port }, tls, protocol === 'smtp' ? undefined : protocol)
    else {
      socket = connect({ host, port })
      for (const [answer, say] of STARTTLS[protocol]) await answered(socket, answer, say)
      socket = beginTls({ host, socket }, tls, undefined)
    }
    await handshake(socket as TLSSocket)
    return 'fits'
  } catch (error) {
    return isAboutCertificate(error) ? 'untrusted' : 'nothing'
  } finally {
    signal.removeEventListener('abort', abort)
    socket?.on('error', () => undefined)
    socket?.destroy()
  }
}

function handshake(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve)
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('closed')))
  })
}

/** Reads up to an answer and goes on; an answer that does not fit is waited over until the time is up. */
function answered(socket: Socket, answer: RegExp, say: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    const hear = (chunk: Buffer): void => {
      text += chunk.toString('latin1')
      if (text.length > PROBE_BYTES) reject(new Error('a long answer'))
      if (!answer.test(text)) return
      socket.off('data', hear)
      socket.pause()
      if (say !== '') socket.write(say)
      resolve()
    }
    socket.on('data', hear)
    socket.resume()
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('closed')))
  })
}

/** Codes of OpenSSL for certificates, and Node's own. */
function isAboutCertificate(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return false
  return error.code.includes('CERT') || error.code.startsWith('UNABLE_TO_')
}
