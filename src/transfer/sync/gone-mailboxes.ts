/** Mailboxes that are gone from one side, taken away from the other: only what is known to have been on both. @module */
import { type OpenMailbox, type Side, type SideMailbox, SideRefusal } from './side.ts'
import type { End, MailboxRecord, SyncState } from './state.ts'

/** A mailbox whose partner is gone. */
export interface GoneMailbox {
  readonly record: MailboxRecord
  /** Where it still is. */
  readonly end: End
  readonly mailbox: SideMailbox
}

/** So many, and half of all, that are gone at once are a mistake rather than a wish. */
const SUSPICIOUS = 3

/** Whether they are too many to be taken away unasked. */
export function tooMany(gone: readonly GoneMailbox[], records: number): boolean {
  return gone.length >= SUSPICIOUS && gone.length * 2 >= records
}

/** Messages that went with a mailbox, or why it stays. */
export type Removal =
  | { readonly removed: number }
  | { readonly kept: 'new-messages' | 'made-anew' }
  | { readonly kept: 'refused'; readonly why: string }

/**
 * Takes one away, unless it has messages that the other one never had. They are taken away first, and it only when it is
 * empty then: what came meanwhile stays.
 */
export async function removeMailbox(
  { record, end, mailbox }: GoneMailbox,
  side: Side,
  state: SyncState,
  dryRun: boolean,
): Promise<Removal> {
  try {
    let removed: number | undefined
    {
      await using open = await side.open(mailbox, dryRun)
      if (open.validity !== record[end].validity) return { kept: 'made-anew' }
      removed = await empty(open, record, end, state, dryRun)
    }
    if (removed === undefined) return { kept: 'new-messages' }
    if (!dryRun) {
      await side.remove?.(mailbox)
      state.part(record.id)
    }
    return { removed }
  } catch (error) {
    if (!(error instanceof SideRefusal)) throw error
    return { kept: 'refused', why: error.message }
  }
}

/** @returns How many messages it had; `undefined`: there are others, or they cannot be taken away. */
async function empty(
  open: OpenMailbox,
  record: MailboxRecord,
  end: End,
  state: SyncState,
  dryRun: boolean,
): Promise<number | undefined> {
  const there = [...(await open.messages()).keys()]
  const known = new Set(state.pairs(record.id).map((pair) => pair[end]))
  if (there.some((key) => !known.has(key))) return undefined
  if (dryRun || there.length === 0) return there.length
  await open.remove(there)
  return (await open.messages()).size === 0 ? there.length : undefined
}
