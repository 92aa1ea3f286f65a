/** What the engine knows of a session, in our words. @module */
import type { SMTPServerSession } from 'smtp-server'
import type { Login } from '#services/registry.ts'
import type { Origin } from '#services/trace-lines.ts'

export function originOf(session: SMTPServerSession, id: string): Origin {
  const { mailFrom, smtpUtf8 } = session.envelope
  const { tlsOptions } = session
  return {
    sender: mailFrom === false ? '' : mailFrom.address,
    helo: session.hostNameAppearsAs || '',
    remoteAddress: session.remoteAddress,
    protocol: smtpUtf8 === true ? `UTF8${session.transmissionType.replace(/^E/, '')}` : session.transmissionType,
    tls: session.secure && tlsOptions !== false ? `${tlsOptions.version} ${tlsOptions.name}` : undefined,
    id,
  }
}

export function announcedSize(session: SMTPServerSession): number {
  const { mailFrom } = session.envelope
  const size = mailFrom === false || mailFrom.args === false ? undefined : mailFrom.args.SIZE
  return typeof size === 'string' ? Number(size) : 0
}

export function loginOf(session: SMTPServerSession): Login | undefined {
  return session.user as Login | undefined
}

/** IPv4 addresses of a dual-stack listener as IPv4. */
export function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}
