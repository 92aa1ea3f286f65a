/** Bytes outside the grammar. The session answers BAD; nothing else in `wire` is thrown on purpose. */
export class SyntaxFault extends SyntaxError {
  override readonly name = 'SyntaxFault'
  /** Position in the text of the frame, from 0; each literal counts as one. */
  readonly offset: number

  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}
