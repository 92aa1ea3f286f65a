/** SEARCH by subjects and addresses where nothing else of a message is asked: columns of texts are read, not its row. @module */
import type { Turns } from '#lib/turns.ts'
import { fold } from '#mail/fold.ts'
import { UidCollector, type UidSet } from '#mail/uid-set.ts'
import type { TextColumn } from '#store/columns.ts'
import type { ColumnGround } from './email-columns.ts'
import { type Criterion, type IndexFacts, meets } from './search-criterion.ts'
import { SnapshotWalk } from './snapshot-walk.ts'

/** The columns of texts by which, with what the snapshot has, a criterion is decided; `undefined`: they are not enough. */
export function textsDeciding(criterion: Criterion): readonly TextColumn[] | undefined {
  const columns = new Set<TextColumn>()
  return gather(criterion, columns) ? [...columns] : undefined
}

function gather(criterion: Criterion, into: Set<TextColumn>): boolean {
  switch (criterion.kind) {
    case 'all':
    case 'flags':
    case 'keyword-sets':
    case 'uids':
    case 'modseq':
      return true
    case 'column':
      into.add(criterion.column)
      return true
    case 'not':
      return gather(criterion.inner, into)
    case 'and':
    case 'or':
      return criterion.all.every((one) => gather(one, into))
    default:
      return false
  }
}

interface TextSearch extends ColumnGround {
  readonly criterion: Criterion
  readonly texts: IndexFacts | undefined
}

/** Those of the messages that meet a criterion which these columns decide. */
export async function searchTexts(
  { store, account, mailbox, snapshot, criterion, texts, signal }: TextSearch,
  uids: UidSet,
  columns: readonly TextColumn[],
  turns: Turns,
): Promise<UidSet> {
  const found = new UidCollector()
  const walk = new SnapshotWalk(snapshot, uids)
  const known = texts === undefined ? {} : { texts }
  for await (const slice of store.columns(account, mailbox, uids, [], columns)) {
    for (const [at, uid] of slice.uids.entries()) {
      if (!walk.goTo(uid)) continue
      const has = (column: TextColumn, text: string): boolean =>
        text === '' || fold(slice.texts[columns.indexOf(column)]?.[at] ?? '').includes(text)
      const facts = { uid, flags: walk.flags, modseq: walk.modseq, ...known, columns: { sentDay: undefined, has } }
      if (meets(criterion, facts) === true) found.add(walk.uid)
      if (turns.over) {
        await turns.share()
        signal.throwIfAborted()
      }
    }
    signal.throwIfAborted()
  }
  return found.set
}
