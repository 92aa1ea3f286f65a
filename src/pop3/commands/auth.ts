/** AUTH (RFC 5034). @module */
import { formatContinuation } from '#wire/pop3/responses.ts'
import { channelBindings } from '#wire/sasl/channel-binding.ts'
import { encodeBase64 } from '#wire/sasl/lines.ts'
import { createSaslServer, findMechanism } from '#wire/sasl/server.ts'
import { ANSWERED, type Command, command, err } from '../command.ts'
import { loginRefusal, saslFault } from '../refusals.ts'
import { words } from '../words.ts'
import { plaintextRefusal } from './user.ts'

export const auth: Command = command({
  name: 'AUTH',
  states: ['authorization'],
  async run({ mechanism: name, initial }, context) {
    const { connection, mechanisms, authority } = context
    if (name === undefined) {
      // quirk bare-auth
      connection.writeText(`+OK\r\n${mechanisms.map((one) => `${one}\r\n`).join('')}.\r\n`)
      return ANSWERED
    }
    const mechanism = findMechanism(name, mechanisms)
    if (mechanism === undefined) {
      const wantsTls = !context.plaintext && (name === 'PLAIN' || name === 'LOGIN')
      return wantsTls
        ? plaintextRefusal(context.canStartTls)
        : err(words('That mechanism is not offered here', 'Ce mécanisme n’est pas proposé ici'))
    }
    const { tls } = connection
    const bindings = tls === undefined ? undefined : channelBindings(tls, 'server')
    const server = createSaslServer(mechanism, { authority, bindings })
    let step = await server.begin(initial)
    while (step.kind === 'challenge') {
      connection.writeText(formatContinuation(encodeBase64(step.data)))
      const event = await connection.nextAuthLine()
      if (event.kind === 'too-long') return err(words('The answer is too long', 'La réponse est trop longue'))
      step = await server.line(event.text)
    }
    switch (step.kind) {
      case 'success':
        return context.enter(step.login)
      case 'refused':
        return loginRefusal(step.refusal)
      case 'failed':
        return saslFault(step.why)
    }
  },
})
