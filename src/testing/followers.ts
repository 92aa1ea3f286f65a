/**
 * Several clients on one mailbox, each with a picture of its own, acting at random and often at once. Whenever they have
 * all looked again and nobody acts, each picture must be what the store has.
 * @module
 */
import assert from 'node:assert/strict'
import type { MailboxKey, Uid } from '#mail/ids.ts'
import { flagNames, keywordSetId, systemFlags } from '#store/flags.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef } from '#store/types.ts'
import type { Random } from './random.ts'

/** A message in a picture, in the order of message numbers. */
export interface Pictured {
  readonly uid: number
  /** In lower case, sorted. */
  readonly flags: readonly string[]
}

/** What a client does. UIDs come from its own picture, so they may be gone already. */
export type Action =
  | { readonly do: 'append'; readonly count: number; readonly flags: readonly string[] }
  | {
      readonly do: 'store'
      readonly uids: readonly number[]
      readonly how: 'add' | 'remove' | 'replace'
      readonly flags: readonly string[]
      /** Only where the message is still as the client knows it (UNCHANGEDSINCE), if the client can say that. */
      readonly conditional: boolean
      /** The client does not want to be told what it knows (`.SILENT`). */
      readonly silent: boolean
      /** By message numbers, if the client has them: no EXPUNGE may come meanwhile. */
      readonly byNumber: boolean
    }
  | { readonly do: 'copy' | 'move'; readonly uids: readonly number[]; readonly target: string }
  /** `undefined`: all with `\Deleted`. */
  | { readonly do: 'expunge'; readonly uids: readonly number[] | undefined }
  /** Reads flags of some messages again, by numbers. */
  | { readonly do: 'read'; readonly uids: readonly number[] }
  /** Waits to be told, until it acts again. */
  | { readonly do: 'idle' }
  /** Leaves and comes back with what it remembers. */
  | { readonly do: 'reconnect' }

/** One client with the mailbox open. Calls never overlap. */
export interface Follower extends AsyncDisposable {
  readonly name: string
  act(action: Action): Promise<void>
  /** Lets everything that happened reach the picture. */
  sync(): Promise<void>
  picture(): readonly Pictured[]
}

export interface Walk {
  readonly random: Random
  /** Actions altogether. */
  readonly steps: number
  readonly store: MailStore
  readonly account: AccountRef
  /** The one that all followers show. */
  readonly mailbox: MailboxKey
  /** Names of where copies and moved messages may go, the mailbox itself among them. */
  readonly targets: readonly string[]
  readonly followers: readonly Follower[]
}

const SYSTEM = ['\\Seen', '\\Flagged', '\\Answered', '\\Draft']
const KEYWORDS = ['work', 'Work', '$Forwarded', 'x']
/** Above, more is expunged than added. */
const MANY = 60

/** Walks; throws with the last actions when a picture is wrong. @returns how often the pictures were compared. */
export async function walkTogether(walk: Walk): Promise<number> {
  const { random, followers } = walk
  const trail: string[] = []
  let compared = 0
  try {
    for (let step = 0; step < walk.steps; ) {
      const acting = random.some(followers, 0.6)
      const actions = acting.map((follower) => [follower, actionFor(follower, walk)] as const)
      for (const [follower, action] of actions) trail.push(`${step} ${follower.name}: ${JSON.stringify(action)}`)
      await Promise.all(actions.map(([follower, action]) => follower.act(action)))
      step += actions.length
      if (!random.chance(0.15)) continue
      await compare(walk)
      trail.push(`${step} all pictures are right`)
      compared += 1
    }
    await compare(walk)
    return compared + 1
  } catch (cause) {
    throw new Error(`After:\n${trail.slice(-30).join('\n')}`, { cause })
  }
}

/** What the mailbox holds now. */
async function truth({ store, account, mailbox }: Pick<Walk, 'store' | 'account' | 'mailbox'>): Promise<Pictured[]> {
  const sets = await store.keywordSets(account, 0)
  const all: Pictured[] = []
  for (;;) {
    const page = await store.messages(account, mailbox, (all.at(-1)?.uid ?? 0) as Uid | 0, 1_000)
    for (const [index, uid] of page.uids.entries()) {
      const packed = page.flags[index] ?? 0
      const flags = flagNames({ system: systemFlags(packed), keywords: sets[keywordSetId(packed)] ?? [] })
      all.push({ uid, flags: foldedFlags(flags) })
    }
    if (page.uids.length < 1_000) return all
  }
}

/** Flags as pictures hold them. */
export function foldedFlags(names: Iterable<string>): string[] {
  return Array.from(new Set(Array.from(names, (name) => name.toLowerCase()))).sort()
}

async function compare(walk: Walk): Promise<void> {
  const { followers } = walk
  await Promise.all(followers.map((follower) => follower.sync()))
  const wanted = await truth(walk)
  for (const follower of followers) assert.deepEqual(follower.picture(), wanted, `the picture of ${follower.name}`)
}

function actionFor(follower: Follower, { random, targets }: Walk): Action {
  const picture = follower.picture()
  const uids = (): number[] => {
    const some = random.some(
      picture.map((message) => message.uid),
      random.pick([0.05, 0.2, 0.7]),
    )
    // Also what no longer or not yet exists.
    if (random.chance(0.2)) some.push(random.between(1, (picture.at(-1)?.uid ?? 0) + 5))
    return Array.from(new Set(some)).sort((a, b) => a - b)
  }
  const flags = (): string[] => [...random.some(SYSTEM, 0.3), ...random.some(KEYWORDS, 0.15)]
  const full = picture.length > MANY
  return random.weighted<() => Action>([
    [full ? 2 : 14, () => ({ do: 'append', count: random.between(1, 3), flags: flags() })],
    [
      30,
      () => ({
        do: 'store',
        uids: uids(),
        how: random.pick(['add', 'remove', 'replace']),
        flags: random.chance(0.3) ? ['\\Deleted'] : flags(),
        conditional: random.chance(0.3),
        silent: random.chance(0.3),
        byNumber: random.chance(0.4),
      }),
    ],
    [full ? 1 : 6, () => ({ do: 'copy', uids: uids(), target: random.pick(targets) })],
    [6, () => ({ do: 'move', uids: uids(), target: random.pick(targets) })],
    [full ? 20 : 8, () => ({ do: 'expunge', uids: random.chance(0.5) ? undefined : uids() })],
    [8, () => ({ do: 'read', uids: uids() })],
    [6, () => ({ do: 'idle' })],
    [2, () => ({ do: 'reconnect' })],
  ])()
}
