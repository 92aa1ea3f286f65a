/**
 * `malle account move`. The directory says where an account is, and its change is the moment of the move:
 *
 * 1. the account is copied, frozen, and copied to its end; the copy is on hold;
 * 2. the copy is shown, where nobody looks yet;
 * 3. the directory names the new shard;
 * 4. sessions end, and the account in the old shard goes.
 *
 * The freeze lasts over a restart, so a crash in between is found by it: {@link settleMoves} goes back, or to the end,
 * by what the directory says. @module
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { AccountId } from '#mail/ids.ts'
import type { AccountRecord, Directory } from '#store/directory.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef } from '#store/types.ts'
import type { MoveReport, MoveRequest } from '#transfer/move.ts'
import { MoveRefused } from '#transfer/move-refused.ts'

export interface MoveDeps {
  readonly directory: Directory
  readonly store: MailStore
  /** Ends the sessions of an account. */
  readonly kick: (account: AccountId) => void
  /** Copies, in a thread of its own. */
  readonly copy: (request: MoveRequest) => Promise<MoveReport>
}

const BY = 'move'
/** Logins that were under way when the directory changed have begun by then. */
const LATE_LOGINS_MS = 500

const moving = new Set<AccountId>()

/** Moves an account; nothing has changed when it throws. */
export async function moveAccount(
  deps: MoveDeps,
  record: AccountRecord,
  where: Omit<MoveRequest, 'account'>,
): Promise<MoveReport> {
  const { id } = record.ref
  if (moving.has(id)) throw new MoveRefused('moving')
  moving.add(id)
  try {
    return await move(deps, record, where)
  } finally {
    moving.delete(id)
  }
}

async function move(
  deps: MoveDeps,
  record: AccountRecord,
  { shard, leaveUnreadable }: Omit<MoveRequest, 'account'>,
): Promise<MoveReport> {
  const { directory, store, kick } = deps
  const from = record.ref
  const to: AccountRef = { id: from.id, shard }
  let report: MoveReport
  try {
    report = await deps.copy({ account: from, shard, leaveUnreadable })
    const shown = await store.write('settleRestore', { account: to, by: BY, keep: true })
    if (!shown.ok) throw new MoveRefused(shown.error.kind)
    const changed = await directory.changeAccount(from.id, { shard })
    if (!changed.ok) throw new MoveRefused(changed.error.kind)
  } catch (error) {
    await goBack(store, from, to)
    throw error
  }
  kick(from.id)
  await sleep(LATE_LOGINS_MS)
  await store.write('removeAccount', { account: from, by: BY })
  kick(from.id)
  return report
}

async function goBack(store: MailStore, from: AccountRef, to: AccountRef): Promise<void> {
  await store.write('settleRestore', { account: to, by: BY, keep: false })
  await store.write('removeAccount', { account: to, by: BY })
  await store.write('freeze', { account: from, by: BY, frozen: false })
}

/** Ends what a crash has broken off; before anybody is served. */
export async function settleMoves(
  directory: Directory,
  store: MailStore,
  shards: number,
  log: (message: string) => void,
): Promise<void> {
  const numbers = Array.from({ length: shards }, (_, shard) => shard)
  for (const shard of numbers) {
    for (const id of await store.frozenAccounts(shard)) {
      const record = await directory.accountById(id)
      const here: AccountRef = { id, shard }
      if (record !== undefined && record.ref.shard !== shard) {
        await store.write('removeAccount', { account: here, by: BY })
        log(`The move of ${record.address} to shard ${record.ref.shard} was broken off at its end, which is done now`)
        continue
      }
      // Whatever other shards have of it is not what people see.
      for (const other of numbers) {
        if (other === shard) continue
        await store.write('settleRestore', { account: { id, shard: other }, by: BY, keep: false })
        await store.write('removeAccount', { account: { id, shard: other }, by: BY })
      }
      await store.write('freeze', { account: here, by: BY, frozen: false })
      log(`The move of ${record?.address ?? `account ${id}`} was broken off, and it stays in shard ${shard}`)
    }
    for (const id of await store.heldRestores(shard))
      await store.write('settleRestore', { account: { id, shard }, by: BY, keep: false })
  }
}
