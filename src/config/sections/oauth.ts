/** `[auth.oauth]`. @module */
import * as v from 'valibot'
import type { Config } from '../config.ts'
import { type Field, field, fieldsOf, type Section, section, text } from '../fields.ts'

function webAddress(): v.GenericSchema<string, string> {
  return v.pipe(
    v.string('is not a string'),
    v.check((written) => written === '' || /^https?:\/\/[^\s#]+$/.test(written), 'is not a web address'),
  )
}

function scope(protocol: string): Field<string, string> {
  return field(v.pipe(text(), v.regex(/^[\x21\x23-\x5b\x5d-\x7e]*$/, 'is not one scope')), '', {
    doc: `Scope that a token must have for ${protocol}; empty: none is demanded.`,
    type: 'text',
    right: 'one scope in quotes, such as "mail"',
  })
}

/** Access tokens; `undefined`: off. */
export const oauthSection: Section<Config['auth']['oauth']> = section(
  fieldsOf({
    issuer: field(webAddress(), '', {
      doc: 'Whose tokens count, as their `iss` names it. Empty: OAUTHBEARER and XOAUTH2 are off.',
      type: 'web address',
      right: 'a web address such as "https://id.example.org"',
    }),
    audience: field(v.array(v.pipe(v.string('is not a string'), v.nonEmpty('is empty')), 'is not a list'), [], {
      doc: 'What a token must be made for (`aud`): one of these. At least one is needed, else a token made for any other service would open mailboxes.',
      type: 'list of texts',
      right: 'a list such as ["malle"]',
    }),
    jwks_uri: field(webAddress(), '', {
      doc: "Where the issuer publishes its keys (JWKS). Empty: as the issuer's `.well-known/openid-configuration` says.",
      type: 'web address',
      right: 'a web address such as "https://id.example.org/keys"',
    }),
    claim: field(v.pipe(text(), v.nonEmpty('is empty')), 'email', {
      doc: "The claim of a token that has the account's address.",
      type: 'text',
      right: 'the name of a claim in quotes, such as "email"',
    }),
    scope_imap: scope('IMAP'),
    scope_pop3: scope('POP3'),
    scope_smtp: scope('submission'),
  }),
  (raw) => {
    if (raw.issuer === '') return undefined
    const scopes = { imap: raw.scope_imap, pop3: raw.scope_pop3, smtp: raw.scope_smtp }
    return {
      issuer: raw.issuer,
      audience: raw.audience,
      jwksUri: raw.jwks_uri === '' ? undefined : raw.jwks_uri,
      claim: raw.claim,
      scopes: Object.fromEntries(Object.entries(scopes).filter(([, one]) => one !== '')),
    }
  },
  [
    {
      key: 'audience',
      wrong: 'is empty while auth.oauth.issuer is not',
      holds: ({ issuer, audience }) => issuer === '' || audience.length > 0,
    },
  ],
)
