/** Settings as iPhones, iPads and Macs take them: a configuration profile, not signed. @module */
import { createHash } from 'node:crypto'
import type { Address } from '#services/addresses.ts'
import type { PublicEndpoint, PublicServices } from '#services/dns-records.ts'
import { escapeXml } from './xml.ts'

/** Values of a property list. */
type Plist = string | number | boolean | readonly Plist[] | { readonly [key: string]: Plist }

/**
 * The profile of an address, whether it is there or not; `undefined` when there is nothing to read mail from or nothing
 * to send through. It has no password: the device asks for it.
 */
export function formatMobileconfig(
  { address, domain }: Address,
  services: PublicServices,
  language: 'en' | 'fr',
): string | undefined {
  const imap = services.imaps ?? services.imap
  const incoming = imap ?? services.pop3s ?? services.pop3
  const outgoing = services.submissions ?? services.submission
  if (incoming === undefined || outgoing === undefined) return undefined
  const identifier = `${domain.split('.').toReversed().join('.')}.mail`
  const account = {
    PayloadType: 'com.apple.mail.managed',
    PayloadVersion: 1,
    PayloadIdentifier: `${identifier}.account`,
    PayloadUUID: uuidOf(`account ${address}`),
    PayloadDisplayName: address,
    EmailAccountDescription: address,
    EmailAccountType: imap === undefined ? 'EmailTypePOP' : 'EmailTypeIMAP',
    EmailAddress: address,
    ...server('Incoming', incoming, address),
    ...server('Outgoing', outgoing, address),
    OutgoingPasswordSameAsIncomingPassword: true,
  }
  return plist({
    PayloadType: 'Configuration',
    PayloadVersion: 1,
    PayloadIdentifier: identifier,
    PayloadUUID: uuidOf(`profile ${address}`),
    PayloadDisplayName: language === 'fr' ? `Courrier de ${domain}` : `Mail of ${domain}`,
    PayloadDescription:
      language === 'fr'
        ? `Configure le compte ${address}. Le mot de passe sera demandé.`
        : `Sets up the account ${address}. The password will be asked for.`,
    PayloadOrganization: domain,
    PayloadRemovalDisallowed: false,
    PayloadContent: [account],
  })
}

/** "UseSSL" is TLS either way: from the first byte, or by STARTTLS. */
function server(way: 'Incoming' | 'Outgoing', { host, port }: PublicEndpoint, login: string): Record<string, Plist> {
  return {
    [`${way}MailServerHostName`]: host,
    [`${way}MailServerPortNumber`]: port,
    [`${way}MailServerUseSSL`]: true,
    [`${way}MailServerAuthentication`]: 'EmailAuthPassword',
    [`${way}MailServerUsername`]: login,
  }
}

/** The same for the same text, so that a profile installed again replaces the first (RFC 9562 §5.8). */
function uuidOf(text: string): string {
  const hash = createHash('sha256').update(text).digest('hex')
  const variant = '89ab'[Number.parseInt(hash.slice(16, 17), 16) % 4] ?? '8'
  const parts = [hash.slice(0, 8), hash.slice(8, 12), `8${hash.slice(13, 16)}`, `${variant}${hash.slice(17, 20)}`]
  return [...parts, hash.slice(20, 32)].join('-').toUpperCase()
}

function plist(root: Plist): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    ...value(root, ''),
    '</plist>',
    '',
  ].join('\n')
}

function value(one: Plist, indent: string): string[] {
  if (typeof one === 'string') return [`${indent}<string>${escapeXml(one)}</string>`]
  if (typeof one === 'number') return [`${indent}<integer>${one}</integer>`]
  if (typeof one === 'boolean') return [`${indent}<${one}/>`]
  const deeper = `${indent}  `
  if (isList(one)) return [`${indent}<array>`, ...one.flatMap((item) => value(item, deeper)), `${indent}</array>`]
  const entries = Object.entries(one).flatMap(([key, item]) => [
    `${deeper}<key>${escapeXml(key)}</key>`,
    ...value(item, deeper),
  ])
  return [`${indent}<dict>`, ...entries, `${indent}</dict>`]
}

function isList(one: Plist): one is readonly Plist[] {
  return Array.isArray(one)
}
