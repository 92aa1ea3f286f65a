/** STORE and UID STORE (RFC 9051 §6.4.6, §6.4.9, RFC 7162 §3.1.3). @module */
import { formatUidSet, type UidSet } from '#mail/uid-set.ts'
import { subtractUidSets } from '#mail/uid-set-arithmetic.ts'
import { permittedFlags } from '#store/acl.ts'
import { type Flags, flagsOf } from '#store/flags.ts'
import type { MessageSet } from '#wire/imap/message-set.ts'
import type { StoreRequest } from '#wire/imap/store-request.ts'
import { type By, type Command, type Completion, type Context, command } from '../command.ts'
import { refusalCompletion } from '../completion.ts'
import { enableCondstore, NO_SUCH_NUMBER, READ_ONLY, SOME_GONE } from '../message-commands.ts'
import { limited, messageLimit, withLimit } from '../message-limit.ts'
import { hasOneOf, NOT_ALLOWED } from '../resolve.ts'
import { BelievedFlags } from '../silent-store.ts'

interface Args {
  readonly messages: MessageSet
  readonly request: StoreRequest
}

export const store: Command = command<Args>({
  name: 'STORE',
  states: ['selected'],
  uidForm: true,
  holdsExpunge: true,

  // store = "STORE" SP sequence-set [store-modifiers] SP store-att-flags
  parse(r) {
    const messages = r.sp().messageSet()
    const request = r.sp().storeRequest()
    r.end()
    return { messages, request }
  },

  joined(first, second, context) {
    if (first.messages === '$' || second.messages === '$' || !isSame(first.request, second.request)) return undefined
    const messages = [...first.messages, ...second.messages]
    // Those that name one message each, as clients do that go message by message: one command may be about so many.
    const fits = messages.length <= messageLimit(context) && messages.every(([from, to]) => from === to)
    return fits ? { messages, request: first.request } : undefined
  },

  async run({ messages, request }, by, context) {
    const { view, out } = context
    if (view.readOnly) return READ_ONLY
    if (request.unchangedSince !== undefined) enableCondstore(context)
    const uids = await view.resolve(out, messages, by)
    if (uids === undefined) return NO_SUCH_NUMBER
    if (uids.length === 0) return { status: 'OK', text: 'Nothing to store' }
    const some = limited(context, uids)
    return withLimit(context, await write(context, some.uids, request, by), some.code)
  },
})

/** Done twice it is as done once, to whichever messages. */
function isSame(a: StoreRequest, b: StoreRequest): boolean {
  const conditional = a.unchangedSince !== undefined || b.unchangedSince !== undefined
  return !conditional && a.mode === b.mode && a.silent === b.silent && a.flags.join(' ') === b.flags.join(' ')
}

async function write(
  { store: mail, actor, view }: Context,
  uids: UidSet,
  request: StoreRequest,
  by: By,
): Promise<Completion> {
  const { mode: action, silent, unchangedSince } = request
  // \Recent and system flags that nobody knows are left out.
  const flags = flagsOf(request.flags)
  const { account, mailbox, guest } = view
  if (guest !== undefined && !mayStore(guest.rights, flags)) return NOT_ALLOWED
  const answer = await mail.write('changeFlags', {
    account,
    by: actor,
    guest,
    mailbox,
    uids,
    action,
    flags,
    unchangedSince,
  })
  if (!answer.ok) return refusalCompletion(answer.error)
  const { modseq, changed, modified, gone } = answer.value
  if (guest === undefined) view.took(changed)
  view.expect(modseq)
  view.answer({
    kind: 'store',
    uids: subtractUidSets(subtractUidSets(uids, modified), gone),
    believed: silent ? new BelievedFlags(action, flags, view.keywords) : undefined,
    conditional: unchangedSince !== undefined,
    modified,
  })
  // A UID that is not there is no error (RFC 9051 §6.4.9); a number that the client still counts is.
  const lost = by === 'number' && gone.length > 0
  if (modified.length === 0) return lost ? SOME_GONE : { status: 'OK', text: 'Stored' }
  const code = `MODIFIED ${formatUidSet(by === 'uid' ? modified : view.numbers(modified))}`
  return lost
    ? { status: 'NO', code, text: 'Some of the messages no longer exist' }
    : { status: 'OK', code, text: 'Some have changed meanwhile' }
}

/** Whether one of the flags named is the person's to change; the others stay as they are (RFC 4314 §4 STORE). */
function mayStore(rights: string, flags: Flags): boolean {
  const { system, keywords } = permittedFlags(flags, rights)
  const none = flags.system === 0 && flags.keywords.length === 0
  return none ? hasOneOf(rights, 'stw') : system !== 0 || keywords.length > 0
}
