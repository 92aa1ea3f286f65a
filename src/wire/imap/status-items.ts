/** What STATUS asks for (RFC 9051 §6.3.11, RFC 7162 §3.1.7, RFC 8474 §4.3, RFC 7889 §3.1, RFC 8438, RFC 9208 §4.1.4). @module */

export type StatusItem =
  | 'APPENDLIMIT'
  | 'DELETED'
  | 'DELETED-STORAGE'
  | 'HIGHESTMODSEQ'
  | 'MAILBOXID'
  | 'MESSAGES'
  | 'RECENT'
  | 'SIZE'
  | 'UIDNEXT'
  | 'UIDVALIDITY'
  | 'UNSEEN'
