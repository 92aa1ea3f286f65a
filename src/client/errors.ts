/** What goes wrong with a server, as types: each says what happened and what can be done. @module */

/** Every error of the client library but faults of its caller (`TypeError`). */
export abstract class ClientError extends Error {}

export type ConnectionTrouble =
  /** There is no such host. */
  | 'not-found'
  /** The host is there and nobody listens. */
  | 'refused'
  | 'unreachable'
  /** Nothing was heard for too long. */
  | 'timeout'
  /** The TLS handshake failed, or the certificate is not to be trusted. */
  | 'tls'
  /** TLS was asked for and the server does not offer it. */
  | 'no-tls'
  /** The server closed, with or without a word, or the network broke. */
  | 'closed'
  /** We closed, or an `AbortSignal` said so. */
  | 'aborted'

/** There is no connection, or none any more. */
export class ConnectionError extends ClientError {
  override readonly name = 'ConnectionError'
  readonly trouble: ConnectionTrouble
  /** The command was under way: whether the server did it is not known. */
  readonly maybeDone: boolean

  constructor(trouble: ConnectionTrouble, message: string, options: ErrorOptions & { maybeDone?: boolean } = {}) {
    super(message, options)
    this.trouble = trouble
    this.maybeDone = options.maybeDone ?? false
  }
}

export type AuthenticationTrouble =
  /** The server says no: wrong login or password, an expired token, a closed account. */
  | 'refused'
  /** The server offers nothing that may be used here. */
  | 'no-mechanism'
  /** The server could not prove that it knows the password (SCRAM): somebody may stand in between. */
  | 'server-proof'

/** Nobody is logged in. */
export class AuthenticationError extends ClientError {
  override readonly name = 'AuthenticationError'
  readonly trouble: AuthenticationTrouble
  /** The server's response code in upper case, such as `AUTHENTICATIONFAILED` or `UNAVAILABLE` (RFC 5530). */
  readonly code: string | undefined

  constructor(trouble: AuthenticationTrouble, message: string, code?: string, options?: ErrorOptions) {
    super(message, options)
    this.trouble = trouble
    this.code = code
  }
}

/** The server understood and said no. */
export class RefusedError extends ClientError {
  override readonly name = 'RefusedError'
  /** The name of the command, without its arguments. */
  readonly command: string
  /** The response code in upper case, such as `NONEXISTENT`, `OVERQUOTA`, `TRYCREATE` (RFC 5530). */
  readonly code: string | undefined
  /** What the server said, for people. */
  readonly text: string

  constructor(command: string, code: string | undefined, text: string, options?: ErrorOptions) {
    super(`The server refused ${command}${code === undefined ? '' : ` [${code}]`}: ${text}`, options)
    this.command = command
    this.code = code
    this.text = text
  }
}

/** The server does not have what was asked for, and there is no other way. */
export class UnsupportedError extends ClientError {
  override readonly name = 'UnsupportedError'
  /** The capability that is missing. */
  readonly capability: string

  constructor(capability: string, what: string) {
    super(`The server does not offer ${capability}, which ${what} needs`)
    this.capability = capability
  }
}

/** The mailbox is another one than the command was meant for: UIDs known before mean nothing in it. */
export class MailboxChangedError extends ClientError {
  override readonly name = 'MailboxChangedError'
}

/** The server said something that makes no sense, or more than is bearable: the connection is closed. */
export class ProtocolError extends ClientError {
  override readonly name = 'ProtocolError'
}
