/** Settings as Thunderbird, Evolution, KMail and others read them: `clientConfig`, version 1.1. @module */
import { MAIL_SERVICES, type MailService, type PublicServices } from '#services/dns-records.ts'
import { escapeXml, textElement } from './xml.ts'

const KINDS: Readonly<Record<MailService, readonly [way: 'incoming' | 'outgoing', type: string, socket: string]>> = {
  imaps: ['incoming', 'imap', 'SSL'],
  imap: ['incoming', 'imap', 'STARTTLS'],
  pop3s: ['incoming', 'pop3', 'SSL'],
  pop3: ['incoming', 'pop3', 'STARTTLS'],
  submissions: ['outgoing', 'smtp', 'SSL'],
  submission: ['outgoing', 'smtp', 'STARTTLS'],
}

/** The file for a domain: one for all its people, since the program fills in the address. */
export function formatAutoconfig(domain: string, services: PublicServices): string {
  const servers = MAIL_SERVICES.flatMap((service) => {
    const place = services[service]
    if (place === undefined) return []
    const [way, type, socket] = KINDS[service]
    return [
      `    <${way}Server type="${type}">`,
      `      ${textElement('hostname', place.host)}`,
      `      ${textElement('port', place.port)}`,
      `      ${textElement('socketType', socket)}`,
      `      ${textElement('authentication', 'password-cleartext')}`,
      `      ${textElement('username', '%EMAILADDRESS%')}`,
      `    </${way}Server>`,
    ]
  })
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<clientConfig version="1.1">',
    `  <emailProvider id="${escapeXml(domain)}">`,
    `    ${textElement('domain', domain)}`,
    `    ${textElement('displayName', domain)}`,
    `    ${textElement('displayShortName', domain)}`,
    ...servers,
    '  </emailProvider>',
    '</clientConfig>',
    '',
  ].join('\n')
}
