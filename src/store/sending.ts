/**
 * The port of what accounts have sent: counts by the hour for limits and for what is usual, and the networks it came from.
 * Kept apart from the directory, which changes with every message otherwise; lost, limits begin anew.
 * @module
 */
import type { AccountId } from '#mail/ids.ts'

export const HOUR_MS = 3_600_000

/** What an account sent in one hour. */
export interface SentHour {
  /** Hours since 1970. */
  readonly hour: number
  readonly messages: number
  readonly recipients: number
  /** Recipients on other servers, aliases resolved. */
  readonly outside: number
}

/** One message, or several. */
export interface SentNote extends SentHour {
  /** Where it came from: `networkGroup` of the address. */
  readonly network: string
  /** Milliseconds since 1970. */
  readonly at: number
}

/** Mail of an account is held: it has sent what it never does. */
export interface SendingAlarm {
  readonly since: number
  /** People have been told. */
  readonly told: boolean
}

/** What an administrator has said is as it should be. */
export interface TaughtSending {
  /** Recipients on other servers in an hour; 0: none was taught. */
  readonly outside: number
}

/** Changes outlast a crash of the process when their promise settles, notes a moment later; not each a loss of power. */
export interface SendingRecord extends AsyncDisposable {
  /** Hours from `first` on in which the account sent something, ascending. */
  hours(account: AccountId, first: number): Promise<readonly SentHour[]>
  /** When something was first sent from there; `undefined`: never, or not for {@link forgetBefore}. */
  firstFrom(account: AccountId, network: string): Promise<number | undefined>
  note(account: AccountId, note: SentNote): Promise<void>
  alarm(account: AccountId): Promise<SendingAlarm | undefined>
  setAlarm(account: AccountId, alarm: SendingAlarm): Promise<void>
  taught(account: AccountId): Promise<TaughtSending>
  /** Ends the alarm; every network so far is known from now on, and as many recipients an hour are usual. */
  teach(account: AccountId, outside: number): Promise<void>
  /** Forgets hours before `hour`, and networks that nothing came from since `at`. */
  forgetBefore(hour: number, at: number): Promise<void>
}
