import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Modseq, Uid } from '#mail/ids.ts'
import { AccountKeywords } from '#services/account-keywords.ts'
import { cut, Snapshot } from '#services/snapshot.ts'
import { SEEN } from '#store/flags.ts'
import { IMPRINT_MESSAGES } from '#store/types.ts'
import { ViewLines, writeViewLines } from './fetch/view-lines.ts'
import { Output } from './output.ts'

/** As many as it takes until the engine has compiled the loops for good. */
const ROUNDS = 12

/**
 * Does for nobody what a client does first, opening a mailbox and asking for all flags, so that the engine has compiled it
 * when somebody waits for it: as it is, that takes four times as long the first time. Others have their turns in between.
 */
export async function warmUp(): Promise<void> {
  const messages = {
    uids: Uint32Array.from({ length: IMPRINT_MESSAGES }, (_, index) => index + 1),
    flags: Uint32Array.from({ length: IMPRINT_MESSAGES }, (_, index) => (index % 8 === 0 ? 0 : SEEN)),
    modseqs: Float64Array.from({ length: IMPRINT_MESSAGES }, (_, index) => index + 1),
  }
  const end = IMPRINT_MESSAGES + 1
  for (let round = 0; round < ROUNDS; round += 1) {
    const lines = new ViewLines({ uid: true, flags: true, modseq: round % 4 === 3 }, new AccountKeywords(), false)
    const snapshot = Snapshot.of(cut(messages), end as Modseq, end as Uid)
    const out = new Output(
      () => nextTurn(),
      () => 0,
    )
    await writeViewLines(out, snapshot, [[1 as Uid, end as Uid]], lines)
    await nextTurn()
  }
}
