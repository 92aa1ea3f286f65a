/** Settings as Outlook reads them: plain old XML autodiscover, schema 2006a (MS-OXDSCLI §2.2.4). @module */
import type { MailService, PublicServices } from '#services/dns-records.ts'
import { firstText, textElement } from './xml.ts'

const RESPONSE = 'http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006'
const SETTINGS = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a'

/** What Outlook wants to know; `undefined`: it is no such question. */
export function readAutodiscover(xml: string): { readonly address: string; readonly understood: boolean } | undefined {
  const address = firstText(xml, 'EMailAddress')
  if (address === undefined || address === '') return undefined
  const schema = firstText(xml, 'AcceptableResponseSchema')
  return { address, understood: schema === undefined || schema === SETTINGS }
}

/** Each type once: Outlook takes the first it knows. */
const TYPES: readonly (readonly [type: string, services: readonly MailService[]])[] = [
  ['IMAP', ['imaps', 'imap']],
  ['POP3', ['pop3s', 'pop3']],
  ['SMTP', ['submissions', 'submission']],
]

/** The settings of an address, whether it is there or not: nobody learns here who has an account. */
export function formatAutodiscover(address: string, services: PublicServices): string {
  const protocols = TYPES.flatMap(([type, choices]) => {
    const service = choices.find((choice) => services[choice] !== undefined)
    const place = service === undefined ? undefined : services[service]
    if (service === undefined || place === undefined) return []
    return [
      '      <Protocol>',
      `        ${textElement('Type', type)}`,
      `        ${textElement('Server', place.host)}`,
      `        ${textElement('Port', place.port)}`,
      `        ${textElement('DomainRequired', 'off')}`,
      `        ${textElement('LoginName', address)}`,
      `        ${textElement('SPA', 'off')}`,
      `        ${textElement('SSL', 'on')}`,
      `        ${textElement('Encryption', service === choices[0] ? 'SSL' : 'TLS')}`,
      `        ${textElement('AuthRequired', 'on')}`,
      ...(type === 'SMTP' ? [`        ${textElement('UsePOPAuth', 'on')}`, '        <SMTPLast>off</SMTPLast>'] : []),
      '      </Protocol>',
    ]
  })
  return document([
    `  <Response xmlns="${SETTINGS}">`,
    '    <Account>',
    '      <AccountType>email</AccountType>',
    '      <Action>settings</Action>',
    ...protocols,
    '    </Account>',
    '  </Response>',
  ])
}

/** @param code 600: not a question; 601: settings of a kind that there are none of here. */
export function formatAutodiscoverError(code: 600 | 601): string {
  const message = code === 600 ? 'Invalid Request' : 'Provider is not available'
  return document([
    '  <Response>',
    '    <Error>',
    `      ${textElement('ErrorCode', code)}`,
    `      ${textElement('Message', message)}`,
    '      <DebugData />',
    '    </Error>',
    '  </Response>',
  ])
}

function document(lines: readonly string[]): string {
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    `<Autodiscover xmlns="${RESPONSE}">`,
    ...lines,
    '</Autodiscover>',
    '',
  ].join('\n')
}
