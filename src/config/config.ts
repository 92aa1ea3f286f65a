/** The configuration as everything past `load.ts` knows it. @module */

import type { Network } from '#lib/network.ts'
import type { Pop3Policy } from '#mail/pop3-policy.ts'
import type { ListenAddress } from './fields.ts'

/** Each kind of listener, in the order they are shown. */
export const LISTENERS = [
  'imap',
  'imaps',
  'pop3',
  'pop3s',
  'lmtp',
  'smtp',
  'submission',
  'submissions',
  'http',
  'https',
] as const
export type Listener = (typeof LISTENERS)[number]

/** A certificate chain and its key, as absolute paths of PEM files. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

/** Where mail for a domain goes, and how. */
export interface RouteConfig {
  /** `example.net`, `*.example.net` or `*`; lower case. */
  readonly domain: string
  /** A smarthost; `undefined`: the servers of the domain itself. */
  readonly host: string | undefined
  readonly port: number | undefined
  readonly security: 'opportunistic' | 'starttls' | 'tls' | 'none'
  readonly user: string | undefined
  /** Absolute, as `ca`. */
  readonly passwordFile: string | undefined
  /** PEM file of the authority that signed the certificate of the host; `undefined`: those that the runtime knows. */
  readonly ca: string | undefined
  readonly sourceAddress: string | undefined
}

/** Certificates by ACME. */
export interface AcmeConfig {
  readonly directory: string
  readonly email: string | undefined
  readonly names: readonly string[]
  /** For names in each domain too. */
  readonly domains: boolean
  readonly challenge: 'auto' | 'http-01' | 'tls-alpn-01'
  /** Absolute. */
  readonly ca: string | undefined
  readonly account: { readonly keyId: string; readonly keyFile: string } | undefined
}

/** Where people reach a service. */
export type PublicPlace = 'auto' | 'off' | { readonly host: string; readonly port: number }

/** What mail from other servers goes through on port 25. */
export interface CheckSettings {
  /** Whose mail is not looked at. */
  readonly exempt: readonly Network[]
  /** For one message. */
  readonly timeoutMs: number
  /** Lower case. */
  readonly trustedArc: readonly string[]
  readonly spfFail: 'accept' | 'junk' | 'reject'
  readonly dnsbl: readonly string[]
  /** How long whoever is not known waits; `undefined`: nobody does. */
  readonly greylistMs: number | undefined
  /** `undefined`: it is not asked. */
  readonly rspamd: string | undefined
  /** Local parts whose mail is looked through for reports. */
  readonly reportsTo: readonly string[]
}

/** The whole configuration: checked, derived, frozen. */
export interface Config {
  readonly hostname: string
  /** Absolute. */
  readonly data: string
  /** Who the server runs as when root starts it; `undefined`: who started it. */
  readonly user: string | undefined
  /** Empty lists are off. */
  readonly listen: Readonly<Record<Listener, readonly ListenAddress[]>>
  /** Proxies that say whose connections they pass on. */
  readonly proxyFrom: readonly Network[]
  readonly tls: {
    /** `undefined`: a self-made certificate. */
    readonly files: CertificateFiles | undefined
    readonly hosts: readonly (CertificateFiles & { readonly name: string })[]
    /** Absolute path of the authorities that client certificates may come from; `undefined`: none is asked for. */
    readonly clientCa: string | undefined
    /** Certificates by ACME; `undefined`: off. */
    readonly acme: AcmeConfig | undefined
  }
  /** How this server is seen from outside. */
  readonly public: {
    readonly addresses: readonly string[]
    readonly imaps: PublicPlace
    readonly imap: PublicPlace
    readonly pop3s: PublicPlace
    readonly pop3: PublicPlace
    readonly submissions: PublicPlace
    readonly submission: PublicPlace
    readonly mtaSts: 'off' | 'testing' | 'enforce'
    readonly dmarc: 'none' | 'quarantine' | 'reject'
    /** A local part in each domain, or an address. */
    readonly reports: string
    readonly caa: readonly string[]
  }
  readonly auth: {
    readonly allowPlaintext: boolean
    readonly scramForPasswords: boolean
    readonly unauthenticate: boolean
    /** `undefined`: no tokens. */
    readonly oauth:
      | {
          readonly issuer: string
          readonly audience: readonly string[]
          readonly jwksUri: string | undefined
          readonly claim: string
          readonly scopes: Readonly<Partial<Record<'imap' | 'pop3' | 'smtp', string>>>
        }
      | undefined
  }
  readonly limits: {
    readonly connections: number
    readonly connectionsPerUser: number
    readonly connectionsPerAddress: number
    /** Connections on which nobody has logged in. */
    readonly connectionsBeforeLogin: number
    /** What the process may hold before nobody else comes in; `undefined`: by the machine. */
    readonly memoryBytes: number | undefined
    readonly authFailuresPerMinute: number
    /** Mailboxes that one account may share with `anyone`. */
    readonly mailboxesForAnyone: number
    readonly messageBytes: number
    readonly lineBytes: number
    readonly idleMs: number
    readonly exempt: readonly Network[]
  }
  readonly store: {
    readonly url: string
    readonly durability: 'full' | 'relaxed'
    readonly shards: number
    /** Days that deleted mail is kept. */
    readonly retentionDays: number
    /** Octets of deleted mail that an account may have. */
    readonly deletedBytes: number
    /** Days that the history of messages is kept. */
    readonly historyDays: number
  }
  readonly workers: {
    /** `auto` resolved for this machine. */
    readonly count: number
  }
  readonly smtp: {
    readonly bareNewline: 'reject' | 'normalise'
    /** `undefined`: mail on port 25 is not checked. */
    readonly checks: CheckSettings | undefined
  }
  readonly pop3: {
    /** Of accounts that have none of their own. */
    readonly policy: Pop3Policy
    readonly loginDelaySeconds: number
    readonly markSeen: boolean
    readonly language: 'en' | 'fr'
  }
  readonly submission: {
    readonly checkSender: 'own' | 'domain' | 'off'
    readonly hideClient: boolean
    readonly header: 'complete' | 'keep'
    /** 0: FUTURERELEASE is not offered. */
    readonly holdSeconds: number
    /** Of 24 hours; 0: none. */
    readonly messages: number
    readonly recipients: number
    /** Recipients an hour that are never an outburst; 0: nothing is. */
    readonly outburst: number
    readonly language: 'en' | 'fr'
  }
  readonly queue: {
    /** At once, in all and to one destination. */
    readonly connections: number
    readonly connectionsPerDestination: number
    readonly messagesPerConnection: number
    /** 0: no limit. */
    readonly messagesPerMinute: number
    /** Pauses between tries; the last one counts for all that follow. */
    readonly retryMs: readonly number[]
    /** 0: never. */
    readonly warnMs: number
    readonly giveUpMs: number
    readonly historyDays: number
    readonly tlsReports: boolean
    /** Absolute path of authorities that are trusted beside those the runtime knows; `undefined`: none. */
    readonly ca: string | undefined
    readonly port: number
    /** Of web servers with MTA-STS policies. */
    readonly httpsPort: number
  }
  readonly routes: readonly RouteConfig[]
  readonly http: {
    /** Who may read `/healthz` and `/metrics`. */
    readonly watchers: readonly Network[]
  }
  readonly dns: {
    /** Empty: those of /etc/resolv.conf. */
    readonly servers: readonly ListenAddress[]
    /** Whose AD bit counts. */
    readonly trustAd: 'loopback' | 'always' | 'never'
    readonly timeoutMs: number
  }
  readonly log: {
    readonly level: 'debug' | 'info' | 'warn' | 'error'
  }
}
