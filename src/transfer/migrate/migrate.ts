/**
 * A person's mail from another host into an account here: all mailboxes over IMAP, the INBOX over IMAP and POP3 together.
 *
 * Invariants: the source is only read: EXAMINE, BODY.PEEK, and no DELE. A message is kept under a name of its own (its
 * unique-id, or a tag made of where it was), which the store takes once: however often a run dies, nothing comes twice.
 * New messages of the INBOX stand in the order of the maildrop, and one that is refused keeps those behind it out.
 * @module
 */
import type { ImapClientOptions, Pop3ClientOptions } from '#client/index.ts'
import type { Clock } from '#lib/clock.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef } from '#store/types.ts'
import { mailboxFilter } from '../sync/mailbox-pairs.ts'
import { SpeedLimit } from '../sync/speed-limit.ts'
import { SyncState } from '../sync/state.ts'
import { type Progress, type SyncReport, synchronise } from '../sync/sync.ts'
import type { MaildropReport } from './inbox-listing.ts'
import { compareUniqueIds, putBehind, type UniqueIdReport } from './inbox-order.ts'
import { type Pop3Trouble, SourceSide } from './source-side.ts'
import { StoreSide } from './store-side.ts'

export interface MigrateRequest {
  readonly account: AccountRef
  /** At the source; records are kept for each. */
  readonly login: string
  /** Absolute. */
  readonly stateFile: string
  readonly imap: ImapClientOptions | undefined
  readonly pop3: Pop3ClientOptions | undefined
  /** See `SourceOptions`. */
  readonly pop3Guessed: boolean
  /** Patterns, see `mailboxFilter`. */
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly keepDeleted: boolean
  /** Deletions are carried over even where all of a mailbox is gone. */
  readonly emptyToo: boolean
  /** The last run: what came here directly goes behind, and both ends are compared. */
  readonly cutover: boolean
  readonly verify: boolean
  readonly dryRun: boolean
  readonly connections: number
  readonly signal: AbortSignal
}

export interface MigrateReport extends Omit<SyncReport, 'refused'> {
  /** The first 1,000. */
  readonly refused: readonly { readonly mailbox: string; readonly key: string; readonly why: string }[]
  /** `undefined` without POP3. */
  readonly maildrop: MaildropReport | undefined
  /** Why POP3 was left out although it is there. */
  readonly pop3Trouble: Pop3Trouble | undefined
  readonly uniqueIds: UniqueIdReport | undefined
  /** Messages that came here directly and were put behind those of the source. */
  readonly putBehind: number
  readonly cutover: boolean
  /** It was the cut-over, and all of the source is here. */
  readonly done: boolean
}

/** One run. @throws {ClientError}, {UniqueIdsChanged}, {StateBusy}, {StoreUnavailable}; what is recorded stays so */
export async function migrateMail(
  store: MailStore,
  clock: Clock,
  request: MigrateRequest,
  progress: (progress: Progress) => void,
): Promise<MigrateReport> {
  const { account, login, imap, pop3, pop3Guessed, cutover, dryRun, signal } = request
  using state = new SyncState(request.stateFile, login, 'malle')
  const inboxRecord = () => state.mailboxes().find(({ right }) => right.name === 'INBOX')
  const known = () => {
    const record = inboxRecord()
    return { validity: record?.left.validity, pairs: record === undefined ? [] : state.pairs(record.id) }
  }
  await using source = await SourceSide.connect({ imap, pop3, pop3Guessed, login, known, clock })
  await using target = new StoreSide(store, account)
  const filter = mailboxFilter(request.include, request.exclude)
  const report = await synchronise({
    left: source,
    right: target,
    state,
    twoWay: false,
    deletions: true,
    emptyToo: request.emptyToo,
    keep: (mailbox, key, touched) => !source.superseded(mailbox, key) && (request.keepDeleted || touched),
    dryRun,
    verify: dryRun ? undefined : request.verify ? 'bodies' : cutover ? 'sample' : undefined,
    wanted: filter,
    limit: new SpeedLimit(undefined),
    parallel: request.connections,
    signal,
    progress,
  })
  const { pairs } = known()
  const settled = !dryRun && !report.stopped
  const behind = settled && cutover ? await putBehind(store, account, pairs) : 0
  const listed = source.maildrop === undefined ? undefined : source.inbox
  const uniqueIds = settled && listed !== undefined ? await compareUniqueIds(store, account, listed, pairs) : undefined
  return {
    ...report,
    refused: report.refused.map(({ mailbox, key, why }) => ({ mailbox, key, why })),
    maildrop: source.maildrop,
    pop3Trouble: source.trouble,
    uniqueIds,
    putBehind: behind,
    cutover,
    done: cutover && settled && isWhole(report, uniqueIds),
  }
}

function isWhole({ refused, notes, spared, verified }: SyncReport, uniqueIds: UniqueIdReport | undefined): boolean {
  return (
    refused.length === 0 &&
    spared === 0 &&
    verified?.differences.length === 0 &&
    !notes.some(({ kind }) => kind === 'refused') &&
    (uniqueIds === undefined || (uniqueIds.missing === 0 && uniqueIds.inOrder))
  )
}
