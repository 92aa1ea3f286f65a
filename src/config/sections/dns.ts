/** `[dns]`. @module */
import { isIP } from 'node:net'
import * as v from 'valibot'
import type { Config } from '../config.ts'
import {
  count,
  field,
  fieldsOf,
  type ListenAddress,
  oneOf,
  parseListenAddress,
  type Section,
  section,
} from '../fields.ts'

/** An IP address, alone or with a port. */
export function parseServer(written: string): ListenAddress | undefined {
  if (isIP(written) !== 0) return { host: written, port: 53 }
  const address = parseListenAddress(written)
  return address !== undefined && isIP(address.host) !== 0 && address.port > 0 ? address : undefined
}

/** The resolvers that are asked. */
export const dnsSection: Section<Config['dns']> = section(
  fieldsOf({
    servers: field(
      v.array(
        v.pipe(
          v.string('is not a string'),
          v.check((written) => parseServer(written) !== undefined, 'is not an IP address, nor one with a port'),
          v.transform((written) => parseServer(written) ?? { host: '', port: 53 }),
        ),
        'is not a list',
      ),
      [],
      {
        doc: 'Resolvers that are asked, in this order. Empty: those of `/etc/resolv.conf`. DANE needs one that validates by DNSSEC, best on this machine, such as unbound.',
        type: 'list of IP addresses, each alone or with a port',
        right: 'a list such as ["127.0.0.1"] or ["[::1]:5353"]',
        sample: ['127.0.0.1'],
      },
    ),
    trust_ad: field(oneOf(['loopback', 'always', 'never']), 'loopback', {
      doc: 'Whose word counts that an answer has been validated by DNSSEC (the AD bit): of resolvers on this machine, of all, where the way to them cannot be tampered with, or of none, which also turns DANE off.',
      type: '"loopback", "always" or "never"',
      right: '"loopback", "always" or "never"',
    }),
    timeout: count(1, 60, 8, 'How long a question may take, all servers and repetitions together.', 'seconds'),
  }),
  (raw) => ({ servers: raw.servers, trustAd: raw.trust_ad, timeoutMs: raw.timeout * 1000 }),
)
