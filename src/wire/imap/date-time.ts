/** Dates of IMAP (RFC 9051 §9 date, date-time). @module */

/** A moment and the zone it was written in. */
export interface DateTime {
  /** Milliseconds since 1970, whole seconds. */
  readonly time: number
  /** Minutes east of UTC. */
  readonly zone: number
}

/** A day without time or zone. */
export interface CalendarDate {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  readonly day: number
}
