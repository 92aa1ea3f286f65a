// Writes docs/protocols.md from what src/ and test/ cite: `node scripts/protocols.ts`.
// test/suites/protocols.test.ts fails while it differs, and where an RFC is cited that STANDARDS does not have.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

type Done = 'yes' | 'partial' | 'no'

/** Title, how far it is done (kept by hand), and what is missing or why it is cited. */
const STANDARDS: Readonly<Record<number, readonly [title: string, done: Done, remark?: string]>> = {
  1047: ['Duplicate messages and SMTP', 'partial', 'what comes again after a crash of ours is not kept twice'],
  1035: ['Domain names: implementation', 'partial', 'as a stub resolver needs it; records are printed as a zone file'],
  1870: ['SMTP SIZE', 'yes'],
  2195: ['CRAM-MD5', 'no', 'not offered, by design'],
  2606: ['Reserved DNS names', 'yes'],
  2683: ['IMAP4 implementation recommendations', 'yes'],
  2782: ['SRV records', 'yes', 'heavier records first, without dice'],
  2142: ['Mailbox names for services', 'partial', 'postmaster and abuse are heard wherever mail comes from'],
  5782: ['DNS block lists', 'yes'],
  6008: ['Several DKIM signatures in Authentication-Results', 'yes'],
  6376: ['DKIM', 'yes', "with mailauth's parts; at most ten signatures of a message are verified"],
  6647: ['Greylisting', 'yes'],
  7208: ['SPF', 'yes', "mailauth's"],
  7372: ['Status codes for authentication', 'partial', 'X.7.23'],
  7489: ['DMARC', 'partial', 'as RFC 9989 replaced it, with pct; reports are received, none is sent'],
  8301: ['DKIM: algorithms and keys', 'yes'],
  8601: ['Authentication-Results', 'yes'],
  8617: ['ARC', 'yes', 'what is forwarded is sealed where it was checked'],
  8410: ['Ed25519 keys in certificates', 'partial', 'their form, for DKIM records'],
  8463: ['DKIM: Ed25519', 'yes'],
  9989: ['DMARC', 'partial', "mailauth's; no reports of failures"],
  8460: [
    'SMTP TLS reporting',
    'yes',
    'reports are received, and sent where queue.tls_reports wants it; by mail, not over HTTPS',
  ],
  9990: ['DMARC aggregate reports', 'partial', 'received, none is sent'],
  2920: ['SMTP PIPELINING', 'yes'],
  3207: ['SMTP STARTTLS', 'yes'],
  3461: ['SMTP DSN', 'yes', 'reports of failure, delay and success; a server that offers DSN is given the parameters'],
  3629: ['UTF-8', 'yes'],
  4505: ['ANONYMOUS', 'no', 'not offered, by design'],
  4790: ['Collations', 'partial', 'i;unicode-casemap and i;ascii-casemap as IMAP needs them'],
  5051: ['i;unicode-casemap', 'partial', 'as IMAP needs it'],
  5280: ['X.509 certificates', 'partial', "the runtime's; names of client certificates are read"],
  6125: ['Names in certificates', 'partial', "the runtime's"],
  6152: ['8BITMIME', 'yes'],
  6186: ['SRV records for mail', 'yes', 'read by the client, printed for the DNS'],
  6648: ['Deprecating X-', 'yes'],
  1734: ['POP3 AUTHentication command', 'yes', 'as RFC 5034 replaced it'],
  1939: ['Post Office Protocol, version 3', 'partial', 'no APOP, by design'],
  1951: ['DEFLATE', 'yes', "the runtime's"],
  2033: ['Local Mail Transfer Protocol', 'yes'],
  2034: ['SMTP enhanced error codes', 'yes'],
  2045: ['MIME, part one: bodies', 'yes'],
  2046: ['MIME, part two: media types', 'partial', 'message/partial and message/external-body are not put together'],
  2047: ['MIME, part three: encoded words', 'yes'],
  2086: ['IMAP ACL, first version', 'partial', 'its rights c and d are read as RFC 4314 says'],
  2177: ['IDLE', 'yes'],
  2180: ['IMAP multi-accessed mailboxes', 'yes'],
  2183: ['Content-Disposition', 'yes'],
  2231: ['MIME parameter values', 'yes'],
  2342: ['NAMESPACE', 'yes'],
  2449: ['POP3 extension mechanism', 'yes'],
  2595: ['TLS with IMAP, POP3', 'yes'],
  2971: ['ID', 'yes'],
  3206: ['POP3 SYS and AUTH response codes', 'yes'],
  3282: ['Content language headers', 'partial', 'read, never negotiated'],
  3348: ['CHILDREN', 'yes'],
  3454: ['stringprep', 'partial', 'as far as SASLprep needs it'],
  3463: ['Enhanced mail status codes', 'yes'],
  3464: ['Delivery status notifications', 'yes', 'written; reports of others are mail like any other'],
  3501: ['IMAP4rev1', 'yes'],
  3502: ['MULTIAPPEND', 'yes'],
  3516: ['BINARY', 'yes'],
  3676: ['format=flowed', 'partial', 'shown as plain text'],
  3691: ['UNSELECT', 'yes'],
  6533: ['Internationalised DSN', 'yes'],
  6522: ['multipart/report', 'yes'],
  3834: ['Automatic responses', 'partial', 'reports say Auto-Submitted'],
  3848: ['SMTP transmission types', 'yes'],
  4013: ['SASLprep', 'yes'],
  4155: ['application/mbox', 'yes'],
  4180: ['CSV', 'yes'],
  4314: ['ACL', 'yes'],
  4315: ['UIDPLUS', 'yes'],
  4422: ['SASL', 'yes'],
  4466: ['Collected IMAP ABNF', 'yes'],
  4469: ['CATENATE', 'no', 'cited where APPEND leaves room for it'],
  4616: ['PLAIN', 'yes'],
  4647: ['Matching of language tags', 'partial', 'lookup only'],
  4731: ['ESEARCH', 'yes'],
  4954: ['SMTP AUTH', 'yes'],
  4959: ['SASL-IR', 'yes'],
  4978: ['COMPRESS=DEFLATE', 'yes'],
  5032: ['WITHIN', 'yes'],
  5034: ['POP3 SASL', 'yes'],
  5056: ['Channel bindings', 'yes'],
  5161: ['ENABLE', 'yes'],
  5182: ['SEARCHRES', 'yes'],
  5255: ['LANGUAGE, I18NLEVEL', 'partial', 'LANGUAGE and I18NLEVEL=1; no COMPARATOR, no TRANSLATION of namespaces'],
  5256: ['SORT, THREAD', 'yes'],
  5257: ['ANNOTATE', 'no'],
  5258: ['LIST-EXTENDED', 'yes'],
  5267: ['ESORT, CONTEXT', 'partial', 'updates for SEARCH, not for SORT'],
  5321: ['SMTP', 'yes', 'VRFY tells nothing, no EXPN'],
  5322: ['Internet message format', 'yes'],
  5464: ['METADATA', 'yes', 'only the server itself has shared annotations of the server'],
  5465: ['NOTIFY', 'partial', 'not AnnotationChange; mailboxes of other people are not watched'],
  5466: ['FILTERS', 'no'],
  5530: ['IMAP response codes', 'yes'],
  5788: ['IMAP keyword registry', 'yes'],
  5802: ['SCRAM', 'yes'],
  5819: ['LIST-STATUS', 'yes'],
  5929: ['TLS channel bindings', 'yes'],
  5957: ['SORT=DISPLAY', 'yes'],
  6154: ['SPECIAL-USE', 'yes'],
  6203: ['SEARCH=FUZZY', 'yes', 'words of a text in any order; other keys as they are'],
  4865: ['FUTURERELEASE', 'yes', 'at submission'],
  6409: ['Message submission', 'partial', 'senders checked, Bcc, From, Date and Message-ID seen to; no Sender field'],
  6531: ['SMTPUTF8', 'yes'],
  6532: ['Internationalized headers', 'yes'],
  6749: ['OAuth 2.0', 'partial', 'bearer tokens are checked, none are issued'],
  6750: ['OAuth 2.0 bearer tokens', 'partial', 'tokens are checked, none are issued'],
  6851: ['MOVE', 'yes'],
  6855: ['UTF8=ACCEPT', 'partial', 'APPEND takes 8-bit header fields from everybody'],
  6856: ['POP3 UTF8, LANG', 'yes'],
  7162: ['CONDSTORE, QRESYNC', 'yes'],
  7301: ['ALPN', 'yes'],
  7377: ['MULTISEARCH', 'yes'],
  7515: ['JSON web signature', 'partial', 'as far as access tokens need it'],
  7517: ['JSON web key', 'partial', 'as far as access tokens need it'],
  7518: ['JSON web algorithms', 'partial', 'as far as access tokens need it'],
  7519: ['JSON web token', 'partial', 'as far as access tokens need it'],
  7525: ['Recommendations for TLS', 'yes'],
  7628: ['OAUTHBEARER', 'yes'],
  7677: ['SCRAM-SHA-256', 'yes'],
  7888: ['LITERAL+, LITERAL-', 'yes'],
  7889: ['APPENDLIMIT', 'yes'],
  8314: ['Cleartext considered obsolete', 'yes'],
  8414: ['OAuth 2.0 server metadata', 'partial', 'read, never served'],
  8437: ['UNAUTHENTICATE', 'yes'],
  8438: ['STATUS=SIZE', 'yes'],
  8440: ['LIST-MYRIGHTS', 'yes'],
  8457: ['\\Important', 'yes'],
  8474: ['OBJECTID', 'yes'],
  8508: ['REPLACE', 'yes'],
  8514: ['SAVEDATE', 'yes'],
  8621: ['JMAP for mail', 'no', 'its names and states are kept in mind'],
  8970: ['PREVIEW', 'yes'],
  9051: ['IMAP4rev2', 'yes'],
  9068: ['JWT access tokens', 'partial', 'as far as access tokens need it'],
  9106: ['Argon2', 'yes', "the runtime's"],
  9208: ['QUOTA', 'yes'],
  9266: ['tls-exporter', 'yes'],
  9325: ['Recommendations for TLS', 'yes'],
  9394: ['PARTIAL', 'yes'],
  9585: ['INPROGRESS', 'yes', 'without counts, which are optional'],
  9586: ['UIDONLY', 'yes'],
  9590: ['LIST METADATA', 'yes'],
  9698: ['JMAPACCESS', 'no'],
  9738: ['MESSAGELIMIT', 'yes'],
  9755: ['UTF8=ACCEPT for IMAP, anew', 'partial', 'APPEND takes 8-bit header fields from everybody'],
  1034: ['Domain names: concepts', 'partial', 'as a stub resolver needs it'],
  1123: ['Requirements for hosts', 'partial', 'which names of hosts there are'],
  1918: ['Private addresses', 'yes'],
  2181: ['Clarifications to the DNS', 'partial', 'as a stub resolver needs it'],
  2308: ['Negative caching of the DNS', 'yes'],
  3030: ['CHUNKING, BINARYMIME', 'partial', 'BDAT is sent where it is offered; not offered'],
  3339: ['Dates and times', 'yes'],
  3596: ['DNS for IPv6', 'yes'],
  4193: ['Unique local addresses', 'yes'],
  4592: ['Wildcards in the DNS', 'partial', "the tests' own server"],
  6698: ['DANE TLSA', 'yes', 'validated by the resolver that is asked'],
  6761: ['Special-use domain names', 'partial', 'localhost'],
  6840: ['Clarifications to DNSSEC', 'partial', 'AD in questions and answers'],
  6891: ['EDNS0', 'yes'],
  7218: ['Names of DANE', 'yes'],
  7435: ['Opportunistic security', 'yes'],
  7505: ['Null MX', 'yes'],
  7671: ['DANE: operations', 'yes'],
  7672: ['DANE for SMTP', 'yes'],
  7766: ['DNS over TCP', 'partial', 'one question a connection'],
  8098: ['Message disposition notifications', 'partial', 'known as answers of a program, never sent'],
  8461: ['MTA-STS', 'yes'],
  8555: ['ACME', 'partial', 'HTTP-01, and TLS-ALPN-01 by RFC 8737'],
  8659: ['CAA', 'yes'],
  8689: ['REQUIRETLS', 'partial', 'TLS-Required: No is heeded, and said on TLS reports; the extension is not offered'],
  8737: ['ACME TLS-ALPN-01', 'yes'],
  8914: ['Extended DNS errors', 'partial', 'those that a postmaster can act on'],
  9525: ['Names in certificates, anew', 'partial', 'wildcards'],
  9562: ['UUIDs', 'partial', 'names of profiles'],
  9715: ['DNS without fragments', 'yes'],
  10022: ['UIDBATCHES', 'partial', 'how often it is asked is not limited'],
}

const root = path.join(import.meta.dirname, '..')

/** The page as it should be. @throws where an RFC is cited that the table does not have. */
export function protocolsPage(): string {
  const cited = new Map<number, { readonly files: Set<string>; readonly tests: Set<string> }>()
  for (const folder of ['src', 'test'])
    for (const name of readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }).toSorted()) {
      if (!/\.(?:ts|txt)$/.test(name)) continue
      const file = path.join(folder, name).replaceAll(path.sep, '/')
      const isTest = folder === 'test' || /\.(?:test|contract)\.ts$/.test(name) || name.startsWith('testing')
      for (const [, number] of readFileSync(path.join(root, file), 'utf8').matchAll(/\bRFC (\d+)/g)) {
        const known = cited.get(Number(number)) ?? { files: new Set(), tests: new Set() }
        cited.set(Number(number), known)
        ;(isTest ? known.tests : known.files).add(file)
      }
    }
  const unknown = [...cited.keys()].filter((number) => STANDARDS[number] === undefined)
  if (unknown.length > 0) throw new Error(`scripts/protocols.ts has no entry for RFC ${unknown.join(', RFC ')}`)
  if (cited.size === 0) throw new Error('No RFC is cited anywhere: this looked at nothing')
  const rows = [...cited]
    .toSorted(([one], [other]) => one - other)
    .map(([number, { files, tests }]) => row(number, files, tests))
  return `${HEAD}${rows.join('\n')}\n`
}

const HEAD = `# Protocols

Generated by \`node scripts/protocols.ts\` from the citations in \`src/\` and \`test/\`; do not edit. *yes*: all of it that
is a server's or a client's part here; *partial*: see the remark; *no*: cited for another reason. What a server of this
version really offers is what its CAPABILITY, CAPA and EHLO say; tests hold these to what works.

| RFC | title | done | cited in | tests that cite it |
| --- | --- | --- | --- | --- |
`

function row(number: number, files: ReadonlySet<string>, tests: ReadonlySet<string>): string {
  const [title, done, remark] = STANDARDS[number] ?? ['', 'no']
  const verdict = remark === undefined ? done : `${done}: ${remark}`
  return `| [${number}](https://www.rfc-editor.org/rfc/rfc${number}) | ${title} | ${verdict} | ${names(files)} | ${names(tests)} |`
}

/** Up to six names, the rest as a number. */
function names(files: ReadonlySet<string>): string {
  const shown = [...files].slice(0, 6).map((file) => `\`${file}\``)
  if (files.size > shown.length) shown.push(`${files.size - shown.length} more`)
  return shown.join(', ') || '–'
}

if (import.meta.main) writeFileSync(path.join(root, 'docs', 'protocols.md'), protocolsPage())
