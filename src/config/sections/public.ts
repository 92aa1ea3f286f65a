/** `[public]`. @module */
import { isIP } from 'node:net'
import * as v from 'valibot'
import type { Config, PublicPlace } from '../config.ts'
import {
  type Field,
  field,
  fieldsOf,
  hostName,
  oneOf,
  parseListenAddress,
  type Section,
  section,
  text,
} from '../fields.ts'

/** `undefined` when it is none of the ways to write a place. */
function parsePlace(written: string): PublicPlace | undefined {
  if (written === 'auto' || written === 'off') return written
  const place = parseListenAddress(written)
  return place === undefined || place.port === 0 || isIP(place.host) !== 0 ? undefined : place
}

function place(service: string): Field<string, PublicPlace> {
  return field(
    v.pipe(
      text(),
      v.check((written) => parsePlace(written) !== undefined, 'is neither "auto", "off" nor "name:port"'),
      v.transform((written) => parsePlace(written) ?? 'auto'),
    ),
    'auto',
    {
      doc: `Where people reach ${service}: "name:port", "off" (it is not told), or "auto": \`hostname\` and the port of the listener, where there is one.`,
      type: '"auto", "off" or "name:port"',
      right: '"auto", "off" or a name and a port such as "mail.example.org:993"',
    },
  )
}

/** How this server is seen from outside. */
export const publicSection: Section<Config['public']> = section(
  fieldsOf({
    addresses: field(
      v.array(
        v.pipe(
          v.string('is not a string'),
          v.check((written) => isIP(written) !== 0, 'is not an IP address'),
        ),
        'is not a list',
      ),
      [],
      {
        doc: 'IP addresses that other servers see mail come from, and reach this one at. `malle dns check` compares them with the DNS; empty: it takes what the DNS has for `hostname`.',
        type: 'list of IP addresses',
        right: 'a list such as ["192.0.2.1", "2001:db8::1"]',
      },
    ),
    imaps: place('IMAP over TLS'),
    imap: place('IMAP with STARTTLS'),
    pop3s: place('POP3 over TLS'),
    pop3: place('POP3 with STLS'),
    submissions: place('submission over TLS'),
    submission: place('submission with STARTTLS'),
    mta_sts: field(oneOf(['off', 'testing', 'enforce']), 'testing', {
      doc: 'The MTA-STS policy that is served for the domains (RFC 8461): what other servers do when they reach this one without a valid certificate. "enforce" needs one that they trust, for `hostname` and for `mta-sts.DOMAIN`.',
      type: '"off", "testing" or "enforce"',
      right: '"off", "testing" or "enforce"',
    }),
    dmarc: field(oneOf(['none', 'quarantine', 'reject']), 'quarantine', {
      doc: 'What `malle dns records` proposes that others do with mail in the name of the domains that is not signed by them.',
      type: '"none", "quarantine" or "reject"',
      right: '"none", "quarantine" or "reject"',
    }),
    reports: field(
      v.pipe(text(), v.regex(/^[A-Za-z0-9._+-]+(?:@[A-Za-z0-9.-]+)?$/, 'is neither a local part nor an address')),
      'postmaster',
      {
        doc: 'Who gets the reports of other servers about DMARC and TLS: a local part in each domain, or one address for all.',
        type: 'text',
        right: 'a local part such as "postmaster", or an address',
      },
    ),
    caa: field(v.array(hostName(), 'is not a list'), [], {
      doc: "Certificate authorities that may sign for the domains, for CAA records. Empty: Let's Encrypt where certificates come from there, else no record is proposed.",
      type: 'list of host names',
      right: 'a list such as ["letsencrypt.org"]',
    }),
  }),
  ({ mta_sts: mtaSts, ...rest }) => ({ ...rest, mtaSts, reports: rest.reports.toLowerCase() }),
)
