/** Threads of the messages of a mailbox, by what is prepared of them (RFC 5256 §3). @module */
import { Turns } from '#lib/turns.ts'
import { isReplyOrForward } from '#mail/base-subject.ts'
import { binaryOf } from '#mail/bytes.ts'
import { collationKey } from '#mail/collation.ts'
import { firstValue, headerFields } from '#mail/headers.ts'
import type { MailboxKey } from '#mail/ids.ts'
import { MAX_FIELDS } from '#mail/limits.ts'
import { normaliseMessageId, parseMessageIds } from '#mail/message-ids.ts'
import { type UidSet, uidSetSize } from '#mail/uid-set.ts'
import type { MailStore } from '#store/mail-store.ts'
import { type AccountRef, type EmailRow, HEADER, NARROW } from '#store/types.ts'
import { sortedIndexes } from './index-sort.ts'
import { sentDate } from './mailbox-sort.ts'
import { ThreadLinks } from './thread-links.ts'
import { byReferences, bySubject, type ThreadForest, type ThreadSubject } from './thread-tree.ts'

/** How threads are made: of one subject; of references and subjects; of references, the thread with the newest last. */
export type ThreadAlgorithm = 'subject' | 'references' | 'references-only'

export interface MailboxThreading {
  readonly store: MailStore
  readonly account: AccountRef
  readonly mailbox: MailboxKey
  readonly uids: UidSet
  readonly algorithm: ThreadAlgorithm
  readonly signal: AbortSignal
}

export interface MailboxThreads {
  /** UIDs of the messages by their numbers in the forest. */
  readonly uids: Uint32Array
  readonly forest: ThreadForest
}

/** Octets of a header in which references are looked for. */
const HEADER_BYTES = 1024 * 1024

/**
 * Threads of these messages, in their order.
 * @throws the signal's reason once it is aborted.
 */
export async function threadMailbox(threading: MailboxThreading): Promise<MailboxThreads> {
  const { store, account, mailbox, algorithm, signal } = threading
  const most = uidSetSize(threading.uids)
  const uids = new Uint32Array(most)
  const dates = new Float64Array(most)
  const subjects: ThreadSubject[] = []
  const shared = new Map<string, readonly [ThreadSubject, ThreadSubject]>()
  const links = new ThreadLinks()
  const turns = new Turns()
  let count = 0
  for await (const rows of store.emails(
    account,
    mailbox,
    threading.uids,
    algorithm === 'subject' ? NARROW : NARROW | HEADER,
  )) {
    for (const row of rows) {
      uids[count] = row.uid
      dates[count] = sentDate(row)
      if (algorithm !== 'references-only') subjects.push(subjectOf(row, shared))
      if (algorithm !== 'subject') {
        const id = row.narrow?.messageId
        links.add(count, id === undefined ? undefined : normaliseMessageId(id), await referencesOf(threading, row))
      }
      count += 1
      if (turns.over) {
        await turns.share()
        signal.throwIfAborted()
      }
    }
    signal.throwIfAborted()
  }
  const order = await sortedIndexes(count, (a, b) => (dates[a] ?? 0) - (dates[b] ?? 0), turns, signal)
  const subject = (message: number): ThreadSubject => subjects[message] ?? NO_SUBJECT
  if (algorithm === 'subject') return { uids, forest: await bySubject(order, subject, turns) }
  const merged = algorithm === 'references' ? subject : undefined
  return { uids, forest: await byReferences(order, links, merged, turns) }
}

const NO_SUBJECT: ThreadSubject = { base: '', answers: false }

/** One object for all messages of a subject. */
function subjectOf({ narrow }: EmailRow, shared: Map<string, readonly [ThreadSubject, ThreadSubject]>): ThreadSubject {
  if (narrow === undefined) return NO_SUBJECT
  const base = collationKey(narrow.baseSubject)
  let both = shared.get(base)
  if (both === undefined) {
    both = [
      { base, answers: false },
      { base, answers: true },
    ]
    shared.set(base, both)
  }
  return both[isReplyOrForward(narrow.subject) ? 1 : 0]
}

/** References where it has a valid id, else the first of In-Reply-To. */
async function referencesOf({ store, account }: MailboxThreading, row: EmailRow): Promise<readonly string[]> {
  const size = row.headerSize ?? 0
  const cached = row.header ?? new Uint8Array()
  const header =
    cached.length >= size ? cached : await store.body(account, row.place).read(0, Math.min(size, HEADER_BYTES))
  const fields = headerFields(binaryOf(header), MAX_FIELDS)
  const references = parseMessageIds(firstValue(fields, 'references') ?? '')
  const ids = references.length > 0 ? references : parseMessageIds(firstValue(fields, 'in-reply-to') ?? '').slice(0, 1)
  return ids.map(normaliseMessageId)
}
