/** From the greeting to the TRANSACTION state: capabilities, STLS, login (RFC 1939 §4, RFC 2449, RFC 2595, RFC 5034). @module */
import { type Capabilities, collectCapabilities } from '#wire/pop3/capabilities.ts'
import { fitsAuth, formatCommand } from '#wire/pop3/commands.ts'
import type { Continuation, StatusLine } from '#wire/pop3/responses.ts'
import type { Security } from '../connect-options.ts'
import { noTls } from '../dial.ts'
import { ConnectionError, RefusedError } from '../errors.ts'
import { authenticate, type Credentials, type SaslAnswer, type SaslDialogue } from '../sasl.ts'
import type { Pop3Channel } from './channel.ts'
import { CAPABILITY_LINES } from './limits.ts'

/** What the server says it can do; `undefined` where it does not know CAPA. */
export async function readCapabilities(channel: Pop3Channel): Promise<Capabilities | undefined> {
  try {
    return collectCapabilities(await channel.listing({ name: 'CAPA' }, CAPABILITY_LINES))
  } catch (error) {
    if (error instanceof RefusedError) return undefined
    throw error
  }
}

/** Brings TLS about where the connection began without it. */
export async function secure(
  channel: Pop3Channel,
  security: Security,
  capabilities: Capabilities | undefined,
): Promise<void> {
  if (security !== 'starttls') return
  // who does not know CAPA may know STLS all the same
  if (capabilities !== undefined && !capabilities.has('STLS')) throw noTls(channel.connection.where, 'STLS')
  try {
    await channel.ask({ name: 'STLS' })
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
    const { where } = channel.connection
    if (capabilities === undefined) throw noTls(where, 'STLS')
    throw new ConnectionError('no-tls', `${where} offers STLS and refuses it: ${error.text}`, { cause: error })
  }
  await channel.startTls()
}

/** Logs in by the strongest way that both ends have. */
export async function logIn(
  channel: Pop3Channel,
  credentials: Credentials,
  plaintext: boolean,
  capabilities: Capabilities | undefined,
): Promise<void> {
  const { secure: safe, bindings } = channel.connection
  // RFC 2449 §6.3: who lists capabilities and not USER has no USER
  const userAndPass = capabilities === undefined || capabilities.has('USER')
  await authenticate(new Pop3Dialogue(channel), {
    credentials,
    offered: capabilities?.get('SASL') ?? [],
    bindings,
    plaintext: safe || plaintext,
    ...(userAndPass
      ? { withoutSasl: { name: 'USER', logIn: (login, password) => passWord(channel, login, password) } }
      : {}),
  })
}

async function passWord(channel: Pop3Channel, login: string, password: string): Promise<SaslAnswer> {
  try {
    await channel.ask({ name: 'USER', user: login })
    await channel.ask({ name: 'PASS', password })
    return { kind: 'done' }
  } catch (error) {
    if (error instanceof RefusedError) return { kind: 'refused', code: error.code, text: error.text }
    throw error
  }
}

/** AUTH and its exchange (RFC 5034 §4). */
class Pop3Dialogue implements SaslDialogue {
  readonly initialResponse = true
  readonly #channel: Pop3Channel

  constructor(channel: Pop3Channel) {
    this.#channel = channel
  }

  async begin(mechanism: string, initial: string | undefined): Promise<SaslAnswer> {
    if (initial === undefined || fitsAuth(mechanism, initial)) {
      return answerOf(await this.#channel.step(formatCommand({ name: 'AUTH', mechanism, initial })))
    }
    // a line of a command has an end; the answer to an empty challenge has none
    const first = answerOf(await this.#channel.step(formatCommand({ name: 'AUTH', mechanism, initial: undefined })))
    return first.kind === 'challenge' ? this.answer(initial) : first
  }

  async answer(line: string): Promise<SaslAnswer> {
    return answerOf(await this.#channel.step(`${line}\r\n`))
  }
}

function answerOf(said: StatusLine | Continuation): SaslAnswer {
  switch (said.status) {
    case '+':
      return { kind: 'challenge', text: said.data }
    case '+OK':
      return { kind: 'done' }
    case '-ERR':
      return { kind: 'refused', code: said.code, text: said.text }
  }
}
