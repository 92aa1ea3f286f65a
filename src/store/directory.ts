/** The directory: domains with their signing keys, accounts, aliases and app passwords. One for the whole installation, changed by the main thread only. @module */
import type { Result } from '#lib/result.ts'
import type { AccountId } from '#mail/ids.ts'
import type { Pop3Policy } from '#mail/pop3-policy.ts'
import type { AccountRef, QuotaLimits } from './types.ts'

/** Protocols an account or app password may be used for. `smtp` is submission; mail is received regardless. */
export type Protocol = 'imap' | 'pop3' | 'smtp'

export interface DomainRecord {
  /** Lower case, in A-label (punycode) form. */
  readonly name: string
  /** Canonical address that takes mail for unknown local parts. */
  readonly catchAll: string | undefined
  readonly createdAt: number
}

export interface AccountRecord {
  readonly ref: AccountRef
  /** Canonical: local part lower case and NFC, domain as {@link DomainRecord.name}. It is the login. */
  readonly address: string
  /** Shown to people; may be empty. */
  readonly displayName: string
  /** PHC string (`$argon2id$…`) or, imported, Dovecot's `{SCHEME}…` form; `undefined`: no password login. */
  readonly passwordHash: string | undefined
  /** SCRAM verifiers of the person's password, only where configured (design §9). */
  readonly scram: ScramVerifier | undefined
  readonly protocols: readonly Protocol[]
  readonly limits: QuotaLimits
  readonly pop3: Pop3Settings
  /** Absent: no copy, and as configured for all. */
  readonly sending?: SendingSettings | undefined
  /** Absent: as configured for all. */
  readonly language?: PersonLanguage | undefined
  /** `false`: nobody logs in; mail is still received. */
  readonly enabled: boolean
  /** May set quotas of everybody over IMAP (RFC 9208 §4.1.3). */
  readonly administrator: boolean
  readonly createdAt: number
}

/** What an account has of its own for sending. */
export interface SendingSettings {
  /** What it sends is kept in its Sent mailbox. */
  readonly copy: boolean
  /** 0: no limit; `undefined`: as configured for all. */
  readonly messagesPerDay: number | undefined
  readonly recipientsPerDay: number | undefined
}

/** What people read. */
export type PersonLanguage = 'en' | 'fr'

/** What an account has of its own for POP3; `undefined`: as configured for all. */
export interface Pop3Settings {
  readonly policy: Pop3Policy | undefined
  /** Least seconds between two logins, 0: none. */
  readonly loginDelaySeconds: number | undefined
}

/** The extremes of what accounts have of their own for POP3; `undefined`: none has any. */
export interface Pop3Extremes {
  /** Some account has a policy of its own. */
  readonly ownPolicies: boolean
  /** The shortest time that downloaded messages stay, 0: they go at once. */
  readonly fewestDays: number | undefined
  readonly longestDelaySeconds: number | undefined
}

/** What a server keeps to check SCRAM-SHA-256 (RFC 5802 §3, RFC 7677). */
export interface ScramVerifier {
  readonly salt: Uint8Array
  readonly iterations: number
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

export interface AliasRecord {
  /** Canonical address. */
  readonly address: string
  /** At least one: accounts and further aliases, canonical, and addresses of other servers, local part as written. */
  readonly targets: readonly string[]
  readonly createdAt: number
}

export interface AppPasswordRecord {
  readonly id: number
  readonly account: AccountId
  /** What it is for, unique in the account: "phone", "work laptop". */
  readonly name: string
  readonly protocols: readonly Protocol[]
  /** SHA-256 of the password (which is random, at least 120 bits). */
  readonly sha256: Uint8Array
  /** Made with the account's SCRAM salt, once for each iteration count in use. */
  readonly scram: readonly ScramVerifier[]
  readonly createdAt: number
  readonly lastUsedAt: number | undefined
}

export type DkimAlgorithm = 'rsa' | 'ed25519'

/** What the world may know of a key that signs mail of a domain (RFC 6376 §3.6.1, RFC 8463); the private half is a file. */
export interface DkimKeyRecord {
  /** As {@link DomainRecord.name}. */
  readonly domain: string
  /** One label, lower case; unique in the domain. */
  readonly selector: string
  readonly algorithm: DkimAlgorithm
  /** As `p=` has it: base64, of RSA the SubjectPublicKeyInfo, of Ed25519 the 32 octets. */
  readonly publicKey: string
  readonly createdAt: number
  /** It signs from then on. */
  readonly activeFrom: number
  /** It signs no more from then on; `undefined`: no end in sight. */
  readonly retiredFrom: number | undefined
}

export type NewAccount = Omit<AccountRecord, 'ref' | 'createdAt' | 'administrator'> & {
  readonly shard: number
  /** Default `false`. */
  readonly administrator?: boolean
}
export type AccountChange = Partial<Omit<AccountRecord, 'ref' | 'createdAt' | 'address'>> & { readonly shard?: number }

export type DirectoryThing = 'domain' | 'account' | 'alias' | 'app-password' | 'dkim-key'

export type DirectoryRefusal =
  | { readonly kind: 'exists'; readonly what: DirectoryThing; readonly name: string }
  | { readonly kind: 'no-such'; readonly what: DirectoryThing; readonly name: string }
  | { readonly kind: 'in-use'; readonly what: 'domain'; readonly name: string }

/** The whole directory as data, secrets included: what a backup keeps of it. */
export interface DirectoryArchive {
  readonly secret: Uint8Array
  readonly domains: readonly DomainRecord[]
  /** With the salt that each account's verifiers share. */
  readonly accounts: readonly (AccountRecord & { readonly scramSalt: Uint8Array | undefined })[]
  readonly aliases: readonly AliasRecord[]
  readonly appPasswords: readonly AppPasswordRecord[]
  /** Absent in what older releases kept; `privateKey` is PEM, put in by who keeps the files. */
  readonly dkimKeys?: readonly (DkimKeyRecord & { readonly privateKey?: string })[]
  /** The last account number given, which is never given again. */
  readonly lastAccount: number
}

/** Every change is on disk when its promise settles. Names are given in canonical form. */
export interface Directory extends AsyncDisposable {
  domains(): Promise<readonly DomainRecord[]>
  domain(name: string): Promise<DomainRecord | undefined>
  addDomain(name: string): Promise<Result<DomainRecord, DirectoryRefusal>>
  setCatchAll(name: string, target: string | undefined): Promise<Result<DomainRecord, DirectoryRefusal>>
  /** Refuses while accounts, aliases or targets of aliases are in it. Its keys go with it. */
  removeDomain(name: string): Promise<Result<void, DirectoryRefusal>>

  /** By domain, then by age. */
  dkimKeys(domain?: string): Promise<readonly DkimKeyRecord[]>
  /** Adds keys, or puts them in place of those with their selectors, of one domain or several; all or none. */
  putDkimKeys(keys: readonly DkimKeyRecord[]): Promise<Result<void, DirectoryRefusal>>
  removeDkimKey(domain: string, selector: string): Promise<Result<void, DirectoryRefusal>>

  accounts(domain?: string): Promise<readonly AccountRecord[]>
  /** How many accounts and aliases there are, in a domain or in all; quick however many. */
  counts(domain?: string): Promise<{ readonly accounts: number; readonly aliases: number }>
  account(address: string): Promise<AccountRecord | undefined>
  accountById(id: AccountId): Promise<AccountRecord | undefined>
  /** The account of a domain that was made first. */
  oldestAccount(domain: string): Promise<AccountRecord | undefined>
  /** How many accounts each shard has; shards without accounts are left out. */
  accountsByShard(): Promise<ReadonlyMap<number, number>>
  /** Quick however many accounts there are: POP3 tells it to everybody before the login. */
  pop3Extremes(): Promise<Pop3Extremes>
  /** All or none, in one transaction. */
  addAccounts(accounts: readonly NewAccount[]): Promise<Result<readonly AccountRecord[], DirectoryRefusal>>
  changeAccount(id: AccountId, change: AccountChange): Promise<Result<AccountRecord, DirectoryRefusal>>
  /** Its app passwords go with it; its id is never used again. */
  removeAccount(id: AccountId): Promise<Result<void, DirectoryRefusal>>
  /** The account's SCRAM salt, made at first need (16 octets); shared by all its verifiers because SCRAM sends one salt. */
  scramSalt(id: AccountId): Promise<Uint8Array>

  aliases(domain?: string): Promise<readonly AliasRecord[]>
  alias(address: string): Promise<AliasRecord | undefined>
  setAlias(address: string, targets: readonly string[]): Promise<Result<AliasRecord, DirectoryRefusal>>
  removeAlias(address: string): Promise<Result<void, DirectoryRefusal>>

  appPasswords(account: AccountId): Promise<readonly AppPasswordRecord[]>
  addAppPassword(
    record: Omit<AppPasswordRecord, 'id' | 'createdAt' | 'lastUsedAt'>,
  ): Promise<Result<AppPasswordRecord, DirectoryRefusal>>
  removeAppPassword(account: AccountId, name: string): Promise<Result<void, DirectoryRefusal>>
  /** Best effort, batched. */
  noteAppPasswordUse(id: number, at: number): void

  /** As of one moment. */
  archive(): Promise<DirectoryArchive>
  /** Everything of an archive, numbers of accounts included, in one transaction; only where nothing is yet. */
  restore(archive: DirectoryArchive): Promise<Result<void, { readonly kind: 'directory-not-empty' }>>

  /** Secret of this installation, 32 bytes, made once: keys caches and the false salts of unknown users. */
  secret(): Promise<Uint8Array>
}
