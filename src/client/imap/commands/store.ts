/** STORE (RFC 9051 §6.4.6, RFC 7162 §3.1.3) and EXPUNGE (RFC 9051 §6.4.3, RFC 4315 §2.1). @module */
import type { Modseq } from '#mail/ids.ts'
import { normaliseUidSet, type UidSet } from '#mail/uid-set.ts'
import { formatMessageSet, type MessageSet } from '#wire/imap/message-set.ts'
import { formatStoreRequest, type StoreRequest } from '#wire/imap/store-request.ts'
import { UnsupportedError } from '../../errors.ts'
import type { ImapCommand } from '../command.ts'
import type { ImapHost } from '../host.ts'
import { inPortions, portion, remainder } from '../message-limit.ts'
import { isEmpty, messageSet, splitSet, type Uids } from '../message-sets.ts'
import type { SelectedMailbox } from '../selected-mailbox.ts'
import { searchAll } from './search.ts'

/** One of the three. */
export type FlagChange = (
  | { readonly add: readonly string[] }
  | { readonly remove: readonly string[] }
  | { readonly set: readonly string[] }
) & {
  /** Only where nothing changed after this (CONDSTORE). */
  readonly unchangedSince?: Modseq
}

export interface StoreResult {
  /** Messages left alone as somebody else changed them after `unchangedSince`. */
  readonly modified: UidSet
  /** MODSEQ of each message that was changed, by UID, where the server tells it. */
  readonly modseqs: ReadonlyMap<number, Modseq>
}

export async function store(host: ImapHost, uids: Uids, change: FlagChange): Promise<StoreResult> {
  const set = messageSet(uids)
  if (isEmpty(set)) return { modified: [], modseqs: new Map() }
  const bound = host.mailbox
  const { unchangedSince } = change
  const request: StoreRequest = { ...modeOf(change), unchangedSince, silent: true }
  const { capabilities } = host.now ?? (await host.ready())
  if (unchangedSince !== undefined && !capabilities.has('CONDSTORE') && !capabilities.has('QRESYNC'))
    throw new UnsupportedError('CONDSTORE', '"unchangedSince"')
  const parts = splitSet(set).map((part) => inPortions(host, part, bound, (some) => storeCommand(some, request)))
  const results = (await Promise.all(parts)).flat()
  return {
    modified: normaliseUidSet(results.flatMap(({ modified }) => [...modified])),
    modseqs: new Map(results.flatMap(({ modseqs }) => [...modseqs])),
  }
}

function modeOf(change: FlagChange): Pick<StoreRequest, 'mode' | 'flags'> {
  if ('add' in change) return { mode: 'add', flags: change.add }
  if ('remove' in change) return { mode: 'remove', flags: change.remove }
  return { mode: 'replace', flags: change.set }
}

function storeCommand(set: MessageSet, request: StoreRequest): ImapCommand<StoreResult> {
  const modseqs = new Map<number, Modseq>()
  const modifiedOf = (code: { readonly kind: string; readonly set?: UidSet } | undefined): UidSet =>
    code?.kind === 'MODIFIED' && code.set !== undefined ? code.set : []
  return {
    name: 'UID STORE',
    // with a condition the second try would fail on the first
    repeatable: request.unchangedSince === undefined,
    selected: true,
    write: (w) => w.text(`UID STORE ${formatMessageSet(set)} ${formatStoreRequest(request)}`),
    take(response) {
      if (response.kind !== 'FETCH') return false
      const uid = response.values.find((value) => value.kind === 'UID')?.uid
      const modseq = response.values.find((value) => value.kind === 'MODSEQ')?.modseq
      if (uid !== undefined && modseq !== undefined) modseqs.set(uid, modseq)
      // flags that others changed are news all the same
      return false
    },
    finish: ({ code }) => ({ modified: modifiedOf(code), modseqs }),
    refuse: ({ code }) => (code?.kind === 'MODIFIED' ? { modified: code.set, modseqs } : undefined),
  }
}

/**
 * Takes messages marked `\Deleted` away.
 * @param uids Only these; a server without UIDPLUS can do that only when no others are marked.
 */
export async function expunge(host: ImapHost, uids: Uids | undefined): Promise<void> {
  if (uids === undefined) return expungeAll(host, host.mailbox)
  const bound = host.mailbox
  const set = messageSet(uids)
  if (isEmpty(set)) return
  const { capabilities } = host.now ?? (await host.ready())
  if (capabilities.has('UIDPLUS')) {
    const some = (part: MessageSet): ImapCommand<void> => expungeCommand('UID EXPUNGE', part)
    await Promise.all(splitSet(set).map((part) => inPortions(host, part, bound, some)))
    return
  }
  const query = { deleted: true, not: { uids: formatMessageSet(set) } }
  const others = await searchAll((make) => host.run(make, bound), query, {})
  if (others.count > 0) throw new UnsupportedError('UIDPLUS', 'expunging some of the messages marked as deleted')
  return expungeAll(host, bound)
}

async function expungeAll(host: ImapHost, bound: SelectedMailbox | undefined): Promise<void> {
  for (let before = Number.POSITIVE_INFINITY; ; ) {
    const { last } = await host.run(() => portion(expungeCommand('EXPUNGE', undefined)), bound)
    // those above are gone: the same command takes the next ones (RFC 9738)
    if (last === undefined || isEmpty(remainder([[1, '*']], last, before))) return
    before = last
  }
}

function expungeCommand(name: string, set: MessageSet | undefined): ImapCommand<void> {
  return {
    name,
    selected: true,
    repeatable: set !== undefined,
    write: (w) => w.text(set === undefined ? name : `${name} ${formatMessageSet(set)}`),
    finish: () => undefined,
  }
}
