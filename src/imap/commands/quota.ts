/** GETQUOTA, GETQUOTAROOT and SETQUOTA (RFC 9208 §4.1). @module */
import type { QuotaRefusal } from '#services/registry.ts'
import type { QuotaLimits } from '#store/types.ts'
import type { QuotaLimit } from '#wire/imap/quota-resources.ts'
import { type Command, type Completion, command, LOGGED_IN } from '../command.ts'
import { readMailbox } from '../mailbox-names.ts'
import { QUOTA_ROOT, writeQuota } from '../quota-response.ts'
import { mailboxesOfOthers, reach } from '../resolve.ts'

const GIVEN: Completion = { status: 'OK', text: 'That is the quota' }

// getquota = "GETQUOTA" SP quota-root-name
export const getquota: Command = command<string>({
  name: 'GETQUOTA',
  states: LOGGED_IN,
  parse(r) {
    const root = r.sp().utf8String()
    r.end()
    return root
  },
  async run(root, _by, context) {
    if (root === QUOTA_ROOT) {
      await writeQuota(context)
      return GIVEN
    }
    // GETQUOTAROOT of a mailbox that others share has told its name (RFC 9208 §4.1.2).
    const shared = (await mailboxesOfOthers(context)).find(
      ({ owner, rights }) => owner === root && rights.includes('r'),
    )
    if (shared !== undefined) {
      await writeQuota(context, root, shared.account)
      return GIVEN
    }
    const answer = await context.session.deps.registry.quotaOf(context.id, root, undefined)
    // Whether there is such a person is nothing for people to know.
    if (!answer.ok) return answer.error.kind === 'not-administrator' ? NO_ROOT : refusal(answer.error)
    await writeQuota(context, root, answer.value)
    return GIVEN
  },
})

// getquotaroot = "GETQUOTAROOT" SP mailbox
export const getquotaroot: Command = command<string>({
  name: 'GETQUOTAROOT',
  states: LOGGED_IN,
  parse(r) {
    const name = readMailbox(r.sp())
    r.end()
    return name
  },
  async run(name, _by, context) {
    const found = await reach(context, name, 'r')
    if (!found.ok) return found.error
    // Of others it has the name by which administrators call it.
    const { account, owner, user } = found.value
    const root = user === undefined ? QUOTA_ROOT : owner
    context.out.text('* QUOTAROOT ').mailbox(name).text(' ').string(root).text('\r\n')
    await writeQuota(context, root, account)
    return GIVEN
  },
})

interface SetArgs {
  readonly root: string
  readonly limits: readonly QuotaLimit[]
}

/** For administrators (design: plans); limits that are not named are no more (RFC 9208 §4.1.3). */
export const setquota: Command = command<SetArgs>({
  name: 'SETQUOTA',
  states: LOGGED_IN,
  // setquota = "SETQUOTA" SP quota-root-name SP setquota-list
  parse(r) {
    const root = r.sp().utf8String()
    const limits = r.sp().quotaLimits()
    r.end()
    return { root, limits }
  },
  async run({ root, limits }, _by, context) {
    const wanted = limitsOf(limits)
    if (wanted === undefined)
      return { status: 'NO', code: 'CANNOT', text: 'Only STORAGE and MESSAGE have limits, each one' }
    const address = root === QUOTA_ROOT ? context.address : root
    const answer = await context.session.deps.registry.quotaOf(context.id, address, wanted)
    if (!answer.ok) return refusal(answer.error)
    await writeQuota(context, root, answer.value)
    return { status: 'OK', text: 'The quota is set' }
  },
})

function limitsOf(limits: readonly QuotaLimit[]): QuotaLimits | undefined {
  const names = new Set(limits.map(({ resource }) => resource))
  if (names.size < limits.length) return undefined
  const limitOf = (name: string): number | undefined => limits.find(({ resource }) => resource === name)?.limit
  const units = limitOf('STORAGE')
  const messages = limitOf('MESSAGE')
  if (names.size > (units === undefined ? 0 : 1) + (messages === undefined ? 0 : 1)) return undefined
  const storageBytes = units === undefined ? undefined : Math.min(units * 1024, Number.MAX_SAFE_INTEGER)
  return { storageBytes, messages }
}

const NO_ROOT: Completion = { status: 'NO', code: 'NONEXISTENT', text: 'No such quota root' }

function refusal(error: QuotaRefusal): Completion {
  switch (error.kind) {
    case 'not-administrator':
      return { status: 'NO', code: 'NOPERM', text: 'Only the administrator changes quotas' }
    case 'no-such-account':
      return NO_ROOT
    case 'unavailable':
      return { status: 'NO', code: 'UNAVAILABLE', text: 'The quota cannot be set now, try again' }
  }
}
