/** `[store]`. @module */
import * as v from 'valibot'
import type { Config } from '../config.ts'
import { count, field, fieldsOf, oneOf, type Section, section, size } from '../fields.ts'

/** Where and how mail is kept. */
export const storeSection: Section<Config['store']> = section(
  fieldsOf({
    url: field(
      v.pipe(v.string('is not a string'), v.literal('embedded:', 'is not a store this release has')),
      'embedded:',
      {
        doc: 'Where mail is kept: `embedded:` is inside the data folder, with no other server.',
        type: 'URL',
        right: '"embedded:"',
      },
    ),
    durability: field(oneOf(['full', 'relaxed']), 'full', {
      doc: '`full`: every acknowledged change is on disk. `relaxed`: a power cut may take the last seconds; for a bulk import only.',
      type: '"full" or "relaxed"',
      right: '"full" or "relaxed"',
    }),
    shards: count(
      1,
      64,
      1,
      'Databases that mail is spread over, each with a writer thread of its own; at most half the cores. It may grow later, never shrink.',
    ),
    retention_days: count(
      1,
      3_650,
      30,
      'Days that deleted mail is kept before it and its space are gone for good; `malle undelete` brings it back. Nobody sees it, and it does not count in the quota of the account.',
      'days',
    ),
    deleted_size: field(size('0B', '1000GB'), '10GB', {
      doc: 'Deleted mail that one account may have; above, the oldest is gone for good earlier than its days, though never within one.',
      type: 'size',
      unit: 'octets with B, KB, MB or GB (KB = 1,024)',
      right: 'a number with its unit in quotes, such as "10GB", from "0B" to "1000GB"',
    }),
    history_days: count(
      1,
      3_650,
      90,
      'Days that `malle history` looks back: what happened to each message, and who did it. Of an account, the last 100,000 changes are kept.',
      'days',
    ),
  }),
  (raw) => ({
    url: raw.url,
    durability: raw.durability,
    shards: raw.shards,
    retentionDays: raw.retention_days,
    deletedBytes: raw.deleted_size,
    historyDays: raw.history_days,
  }),
)
