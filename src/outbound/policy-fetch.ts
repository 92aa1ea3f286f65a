/** Fetches the MTA-STS policy of a domain over HTTPS (RFC 8461 §3.3). @module */
import { request } from 'node:https'
import { isIPv6, type LookupFunction } from 'node:net'
import { done, type Result, refused } from '#lib/result.ts'
import type { Resolver } from '#services/resolver.ts'

/** Why there is no policy: in words of RFC 8460 §4.3.2.2, and in ours. */
export interface FetchFault {
  readonly failure: 'sts-policy-fetch-error' | 'sts-policy-invalid' | 'sts-webpki-invalid'
  readonly words: string
}

/** @returns the text of the policy of a domain. */
export type PolicyFetch = (domain: string) => Promise<Result<string, FetchFault>>

export interface PolicyFetchOptions {
  readonly resolver: Pick<Resolver, 'a' | 'aaaa'>
  /** Anything but 443 is for tests. */
  readonly port?: number | undefined
  /** PEM of the authority that alone is trusted, for tests. */
  readonly ca?: string | undefined
  readonly timeoutMs?: number | undefined
  /** Once it is aborted, what is under way never settles: to go on without a policy would be to go on without protection. */
  readonly signal?: AbortSignal | undefined
}

/** Octets of a policy (RFC 8461 §3.3 suggests so many). */
const MOST_OCTETS = 64 * 1024
/** RFC 8461 §3.3 suggests a minute; mail waits for it. */
const TIMEOUT_MS = 20_000

/** Fetches policies from `mta-sts.DOMAIN`: a valid certificate, no redirects, text/plain, not more than 64 KB. */
export function policyFetch(options: PolicyFetchOptions): PolicyFetch {
  const { resolver, port = 443, ca, timeoutMs = TIMEOUT_MS, signal } = options
  const lookup: LookupFunction = (hostname, { all }, found) => {
    void addressesOf(resolver, hostname).then((addresses) => {
      const [first] = addresses
      if (first === undefined) found(new Error(`${hostname} has no address`), '')
      else if (all === true) found(null, addresses)
      else found(null, first.address, first.family)
    })
  }
  return (domain) =>
    new Promise((resolve) => {
      const fail = (words: string, failure: FetchFault['failure'] = 'sts-policy-fetch-error'): void => {
        resolve(refused({ failure, words }))
        outgoing.destroy()
      }
      const outgoing = request({
        host: `mta-sts.${domain}`,
        port,
        path: '/.well-known/mta-sts.txt',
        servername: `mta-sts.${domain}`,
        headers: { host: `mta-sts.${domain}`, accept: 'text/plain', 'user-agent': 'Malle' },
        agent: false,
        lookup,
        signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal === undefined ? [] : [signal])]),
        ...(ca === undefined ? {} : { ca }),
      })
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        if (signal?.aborted === true) return
        if (error.name === 'AbortError' || error.name === 'TimeoutError') fail(`no answer within ${timeoutMs / 1000} s`)
        else fail(wordsOf(error), isCertificateFault(error.code) ? 'sts-webpki-invalid' : 'sts-policy-fetch-error')
      })
      outgoing.on('response', (answer) => {
        const type = /^[^;]*/
          .exec(answer.headers['content-type'] ?? '')?.[0]
          .trim()
          .toLowerCase()
        // redirects are not followed (RFC 8461 §3.3)
        if (answer.statusCode !== 200) return fail(`HTTP status ${answer.statusCode}`)
        if (type !== 'text/plain') return fail('not text/plain', 'sts-policy-invalid')
        const chunks: Buffer[] = []
        let octets = 0
        answer.on('data', (chunk: Buffer) => {
          octets += chunk.length
          if (octets > MOST_OCTETS) fail('longer than 64 KB', 'sts-policy-invalid')
          else chunks.push(chunk)
        })
        answer.on('error', (error) => {
          if (signal?.aborted !== true) fail(error.message)
        })
        answer.on('end', () => resolve(done(Buffer.concat(chunks).toString('latin1'))))
        return undefined
      })
      outgoing.end()
    })
}

async function addressesOf(
  resolver: Pick<Resolver, 'a' | 'aaaa'>,
  host: string,
): Promise<{ readonly address: string; readonly family: number }[]> {
  const [v6, v4] = await Promise.all([resolver.aaaa(host), resolver.a(host)])
  const addresses = [...(v6.ok ? v6.records : []), ...(v4.ok ? v4.records : [])]
  return addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }))
}

/** Without Node's advice, which is for who starts Node. */
function wordsOf({ message }: Error): string {
  return message.replace(/; if the root CA is installed locally, .*$/, '')
}

function isCertificateFault(code: string | undefined): boolean {
  return /^(?:CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_|HOSTNAME_MISMATCH|ERR_TLS_CERT_)/.test(code ?? '')
}
