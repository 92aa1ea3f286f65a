/**
 * SETACL, DELETEACL, GETACL, LISTRIGHTS and MYRIGHTS (RFC 4314 §3). Mailboxes are the person's own, who has every right
 * there whatever the list says; the list is for others.
 * @module
 */
import { saslPrep } from '#lib/sasl-prep.ts'
import { ANYONE, formatRights, parseRights, RIGHTS } from '#store/acl.ts'
import { writeAclResponse } from '#wire/imap/acl.ts'
import type { CommandReader } from '#wire/imap/reader.ts'
import { type Command, type Completion, type Context, command, LOGGED_IN } from '../command.ts'
import { refusalCompletion } from '../completion.ts'
import { readMailbox } from '../mailbox-names.ts'
import { type Reached, reach } from '../resolve.ts'
import { writeMyRights } from '../rights-response.ts'

const NO_PERSON: Completion = { status: 'NO', code: 'CANNOT', text: 'No such person here' }
const OWNER: Completion = { status: 'NO', code: 'CANNOT', text: 'The owner has all rights' }

interface NamedArgs {
  readonly mailbox: string
  /** Prepared (RFC 4314 §3). */
  readonly identifier: string
}

interface SetArgs extends NamedArgs {
  readonly mode: 'replace' | 'add' | 'remove'
  readonly rights: string
}

export const setacl: Command = command<SetArgs>({
  name: 'SETACL',
  states: LOGGED_IN,
  // setacl = "SETACL" SP mailbox SP identifier SP mod-rights
  parse(r) {
    const mailbox = readMailbox(r.sp())
    const identifier = readIdentifier(r)
    const start = r.sp().position
    const text = r.astring()
    const mode = text.startsWith('+') ? 'add' : text.startsWith('-') ? 'remove' : 'replace'
    const rights = parseRights(mode === 'replace' ? text : text.slice(1))
    if (rights === undefined) return r.fault(`Rights are some of ${RIGHTS}, c and d`, start)
    r.end()
    return { mailbox, identifier, mode, rights }
  },
  async run({ mailbox, identifier, mode, rights }, _by, context) {
    const found = await reach(context, mailbox, 'a')
    if (!found.ok) return found.error
    const whom = await canonical(context, identifier)
    if (whom === undefined) return NO_PERSON
    if (isOwner(found.value, whom)) return mode === 'add' && !whom.startsWith('-') ? SET : OWNER
    return write(context, found.value, whom, mode, rights)
  },
})

export const deleteacl: Command = command<NamedArgs>({
  name: 'DELETEACL',
  states: LOGGED_IN,
  // deleteacl = "DELETEACL" SP mailbox SP identifier
  parse: parseNamed,
  async run({ mailbox, identifier }, _by, context) {
    const found = await reach(context, mailbox, 'a')
    if (!found.ok) return found.error
    // Somebody who is no more can still be in the list.
    const whom = (await canonical(context, identifier)) ?? identifier
    return isOwner(found.value, whom) ? OWNER : write(context, found.value, whom, 'replace', '')
  },
})

const SET: Completion = { status: 'OK', text: 'The rights are set' }

async function write(
  { store, actor }: Context,
  { account, info }: Reached,
  identifier: string,
  mode: SetArgs['mode'],
  rights: string,
): Promise<Completion> {
  const answer = await store.write('setAcl', { account, by: actor, mailbox: info.key, identifier, mode, rights })
  return answer.ok ? SET : refusalCompletion(answer.error)
}

export const getacl: Command = command<string>({
  name: 'GETACL',
  states: LOGGED_IN,
  // getacl = "GETACL" SP mailbox
  parse: parseMailbox,
  async run(mailbox, _by, context) {
    const found = await reach(context, mailbox, 'a')
    if (!found.ok) return found.error
    const { store, out } = context
    const { account, owner, info } = found.value
    const entries = [{ identifier: owner, rights: RIGHTS }, ...(await store.acl(account, info.key))]
    out.text('* ')
    writeAclResponse(out, {
      kind: 'ACL',
      mailbox,
      entries: entries.map(({ identifier, rights }) => [identifier, formatRights(rights)]),
    })
    out.text('\r\n')
    return { status: 'OK', text: 'Those are the rights' }
  },
})

export const listrights: Command = command<NamedArgs>({
  name: 'LISTRIGHTS',
  states: LOGGED_IN,
  // listrights = "LISTRIGHTS" SP mailbox SP identifier
  parse: parseNamed,
  async run({ mailbox, identifier }, _by, context) {
    const found = await reach(context, mailbox, 'a')
    if (!found.ok) return found.error
    const whom = await canonical(context, identifier)
    if (whom === undefined) return NO_PERSON
    // No right is tied to another; those of RFC 2086 stand by themselves then (RFC 4314 §2.1.1).
    const all = formatRights(RIGHTS)
    const [required, optional] = isOwner(found.value, whom) ? [all, []] : ['', Array.from(all)]
    context.out.text('* ')
    writeAclResponse(context.out, { kind: 'LISTRIGHTS', mailbox, identifier, required, optional })
    context.out.text('\r\n')
    return { status: 'OK', text: 'Those can be granted' }
  },
})

export const myrights: Command = command<string>({
  name: 'MYRIGHTS',
  states: LOGGED_IN,
  // myrights = "MYRIGHTS" SP mailbox
  parse: parseMailbox,
  async run(mailbox, _by, context) {
    const found = await reach(context, mailbox, 'lrikxa')
    if (!found.ok) return found.error
    writeMyRights(context.out, found.value)
    return { status: 'OK', text: 'Those are your rights' }
  },
})

function parseMailbox(r: CommandReader): string {
  const mailbox = readMailbox(r.sp())
  r.end()
  return mailbox
}

function parseNamed(r: CommandReader): NamedArgs {
  const mailbox = readMailbox(r.sp())
  const identifier = readIdentifier(r)
  r.end()
  return { mailbox, identifier }
}

/** Prepared with SASLprep; what it refuses is BAD (RFC 4314 §3). */
function readIdentifier(r: CommandReader): string {
  const start = r.sp().position
  return saslPrep(r.utf8String()) ?? r.fault('That cannot be the name of anybody', start)
}

/** The identifier as it is kept; `undefined` where it names nobody here, or several. */
async function canonical({ session }: Context, identifier: string): Promise<string | undefined> {
  const negative = identifier.startsWith('-') ? '-' : ''
  const name = identifier.slice(negative.length)
  if (name.toLowerCase() === ANYONE) return `${negative}${ANYONE}`
  const answer = await session.deps.registry.resolve(name)
  if (!answer.ok) return undefined
  const { local, outside } = answer.value
  const [target, ...more] = local
  return target === undefined || more.length + outside.length > 0 ? undefined : `${negative}${target.address}`
}

function isOwner({ owner }: Reached, identifier: string): boolean {
  return identifier === owner || identifier === `-${owner}`
}
