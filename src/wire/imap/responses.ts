/** Everything a server says, as values (RFC 9051 §7). @module */
import type { Modseq, Uid } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'
import type { AclResponse, ListRightsResponse, MyRightsResponse } from './acl.ts'
import type { ExtensionValue } from './extension-value.ts'
import type { FetchValue } from './fetch-values.ts'
import type { Frame } from './frame.ts'
import type { IdParams } from './id-params.ts'
import type { MetadataResponse } from './metadata.ts'
import type { PartialRange } from './partial-range.ts'
import type { QuotaUsage } from './quota-resources.ts'
import type { ResponseCode } from './response-codes.ts'
import type { ThreadList } from './thread-list.ts'

/** OK, NO, BAD, BYE, PREAUTH (RFC 9051 §7.1): a greeting, the end of a command, or a notice. */
export interface ConditionResponse {
  readonly kind: 'CONDITION'
  /** `undefined` when untagged. */
  readonly tag: string | undefined
  readonly condition: 'OK' | 'NO' | 'BAD' | 'BYE' | 'PREAUTH'
  readonly code: ResponseCode | undefined
  /** Unicode, for people. */
  readonly text: string
}

/** `+` (RFC 9051 §7.6): the text is base64 in a SASL exchange. */
export interface ContinuationResponse {
  readonly kind: 'CONTINUATION'
  readonly text: string
}

/** Names in upper case. */
export interface CapabilityResponse {
  readonly kind: 'CAPABILITY' | 'ENABLED'
  readonly names: readonly string[]
}

/** LIST or LSUB (RFC 9051 §7.3.1, RFC 3501 §7.2.3, RFC 5258 §4). */
export interface ListResponse {
  readonly kind: 'LIST' | 'LSUB'
  /** With `\`, in the case of the RFC. */
  readonly attributes: readonly string[]
  /** `undefined` where there is no hierarchy. */
  readonly delimiter: string | undefined
  /** Unicode. */
  readonly mailbox: string
  /** Binary string to call the mailbox by where its name is not in the right encoding, and `mailbox` the same. */
  readonly wireName: string | undefined
  /** CHILDINFO: selection options that children match. */
  readonly childInfo: readonly string[] | undefined
  /** OLDNAME: the name it had before. */
  readonly oldName: string | undefined
  /** Other extended data items. */
  readonly others: readonly (readonly [name: string, value: ExtensionValue])[]
}

/** Values of STATUS; APPENDLIMIT is `null` where there is no limit. Items of unknown extensions are left out. */
export interface StatusValues {
  readonly APPENDLIMIT?: number | null
  readonly DELETED?: number
  readonly 'DELETED-STORAGE'?: number
  readonly HIGHESTMODSEQ?: number
  readonly MAILBOXID?: string
  readonly MESSAGES?: number
  readonly RECENT?: number
  readonly SIZE?: number
  readonly UIDNEXT?: number
  readonly UIDVALIDITY?: number
  readonly UNSEEN?: number
}

export interface StatusResponse {
  readonly kind: 'STATUS'
  readonly mailbox: string
  readonly values: StatusValues
}

/** Message numbers, or UIDs after UID SEARCH, as sent (RFC 3501 §7.2.5, RFC 5256 §4, RFC 7162 §3.1.5, §3.1.6). */
export interface SearchResponse {
  readonly kind: 'SEARCH' | 'SORT'
  readonly numbers: readonly number[]
  readonly modseq: Modseq | undefined
}

/** RFC 5256 §4. */
export interface ThreadResponse {
  readonly kind: 'THREAD'
  readonly threads: readonly ThreadList[]
}

/** RFC 9051 §7.3.4, RFC 4731 §3.1, RFC 6203 §4, RFC 7162 §3.1.10, RFC 7377 §2.1, RFC 9394 §3.1. */
export interface EsearchResponse {
  readonly kind: 'ESEARCH'
  readonly tag: string | undefined
  /** Where several mailboxes are searched. */
  readonly mailbox: string | undefined
  readonly uidValidity: number | undefined
  /** The numbers are UIDs. */
  readonly uid: boolean
  readonly min: number | undefined
  readonly max: number | undefined
  /** Ranges as sent. */
  readonly all: UidSet | undefined
  readonly count: number | undefined
  readonly modseq: Modseq | undefined
  /** `results` is `undefined` where the range lies outside of them. */
  readonly partial: { readonly range: PartialRange; readonly results: UidSet | undefined } | undefined
  /** 1 to 100 for each result. */
  readonly relevancy: readonly number[] | undefined
  readonly others: readonly (readonly [name: string, value: ExtensionValue])[]
}

export interface FlagsResponse {
  readonly kind: 'FLAGS'
  readonly flags: readonly string[]
}

/** EXISTS and RECENT count, EXPUNGE names a message number. */
export interface NumberResponse {
  readonly kind: 'EXISTS' | 'RECENT' | 'EXPUNGE'
  readonly number: number
}

/** RFC 7162 §3.2.10. */
export interface VanishedResponse {
  readonly kind: 'VANISHED'
  readonly earlier: boolean
  /** Ranges as sent. */
  readonly uids: UidSet
}

export interface FetchResponse {
  readonly kind: 'FETCH'
  readonly number: number
  readonly values: readonly FetchValue[]
}

/** FETCH after ENABLE UIDONLY (RFC 9586 §3.3). */
export interface UidFetchResponse {
  readonly kind: 'UIDFETCH'
  readonly uid: Uid
  readonly values: readonly FetchValue[]
}

/** RFC 10022 §3.1.2. */
export interface UidBatchesResponse {
  readonly kind: 'UIDBATCHES'
  readonly tag: string | undefined
  /** The newest first; in each, the lower end first. */
  readonly batches: UidSet
}

/** One is the language spoken from here on, more are those that there are (RFC 5255 §3.3). */
export interface LanguageResponse {
  readonly kind: 'LANGUAGE'
  readonly tags: readonly string[]
}

export interface IdResponse {
  readonly kind: 'ID'
  readonly params: IdParams
}

/** One namespace (RFC 9051 §7.3.4 NAMESPACE, RFC 2342 §5). */
export interface Namespace {
  /** Unicode. */
  readonly prefix: string
  readonly delimiter: string | undefined
  readonly extensions: readonly (readonly [name: string, values: readonly string[]])[]
}

export interface NamespaceResponse {
  readonly kind: 'NAMESPACE'
  readonly personal: readonly Namespace[] | undefined
  readonly others: readonly Namespace[] | undefined
  readonly shared: readonly Namespace[] | undefined
}

/** RFC 9208 §4.2. */
export interface QuotaResponse {
  readonly kind: 'QUOTA'
  readonly root: string
  readonly resources: readonly QuotaUsage[]
}

export interface QuotaRootResponse {
  readonly kind: 'QUOTAROOT'
  readonly mailbox: string
  readonly roots: readonly string[]
}

/** An untagged response that is not known, as it came, `* ` included. */
export interface UnknownResponse {
  readonly kind: 'UNKNOWN'
  readonly frame: Frame
}

export type Response =
  | ConditionResponse
  | ContinuationResponse
  | CapabilityResponse
  | ListResponse
  | StatusResponse
  | SearchResponse
  | ThreadResponse
  | EsearchResponse
  | FlagsResponse
  | NumberResponse
  | VanishedResponse
  | FetchResponse
  | UidFetchResponse
  | UidBatchesResponse
  | LanguageResponse
  | IdResponse
  | NamespaceResponse
  | QuotaResponse
  | QuotaRootResponse
  | MetadataResponse
  | AclResponse
  | ListRightsResponse
  | MyRightsResponse
  | UnknownResponse
