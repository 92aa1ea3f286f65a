/** What the host, the index thread and the search thread say to each other. @module */
import type { AccountId, MailboxKey } from '#mail/ids.ts'
import type { IndexAnswer, IndexedText } from '#store/search-index.ts'
import type { AccountRef } from '#store/types.ts'
import type { EmbeddedConnection } from '../embedded/options.ts'

/** What both threads start with. */
export interface SearchThreadSetup {
  /** The folder of the indexes. */
  readonly directory: string
  readonly connection: EmbeddedConnection
}

export type IndexOrder =
  /** Makes the index of an account, or brings it up to date. */
  | {
      readonly do: 'index'
      readonly account: AccountRef
      /** Somebody searches there: others are not waited for. */
      readonly soon: boolean
    }
  /** Removes the index. */
  | { readonly do: 'forget'; readonly account: AccountId }
  | { readonly do: 'stop' }

export type IndexReport =
  /** Nothing was to do for a while, after so many orders. */
  | { readonly said: 'idle'; readonly orders: number }
  | { readonly said: 'progress'; readonly account: AccountId; readonly left: number; readonly through: number }
  | { readonly said: 'log'; readonly level: 'warn' | 'error'; readonly message: string }

export type SearchOrder =
  | {
      readonly do: 'find'
      readonly id: number
      readonly account: AccountRef
      readonly mailbox: MailboxKey
      readonly texts: readonly IndexedText[]
    }
  | { readonly do: 'stop' }

export type SearchReport =
  /** Nothing was asked for a while. */
  | { readonly said: 'idle' }
  | {
      readonly said: 'found'
      readonly id: number
      readonly answer: IndexAnswer | undefined
      /** The index cannot be used and has to be made anew. */
      readonly unusable: boolean
    }
  | { readonly said: 'log'; readonly level: 'warn' | 'error'; readonly message: string }
