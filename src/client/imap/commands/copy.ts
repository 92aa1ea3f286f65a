/** COPY and MOVE (RFC 9051 §6.4.7, §6.4.8, RFC 4315 §3, RFC 6851). @module */
import { type UidSet, uidSetOf, uidsOf } from '#mail/uid-set.ts'
import { formatMessageSet, type MessageSet } from '#wire/imap/message-set.ts'
import type { ResponseCode } from '#wire/imap/response-codes.ts'
import { RefusedError, UnsupportedError } from '../../errors.ts'
import type { ImapCommand } from '../command.ts'
import type { ImapHost } from '../host.ts'
import { inPortions } from '../message-limit.ts'
import { isEmpty, messageSet, splitSet, type Uids } from '../message-sets.ts'
import type { SelectedMailbox } from '../selected-mailbox.ts'
import { searchAll } from './search.ts'
import { expunge, store } from './store.ts'

/** Where messages went: the nth UID of `from` became the nth of `to`. */
export interface Copied {
  readonly uidValidity: number
  readonly from: UidSet
  readonly to: UidSet
}

/** `undefined`: the server does not tell the new UIDs (no UIDPLUS), or nothing was there to copy. */
export async function copy(host: ImapHost, uids: Uids, target: string): Promise<Copied | undefined> {
  const bound = host.mailbox
  const copied = await Promise.all(partsOf(uids).map((part) => copyPart(host, part, target, bound)))
  return joined(copied.flat())
}

/** A server that takes so many messages and no more refuses the whole: then as many as it takes (RFC 9738). */
async function copyPart(
  host: ImapHost,
  part: MessageSet,
  target: string,
  bound: SelectedMailbox | undefined,
): Promise<readonly (Copied | undefined)[]> {
  const some = (set: MessageSet): Promise<Copied | undefined> =>
    host.run(() => transfer('UID COPY', set, target), bound)
  try {
    return [await some(part)]
  } catch (error) {
    const { capabilities } = host.now ?? (await host.ready())
    const limit = capabilities.messageLimit
    const tooMany = error instanceof RefusedError && error.code === 'MESSAGELIMIT'
    if (!tooMany || limit === undefined || part === '$') throw error
    const { uids } = await searchAll((make) => host.run(make, bound), { uids: formatMessageSet(part) }, {})
    const all = [...uidsOf(uids)]
    // no more than it refused already
    if (all.length <= limit) throw error
    const copied: (Copied | undefined)[] = []
    for (let at = 0; at < all.length; at += limit) copied.push(await some(uidSetOf(all.slice(at, at + limit))))
    return copied
  }
}

export async function move(host: ImapHost, uids: Uids, target: string): Promise<Copied | undefined> {
  const bound = host.mailbox
  const { capabilities } = host.now ?? (await host.ready())
  const parts = partsOf(uids)
  if (capabilities.has('MOVE')) {
    const some = (set: MessageSet): ImapCommand<Copied | undefined> => transfer('UID MOVE', set, target)
    return joined((await Promise.all(parts.map((part) => inPortions(host, part, bound, some)))).flat())
  }
  const copied = await copy(host, uids, target)
  for (const part of parts) {
    host.need(bound)
    await store(host, formatMessageSet(part), { add: ['\\Deleted'] })
    try {
      await expunge(host, formatMessageSet(part))
    } catch (error) {
      // others are marked too, and cannot be told apart: the copies are there, the originals stay marked
      if (!(error instanceof UnsupportedError)) throw error
    }
  }
  return copied
}

function partsOf(uids: Uids): readonly MessageSet[] {
  const set = messageSet(uids)
  return isEmpty(set) ? [] : splitSet(set)
}

function joined(all: readonly (Copied | undefined)[]): Copied | undefined {
  const known = all.filter((each) => each !== undefined)
  const [first] = known
  if (first === undefined) return undefined
  return {
    uidValidity: first.uidValidity,
    from: known.flatMap(({ from }) => [...from]),
    to: known.flatMap(({ to }) => [...to]),
  }
}

function transfer(name: string, set: MessageSet, target: string): ImapCommand<Copied | undefined> {
  let told: Copied | undefined
  const learn = (code: ResponseCode | undefined): boolean => {
    if (code?.kind !== 'COPYUID') return false
    const { uidValidity, from, to } = code
    told = { uidValidity, from, to }
    return true
  }
  return {
    name,
    selected: true,
    write: (w) => w.text(`${name} ${formatMessageSet(set)} `).mailbox(target),
    // MOVE tells it before its end (RFC 6851 §4.3)
    take: (response) => response.kind === 'CONDITION' && learn(response.code),
    finish({ code }) {
      learn(code)
      return told
    },
  }
}
