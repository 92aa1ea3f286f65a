/**
 * Which message of a maildrop is which of the INBOX: by the UID that a unique-id is made of, else by the header.
 *
 * A wrong answer would give a message the unique-id of another, so that programs would miss it: sizes alone never
 * decide, as servers count them differently for the two protocols.
 * @module
 */
import type { HeaderMark } from './header-mark.ts'
import type { DropEntry } from './maildrop.ts'

/** A message of the INBOX. */
export interface HeldMessage {
  readonly uid: number
  readonly size: number
}

export interface MatchRequest {
  /** In the order of the maildrop. */
  readonly drop: readonly DropEntry[]
  /** The likelier first, where headers are the same. */
  readonly held: readonly HeldMessage[]
  readonly uidValidity: number
  readonly dropMarks: (ids: readonly string[]) => Promise<ReadonlyMap<string, HeaderMark>>
  readonly heldMarks: (uids: readonly number[]) => Promise<ReadonlyMap<number, HeaderMark>>
}

export interface Match {
  /** UIDs by id of the maildrop. */
  readonly uids: ReadonlyMap<string, number>
  /** Of these by the UID in the unique-id. */
  readonly byName: number
  readonly byHeader: number
  /** Several had the same header: their order decided. */
  readonly ambiguous: number
}

/** See the module. */
export async function matchMaildrop(request: MatchRequest): Promise<Match> {
  const uids = new Map<string, number>()
  for (const [id, uid] of await byName(request)) uids.set(id, uid)
  const named = uids.size
  const taken = new Set(uids.values())
  const drop = request.drop.filter(({ id }) => !uids.has(id))
  const held = request.held.filter(({ uid }) => !taken.has(uid))
  let ambiguous = 0
  if (drop.length > 0 && held.length > 0) {
    const found = await byHeader(request, drop, held)
    for (const [id, uid] of found.uids) uids.set(id, uid)
    ambiguous = found.ambiguous
  }
  return { uids, byName: named, byHeader: uids.size - named, ambiguous }
}

/** Messages whose headers are looked at before unique-ids are believed to be made of UIDs. */
const PROBES = 3

async function byName({ drop, held, uidValidity, dropMarks, heldMarks }: MatchRequest): Promise<Map<string, number>> {
  const there = new Set(held.map(({ uid }) => uid))
  const found = new Map<string, number>()
  const taken = new Set<number>()
  for (const { id } of drop) {
    const uid = uidInUniqueId(id, uidValidity)
    if (uid === undefined || !there.has(uid) || taken.has(uid)) continue
    found.set(id, uid)
    taken.add(uid)
  }
  const probes = pick([...found])
  if (probes.length === 0) return found
  const [dropped, kept] = await Promise.all([
    dropMarks(probes.map(([id]) => id)),
    heldMarks(probes.map(([, uid]) => uid)),
  ])
  const differs = probes.some(([id, uid]) => {
    const [one, other] = [dropped.get(id)?.hash, kept.get(uid)?.hash]
    return one !== undefined && other !== undefined && one !== other
  })
  return differs ? new Map() : found
}

/** The first, the last and those between, at most so many. */
function pick<T>(all: readonly T[]): readonly T[] {
  const last = all.length - 1
  const places = new Set(Array.from({ length: PROBES }, (_, n) => Math.round((n * last) / (PROBES - 1))))
  return all.filter((_, n) => places.has(n))
}

/**
 * The UID in a unique-id that has this UIDVALIDITY too: Dovecot's `%08Xu%08Xv`, what Malle and others make the other
 * way round, `%v.%u` of Cyrus, `UID%u-%v` of Courier, and the like.
 */
export function uidInUniqueId(id: string, uidValidity: number): number | undefined {
  const hex = /^([0-9a-f]{8})([0-9a-f]{8})$/i.exec(id)
  const decimal = /^(?:UID)?(\d{1,10})[-.](\d{1,10})$/.exec(id)
  const radix = hex === null ? 10 : 16
  const [, first, second] = hex ?? decimal ?? []
  if (first === undefined || second === undefined) return undefined
  const [one, other] = [Number.parseInt(first, radix), Number.parseInt(second, radix)]
  if (other === uidValidity) return one
  return one === uidValidity ? other : undefined
}

async function byHeader(
  { dropMarks, heldMarks }: MatchRequest,
  drop: readonly DropEntry[],
  held: readonly HeldMessage[],
): Promise<{ readonly uids: ReadonlyMap<string, number>; readonly ambiguous: number }> {
  const [dropped, kept] = await Promise.all([
    dropMarks(drop.map(({ id }) => id)),
    heldMarks(held.map(({ uid }) => uid)),
  ])
  const uids = new Map<string, number>()
  const taken = new Set<number>()
  const match = (id: string, uid: number): void => {
    uids.set(id, uid)
    taken.add(uid)
  }
  // the unique-id stands in the message itself
  const written = new Map([...kept].flatMap(([uid, { uidl }]) => (uidl === undefined ? [] : [[uidl, uid] as const])))
  for (const { id } of drop) {
    const uid = written.get(id)
    const same = uid !== undefined && dropped.get(id)?.hash === kept.get(uid)?.hash
    if (uid !== undefined && same && !taken.has(uid)) match(id, uid)
  }
  const groups = new Map<string, { readonly drop: DropEntry[]; readonly held: HeldMessage[] }>()
  const groupOf = (hash: string) => {
    const group = groups.get(hash) ?? { drop: [], held: [] }
    groups.set(hash, group)
    return group
  }
  for (const entry of drop) {
    const mark = dropped.get(entry.id)
    if (mark !== undefined && !uids.has(entry.id)) groupOf(mark.hash).drop.push(entry)
  }
  for (const message of held) {
    const mark = kept.get(message.uid)
    if (mark !== undefined && !taken.has(message.uid)) groupOf(mark.hash).held.push(message)
  }
  let ambiguous = 0
  for (const group of groups.values()) {
    const pairs = pairUp(group.drop, group.held)
    if (group.drop.length > 1 || group.held.length > 1) ambiguous += pairs.length
    for (const [id, uid] of pairs) match(id, uid)
  }
  return { uids, ambiguous }
}

/** Of the same header: those of the same size in order, then the others in order. */
function pairUp(drop: readonly DropEntry[], held: readonly HeldMessage[]): readonly (readonly [string, number])[] {
  const bySize = Map.groupBy(held, ({ size }) => size)
  const next = new Map<number, number>()
  const pairs: (readonly [string, number])[] = []
  const odd: DropEntry[] = []
  for (const entry of drop) {
    const at = next.get(entry.octets) ?? 0
    const message = bySize.get(entry.octets)?.[at]
    next.set(entry.octets, at + 1)
    if (message === undefined) odd.push(entry)
    else pairs.push([entry.id, message.uid])
  }
  const taken = new Set(pairs.map(([, uid]) => uid))
  const waiting = held.filter(({ uid }) => !taken.has(uid)).values()
  for (const entry of odd) {
    const { value: message } = waiting.next()
    if (message !== undefined) pairs.push([entry.id, message.uid])
  }
  return pairs
}
