/** `[pop3]`. @module */
import * as v from 'valibot'
import { type Pop3Policy, parsePop3Policy } from '#mail/pop3-policy.ts'
import type { Config } from '../config.ts'
import { count, field, fieldsOf, oneOf, type Section, section, yesOrNo } from '../fields.ts'

function pop3Policy(): v.GenericSchema<string, Pop3Policy> {
  return v.pipe(
    v.string('is not a string'),
    v.check((written) => parsePop3Policy(written) !== undefined, 'is not one of the words known here'),
    v.transform((written): Pop3Policy => parsePop3Policy(written) ?? { kind: 'client' }),
  )
}

/** Mail out by POP3. */
export const pop3Section: Section<Config['pop3']> = section(
  fieldsOf({
    policy: field(pop3Policy(), 'client', {
      doc: 'What becomes of messages that were downloaded. `client`: the client deletes them, or not. `delete`: they go at QUIT. `keep=DAYS`: they go so many days after their first download. `read-only`: POP3 changes nothing. An account may have its own (`malle account set --pop3-policy`).',
      type: '"client", "delete", "keep=DAYS" or "read-only"',
      right: '"client", "delete", "keep=30" or "read-only"',
    }),
    login_delay: count(
      0,
      86_400,
      0,
      'Least time between two POP3 logins of an account, 0 for none; earlier ones are refused. An account may have its own.',
      'seconds',
    ),
    mark_seen: field(yesOrNo(), false, {
      doc: 'Whether messages downloaded over POP3 count as read in IMAP (`\\Seen`), from QUIT on.',
      type: 'true or false',
      right: 'true or false without quotes',
    }),
    language: field(oneOf(['en', 'fr']), 'en', {
      doc: 'What a POP3 client gets that asks for the language of the house (`LANG *`).',
      type: '"en" or "fr"',
      right: '"en" or "fr"',
    }),
  }),
  (raw) => ({
    policy: raw.policy,
    loginDelaySeconds: raw.login_delay,
    markSeen: raw.mark_seen,
    language: raw.language,
  }),
)
