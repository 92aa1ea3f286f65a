/** `[smtp]`. @module */
import * as v from 'valibot'
import type { Config } from '../config.ts'
import { count, field, fieldsOf, hostName, networks, oneOf, type Section, section, text, yesOrNo } from '../fields.ts'

/** A list of domains, in lower case. */
function domains(): v.GenericSchema<string[], string[]> {
  return v.array(
    v.pipe(
      hostName(),
      v.transform((name) => name.toLowerCase()),
    ),
    'is not a list',
  )
}

function isHttpUrl(written: string): boolean {
  return written === '' || /^https?:\/\/[^/?#]+\/?$/.test(written)
}

/** Mail in by SMTP. */
export const smtpSection: Section<Config['smtp']> = section(
  fieldsOf({
    bare_newline: field(oneOf(['reject', 'normalise']), 'reject', {
      doc: 'What port 25 does with a CR or LF that stands alone in a message: refuse the message, as it may be an attempt at smuggling, or make it CRLF.',
      type: '"reject" or "normalise"',
      right: '"reject" or "normalise"',
    }),
    checks: field(yesOrNo(), true, {
      doc: 'Whether mail on port 25 is checked by SPF, DKIM, DMARC and ARC before it is kept, and by what else this section says. What was found stands in `Authentication-Results`; what a domain asks to refuse (DMARC `p=reject`) is refused, what it asks to set apart (`p=quarantine`) goes to Junk. LMTP and submission are not checked.',
      type: 'true or false',
      right: 'true or false without quotes',
    }),
    check_exempt: field(networks(), ['127.0.0.0/8', '::1/128'], {
      doc: 'Networks whose mail on port 25 is not checked: this machine, and servers of your own that take mail in for you.',
      type: 'list of IP addresses and networks',
      right: 'a list such as ["127.0.0.0/8", "2001:db8::25"]',
    }),
    check_timeout: count(
      1,
      60,
      10,
      'How long the checks of a message may take. What the DNS does not say by then is unknown: where it would decide, the client is asked to come again (451).',
      'seconds',
    ),
    trusted_arc: field(domains(), [], {
      doc: 'Domains of forwarders and mailing lists whose ARC seals are believed: what they have authenticated before they changed it is accepted although DMARC fails now. Subdomains count too.',
      type: 'list of domains',
      right: 'a list such as ["lists.example.net"]',
    }),
    spf_fail: field(oneOf(['accept', 'junk', 'reject']), 'accept', {
      doc: 'What becomes of a message whose SPF fails outright where DMARC says nothing. Forwarded mail fails SPF, so that it is only written down by default.',
      type: '"accept", "junk" or "reject"',
      right: '"accept", "junk" or "reject"',
    }),
    dnsbl: field(domains(), [], {
      doc: 'Lists of addresses in the DNS whose entries are refused (550) when they name a recipient, other than postmaster and abuse. Some lists answer only resolvers that are registered with them.',
      type: 'list of zones',
      right: 'a list such as ["zen.spamhaus.org"]',
    }),
    greylist_minutes: count(
      0,
      60,
      0,
      'How long a network that hands over mail of an unknown sender to a recipient for the first time is asked to wait (451); 0: nobody waits. Who came again is known for 35 days.',
      'minutes',
    ),
    rspamd: field(v.pipe(text(), v.check(isHttpUrl, 'is not an http or https URL without a path')), '', {
      doc: 'Where rspamd listens, to be asked about each message that is checked; when it does not answer, mail goes on without it. Empty: it is not asked.',
      type: 'URL',
      right: 'a URL such as "http://127.0.0.1:11333", or ""',
      sample: 'http://127.0.0.1:11333',
    }),
    reports_to: field(
      v.array(v.pipe(text(), v.regex(/^[^@\s]{1,64}$/, 'is not the part of an address before its @')), 'is not a list'),
      ['postmaster', 'dmarc', 'tls-reports'],
      {
        doc: 'Addresses, by what stands before the `@`, whose mail is looked through for DMARC and TLS reports, which `malle dns reports` shows. They must be accounts or aliases, and stand in `rua=` of the DNS.',
        type: 'list of names',
        right: 'a list such as ["postmaster", "dmarc"], or [] for none',
      },
    ),
  }),
  (raw) => ({
    bareNewline: raw.bare_newline,
    checks: raw.checks
      ? {
          exempt: raw.check_exempt,
          timeoutMs: raw.check_timeout * 1000,
          trustedArc: raw.trusted_arc,
          spfFail: raw.spf_fail,
          dnsbl: raw.dnsbl,
          greylistMs: raw.greylist_minutes === 0 ? undefined : raw.greylist_minutes * 60_000,
          reportsTo: raw.reports_to.map((name) => name.toLowerCase()),
          rspamd: raw.rspamd === '' ? undefined : raw.rspamd,
        }
      : undefined,
  }),
)
