/** Annotations in memory (RFC 5464). @module */
import { done, refused } from '#lib/result.ts'
import { MAX_METADATA_ENTRIES, MAX_METADATA_OCTETS, MAX_METADATA_OF_GUEST, MAX_METADATA_TOTAL } from '#store/limits.ts'
import type { MetadataEntry } from '#store/types.ts'
import { type Handler, nextModseq, touchTree } from './commit.ts'
import type { Account, Metadata } from './state.ts'

export const setMetadata: Handler<'setMetadata'> = (commit, request) => {
  const account = commit.accounts.get(request.account.id)
  if (account === undefined) return refused({ kind: 'no-such-account' })
  const place = request.mailbox === undefined ? account : account.byKey.get(request.mailbox)
  if (place === undefined) return refused({ kind: 'no-such-mailbox' })
  if (request.entries.some(({ value }) => value !== undefined && value.length > MAX_METADATA_OCTETS))
    return refused({ kind: 'metadata-too-large', limit: MAX_METADATA_OCTETS })
  const after = copyMetadata(place.metadata)
  for (const { name, value } of request.entries) {
    const owner = name.startsWith('/private/') ? request.user : 0
    const own = after.get(owner) ?? new Map<string, Uint8Array>()
    after.set(owner, own)
    if (value === undefined) own.delete(name)
    else own.set(name, value)
  }
  /** Whether it has become more, and more than may be. */
  const isTooMuch = (whose: (user: number) => boolean, most: number): boolean => {
    const [old, now] = [octetsOf(place.metadata, whose), octetsOf(after, whose)]
    return now > old && totalOf(account, whose) - old + now > most
  }
  const ofOwner = (user: number): boolean => user === 0 || user === account.id
  const ofGuest = (user: number): boolean => user === request.user && !ofOwner(user)
  const crowded = [...after].some(
    ([owner, own]) => own.size > MAX_METADATA_ENTRIES && own.size > (place.metadata.get(owner)?.size ?? 0),
  )
  if (crowded || isTooMuch(ofOwner, MAX_METADATA_TOTAL) || isTooMuch(ofGuest, MAX_METADATA_OF_GUEST))
    return refused({ kind: 'too-much-metadata' })
  place.metadata.clear()
  for (const [owner, own] of after) if (own.size > 0) place.metadata.set(owner, own)
  nextModseq(account)
  touchTree(commit, account)
  return done({ modseq: account.modseq })
}

/** What one person sees, ascending by name. */
export function metadataOf(metadata: Metadata, user: number): MetadataEntry[] {
  const entries = [0, user].flatMap((owner) => [...(metadata.get(owner) ?? [])])
  return entries.map(([name, value]) => ({ name, value })).sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The same again, to be changed without changing this. */
export function copyMetadata(metadata: Metadata): Metadata {
  return new Map([...metadata].map(([owner, own]) => [owner, new Map(own)]))
}

function totalOf(account: Account, whose: (user: number) => boolean): number {
  let total = octetsOf(account.metadata, whose)
  for (const mailbox of account.byKey.values()) total += octetsOf(mailbox.metadata, whose)
  return total
}

function octetsOf(metadata: Metadata, whose: (user: number) => boolean): number {
  let total = 0
  for (const [user, own] of metadata)
    if (whose(user)) for (const [name, value] of own) total += name.length + value.length
  return total
}
