/** `[[route]]`. @module */
import { isIP } from 'node:net'
import * as v from 'valibot'
import type { RouteConfig } from '../config.ts'
import { type Field, field, integer } from '../fields.ts'

const DOMAIN = /^(?:\*|(?:\*\.)?(?!-)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*)$/

/** The tables of `[[route]]`. */
export function routes(): Field<RawRoute[], RouteConfig[]> {
  return field(v.array(route(), 'is not a list of tables'), [], {
    doc: 'Where mail for some domains goes, and how: tables `[[route]]` with `domain` ("example.net", "*.example.net", or "*" for all others) and any of `host` (a smarthost; without one the domain\'s own servers), `port` (default 25, with `security = "tls"` 465), `security` ("opportunistic", "starttls", "tls" or "none"; the default with a host is "starttls"; "starttls" and "tls" demand a valid certificate), `user` and `password_file`, `ca` (PEM file of the authority of its certificate), `source_address`. The most exact domain counts.',
    type: 'list of tables',
    right: '[[route]] with domain = "*" and host = "smtp.example.net"',
  })
}

interface RawRoute {
  readonly domain: string
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly security?: 'opportunistic' | 'starttls' | 'tls' | 'none' | undefined
  readonly user?: string | undefined
  readonly password_file?: string | undefined
  readonly ca?: string | undefined
  readonly source_address?: string | undefined
}

function route(): v.GenericSchema<RawRoute, RouteConfig> {
  const path = v.pipe(v.string('is not a string'), v.nonEmpty('is empty'))
  return v.pipe(
    v.strictObject(
      {
        domain: v.pipe(v.string('is not a string'), v.regex(DOMAIN, 'is not a domain')),
        host: v.optional(
          v.pipe(
            v.string('is not a string'),
            v.check(
              (host) => isIP(host) !== 0 || (host !== '*' && DOMAIN.test(host)),
              'is neither a host name nor an address',
            ),
          ),
        ),
        port: v.optional(integer(1, 65_535)),
        security: v.optional(
          v.picklist(['opportunistic', 'starttls', 'tls', 'none'], 'is not one of the words known here'),
        ),
        user: v.optional(path),
        password_file: v.optional(path),
        ca: v.optional(path),
        source_address: v.optional(
          v.pipe(
            v.string('is not a string'),
            v.check((address) => isIP(address) !== 0, 'is not an IP address'),
          ),
        ),
      },
      'is not a table',
    ),
    v.check(
      (raw) => (raw.user === undefined) === (raw.password_file === undefined),
      'needs user and password_file both',
    ),
    v.check((raw) => raw.host !== undefined || raw.user === undefined, 'has a user without a host'),
    v.check(
      (raw) =>
        raw.user === undefined || raw.security === undefined || raw.security === 'starttls' || raw.security === 'tls',
      'would show a password without TLS',
    ),
    v.transform(
      (raw): RouteConfig => ({
        domain: raw.domain.toLowerCase(),
        host: raw.host?.toLowerCase(),
        port: raw.port,
        security: raw.security ?? (raw.host === undefined ? 'opportunistic' : 'starttls'),
        user: raw.user,
        passwordFile: raw.password_file,
        ca: raw.ca,
        sourceAddress: raw.source_address,
      }),
    ),
  )
}
