/** Choosing deleted mail and bringing it back (design §4 "Gone mail"). @module */
import { done, type Result, refused } from '#lib/result.ts'
import type { EmailKey, MailboxKey } from '#mail/ids.ts'
import { uidSetOf, uidSetSize } from '#mail/uid-set.ts'
import { formatActor } from '#store/actor.ts'
import type { DeletedMessage, GoneMailbox } from '#store/gone.ts'
import type { MailStore } from '#store/mail-store.ts'
import { canonicalMailboxName, compareMailboxNames } from '#store/mailbox-name.ts'
import type { AccountRef, MailboxInfo } from '#store/types.ts'

/** What is to come back. At least one of `since`, `asOf` and `emails` says so. */
export interface UndeleteChoice {
  /** Left its mailbox at this time or later, and before that one; milliseconds since 1970. */
  readonly since: number | undefined
  readonly until: number | undefined
  /** Was in its mailbox at this time and is not any more. */
  readonly asOf: number | undefined
  /** Only from this mailbox, and those below it. */
  readonly mailbox: string | undefined
  /** Only these emails. */
  readonly emails: readonly EmailKey[] | undefined
  /** The mailbox that all of it comes into, instead of where it was. */
  readonly into: string | undefined
  /** Also what another mailbox still holds. */
  readonly copies: boolean
}

/** Messages of one mailbox that may come back. */
interface ChosenMailbox {
  readonly key: MailboxKey
  /** As it is called, or was. */
  readonly name: string
  /** It is gone, too. */
  readonly gone: boolean
  readonly messages: readonly DeletedMessage[]
}

/** What a choice comes to, by the names of the mailboxes. */
export interface Chosen {
  readonly mailboxes: readonly ChosenMailbox[]
  readonly messages: number
  readonly bytes: number
  /** Left where they are, as another mailbox holds the same email. */
  readonly kept: number
}

/** There is no mailbox of that name, and was none. */
export interface NoSuchDeletedMailbox {
  readonly kind: 'no-such-mailbox'
  readonly mailbox: string
}

/** Looks through deleted mail. */
export async function chooseDeleted(
  store: MailStore,
  account: AccountRef,
  choice: UndeleteChoice,
): Promise<Result<Chosen, NoSuchDeletedMailbox>> {
  const living = await store.mailboxes(account)
  const gone = await store.goneMailboxes(account)
  const wanted = wantedMailboxes(living, gone, choice.mailbox)
  if (choice.mailbox !== undefined && wanted.size === 0)
    return refused({ kind: 'no-such-mailbox', mailbox: choice.mailbox })
  const emails = choice.emails === undefined ? undefined : new Set(choice.emails)
  const taken = new Map<EmailKey, MailboxKey>()
  const found = new Map<MailboxKey, DeletedMessage[]>()
  let kept = 0
  let bytes = 0
  for await (const message of allDeleted(store, account, choice.asOf ?? choice.since ?? 0)) {
    if (message.restored || !wanted.has(message.mailbox) || emails?.has(message.email) === false) continue
    if (!wasGone(message, choice)) continue
    // The first mailbox that it left is the one to come back to: other copies went later.
    const home = taken.get(message.email) ?? message.mailbox
    if (!choice.copies && (message.kept || home !== message.mailbox)) {
      kept += 1
      continue
    }
    taken.set(message.email, message.mailbox)
    bytes += message.size
    const list = found.get(message.mailbox) ?? []
    list.push(message)
    found.set(message.mailbox, list)
  }
  for (const box of gone)
    if (wanted.has(box.key) && comesBackEmpty(box, choice)) found.set(box.key, found.get(box.key) ?? [])
  const goneKeys = new Set(gone.map(({ key }) => key))
  const mailboxes = [...found].map(([key, messages]) => ({
    key,
    name: wanted.get(key) ?? '',
    gone: goneKeys.has(key),
    messages,
  }))
  mailboxes.sort((a, b) => compareMailboxNames(a.name, b.name) || a.key - b.key)
  return done({ mailboxes, messages: countOf(mailboxes), bytes, kept })
}

function countOf(mailboxes: readonly ChosenMailbox[]): number {
  return mailboxes.reduce((sum, { messages }) => sum + messages.length, 0)
}

/** Names of all mailboxes, or of those asked for. */
function wantedMailboxes(
  living: readonly MailboxInfo[],
  gone: readonly GoneMailbox[],
  asked: string | undefined,
): ReadonlyMap<MailboxKey, string> {
  const name = asked === undefined ? undefined : canonicalMailboxName(asked)
  const all = [...gone, ...living].map((box) => [box.key, box.name] as const)
  return new Map(all.filter(([, each]) => name === undefined || each === name || each.startsWith(`${name}/`)))
}

async function* allDeleted(
  store: MailStore,
  account: AccountRef,
  since: number,
): AsyncGenerator<DeletedMessage, void, void> {
  const limit = 1_000
  let after: DeletedMessage | undefined
  for (;;) {
    const slice = await store.deleted(account, since, after, limit)
    yield* slice
    after = slice.at(-1)
    if (slice.length < limit) return
  }
}

function wasGone({ savedAt, deletedAt, cause }: DeletedMessage, { since, until, asOf }: UndeleteChoice): boolean {
  if (until !== undefined && deletedAt >= until) return false
  if (asOf !== undefined) return savedAt <= asOf && asOf < deletedAt
  // What moved went on elsewhere: if it is gone now, it went from there.
  return cause !== 'move' && deletedAt >= (since ?? 0)
}

/** A deleted mailbox comes back also where no message of it does. */
function comesBackEmpty(
  { createdAt, deletedAt, restoredAs }: GoneMailbox,
  { since, until, asOf, emails, into }: UndeleteChoice,
): boolean {
  if (restoredAs !== undefined || emails !== undefined || into !== undefined) return false
  if (until !== undefined && deletedAt >= until) return false
  return asOf === undefined ? deletedAt >= (since ?? 0) : createdAt <= asOf && asOf < deletedAt
}

/** What came back. */
export interface UndeleteReport {
  readonly messages: number
  readonly bytes: number
  readonly kept: number
  /** By the names of the mailboxes that they came from. */
  readonly mailboxes: readonly {
    readonly from: string
    readonly to: string
    readonly messages: number
    /** The mailbox was made for it. */
    readonly made: boolean
  }[]
}

/** It stopped there; what had come back before stays. */
export interface UndeleteRefused {
  readonly kind: 'undelete-refused'
  readonly mailbox: string
  /** Of the store's refusal. */
  readonly why: string
  /** Messages that came back before. */
  readonly messages: number
}

/** Asked of the writer at once: others are served between. */
const CHUNK = 250
const BY = formatActor({ service: 'undelete' })

/** Brings back what was chosen. Killed in between, the same choice brings back the rest: nothing comes twice. */
export async function bringBack(
  store: MailStore,
  account: AccountRef,
  chosen: Chosen,
  { into, copies }: Pick<UndeleteChoice, 'into' | 'copies'>,
  progress: (done: { readonly messages: number; readonly bytes: number }) => void = () => undefined,
): Promise<Result<UndeleteReport, UndeleteRefused>> {
  const full = await wouldBreakQuota(store, account, chosen)
  if (full) return refused({ kind: 'undelete-refused', mailbox: into ?? 'INBOX', why: 'over-quota', messages: 0 })
  const mailboxes: UndeleteReport['mailboxes'][number][] = []
  let messages = 0
  let bytes = 0
  let kept = chosen.kept
  for (const box of chosen.mailboxes) {
    const sizes = new Map<number, number>(box.messages.map(({ uid, size }) => [uid, size]))
    const uids = [...sizes.keys()].sort((a, b) => a - b)
    let to = box.name
    let made = false
    let came = 0
    // At least once: a mailbox comes back without messages, too.
    for (let at = 0; at === 0 || at < uids.length; at += CHUNK) {
      const answer = await store.write('undelete', {
        account,
        by: BY,
        mailbox: box.key,
        uids: uidSetOf(uids.slice(at, at + CHUNK)),
        into,
        copies,
      })
      if (!answer.ok) return refused({ kind: 'undelete-refused', mailbox: to, why: answer.error.kind, messages })
      to = answer.value.name
      made ||= answer.value.made
      for (const [first, last] of answer.value.from) {
        for (let uid: number = first; uid <= last; uid += 1) bytes += sizes.get(uid) ?? 0
      }
      came += uidSetSize(answer.value.from)
      messages += uidSetSize(answer.value.from)
      kept += uidSetSize(answer.value.kept)
      progress({ messages, bytes })
    }
    if (came > 0 || made) mailboxes.push({ from: box.name, to, messages: came, made })
  }
  return done({ messages, bytes, kept, mailboxes })
}

/** Looked at before anything comes back, so that half a mailbox is not what people get. */
async function wouldBreakQuota(store: MailStore, account: AccountRef, { messages, bytes }: Chosen): Promise<boolean> {
  const state = await store.state(account)
  if (state === undefined || messages === 0) return false
  const { limits, usage } = state
  return (
    (limits.storageBytes !== undefined && usage.storageBytes + bytes > limits.storageBytes) ||
    (limits.messages !== undefined && usage.messages + messages > limits.messages)
  )
}
