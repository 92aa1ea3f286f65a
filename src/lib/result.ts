/** A value, or a refusal that the caller must expect. Faults and bugs are thrown instead. */
export type Result<T, E> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E }

/** The success of a {@link Result}. */
export function done<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value }
}

/** The refusal of a {@link Result}: `error.kind` says why, the other fields explain it. */
export function refused<E>(error: E): { readonly ok: false; readonly error: E } {
  return { ok: false, error }
}
