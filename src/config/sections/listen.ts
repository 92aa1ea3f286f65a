/** `[listen]`. @module */
import type { Config } from '../config.ts'
import {
  type Field,
  field,
  fieldsOf,
  type ListenAddress,
  listenAddresses,
  networks,
  type Section,
  section,
} from '../fields.ts'

function listener(doc: string, usual: readonly string[]): Field<string[], ListenAddress[]> {
  return field(listenAddresses(), [], {
    doc,
    type: 'list of "host:port"',
    right: 'a list such as ["[::]:143"]; port 0 takes a free one, an empty list is off',
    sample: usual,
  })
}

/** Where connections are accepted; empty lists are off. */
export const listenSection: Section<Config['listen'] & { readonly proxyFrom: Config['proxyFrom'] }> = section(
  fieldsOf({
    imap: listener('IMAP, with STARTTLS.', ['[::]:143']),
    imaps: listener('IMAP over TLS from the first byte.', ['[::]:993']),
    pop3: listener('POP3, with STLS.', ['[::]:110']),
    pop3s: listener('POP3 over TLS from the first byte.', ['[::]:995']),
    lmtp: listener('LMTP: mail from your own MTA. It asks for no password, so keep it on loopback.', ['127.0.0.1:24']),
    smtp: listener('SMTP: mail from anywhere for the domains here.', ['[::]:25']),
    submission: listener('Submission: mail from people with accounts, with STARTTLS.', ['[::]:587']),
    submissions: listener('Submission over TLS from the first byte.', ['[::]:465']),
    http: listener(
      'HTTP: `/healthz` and `/metrics` for `http.watchers`, settings for mail programs, the answers to a certificate authority. Others need it on port 80 only where certificates come by HTTP-01.',
      ['127.0.0.1:8080'],
    ),
    https: listener(
      'The same over TLS. Mail programs and other servers ask for settings and the MTA-STS policy on port 443.',
      [],
    ),
    proxy_from: field(networks(), [], {
      doc: 'Proxies in front of the mail listeners (HAProxy, nginx, a load balancer): connections from these addresses must begin with the PROXY protocol, version 1 or 2, which says where they really come from. From anybody else it is not understood.',
      type: 'list of addresses and networks',
      right: 'a list such as ["10.0.0.1", "10.1.0.0/16"]',
    }),
  }),
  ({ proxy_from: proxyFrom, ...listen }) => ({ ...listen, proxyFrom }),
)
