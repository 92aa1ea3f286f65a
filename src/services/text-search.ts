/** SEARCH by subjects and addresses where nothing else of a message is asked: columns of texts are read, not its row. @module */
import type { Turns } from '#lib/turns.ts'
import { UidCollector, type UidSet } from '#mail/uid-set.ts'
import type { TextColumn } from '#store/columns.ts'
import type { ColumnGround } from './email-columns.ts'
import { foldedTexts } from './kept-texts.ts'
import { type Criterion, type IndexFacts, meets } from './search-criterion.ts'
import { SnapshotWalk } from './snapshot-walk.ts'

interface TextSearch extends ColumnGround {
  readonly criterion: Criterion
  readonly texts: IndexFacts | undefined
}

/** Those of the messages that meet a criterion of which only these columns are needed. */
export async function searchTexts(
  search: TextSearch,
  uids: UidSet,
  columns: readonly TextColumn[],
  turns: Turns,
): Promise<UidSet> {
  const { snapshot, criterion, texts, signal } = search
  const found = new UidCollector()
  const walk = new SnapshotWalk(snapshot, uids)
  const known = texts === undefined ? {} : { texts }
  for await (const slice of foldedTexts(search, uids, columns, turns)) {
    let at = 0
    const has = (column: TextColumn, text: string): boolean => text === '' || slice.text(column, at).includes(text)
    const asked = { sentDay: undefined, has }
    for (; at < slice.uids.length; at += 1) {
      if (!walk.goTo(slice.uids[at] ?? 0)) continue
      const facts = { uid: walk.uid, flags: walk.flags, modseq: walk.modseq, ...known, columns: asked }
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
