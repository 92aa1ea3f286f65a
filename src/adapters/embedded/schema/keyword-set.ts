/** Distinct sets of keywords of an account, numbered without gaps from 1; 0 is the empty set and has no row. @module */
export const KEYWORD_SET = `
CREATE TABLE keyword_set (
  account INTEGER NOT NULL,
  id INTEGER NOT NULL,
  keywords TEXT NOT NULL, -- JSON array
  PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;`
