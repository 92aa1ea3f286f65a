/** GETQUOTA, GETQUOTAROOT and SETQUOTA (RFC 9208 §4). @module */
import { type Command, command, LOGGED_IN } from '../command.ts'
import { readMailbox } from '../mailbox-names.ts'
import { QUOTA_ROOT, writeQuota } from '../quota-response.ts'

// getquota = "GETQUOTA" SP quota-root-name
export const getquota: Command = command<string>({
  name: 'GETQUOTA',
  states: LOGGED_IN,
  parse(r) {
    const root = r.sp().astring()
    r.end()
    return root
  },
  async run(root, _by, context) {
    if (root !== QUOTA_ROOT) return { status: 'NO', code: 'NONEXISTENT', text: 'No such quota root' }
    await writeQuota(context)
    return { status: 'OK', text: 'That is the quota' }
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
    const { store, account, out } = context
    if ((await store.mailboxByName(account, name)) === undefined)
      return { status: 'NO', code: 'NONEXISTENT', text: 'No such mailbox' }
    out.text('* QUOTAROOT ').mailbox(name).text(' ').string(QUOTA_ROOT).text('\r\n')
    await writeQuota(context)
    return { status: 'OK', text: 'That is the quota' }
  },
})

/** Limits are the administrator's (design: plans), never the person's own. */
export const setquota: Command = command<void>({
  name: 'SETQUOTA',
  states: LOGGED_IN,
  // setquota = "SETQUOTA" SP quota-root-name SP setquota-list
  parse(r) {
    r.sp().astring()
    r.sp().quotaLimits()
    r.end()
  },
  run: async () => ({ status: 'NO', code: 'NOPERM', text: 'Only the administrator changes quotas' }),
})
