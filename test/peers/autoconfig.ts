/**
 * The settings that mail programs of these suites are given: what the running server says in Mozilla's autoconfig file.
 * Read by hand, so that nothing of Malle's own client says what it means; `settings.test.ts` has Python read it as XML,
 * and Thunderbird reads it itself.
 * @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'

export type MailProtocol = 'imap' | 'pop3' | 'smtp'

/** How a connection is protected. */
export type Security = 'plain' | 'starttls' | 'tls'

/** A server as the file has it. */
interface Offer {
  readonly protocol: string
  readonly host: string
  readonly port: number
  readonly socket: string
  readonly authentication: string
  /** With placeholders. */
  readonly login: string
}

/** Where a program connects to. */
export interface ServerPlace {
  readonly host: string
  readonly port: number
}

const SOCKETS: Readonly<Record<Security, string>> = {
  tls: 'SSL',
  starttls: 'STARTTLS',
  // the file offers no line without protection: STARTTLS is asked for on one, and these programs do not ask
  plain: 'STARTTLS',
}

export class Autoconfig {
  readonly #offers: readonly Offer[]

  private constructor(offers: readonly Offer[]) {
    this.#offers = offers
  }

  /** Asks the server whose HTTP listener is on this port of loopback. */
  static async fetch(port: number, domain: string): Promise<Autoconfig> {
    const path = '/.well-known/autoconfig/mail/config-v1.1.xml'
    const [answer] = (await once(get({ host: '127.0.0.1', port, path, headers: { host: domain } }), 'response')) as [
      IncomingMessage,
    ]
    const file = await text(answer)
    assert.equal(answer.statusCode, 200, file)
    const servers = [...file.matchAll(/<(incoming|outgoing)Server type="(\w+)">([^]*?)<\/\1Server>/g)]
    const offers = servers.map(([, , protocol = '', inside = '']): Offer => {
      const of = (name: string): string => new RegExp(`<${name}>([^<&]*)</${name}>`).exec(inside)?.[1] ?? ''
      return {
        protocol,
        host: of('hostname'),
        port: Number(of('port')),
        socket: of('socketType'),
        authentication: of('authentication'),
        login: of('username'),
      }
    })
    assert.ok(offers.length > 0, file)
    return new Autoconfig(offers)
  }

  /** Where a protocol is spoken under this protection. */
  place(protocol: MailProtocol, security: Security): ServerPlace {
    const offer = this.#offers.find((one) => one.protocol === protocol && one.socket === SOCKETS[security])
    assert.ok(offer !== undefined, `Autoconfig offers no ${protocol} with ${SOCKETS[security]}`)
    return { host: offer.host, port: offer.port }
  }

  /** What a person types as user name, with a password as it is; the same for all servers, as programs ask once. */
  login(address: string): string {
    const [form, ...others] = new Set(this.#offers.map(({ login }) => login))
    assert.ok(form !== undefined && others.length === 0)
    for (const { authentication } of this.#offers) assert.equal(authentication, 'password-cleartext')
    return form.replace('%EMAILADDRESS%', address).replace('%EMAILLOCALPART%', address.slice(0, address.indexOf('@')))
  }
}
