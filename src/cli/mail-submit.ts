/** Message submission (RFC 6409) with what its refusals mean. @module */
import type { Security } from '#client/connect-options.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { CliError } from './cli-error.ts'
import { say } from './language.ts'
import { oneLine } from './mail-text.ts'

/** Where mail is handed in, and as whom. */
export interface SubmissionServer {
  readonly host: string
  /** `undefined`: the usual one. */
  readonly port: number | undefined
  /** `none`: of our own, on loopback. */
  readonly security: Security
  readonly login: string
  readonly password: () => Promise<string>
  /** PEM. */
  readonly ca: string | undefined
  /** The server of this machine's store: its certificate is for another name. */
  readonly own: boolean
}

/** Submits a message; TLS is asked for always (RFC 8314 §3.3) but within our own process. */
export async function submit(
  { host, port, security, login, password, ca, own }: SubmissionServer,
  raw: Buffer,
  envelope: { readonly from: string; readonly to: string[] },
): Promise<{ readonly accepted: readonly string[]; readonly rejected: readonly string[] }> {
  const { createTransport } = await import('nodemailer')
  const secure = security === 'tls'
  const transport = createTransport({
    host,
    port: port ?? (secure ? 465 : 587),
    secure,
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    auth: { user: login, pass: await password() },
    ...(own ? { authMethod: 'PLAIN' } : {}),
    tls: { minVersion: 'TLSv1.2', rejectUnauthorized: !own, ...(ca === undefined ? {} : { ca }) },
    connectionTimeout: 30_000,
    greetingTimeout: 30_000,
    socketTimeout: 120_000,
  })
  try {
    const { accepted, rejected } = await transport.sendMail({ raw, envelope })
    return { accepted: accepted.map(String), rejected: rejected.map(String) }
  } catch (error) {
    throw refusalOf(error, own ? say('the server of this machine', 'le serveur de cette machine') : host) ?? error
  } finally {
    transport.close()
  }
}

const TROUBLE: ReadonlyMap<string, number> = new Map([
  ['EAUTH', EXIT.notAllowed],
  ['ENOAUTH', EXIT.notAllowed],
  ['ETLS', EXIT.unavailable],
  ['EENVELOPE', EXIT.badData],
  ['EMESSAGE', EXIT.badData],
  ['ESTREAM', EXIT.tryAgain],
  ['ECONNECTION', EXIT.tryAgain],
  ['ETIMEDOUT', EXIT.tryAgain],
  ['ESOCKET', EXIT.tryAgain],
  ['EDNS', EXIT.tryAgain],
  ['EPROTOCOL', EXIT.unavailable],
])

function refusalOf(error: unknown, host: string): CliError | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined
  const exitCode = TROUBLE.get(error.code)
  if (exitCode === undefined) return undefined
  const temporary = 'responseCode' in error && Number(error.responseCode) >= 400 && Number(error.responseCode) < 500
  const why = oneLine(error.message).replace(/\.$/, '')
  return new CliError(
    temporary ? EXIT.tryAgain : exitCode,
    say(`Not sent through ${host}: ${why}.`, `Non envoyé par ${host} : ${why}.`),
    { cause: error },
  )
}
