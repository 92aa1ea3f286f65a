/** `[http]`. @module */
import type { Config } from '../config.ts'
import { field, fieldsOf, networks, type Section, section } from '../fields.ts'

/** This machine, and networks that the Internet does not lead to (RFC 1918, RFC 4193, link-local). */
const NEARBY = [
  '127.0.0.0/8',
  '::1',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10',
]

/** What is seen over HTTP. */
export const httpSection: Section<Config['http']> = section(
  fieldsOf({
    watchers: field(networks(), NEARBY, {
      doc: 'Who may read `/healthz` and `/metrics`: for all others they are not there. What a proxy passes on never is from here. Limits of connections do not count them.',
      type: 'list of addresses and networks',
      right: 'a list such as ["127.0.0.0/8", "192.0.2.10"]',
    }),
  }),
  (raw) => raw,
)
