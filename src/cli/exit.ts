/** How the command line ends. @module */

/** Exit codes, after sysexits.h. */
export const EXIT = {
  ok: 0,
  /** Findings of `check`, refusals of `doctor`. */
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

/** Ends the command with one clear sentence on stderr. */
export class CliError extends Error {
  readonly exitCode: number

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}
