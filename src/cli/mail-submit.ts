/** Message submission (RFC 6409) with what its refusals mean. @module */
import { EXIT } from '#lib/exit-codes.ts'
import type { SourceUrl } from '#transfer/source-url.ts'
import { CliError } from './cli-error.ts'
import { say } from './language.ts'
import type { MailAccount } from './mail-account.ts'
import { oneLine } from './mail-text.ts'

/** Submits a message; TLS is asked for always (RFC 8314 §3.3). */
export async function submit(
  { host, port, security, login }: SourceUrl,
  { ca, password }: Pick<MailAccount, 'ca' | 'password'>,
  raw: Buffer,
  envelope: { readonly from: string; readonly to: string[] },
): Promise<{ readonly accepted: readonly string[]; readonly rejected: readonly string[] }> {
  const { createTransport } = await import('nodemailer')
  const secure = security === 'tls'
  const transport = createTransport({
    host,
    port: port ?? (secure ? 465 : 587),
    secure,
    requireTLS: !secure,
    auth: { user: login, pass: await password() },
    tls: { minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) },
    connectionTimeout: 30_000,
    greetingTimeout: 30_000,
    socketTimeout: 120_000,
  })
  try {
    const { accepted, rejected } = await transport.sendMail({ raw, envelope })
    return { accepted: accepted.map(String), rejected: rejected.map(String) }
  } catch (error) {
    throw refusalOf(error, host) ?? error
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
