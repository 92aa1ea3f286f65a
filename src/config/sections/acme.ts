/** `[tls.acme]`. @module */
import * as v from 'valibot'
import type { Config } from '../config.ts'
import { field, fieldsOf, hostName, oneOf, type Section, section, text, yesOrNo } from '../fields.ts'

/** Certificates from an authority that gives them by itself (RFC 8555); `undefined`: off. Paths are as in the file. */
export const acmeSection: Section<Config['tls']['acme']> = section(
  fieldsOf({
    directory: field(
      v.pipe(
        text(),
        v.check((written) => written === '' || /^https:\/\/[^\s#]+$/.test(written), 'is not an address of https'),
      ),
      '',
      {
        doc: 'The directory of the authority, such as "https://acme-v02.api.letsencrypt.org/directory". Whoever sets it agrees to the terms of that authority. Empty: off.',
        type: 'web address',
        right: 'an address such as "https://acme-v02.api.letsencrypt.org/directory"',
      },
    ),
    email: field(v.pipe(text(), v.regex(/^(?:[^\s@,]+@[^\s@,]+)?$/, 'is not an address')), '', {
      doc: 'Whom the authority writes to, if it writes at all.',
      type: 'address',
      right: 'an address such as "postmaster@example.org"',
    }),
    names: field(v.array(hostName(), 'is not a list'), [], {
      doc: 'Further names of the certificate for `hostname`.',
      type: 'list of host names',
      right: 'a list such as ["imap.example.org", "smtp.example.org"]',
    }),
    domains: field(yesOrNo(), true, {
      doc: 'A certificate for each domain too, for those of `mta-sts.DOMAIN`, `autoconfig.DOMAIN` and `autodiscover.DOMAIN` that the DNS leads here.',
      type: 'true or false',
      right: 'true or false without quotes',
    }),
    challenge: field(oneOf(['auto', 'http-01', 'tls-alpn-01']), 'auto', {
      doc: 'How names are shown to be ours: "http-01" on port 80 (`listen.http`), "tls-alpn-01" on port 443 (`listen.https`), or "auto": by the listeners there are, the other one where the first fails.',
      type: '"auto", "http-01" or "tls-alpn-01"',
      right: '"auto", "http-01" or "tls-alpn-01"',
    }),
    ca: field(text(), '', {
      doc: 'Certificate of the authority that signed the one of `directory`, where that is one of your own.',
      type: 'path',
      right: 'the path of a PEM file in quotes',
    }),
    eab_key_id: field(text(), '', {
      doc: 'Number of the account that you have with the authority already (external account binding), where it wants one.',
      type: 'text',
      right: 'the number in quotes',
    }),
    eab_key_file: field(text(), '', {
      doc: 'File with the key of that account, in base64url, as the authority gave it.',
      type: 'path',
      right: 'the path of a file in quotes',
    }),
  }),
  ({ directory, email, names, domains, challenge, ca, eab_key_id: keyId, eab_key_file: keyFile }) =>
    directory === ''
      ? undefined
      : {
          directory,
          email: email === '' ? undefined : email,
          names: names.map((name) => name.toLowerCase()),
          domains,
          challenge,
          ca: ca === '' ? undefined : ca,
          account: keyId === '' ? undefined : { keyId, keyFile },
        },
  [
    {
      key: 'eab_key_file',
      wrong: 'is empty while tls.acme.eab_key_id is not',
      holds: ({ eab_key_id: id, eab_key_file: file }) => id === '' || file !== '',
    },
  ],
)
