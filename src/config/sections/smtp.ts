/** `[smtp]`. @module */
import type { Config } from '../config.ts'
import { field, fieldsOf, oneOf, type Section, section } from '../fields.ts'

/** Mail in by SMTP. */
export const smtpSection: Section<Config['smtp']> = section(
  fieldsOf({
    bare_newline: field(oneOf(['reject', 'normalise']), 'reject', {
      doc: 'What port 25 does with a CR or LF that stands alone in a message: refuse the message, as it may be an attempt at smuggling, or make it CRLF.',
      type: '"reject" or "normalise"',
      right: '"reject" or "normalise"',
    }),
  }),
  (raw) => ({ bareNewline: raw.bare_newline }),
)
