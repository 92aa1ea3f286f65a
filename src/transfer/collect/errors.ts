/** Why collecting cannot begin. @module */

/** The source has no lasting ids, so that messages left on it would be taken again at every run. */
export class NoLastingIds extends Error {
  override readonly name = 'NoLastingIds'
}

/** Another run works with the records. */
export class StateBusy extends Error {
  override readonly name = 'StateBusy'
}

/** The records were written by a newer Malle. */
export class StateTooNew extends Error {
  override readonly name = 'StateTooNew'
}

/** Who takes the mail is not there, or is not there any more. */
export class TargetGone extends Error {
  override readonly name = 'TargetGone'
}
