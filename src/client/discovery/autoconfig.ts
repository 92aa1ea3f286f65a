/** Thunderbird's configuration files: `clientConfig`, version 1.1. @module */
import { domainToASCII } from 'node:url'
import type { Security } from '../connect-options.ts'
import { SERVERS } from './limits.ts'
import type { DiscoveredServer, DiscoverySource, LoginForm, MailProtocol } from './types.ts'
import { parseXml, type XmlElement } from './xml.ts'

/** An address in its halves; the domain as the DNS has it. */
export interface AddressParts {
  readonly address: string
  readonly localPart: string
  readonly domain: string
}

const SECURITY: ReadonlyMap<string, Security> = new Map([
  ['SSL', 'tls'],
  ['STARTTLS', 'starttls'],
  ['plain', 'none'],
])

/**
 * The servers of a file, in its order, those without TLS too. What is of no use here (Exchange, unknown kinds of
 * sockets) is left out.
 * @throws {SyntaxError} It is no such file.
 */
export function parseAutoconfig(file: string, who: AddressParts, source: DiscoverySource): DiscoveredServer[] {
  const root = parseXml(file)
  if (root.name !== 'clientConfig') throw new SyntaxError(`The root element is "${root.name}", not "clientConfig"`)
  const servers: DiscoveredServer[] = []
  for (const provider of childrenOf(root, 'emailProvider')) {
    for (const element of provider.children) {
      if (element.name !== 'incomingServer' && element.name !== 'outgoingServer') continue
      const server = readServer(element, who, source)
      if (server !== undefined && servers.length < SERVERS) servers.push(server)
    }
  }
  return servers
}

function readServer(element: XmlElement, who: AddressParts, source: DiscoverySource): DiscoveredServer | undefined {
  const protocol = protocolOf(element)
  const host = hostName(fill(textOf(element, 'hostname'), who))
  const portText = textOf(element, 'port')
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0
  // several may be listed, the preferred one first
  const security = childrenOf(element, 'socketType')
    .map(({ text }) => SECURITY.get(text))
    .find((known) => known !== undefined)
  if (protocol === undefined || host === undefined || port < 1 || port > 65_535 || security === undefined)
    return undefined
  return { protocol, host, port, security, login: loginOf(textOf(element, 'username'), who), source, askFirst: false }
}

function protocolOf({ name, attributes }: XmlElement): MailProtocol | undefined {
  const type = attributes.get('type')
  if (name === 'outgoingServer') return type === 'smtp' ? 'smtp' : undefined
  return type === 'imap' || type === 'pop3' ? type : undefined
}

/** What the provider's login is; without a word the address. */
function loginOf(template: string, who: AddressParts): LoginForm {
  if (template === '' || template === '%EMAILADDRESS%') return { form: 'address', value: who.address }
  if (template === '%EMAILLOCALPART%') return { form: 'local-part', value: who.localPart }
  const value = fill(template, who)
  return { form: value === who.address ? 'address' : 'other', value }
}

/** A template with its placeholders filled, each once: what comes from the address is not looked at again. */
function fill(template: string, { address, localPart, domain }: AddressParts): string {
  return template.replace(/%(EMAILADDRESS|EMAILLOCALPART|EMAILDOMAIN)%/g, (_whole, name) => {
    if (name === 'EMAILADDRESS') return address
    return name === 'EMAILLOCALPART' ? localPart : domain
  })
}

/** A name of a host, as the DNS has it; `undefined` where it is none. */
export function hostName(text: string): string | undefined {
  // it would leave out what stands behind these
  if (/[\s/?#@:\\%[\]]/.test(text)) return undefined
  const name = domainToASCII(text.replace(/\.$/, ''))
  return /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(name)
    ? name.toLowerCase()
    : undefined
}

function childrenOf(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.filter((child) => child.name === name)
}

function textOf(element: XmlElement, name: string): string {
  return childrenOf(element, name)[0]?.text ?? ''
}
