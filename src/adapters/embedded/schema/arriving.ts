/**
 * Accounts on their way in (restored, or moved from another shard): their row in `account` has no id yet, so nobody sees
 * them, and upkeep leaves them alone as long as they are here. @module
 */
export const ARRIVING = `
CREATE TABLE arriving (
  slot INTEGER PRIMARY KEY,
  id INTEGER NOT NULL UNIQUE,
  held INTEGER NOT NULL -- 1: whole, and waits to be settled
) STRICT;`
