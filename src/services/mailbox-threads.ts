/** Threads of the messages of a mailbox, by what is prepared of them (RFC 5256 §3). @module */
import { Turns } from '#lib/turns.ts'
import type { UidSet } from '#mail/uid-set.ts'
import type { ColumnKind } from './column-reading.ts'
import { type ColumnGround, columnsOfUids, type GatheredColumns } from './email-columns.ts'
import { sortedByKeys } from './radix-sort.ts'
import { ThreadLinks } from './thread-links.ts'
import { byReferences, bySubject, type ThreadForest, type ThreadSubjects } from './thread-tree.ts'

/** How threads are made: of one subject; of references and subjects; of references, the thread with the newest last. */
export type ThreadAlgorithm = 'subject' | 'references' | 'references-only'

export interface MailboxThreading extends ColumnGround {
  /** Of the snapshot. */
  readonly uids: UidSet
  readonly algorithm: ThreadAlgorithm
}

export interface MailboxThreads {
  /** UIDs of the messages by their numbers in the forest. */
  readonly uids: Uint32Array
  readonly forest: ThreadForest
}

const COLUMNS: Readonly<Record<ThreadAlgorithm, readonly ColumnKind[]>> = {
  subject: ['sentAt', 'subject'],
  references: ['sentAt', 'subject', 'answers', 'message-id', 'references'],
  'references-only': ['sentAt', 'message-id', 'references'],
}

/**
 * Threads of these messages, in their order.
 * @throws the signal's reason once it is aborted.
 */
export async function threadMailbox(threading: MailboxThreading): Promise<MailboxThreads> {
  const { algorithm, signal } = threading
  const turns = new Turns()
  const columns = await columnsOfUids(threading, threading.uids, COLUMNS[algorithm], turns)
  const { uids } = columns
  const order = await sortedByKeys(uids.length, [{ values: columns.of('sentAt'), descending: false }], turns, signal)
  if (algorithm === 'references-only')
    return { uids, forest: await byReferences(order, await linksOf(columns, turns, signal), undefined, turns) }
  const bases = columns.of('subject')
  const { size } = columns.tables.of('subject')
  if (algorithm === 'subject') return { uids, forest: await bySubject(order, { bases, size }, turns) }
  const subjects: ThreadSubjects = { bases, size, answers: columns.of('answers') }
  return { uids, forest: await byReferences(order, await linksOf(columns, turns, signal), subjects, turns) }
}

async function linksOf({ uids, tables, of }: GatheredColumns, turns: Turns, signal: AbortSignal): Promise<ThreadLinks> {
  const ids = of('message-id')
  const references = of('references')
  const links = new ThreadLinks(tables.of('message-id').size, uids.length)
  for (let message = 0; message < uids.length; message += 1) {
    links.add(message, ids[message] ?? 0, tables.list(references[message] ?? 0))
    if (turns.over) {
      await turns.share()
      signal.throwIfAborted()
    }
  }
  return links
}
