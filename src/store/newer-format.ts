/** A database that a newer release wrote: what a store throws when it is opened. @module */

/** What is known of it; goes from thread to thread as it is. */
export interface NewerFormatFacts {
  /** File of the database. */
  readonly path: string
  /** The format it has. */
  readonly format: number
  /** The newest format that this release reads. */
  readonly reads: number
}

/** A database is of a newer format than this release reads; nothing in it was changed. */
export class NewerFormat extends Error {
  readonly facts: NewerFormatFacts

  constructor(facts: NewerFormatFacts) {
    const { path, format, reads } = facts
    super(`"${path}" was written by a newer Malle (its format is ${format}, this one reads up to ${reads})`)
    this.facts = facts
  }
}

/** The facts of a {@link NewerFormat} that is this error or its cause. */
export function newerFormatOf(error: unknown): NewerFormatFacts | undefined {
  if (error instanceof NewerFormat) return error.facts
  return error instanceof Error ? newerFormatOf(error.cause) : undefined
}
