/** `[tls]`. @module */
import * as v from 'valibot'
import type { Config } from '../config.ts'
import { type Field, field, fieldsOf, hostName, type Section, section, text } from '../fields.ts'
import { acmeSection } from './acme.ts'

function pemFile(doc: string): Field<string, string> {
  return field(text(), '', { doc, type: 'path', right: 'the path of a PEM file in quotes' })
}

/** Certificates; paths as they are in the file. */
export const tlsSection: Section<Config['tls']> = section(
  fieldsOf({
    cert: pemFile(
      'Certificate chain in PEM form. Without it Malle makes a certificate of its own, which no client trusts, and warns.',
    ),
    key: pemFile('Private key of `cert` in PEM form.'),
    client_ca: pemFile(
      'Certificates of the authorities whose client certificates are taken: a client that shows one logs in with AUTH=EXTERNAL as the account whose address is in it (subjectAltName, rfc822Name). Empty: none is asked for.',
    ),
    hosts: field(
      v.array(
        v.strictObject(
          {
            name: hostName(),
            cert: v.pipe(v.string('is not a string'), v.nonEmpty('is empty')),
            key: v.pipe(v.string('is not a string'), v.nonEmpty('is empty')),
          },
          'is not a table with name, cert and key',
        ),
        'is not a list of tables',
      ),
      [],
      {
        doc: 'Further certificates for clients that ask for another host name (SNI): tables `[[tls.hosts]]` with `name`, `cert` and `key`.',
        type: 'list of tables',
        right: '[[tls.hosts]] with name = "imap.example.net", cert = "…" and key = "…"',
      },
    ),
    acme: acmeSection,
  }),
  ({ cert, key, client_ca: clientCa, hosts, acme }) => ({
    acme,
    clientCa: clientCa === '' ? undefined : clientCa,
    files: cert === '' ? undefined : { cert, key },
    hosts: hosts.map((host) => ({ ...host, name: host.name.toLowerCase() })),
  }),
  [
    { key: 'key', wrong: 'is empty while tls.cert is not', holds: ({ cert, key }) => cert === '' || key !== '' },
    {
      key: 'cert',
      wrong: 'is set while tls.acme.directory is too',
      holds: ({ cert, acme }) => cert === '' || acme === undefined,
    },
    { key: 'cert', wrong: 'is empty while tls.key is not', holds: ({ cert, key }) => key === '' || cert !== '' },
  ],
)
