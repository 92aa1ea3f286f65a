/**
 * Where a suite may reach into a writer: to kill the process at a moment, or to break a promise on purpose. A store has
 * none unless who composes it hands one over (`EmbeddedOptions.probe`); no configuration and no environment does. @module
 */
import type { SegmentFiles } from './segment-files.ts'
import type { Sql } from './sql.ts'

/**
 * Moments of the threads of a shard, in their order:
 * - `opening`, then `migrating` before each step of a migration and once more before its commit, `opened`;
 * - of a batch: `executed` (nothing is written yet; then bodies are written and synced through {@link Probe.files}),
 *   `commit` (bodies are on disk), `committed` (rows are), `answered` (what needs no answer comes after it: files go);
 * - `checkpoint`, `checkpointed`.
 */
export type Moment =
  | 'opening'
  | 'migrating'
  | 'opened'
  | 'executed'
  | 'commit'
  | 'committed'
  | 'answered'
  | 'checkpoint'
  | 'checkpointed'

/** What is told at a moment. */
export interface MomentFacts {
  /** Of a batch: kinds of its requests and, after `task:`, the name of the upkeep that had a slice. */
  readonly kinds: ReadonlySet<string>
  /** At `commit`: gives the answers of the batch too early. */
  readonly answer?: () => void
  /** At `opened`. */
  readonly sql?: Sql
}

/** See the module. */
export interface Probe {
  /** The calls that change segment files. */
  files(real: SegmentFiles): SegmentFiles
  at(moment: Moment, facts: MomentFacts): void
}

/** Which one, in a form that goes to threads: the address of a module that exports `makeProbe`, and what it is given. */
export interface ProbeOrder {
  readonly module: string
  readonly order: unknown
}

/** What the module exports. */
export type MakeProbe = (order: unknown) => Probe

/** In the thread that will use it. */
export async function loadProbe(ordered: ProbeOrder | undefined): Promise<Probe | undefined> {
  if (ordered === undefined) return undefined
  const { makeProbe }: { readonly makeProbe: MakeProbe } = await import(ordered.module)
  return makeProbe(ordered.order)
}

export const NO_KINDS: ReadonlySet<string> = new Set()
