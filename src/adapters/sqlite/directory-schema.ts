/** Tables of `directory.db`. A migration that was released is never edited; changes are new ones. @module */

/** Each leads from the version of its index to the next. */
export const DIRECTORY_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE setting (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE domain (
    name TEXT PRIMARY KEY,
    catch_all TEXT,
    created_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- AUTOINCREMENT: an id is never used again, because the store knows accounts by it
  CREATE TABLE account (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL UNIQUE,
    domain TEXT NOT NULL REFERENCES domain (name),
    shard INTEGER NOT NULL,
    display_name TEXT NOT NULL,
    password_hash TEXT,
    protocols INTEGER NOT NULL,
    storage_limit INTEGER,
    message_limit INTEGER,
    enabled INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    -- SCRAM sends one salt, so all verifiers of an account share it
    scram_salt BLOB,
    scram_iterations INTEGER,
    scram_stored_key BLOB,
    scram_server_key BLOB
  ) STRICT;
  CREATE INDEX account_domain ON account (domain, id);
  CREATE INDEX account_shard ON account (shard);

  CREATE TABLE alias (
    address TEXT PRIMARY KEY,
    domain TEXT NOT NULL REFERENCES domain (name),
    created_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX alias_domain ON alias (domain);
  CREATE TABLE alias_target (
    alias TEXT NOT NULL REFERENCES alias (address) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    target TEXT NOT NULL,
    PRIMARY KEY (alias, position)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE app_password (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    protocols INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    UNIQUE (account, name)
  ) STRICT;
  CREATE TABLE app_password_scram (
    app_password INTEGER NOT NULL REFERENCES app_password (id) ON DELETE CASCADE,
    iterations INTEGER NOT NULL,
    stored_key BLOB NOT NULL,
    server_key BLOB NOT NULL,
    PRIMARY KEY (app_password, iterations)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- days that downloaded messages stay; -1: until the client deletes them, -2: POP3 changes nothing
  ALTER TABLE account ADD COLUMN pop3_policy INTEGER;
  ALTER TABLE account ADD COLUMN pop3_login_delay INTEGER;
  CREATE INDEX account_pop3_policy ON account (pop3_policy) WHERE pop3_policy IS NOT NULL;
  CREATE INDEX account_pop3_login_delay ON account (pop3_login_delay) WHERE pop3_login_delay IS NOT NULL;
  `,
  'ALTER TABLE account ADD COLUMN administrator INTEGER NOT NULL DEFAULT 0',
  `
  -- the private halves are files: a copy of this database signs nothing
  CREATE TABLE dkim_key (
    domain TEXT NOT NULL REFERENCES domain (name) ON DELETE CASCADE,
    selector TEXT NOT NULL,
    algorithm TEXT NOT NULL CHECK (algorithm IN ('rsa', 'ed25519')),
    public_key TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    active_from INTEGER NOT NULL,
    retired_from INTEGER,
    PRIMARY KEY (domain, selector)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE account ADD COLUMN sent_copy INTEGER NOT NULL DEFAULT 0;
  -- a day; 0: no limit
  ALTER TABLE account ADD COLUMN messages_sent INTEGER;
  ALTER TABLE account ADD COLUMN recipients_sent INTEGER;
  ALTER TABLE account ADD COLUMN language TEXT;
  `,
]
