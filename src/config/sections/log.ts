/** `[log]`. @module */
import type { Config } from '../config.ts'
import { field, fieldsOf, oneOf, type Section, section } from '../fields.ts'

/** What is logged. */
export const logSection: Section<Config['log']> = section(
  fieldsOf({
    level: field(oneOf(['debug', 'info', 'warn', 'error']), 'info', {
      doc: 'How much is logged, as JSON lines on standard error.',
      type: '"debug", "info", "warn" or "error"',
      right: '"debug", "info", "warn" or "error"',
    }),
  }),
  (raw) => raw,
)
