/**
 * What changed since: the highest MODSEQ that one of so many neighbouring UIDs has, or had. A row of its own for each message, an
 * index by MODSEQ, would move with each change; a question reads the rows of the spans in which something happened. @module
 */
import type { Sql } from '../sql.ts'

/** UIDs of one span: a change costs a row, and a question that finds it reads as many messages. */
export const SPAN = 128

export const MODSEQ_SPAN = `
CREATE TABLE modseq_span (
  account INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  span INTEGER NOT NULL, -- UID / 128
  modseq INTEGER NOT NULL,
  PRIMARY KEY (account, mailbox, span)
) STRICT, WITHOUT ROWID;
INSERT INTO modseq_span SELECT account, mailbox, uid / 128, max(modseq) FROM message GROUP BY 1, 2, 3;
DROP INDEX message_by_modseq;`

/** The span of a UID. */
export function spanOf(uid: number): number {
  return Math.floor(uid / SPAN)
}

/** Notes the MODSEQ of messages in a span. */
export function raiseSpan(sql: Sql, slot: number, mailbox: number, span: number, modseq: number): void {
  sql.run(
    `INSERT INTO modseq_span (account, mailbox, span, modseq) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET modseq = max(modseq, excluded.modseq)`,
    slot,
    mailbox,
    span,
    modseq,
  )
}

/** Lets go of the spans that messages between two UIDs have left empty. */
export function dropEmptySpans(sql: Sql, slot: number, mailbox: number, first: number, last: number): void {
  sql.run(
    `DELETE FROM modseq_span AS s WHERE account = ? AND mailbox = ? AND span BETWEEN ? AND ? AND NOT EXISTS (SELECT 1
     FROM message m WHERE m.account = s.account AND m.mailbox = s.mailbox
     AND m.uid BETWEEN s.span * ${SPAN} AND s.span * ${SPAN} + ${SPAN - 1})`,
    slot,
    mailbox,
    spanOf(first),
    spanOf(last),
  )
}

/** Makes the spans of an account from its messages. */
export function rebuildSpans(sql: Sql, slot: number): void {
  sql.run('DELETE FROM modseq_span WHERE account = ?', slot)
  sql.run(
    `INSERT INTO modseq_span SELECT account, mailbox, uid / ${SPAN}, max(modseq) FROM message WHERE account = ?
     GROUP BY 1, 2, 3`,
    slot,
  )
}
