/** Segment files: how far they are committed, and how much of them belongs to an email. @module */
export const SEGMENT = `
CREATE TABLE segment (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: readers remember files by it
  total INTEGER NOT NULL,
  live INTEGER NOT NULL,
  state TEXT NOT NULL, -- open: appended to; sealed; target: of a compaction; retired: to be removed; kept: newer than the index
  retired_at INTEGER
) STRICT;`
