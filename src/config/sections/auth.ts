/** `[auth]`. @module */
import type { Config } from '../config.ts'
import { field, fieldsOf, type Section, section, yesOrNo } from '../fields.ts'
import { oauthSection } from './oauth.ts'

/** How people show who they are. */
export const authSection: Section<Config['auth']> = section(
  fieldsOf({
    allow_plaintext: field(yesOrNo(), false, {
      doc: 'Takes passwords over connections without TLS. For tests on loopback only.',
      type: 'true or false',
      right: 'true or false without quotes',
    }),
    scram_for_passwords: field(yesOrNo(), false, {
      doc: "Keeps a SCRAM verifier beside each person's password, so that SCRAM works with it and not only with app passwords. The verifier is weaker than argon2id if the store is ever stolen.",
      type: 'true or false',
      right: 'true or false without quotes',
    }),
    unauthenticate: field(yesOrNo(), true, {
      doc: 'Lets IMAP clients log out and in as somebody else on one connection (UNAUTHENTICATE). To be switched off behind a proxy that lets everything through after the login.',
      type: 'true or false',
      right: 'true or false without quotes',
    }),
    oauth: oauthSection,
  }),
  (raw) => ({
    allowPlaintext: raw.allow_plaintext,
    scramForPasswords: raw.scram_for_passwords,
    unauthenticate: raw.unauthenticate,
    oauth: raw.oauth,
  }),
)
