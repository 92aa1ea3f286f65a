/** Logging in, whatever the protocol: which mechanism, and its exchange (RFC 4422). @module */
import type { ChannelBindings } from '#wire/sasl/channel-binding.ts'
import { createSaslClient } from '#wire/sasl/client.ts'
import { decodeBase64, encodeBase64, encodeInitialResponse } from '#wire/sasl/lines.ts'
import { SASL_MECHANISMS, type SaslClient, type SaslMechanism } from '#wire/sasl/mechanism.ts'
import { AuthenticationError } from './errors.ts'
import { SASL_CHALLENGES } from './limits.ts'

/** A secret, or who fetches it when it is needed. */
export type Secret = string | (() => string | Promise<string>)

/**
 * An access token, or who fetches one. After a refusal the callback is asked once more, with the token that was
 * refused, so that it can fetch a fresh one.
 */
export type TokenSource = string | ((refused: string | undefined) => string | Promise<string>)

/** Who logs in, and by what. */
export type Credentials = {
  /** The mechanisms that may be used, any case; default: all. `LOGIN` and `USER` also name what IMAP and POP3 have without SASL. */
  readonly mechanisms?: readonly string[]
  /** Act as somebody else, where the server allows it. */
  readonly authorizeAs?: string
  /**
   * SCRAM must be bound to TLS (-PLUS), so that nobody can stand in between even with a certificate that is trusted.
   * Default `false`: it is where the server can; one that offers it and then cannot is logged in to without.
   */
  readonly requireBinding?: boolean
} & (
  | { readonly login: string; readonly password: Secret }
  | { readonly login: string; readonly token: TokenSource }
  /** The client certificate of `tls` says who it is. */
  | { readonly external: true }
)

/** What the server says within an exchange. */
export type SaslAnswer =
  /** In base64, as it stood on the line. */
  | { readonly kind: 'challenge'; readonly text: string }
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly code: string | undefined; readonly text: string }

/** An exchange in the words of a protocol. */
export interface SaslDialogue {
  /** Whether the first response may stand in the command (RFC 4959). */
  readonly initialResponse: boolean
  /** @param initial In base64, `=` where it is empty. */
  begin(mechanism: string, initial: string | undefined): Promise<SaslAnswer>
  /** @param line In base64, or `*` to give up. */
  answer(line: string): Promise<SaslAnswer>
}

export interface LoginOptions {
  readonly credentials: Credentials
  /** Mechanisms that the server lists. */
  readonly offered: readonly string[]
  readonly bindings: ChannelBindings | undefined
  /** Passwords and tokens may be sent as they are: over TLS, or because somebody asked for it. */
  readonly plaintext: boolean
  /** A way of the protocol without SASL that sends the password as it is: LOGIN of IMAP, USER and PASS of POP3. */
  readonly withoutSasl?: {
    /** As `mechanisms` may name it; `LOGIN` means it too. */
    readonly name: 'LOGIN' | 'USER'
    logIn(login: string, password: string): Promise<SaslAnswer>
  }
}

/** Credentials whose server cannot bind although it says so: the next connection does not try again. */
const UNBINDABLE = new WeakSet<Credentials>()

/**
 * Logs in by the strongest mechanism that both ends have.
 * @returns Its name; `undefined` when `withoutSasl` did it.
 * @throws {AuthenticationError}
 */
export async function authenticate(dialogue: SaslDialogue, options: LoginOptions): Promise<SaslMechanism | undefined> {
  const { credentials } = options
  if (!('token' in credentials)) return attempt(dialogue, options, undefined)
  const { token } = credentials
  const first = typeof token === 'string' ? token : await token(undefined)
  try {
    return await attempt(dialogue, options, first)
  } catch (error) {
    if (typeof token === 'string' || !(error instanceof AuthenticationError) || error.trouble !== 'refused') throw error
    const second = await token(first)
    if (second === first) throw error
    return attempt(dialogue, options, second)
  }
}

async function attempt(
  dialogue: SaslDialogue,
  options: LoginOptions,
  token: string | undefined,
): Promise<SaslMechanism | undefined> {
  const { credentials, plaintext } = options
  const unbindable = UNBINDABLE.has(credentials)
  const bound = (name: string): boolean =>
    unbindable ? !name.endsWith('-PLUS') : credentials.requireBinding !== true || name.endsWith('-PLUS')
  const allowed = credentials.mechanisms?.map((name) => name.toUpperCase())
  const listed = options.offered.map((name) => name.toUpperCase())
  const offered = listed.filter((name) => bound(name) && (allowed?.includes(name) ?? true))
  // who may not bind must not say that the server cannot: it would take that for an attack (RFC 5802 §6)
  const forgone = listed.includes('SCRAM-SHA-256-PLUS') && !offered.includes('SCRAM-SHA-256-PLUS')
  const login = 'login' in credentials ? credentials.login : ''
  const password = 'password' in credentials ? await reveal(credentials.password) : ''
  const client = createSaslClient({
    offered,
    credentials: { login, password, authorizeAs: credentials.authorizeAs ?? '' },
    bindings: forgone ? undefined : options.bindings,
    plaintext,
    external: 'external' in credentials,
    ...(token === undefined ? {} : { token }),
  })
  if (client !== undefined) {
    try {
      await exchange(dialogue, client)
      return client.mechanism
    } catch (error) {
      if (!mayUnbind(error, client, options)) throw error
      UNBINDABLE.add(credentials)
      return attempt(dialogue, options, token)
    }
  }
  const { withoutSasl } = options
  const plainly =
    plaintext &&
    'password' in credentials &&
    credentials.authorizeAs === undefined &&
    credentials.requireBinding !== true
  const named = (name: string | undefined): boolean => name === withoutSasl?.name || name === 'LOGIN'
  if (withoutSasl === undefined || !plainly || !(allowed?.some(named) ?? true)) throw noMechanism(options)
  const answer = await withoutSasl.logIn(login, password)
  if (answer.kind !== 'done') throw refusal(answer)
  return undefined
}

/**
 * Whether SCRAM is to be tried without a binding: Cyrus 3.6 offers -PLUS and knows no binding of TLS 1.3. A wrong
 * password is told as such (RFC 5530 §3) and is not tried twice.
 */
function mayUnbind(error: unknown, client: SaslClient, { credentials, offered }: LoginOptions): boolean {
  if (!(error instanceof AuthenticationError) || error.trouble !== 'refused') return false
  if (client.mechanism !== 'SCRAM-SHA-256-PLUS' || credentials.requireBinding === true) return false
  return error.code === undefined && offered.some((name) => name.toUpperCase() === 'SCRAM-SHA-256')
}

async function reveal(secret: Secret): Promise<string> {
  return typeof secret === 'string' ? secret : secret()
}

async function exchange(dialogue: SaslDialogue, client: SaslClient): Promise<void> {
  let initial: string | undefined
  let waiting: Uint8Array | undefined
  if (client.clientFirst) {
    const reply = await client.respond(undefined)
    if (reply.kind === 'abort') throw new AuthenticationError('no-mechanism', `${client.mechanism} cannot begin`)
    if (dialogue.initialResponse) initial = encodeInitialResponse(reply.data)
    else waiting = reply.data
  }
  let answer = await dialogue.begin(client.mechanism, initial)
  for (let challenges = 0; answer.kind === 'challenge'; challenges += 1) {
    const challenge = decodeBase64(answer.text)
    if (challenge === undefined || challenges === SASL_CHALLENGES) {
      throw await givenUp(dialogue, `${client.mechanism}: the server's challenge makes no sense`)
    }
    if (waiting !== undefined) {
      const response = waiting
      waiting = undefined
      answer = await dialogue.answer(encodeBase64(response))
      continue
    }
    const reply = await client.respond(challenge)
    if (reply.kind === 'abort') throw await givenUp(dialogue, `${client.mechanism} was broken off (${reply.why})`)
    answer = await dialogue.answer(encodeBase64(reply.data))
  }
  if (answer.kind === 'refused') throw refusal(answer)
  if (!client.complete) {
    throw new AuthenticationError(
      'server-proof',
      `The server reported success without proof that it knows the password (${client.mechanism}): somebody may stand in between`,
    )
  }
}

/** Says `*`; a refusal of the server's own explains more. */
async function givenUp(dialogue: SaslDialogue, why: string): Promise<AuthenticationError> {
  const answer = await dialogue.answer('*')
  const said = answer.kind === 'refused' ? `; the server says: ${answer.text}` : ''
  const code = answer.kind === 'refused' ? answer.code : undefined
  return new AuthenticationError('server-proof', `${why}${said}`, code)
}

/** The mailbox cannot be had now, whoever asks (RFC 5530 §3; RFC 2449 §8.1, RFC 3206 §4). */
const BUSY: ReadonlySet<string> = new Set(['UNAVAILABLE', 'INUSE', 'IN-USE', 'LOGIN-DELAY', 'SYS/TEMP'])

function refusal(answer: SaslAnswer): AuthenticationError {
  const { code, text } = answer.kind === 'refused' ? answer : { code: undefined, text: 'no reason given' }
  const advice =
    code !== undefined && BUSY.has(code)
      ? 'try again later'
      : code === 'EXPIRED'
        ? 'set a new password first'
        : 'check login and password; some servers want an app password or a token'
  const shown = code === undefined ? '' : ` [${code}]`
  return new AuthenticationError('refused', `The server refused the login${shown}: ${text} (${advice})`, code)
}

function noMechanism({ offered, credentials, plaintext }: LoginOptions): AuthenticationError {
  const list = offered.length === 0 ? 'no mechanism' : offered.join(', ')
  const kind = 'token' in credentials ? 'a token' : 'password' in credentials ? 'a password' : 'a client certificate'
  const known = SASL_MECHANISMS.some((name) => offered.includes(name))
  const why =
    !plaintext && known
      ? `without TLS nothing of it may be used with ${kind}: use TLS, or say "allowPlaintext" where that is no danger`
      : `nothing of it can be used with ${kind}`
  return new AuthenticationError('no-mechanism', `The server offers ${list}; ${why}`)
}
