/** CAPA (RFC 2449 §5, §6; RFC 3206 §5; RFC 2595 §4; RFC 5034 §3). @module */
import { type Capability, formatCapability } from '#wire/pop3/capabilities.ts'
import { ANSWERED, type Command, type Context, command } from '../command.ts'

export const capa: Command = command({
  name: 'CAPA',
  states: ['authorization', 'transaction'],
  run(_, context) {
    context.connection.writeText('+OK Capabilities follow\r\n')
    for (const capability of capabilities(context)) context.connection.writeText(`${formatCapability(capability)}\r\n`)
    context.connection.writeText('.\r\n')
    return ANSWERED
  },
})

/** What really works, by state; what AUTHORIZATION has is told in both (RFC 2449 §5), but for STLS (RFC 2595 §4). */
function capabilities({ state, plaintext, listedMechanisms, canStartTls }: Context): Capability[] {
  const list: Capability[] = [
    { tag: 'TOP', params: [] },
    { tag: 'UIDL', params: [] },
    { tag: 'RESP-CODES', params: [] },
    { tag: 'AUTH-RESP-CODE', params: [] },
    { tag: 'PIPELINING', params: [] },
    { tag: 'EXPIRE', params: ['NEVER'] },
  ]
  if (plaintext) list.push({ tag: 'USER', params: [] })
  if (listedMechanisms.length > 0) list.push({ tag: 'SASL', params: listedMechanisms })
  if (canStartTls && state === 'authorization') list.push({ tag: 'STLS', params: [] })
  list.push({ tag: 'IMPLEMENTATION', params: ['Malle'] })
  return list
}
