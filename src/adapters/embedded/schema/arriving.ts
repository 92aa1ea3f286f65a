/**
 * Accounts on their way in (restored, or moved from another shard): their row in `account` has no id yet, so nobody sees
 * them, and upkeep leaves them alone as long as they are here. And accounts on their way out, which take no writes. @module
 */
export const ARRIVING = `
CREATE TABLE arriving (
  slot INTEGER PRIMARY KEY,
  id INTEGER NOT NULL UNIQUE,
  held INTEGER NOT NULL -- 1: whole, and waits to be settled
) STRICT;`

/** Values of `held`. */
export const COMING = 0
export const HELD = 1
/** Of an account that is there: it takes no writes. */
export const FROZEN = 2
