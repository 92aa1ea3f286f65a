/** Exit codes, after sysexits.h (design §3). */
export const EXIT = {
  ok: 0,
  /** Findings of `check`, failures of `doctor`. */
  failed: 1,
  usage: 64,
  badData: 65,
  noSuchThing: 66,
  unavailable: 69,
  bug: 70,
  cannotWrite: 73,
  tryAgain: 75,
  notAllowed: 77,
  configuration: 78,
} as const
