import { type ConnectOptions, type ProtocolPorts, resolveEndpoint } from './connect-options.ts'
import { ClientConnection } from './connection.ts'
import { ConnectionError } from './errors.ts'
import { CONNECT_MS } from './limits.ts'

/**
 * Connects as the options say; the greeting is still to come, within `connectMs`. With `starttls` the caller goes on in
 * the clear until {@link ClientConnection.startTls}.
 * @throws {ConnectionError}
 */
export async function dial(options: ConnectOptions, ports: ProtocolPorts): Promise<ClientConnection> {
  const connectMs = options.connectMs ?? CONNECT_MS
  const { signal, timers } = options
  const connection = await ClientConnection.open({
    ...resolveEndpoint(options, ports),
    tls: options.tls ?? {},
    protocol: ports.protocol,
    connectMs,
    signal,
    timers,
  })
  connection.expect(connectMs)
  return connection
}

/** The error for a server without TLS where it was asked for. */
export function noTls(where: string, command: 'STARTTLS' | 'STLS'): ConnectionError {
  return new ConnectionError(
    'no-tls',
    `${where} does not offer ${command}: use the port for TLS, or "security: 'none'" where that is no danger`,
  )
}
