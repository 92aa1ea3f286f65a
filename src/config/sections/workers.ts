/** `[workers]`. @module */
import * as v from 'valibot'
import { field, fieldsOf, integer, type Section, section } from '../fields.ts'

/** Threads; `auto` is for the machine to say. */
export const workersSection: Section<{ readonly count: number | 'auto' }> = section(
  fieldsOf({
    count: field(
      v.union([v.literal('auto'), integer(1, 256)], 'is neither "auto" nor a whole number from 1 to 256'),
      'auto',
      {
        doc: 'Threads that speak with clients. `auto`: one for each core but one, on Linux; elsewhere one.',
        type: '"auto" or integer, 1 to 256',
        right: '"auto" or a whole number from 1 to 256',
      },
    ),
  }),
  (raw) => raw,
)
