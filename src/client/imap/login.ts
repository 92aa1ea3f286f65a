/** AUTHENTICATE and LOGIN (RFC 9051 §6.2.2, §6.2.3, RFC 4959). @module */
import { toBinary } from '#wire/imap/characters.ts'
import type { ConditionResponse } from '#wire/imap/responses.ts'
import { authenticate, type Credentials, type SaslAnswer, type SaslDialogue } from '../sasl.ts'
import { codeName } from './response-code.ts'
import type { ImapSession } from './session.ts'

/**
 * Logs in by the strongest means.
 * @throws {AuthenticationError}
 */
export async function logIn(session: ImapSession, credentials: Credentials, allowPlaintext: boolean): Promise<void> {
  const { connection, capabilities } = session
  const withoutSasl = (login: string, password: string): Promise<SaslAnswer> => {
    return session.run<SaslAnswer>({
      name: 'LOGIN',
      alone: true,
      write: (w) => w.text('LOGIN ').astring(toBinary(login)).sp().astring(toBinary(password)),
      finish: () => ({ kind: 'done' }),
      refuse: refusedBy,
    })
  }
  await authenticate(new ImapDialogue(session), {
    credentials,
    offered: capabilities.mechanisms,
    bindings: connection.bindings,
    plaintext: connection.secure || allowPlaintext,
    ...(capabilities.has('LOGINDISABLED') ? {} : { withoutSasl: { name: 'LOGIN', logIn: withoutSasl } }),
  })
}

function refusedBy(done: ConditionResponse): SaslAnswer {
  return { kind: 'refused', code: codeName(done.code), text: done.text }
}

class ImapDialogue implements SaslDialogue {
  readonly initialResponse: boolean
  readonly #session: ImapSession
  #reply: ((line: string) => void) | undefined
  #said: { readonly resolve: (answer: SaslAnswer) => void; readonly reject: (error: unknown) => void } | undefined

  constructor(session: ImapSession) {
    this.#session = session
    this.initialResponse = session.capabilities.has('SASL-IR')
  }

  begin(mechanism: string, initial: string | undefined): Promise<SaslAnswer> {
    const next = this.#next()
    const done = this.#session.run<SaslAnswer>({
      name: 'AUTHENTICATE',
      alone: true,
      write: (w) => w.text(`AUTHENTICATE ${mechanism}${initial === undefined ? '' : ` ${initial}`}`),
      continued: (text) =>
        new Promise((resolve) => {
          this.#reply = resolve
          this.#said?.resolve({ kind: 'challenge', text })
        }),
      finish: () => ({ kind: 'done' }),
      refuse: refusedBy,
    })
    done.then(
      (answer) => this.#said?.resolve(answer),
      (error: unknown) => this.#said?.reject(error),
    )
    return next
  }

  answer(line: string): Promise<SaslAnswer> {
    const next = this.#next()
    this.#reply?.(line)
    return next
  }

  #next(): Promise<SaslAnswer> {
    return new Promise((resolve, reject) => {
      this.#said = { resolve, reject }
    })
  }
}
