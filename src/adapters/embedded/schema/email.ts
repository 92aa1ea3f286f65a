/**
 * Emails: what never changes once it has arrived (compaction alone moves the place of the bytes).
 * Three tables, so that SEARCH and SORT scan little: narrow columns; what FETCH sends as it is; the raw header.
 * `segment` 0 is a file of its own in `big/`, and `position` its number. `position` of a segment is the offset of
 * the record plus its codec (records lie at multiples of eight). @module
 */
export const EMAIL = `
CREATE TABLE email (
  id INTEGER PRIMARY KEY, -- slot * 2^32 + key
  thread INTEGER NOT NULL,
  size INTEGER NOT NULL, -- trace and body
  internal_date INTEGER NOT NULL,
  internal_zone INTEGER NOT NULL,
  segment INTEGER NOT NULL,
  position INTEGER NOT NULL,
  length INTEGER NOT NULL, -- of the body
  stored INTEGER NOT NULL, -- octets of the record on disk
  arrival_segment INTEGER NOT NULL,
  arrival_stored INTEGER NOT NULL,
  header_size INTEGER NOT NULL,
  lines INTEGER NOT NULL,
  sent_at INTEGER,
  sent_day INTEGER,
  has_attachment INTEGER NOT NULL,
  subject TEXT NOT NULL,
  base_subject TEXT NOT NULL,
  sender TEXT NOT NULL,
  recipients TEXT NOT NULL,
  cc TEXT NOT NULL,
  message_id TEXT,
  trace BLOB NOT NULL
) STRICT;
CREATE INDEX email_by_place ON email (segment, position);
CREATE TABLE email_ready (
  id INTEGER PRIMARY KEY,
  envelope BLOB NOT NULL,
  structure BLOB NOT NULL,
  parts BLOB NOT NULL,
  preview TEXT NOT NULL
) STRICT;
CREATE TABLE email_header (
  id INTEGER PRIMARY KEY,
  fields BLOB NOT NULL,
  header BLOB NOT NULL
) STRICT;`
