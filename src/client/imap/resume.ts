/** A mailbox taken up again after a lost connection: what changed meanwhile is told (RFC 7162 §6). @module */
import { type UidSet, uidSetHas, uidSetOf, uidSetSize, uidsOf } from '#mail/uid-set.ts'
import type { FetchResponse } from '#wire/imap/responses.ts'
import type { Opened } from './commands/select.ts'
import type { MailboxEvent } from './events.ts'
import type { FetchedMessage } from './fetch-query.ts'
import type { SelectedMailbox } from './selected-mailbox.ts'

/** How a mailbox is opened and asked on the new connection. */
export interface Resuming {
  /** @param qresync The server is to tell what changed since. */
  open(old: SelectedMailbox, qresync: boolean): Promise<Opened>
  readonly qresync: boolean
  readonly condstore: boolean
  flags(changedSince: SelectedMailbox['highestModseq']): AsyncIterable<FetchedMessage<{ flags: true; modseq: true }>>
  uids(): Promise<UidSet>
  tell(event: MailboxEvent): void
}

type How = Extract<MailboxEvent, { kind: 'resumed' }>['how']

/** Opens it again; `undefined`: its UIDVALIDITY is another one, which was told. */
export async function resume(old: SelectedMailbox, by: Resuming): Promise<How | undefined> {
  // what is remembered must be read before the new view is there
  const known = old.tracking === 'none' ? undefined : uidSetOf(old.uids())
  const before = old.exists
  const { mailbox, vanished, changed } = await by.open(old, by.qresync && old.highestModseq !== undefined)
  if (mailbox.uidValidity !== old.uidValidity) {
    by.tell({ kind: 'reset', mailbox: mailbox.name, uidValidity: mailbox.uidValidity })
    return undefined
  }
  let gone: UidSet | undefined
  let how: How
  if (vanished !== undefined) {
    how = 'qresync'
    gone = known === undefined ? vanished : uidSetOf([...uidsOf(known)].filter((uid) => uidSetHas(vanished, uid)))
    for (const response of changed) tellChange(response, by)
  } else {
    const now = known === undefined ? undefined : await by.uids()
    if (known !== undefined && now !== undefined)
      gone = uidSetOf([...uidsOf(known)].filter((uid) => !uidSetHas(now, uid)))
    how = await compare(old, by)
  }
  if (gone !== undefined && gone.length > 0) by.tell({ kind: 'vanished', uids: gone, earlier: true })
  const left = before - (gone === undefined ? 0 : uidSetSize(gone))
  const added = mailbox.exists - left
  if (added > 0 || (gone === undefined && added !== 0))
    by.tell({ kind: 'exists', exists: mailbox.exists, added: Math.max(0, added) })
  return how
}

/** Flags that are other ones now. */
async function compare(old: SelectedMailbox, by: Resuming): Promise<How> {
  const since = by.condstore ? old.highestModseq : undefined
  if (since === undefined && old.tracking !== 'flags') return old.tracking === 'none' ? 'counted' : 'compared'
  for await (const { number, uid, flags, modseq } of by.flags(since)) {
    const before = old.flagsOf(uid)
    // those that are new are told of by their number
    const isNew = old.uidNext !== undefined && uid >= old.uidNext
    const same = before !== undefined && sameFlags(before, flags)
    if (!isNew && !same) by.tell({ kind: 'flags', number, uid, flags, modseq })
  }
  return since === undefined ? 'compared' : 'condstore'
}

function tellChange({ number, values }: FetchResponse, by: Resuming): void {
  const uid = values.find((value) => value.kind === 'UID')?.uid
  const flags = values.find((value) => value.kind === 'FLAGS')?.flags
  const modseq = values.find((value) => value.kind === 'MODSEQ')?.modseq
  if (flags !== undefined) by.tell({ kind: 'flags', number, uid, flags, modseq })
}

function sameFlags(a: readonly string[], b: readonly string[]): boolean {
  const fold = (flags: readonly string[]): Set<string> =>
    new Set(flags.map((flag) => flag.toLowerCase()).filter((flag) => flag !== '\\recent'))
  const [before, after] = [fold(a), fold(b)]
  return before.size === after.size && before.isSubsetOf(after)
}
