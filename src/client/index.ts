/** The client library, published as `malle/client`. @module */
export type { ConnectOptions, Security } from './connect-options.ts'
export {
  AuthenticationError,
  type AuthenticationTrouble,
  ClientError,
  ConnectionError,
  type ConnectionTrouble,
  ProtocolError,
  RefusedError,
  UnsupportedError,
} from './errors.ts'
export {
  type MaildropEntry,
  Pop3Client,
  type Pop3ClientOptions,
  type Retrieved,
} from './pop3/client.ts'
export type { MessageBody } from './pop3/message-body.ts'
export type { Credentials, Secret, TokenSource } from './sasl.ts'
export { systemTimers, type Timers } from './timers.ts'
export type { TlsOptions } from './tls.ts'
