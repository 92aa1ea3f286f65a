/** `pop3s://login@host:port` and `imaps://login@host/mailbox`: a mailbox on a server, without its password. @module */
import type { Security } from '#client/connect-options.ts'

export interface SourceUrl {
  readonly protocol: 'pop3' | 'imap'
  readonly host: string
  /** `undefined`: the usual one. */
  readonly port: number | undefined
  readonly security: Security
  readonly login: string
  /** Of IMAP; default INBOX. */
  readonly mailbox: string | undefined
}

/** Why a text is no such URL. */
export type UrlFault = 'no-url' | 'protocol' | 'no-login' | 'password' | 'path'

const SCHEMES: Readonly<Record<string, Pick<SourceUrl, 'protocol' | 'security'>>> = {
  'pop3s:': { protocol: 'pop3', security: 'tls' },
  'pop3:': { protocol: 'pop3', security: 'starttls' },
  'imaps:': { protocol: 'imap', security: 'tls' },
  'imap:': { protocol: 'imap', security: 'starttls' },
}

/**
 * Reads a URL. A login that is an address may be written as it is: everything up to the last `@` is login.
 * A password in it is refused: command lines and history are read by others.
 */
export function parseSourceUrl(text: string): SourceUrl | UrlFault {
  const match = /^([a-z0-9]+:)\/\/(?:(.*)@)?([^@/]+)(\/.*)?$/i.exec(text.trim())
  const [, scheme = '', userinfo, host = '', path = ''] = match ?? []
  const kind = SCHEMES[scheme.toLowerCase()]
  if (match === null || !URL.canParse(`http://${host}/`)) return 'no-url'
  if (kind === undefined) return 'protocol'
  if (userinfo === undefined || userinfo === '') return 'no-login'
  if (userinfo.includes(':')) return 'password'
  const url = new URL(`http://${host}/`)
  const mailbox = decode(path.slice(1))
  if (mailbox !== '' && kind.protocol === 'pop3') return 'path'
  const port = /:(\d+)$/.exec(host)?.[1]
  return {
    ...kind,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: port === undefined ? undefined : Number(port),
    login: decode(userinfo),
    mailbox: mailbox === '' ? undefined : mailbox,
  }
}

/** What somebody wrote as a URL, fit to be repeated to them: without the password that may be in it. */
export function withoutPassword(text: string): string {
  return text.replace(/^([a-z0-9]+:\/\/[^:]*):.*@/i, '$1:***@')
}

/** The same again, in one form: names a source in records and to people. */
export function formatSourceUrl({ protocol, security, host, port, login, mailbox }: SourceUrl): string {
  const scheme = security === 'tls' ? `${protocol}s` : protocol
  const name = host.includes(':') ? `[${host}]` : host
  const end = mailbox === undefined ? '' : `/${encodeURIComponent(mailbox)}`
  return `${scheme}://${login}@${name}${port === undefined ? '' : `:${port}`}${end}`
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) return text
    throw error
  }
}
