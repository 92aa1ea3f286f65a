/** Why collecting cannot begin. @module */

/** The source has no lasting ids, so that messages left on it would be taken again at every run. */
export class NoLastingIds extends Error {
  override readonly name = 'NoLastingIds'
}

/** Who takes the mail is not there, or is not there any more. */
export class TargetGone extends Error {
  override readonly name = 'TargetGone'
}
