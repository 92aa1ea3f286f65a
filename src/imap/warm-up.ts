import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Modseq, Uid } from '#mail/ids.ts'
import { AccountKeywords } from '#services/account-keywords.ts'
import type { SessionDeps } from '#services/session-deps.ts'
import { cut, Snapshot } from '#services/snapshot.ts'
import { SEEN } from '#store/flags.ts'
import { IMPRINT_MESSAGES } from '#store/types.ts'
import { ViewLines, writeViewLines } from './fetch/view-lines.ts'
import { madeUp, NOBODYS_LOGIN, NobodysClient, nobodysDeps } from './nobodys-mailbox.ts'
import { Output } from './output.ts'
import { Session } from './session.ts'

/** As many as it takes until the engine has compiled the loops for good. */
const ROUNDS = 12
/** Whole sessions: small mailboxes are read message by message, large ones by their imprint. */
const SESSIONS = 8
const FEW_MESSAGES = 1_000
/** What a client does first. */
const COMMANDS = [
  'SELECT INBOX',
  'UID FETCH 1:* (UID FLAGS)',
  'UID SEARCH UNSEEN',
  'UID SEARCH RETURN (ALL) UNSEEN',
  'LOGOUT',
] as const

/**
 * Does for nobody what a client does first, opening a mailbox and asking for all flags, so that the engine has compiled it
 * when somebody waits for it: as it is, that takes four times as long the first time. Others have their turns in between.
 */
export async function warmUp(deps: SessionDeps): Promise<void> {
  await warmLines()
  const [few, many] = [madeUp(FEW_MESSAGES), madeUp(IMPRINT_MESSAGES)]
  for (let round = 0; round < SESSIONS; round += 1) {
    const imprinted = round % 2 === 1
    await play(nobodysDeps(deps, imprinted ? many : few, imprinted))
    await nextTurn()
  }
}

/** Plays a session from its log-in to its end. */
async function play(deps: SessionDeps): Promise<void> {
  const session = new Session(deps, new NobodysClient(COMMANDS), () => undefined)
  session.loggedIn(NOBODYS_LOGIN)
  await session.run({ address: '', port: 0, localPort: 0 })
}

/** Lines of FETCH alone, of which a large mailbox has the most. */
async function warmLines(): Promise<void> {
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
