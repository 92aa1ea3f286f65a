/** Where collected mail goes. @module */
import type { Listed } from './source.ts'

/**
 * What must be known of a message after a crash while it was being put in place: written down before, so that what
 * stands there can be told from what does not. A target reads only what it wrote itself.
 */
export interface Placing {
  readonly id: string
  /** Opaque to everybody but the target. */
  readonly mark: string
}

/** What became of a message whose placing was not recorded as done. */
export type Fate =
  | 'placed'
  | 'not-placed'
  /** It is to be placed for some still, and the target knows for whom: what is recorded of it stays. */
  | 'partly'
  /** It may be there: it is delivered again, and the report says so. */
  | 'unknown'

/** A message that is on disk, or in memory, and not yet in its place. */
export interface Staged {
  readonly message: Listed
  /** Octets as they came from the server. */
  readonly octets: number
}

/** How placing one message ended; a refused one is asked for again at the next run. A note is told to people. */
export type Placed =
  | { readonly message: Listed; readonly refusal?: never; readonly note?: string }
  /** `partly`: the mark of one that some have, and some have not. */
  | { readonly message: Listed; readonly refusal: string; readonly partly?: string }

/**
 * A message goes stage → prepare → (recorded) → place → (recorded). Until `place`, nobody sees it. A target that is
 * disposed of removes what was staged and not placed.
 */
export interface CollectTarget<S extends Staged = Staged> extends AsyncDisposable {
  /** Of the place: what was recorded of a placing in one place is told to no other. */
  readonly name: string
  /** Messages to be placed together at most. */
  readonly most?: number
  /** Settles what a run before left behind. */
  recover(placings: readonly Placing[]): Promise<ReadonlyMap<string, Fate>>
  /** Takes the bytes in; a body that fails leaves nothing behind. */
  stage(message: Listed, body: AsyncIterable<Uint8Array>): Promise<S>
  /** Everything staged is on disk when it settles; gives what to write down before placing. */
  prepare(staged: readonly S[]): Promise<readonly Placing[]>
  /** Puts them in place, in this order; durable when it settles. */
  place(staged: readonly S[]): Promise<readonly Placed[]>
}
