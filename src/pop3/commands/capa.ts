/** CAPA (RFC 2449 §5, §6; RFC 3206 §5; RFC 2595 §4; RFC 5034 §3; RFC 6856 §2, §3). @module */
import { retentionDays } from '#mail/pop3-policy.ts'
import { type Capability, formatCapability } from '#wire/pop3/capabilities.ts'
import { ANSWERED, type Command, type Context, command } from '../command.ts'
import { words } from '../words.ts'

export const capa: Command = command({
  name: 'CAPA',
  states: ['authorization', 'transaction'],
  async run(_, context): Promise<typeof ANSWERED> {
    const lines = await capabilities(context)
    const { connection } = context
    connection.writeText(`+OK ${context.say(words('Capabilities follow', 'Voici les capacités'))}\r\n`)
    for (const capability of lines) connection.writeText(`${formatCapability(capability)}\r\n`)
    connection.writeText('.\r\n')
    return ANSWERED
  },
})

/** What really works, by state; what AUTHORIZATION has is told in both (RFC 2449 §5), but for STLS (RFC 2595 §4). */
async function capabilities(context: Context): Promise<Capability[]> {
  const { state, plaintext, listedMechanisms, canStartTls } = context
  const list: Capability[] = [
    { tag: 'TOP', params: [] },
    { tag: 'UIDL', params: [] },
    { tag: 'RESP-CODES', params: [] },
    { tag: 'AUTH-RESP-CODE', params: [] },
    { tag: 'PIPELINING', params: [] },
    ...(await terms(context)),
    { tag: 'UTF8', params: ['USER'] },
    { tag: 'LANG', params: [] },
  ]
  if (plaintext) list.push({ tag: 'USER', params: [] })
  if (listedMechanisms.length > 0) list.push({ tag: 'SASL', params: listedMechanisms })
  if (canStartTls && state === 'authorization') list.push({ tag: 'STLS', params: [] })
  list.push({ tag: 'IMPLEMENTATION', params: ['Malle'] })
  return list
}

/** Before the login the strictest of anybody, with USER where people differ; after it, one's own (RFC 2449 §6.5, §6.7). */
async function terms(context: Context): Promise<Capability[]> {
  const all = await context.announcement()
  const own = context.state === 'transaction' ? context.terms : undefined
  const delay = own?.loginDelaySeconds ?? all.loginDelaySeconds
  const days = own === undefined ? all.retentionDays : retentionDays(own.policy)
  const user = (differs: boolean): readonly string[] => (own === undefined && differs ? ['USER'] : [])
  const expire = days === Number.POSITIVE_INFINITY ? 'NEVER' : `${days}`
  const list: Capability[] = [{ tag: 'EXPIRE', params: [expire, ...user(all.retentionByUser)] }]
  if (all.loginDelaySeconds > 0) {
    list.push({ tag: 'LOGIN-DELAY', params: [`${delay}`, ...user(all.loginDelayByUser)] })
  }
  return list
}
