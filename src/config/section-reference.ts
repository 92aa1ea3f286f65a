/** What is told of each section and field; `reference.ts` makes pages of it. @module */
import type * as v from 'valibot'
import { type Field, type FieldDoc, fieldDoc } from './fields.ts'

const SECTION_DOCS: Readonly<Record<string, string>> = {
  listen: 'Where Malle accepts connections. What is empty or absent is off.',
  tls: 'Certificates. SIGHUP reads them again.',
  'tls.acme': 'Certificates from an authority that gives them by itself (ACME), renewed while the server runs.',
  public:
    'How this server is seen from outside: in DNS records (`malle dns records`) and in what mail programs are told.',
  auth: 'How people show who they are.',
  'auth.oauth': 'Access tokens of one issuer (OpenID Connect) in place of passwords: OAUTHBEARER and XOAUTH2.',
  limits: 'What one server, account or address may use.',
  store: 'Where and how mail is kept.',
  workers: 'Threads.',
  smtp: 'Mail in by SMTP.',
  pop3: 'Mail out by POP3.',
  submission: 'Mail from people here, by submission.',
  queue: 'Mail out by SMTP: how many connections at once, and how long it is tried.',
  http: 'What is seen over HTTP.',
  dns: 'Who answers questions to the DNS.',
  log: 'What is logged.',
}

/** One field as the reference and mistakes show it. */
export interface FieldReference extends FieldDoc {
  readonly key: string
  /** As in the file; `undefined`: the field is required. */
  readonly fallback: unknown
}

/** One section; the fields before any section have the name ''. */
export interface SectionReference {
  readonly name: string
  readonly doc: string
  readonly fields: readonly FieldReference[]
}

/** A section, then those inside it. */
function sectionsOf(name: string, section: v.GenericSchema): SectionReference[] {
  const { entries } = section as v.ObjectSchema<Record<string, v.GenericSchema>, undefined>
  const fields: FieldReference[] = []
  const inner: SectionReference[] = []
  for (const [key, one] of Object.entries(entries)) {
    const wrapped: v.GenericSchema = one.type === 'optional' ? (one as Field<unknown, unknown>).wrapped : one
    if (wrapped.type === 'object') inner.push(...sectionsOf(`${name}.${key}`, wrapped))
    else fields.push(fieldOf(key, one))
  }
  return [{ name, doc: SECTION_DOCS[name] ?? '', fields }, ...inner]
}

function fieldOf(key: string, one: v.GenericSchema): FieldReference {
  const { doc, fallback } = fieldDoc(one)
  return { ...doc, key, fallback }
}

/** Every field there is, in the order of the file. */
export function referenceOf(schema: v.ObjectSchema<v.ObjectEntries, 'is not a table'>): readonly SectionReference[] {
  const top: FieldReference[] = []
  const sections: SectionReference[] = [{ name: '', doc: 'Before any section.', fields: top }]
  for (const [name, entry] of Object.entries(schema.entries)) {
    const wrapped: v.GenericSchema = entry.type === 'optional' && 'wrapped' in entry ? entry.wrapped : entry
    if (wrapped.type === 'object') {
      sections.push(...sectionsOf(name, wrapped))
    } else top.push(fieldOf(name, entry))
  }
  return sections
}
