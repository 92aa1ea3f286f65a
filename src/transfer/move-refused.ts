/** The store refused a move. */
export class MoveRefused extends Error {
  readonly refusal: { readonly kind: 'move-refused'; readonly why: string }

  constructor(why: string) {
    super(`The move is refused: ${why}`)
    this.refusal = { kind: 'move-refused', why }
  }
}
