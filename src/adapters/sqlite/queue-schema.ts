/** Tables of `queue/queue.db`. A migration that was released is never edited; changes are new ones. @module */

/** Each leads from the version of its index to the next. */
export const QUEUE_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE message (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    sender TEXT NOT NULL,
    account TEXT,
    received_from TEXT,
    -- below queue/, or a place in the table body
    file TEXT NOT NULL,
    size INTEGER NOT NULL,
    smtp_utf8 INTEGER NOT NULL,
    eight_bit INTEGER NOT NULL,
    returns TEXT,
    envelope_id TEXT,
    priority INTEGER NOT NULL,
    at INTEGER NOT NULL,
    not_before INTEGER,
    language TEXT NOT NULL,
    -- when nobody waited for it any more: only its history is left
    gone_at INTEGER
  ) STRICT;
  CREATE INDEX message_here ON message (at, key) WHERE gone_at IS NULL;
  CREATE INDEX message_account ON message (account) WHERE gone_at IS NULL AND account IS NOT NULL;
  CREATE INDEX message_file ON message (file, size) WHERE gone_at IS NULL;
  CREATE INDEX message_gone ON message (gone_at) WHERE gone_at IS NOT NULL;

  CREATE TABLE recipient (
    message INTEGER NOT NULL REFERENCES message (key) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    address TEXT NOT NULL,
    domain TEXT NOT NULL,
    original TEXT,
    notify TEXT,
    -- 0 waiting, 1 held, 2 delivered, 3 failed, 4 dropped
    state INTEGER NOT NULL,
    -- reasons: of its own, and of a standing hold; 0: none
    own_hold INTEGER NOT NULL,
    standing_hold INTEGER NOT NULL,
    -- of the message
    priority INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    delay_told INTEGER NOT NULL DEFAULT 0,
    -- key of its last attempt
    last INTEGER,
    PRIMARY KEY (message, position)
  ) STRICT, WITHOUT ROWID;
  -- the key follows in each: message, position
  CREATE INDEX recipient_due ON recipient (domain, priority DESC, next_at) WHERE state = 0;
  CREATE INDEX recipient_next ON recipient (priority DESC, next_at) WHERE state = 0;
  CREATE INDEX recipient_domain ON recipient (domain) WHERE state < 2;
  CREATE INDEX recipient_held ON recipient (state) WHERE state = 1;

  -- of the recipients that wait, per domain, the earliest next_at
  CREATE TABLE destination (
    domain TEXT PRIMARY KEY,
    next_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX destination_next ON destination (next_at);

  CREATE TABLE attempt (
    key INTEGER PRIMARY KEY,
    message INTEGER NOT NULL REFERENCES message (key) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    at INTEGER NOT NULL,
    host TEXT,
    tls TEXT,
    outcome TEXT NOT NULL,
    reply TEXT NOT NULL
  ) STRICT;
  CREATE INDEX attempt_message ON attempt (message);

  CREATE TABLE standing_hold (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    since INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- bodies of few octets; message.file is their place
  CREATE TABLE body (key INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
  `,
  `
  ALTER TABLE recipient ADD COLUMN alias TEXT;
  `,
  `
  ALTER TABLE message ADD COLUMN tls_optional INTEGER NOT NULL DEFAULT 0;
  `,
]
