/** What the search index knows of a criterion's texts, as facts about messages. @module */
import type { MailboxKey } from '#mail/ids.ts'
import { type UidSet, uidSetOf } from '#mail/uid-set.ts'
import type { IndexAnswer, IndexedText, SearchIndex, TextMatches } from '#store/search-index.ts'
import type { AccountRef } from '#store/types.ts'
import type { Answer, Criterion, IndexFacts, TextCriterion } from './search-criterion.ts'

/** Asks the index for all texts of a criterion. @returns `undefined` when there are none, or there is no index. */
export async function indexedTexts(
  index: SearchIndex,
  account: AccountRef,
  mailbox: MailboxKey,
  criterion: Criterion,
): Promise<IndexedTexts | undefined> {
  const asked = textsOf(criterion)
  if (asked.length === 0) return undefined
  const answer = await index.find(account, mailbox, asked.map(indexedText))
  return answer === undefined ? undefined : new IndexedTexts(asked, answer)
}

/** Which criteria of a criterion ask for text, those that ask whether a field is there left out. */
function textsOf(criterion: Criterion): readonly TextCriterion[] {
  switch (criterion.kind) {
    case 'column':
    case 'header':
    case 'body':
    case 'text':
      return criterion.text === '' ? [] : [criterion]
    case 'not':
      return textsOf(criterion.inner)
    case 'and':
    case 'or':
      return criterion.all.flatMap(textsOf)
    default:
      return []
  }
}

function indexedText(criterion: TextCriterion): IndexedText {
  return { place: criterion.kind === 'column' ? criterion.column : criterion.kind, text: criterion.text }
}

/** Facts of one search in one mailbox. */
export class IndexedTexts implements IndexFacts {
  readonly #unknown: AscendingUids
  readonly #matches: ReadonlyMap<TextCriterion, Known>

  constructor(asked: readonly TextCriterion[], { unknown, matches }: IndexAnswer) {
    this.#unknown = new AscendingUids(unknown)
    this.#matches = new Map(
      asked.flatMap((criterion, at) => {
        const known = matches[at]
        return known === undefined ? [] : [[criterion, knownOf(criterion, known)] as const]
      }),
    )
  }

  meets(criterion: TextCriterion, uid: number): Answer {
    const known = this.#matches.get(criterion)
    if (known === undefined || this.#unknown.has(uid)) return undefined
    if (known.yes.has(uid)) return true
    return known.maybe.has(uid) ? undefined : false
  }

  /** Messages that may meet the criterion; `undefined`: all may. */
  candidates(criterion: Criterion): UidSet | undefined {
    const uids = this.#candidates(criterion)
    return uids && uidSetOf(uids)
  }

  #candidates(criterion: Criterion): Uint32Array | undefined {
    switch (criterion.kind) {
      case 'column':
      case 'header':
      case 'body':
      case 'text': {
        const known = this.#matches.get(criterion)
        return known && united([known.yes.uids, known.maybe.uids, this.#unknown.uids])
      }
      case 'and': {
        // the fewest of one are enough
        const each = criterion.all.map((one) => this.#candidates(one)).filter((uids) => uids !== undefined)
        return each.reduce<Uint32Array | undefined>(
          (least, uids) => (least === undefined || uids.length < least.length ? uids : least),
          undefined,
        )
      }
      case 'or': {
        const each = criterion.all.map((one) => this.#candidates(one))
        const known = each.filter((uids) => uids !== undefined)
        return known.length === each.length ? united(known) : undefined
      }
      default:
        return undefined
    }
  }
}

interface Known {
  readonly yes: AscendingUids
  readonly maybe: AscendingUids
}

/** The index knows that a text is in some field, but not in which. */
function knownOf(criterion: TextCriterion, { yes, maybe }: TextMatches): Known {
  if (criterion.kind !== 'header') return { yes: new AscendingUids(yes), maybe: new AscendingUids(maybe) }
  return { yes: new AscendingUids(new Uint32Array(0)), maybe: new AscendingUids(united([yes, maybe])) }
}

function united(sets: readonly Uint32Array[]): Uint32Array {
  const some = sets.filter((uids) => uids.length > 0)
  const [first] = some
  if (some.length < 2) return first ?? new Uint32Array(0)
  const all = new Uint32Array(some.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const uids of some) {
    all.set(uids, at)
    at += uids.length
  }
  return all.sort()
}

/** Asked in ascending order it goes on where it was. */
class AscendingUids {
  readonly uids: Uint32Array
  #at = 0

  constructor(uids: Uint32Array) {
    this.uids = uids
  }

  has(uid: number): boolean {
    const { uids } = this
    if (this.#at > 0 && (uids[this.#at - 1] ?? 0) >= uid) this.#at = 0
    while ((uids[this.#at] ?? Number.POSITIVE_INFINITY) < uid) this.#at += 1
    return uids[this.#at] === uid
  }
}
