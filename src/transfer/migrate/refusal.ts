/** Why a migration ended early, as data: it comes from another thread, or another process. @module */
import { AuthenticationError, ClientError, ConnectionError } from '#client/index.ts'
import { StoreFull } from '#store/mail-store.ts'
import { StateBusy, StateTooNew } from '../state-file.ts'
import { UniqueIdsChanged } from './inbox-listing.ts'
import { NoUniqueIds } from './maildrop.ts'
import { StoreUnavailable } from './store-mailbox.ts'

export type MigrateRefusal =
  /** `said` is a whole sentence of the client, in English. */
  | { readonly kind: 'source-login'; readonly said: string }
  | { readonly kind: 'source-gone'; readonly said: string }
  | { readonly kind: 'source-fails'; readonly said: string }
  /** Of so many messages. */
  | { readonly kind: 'unique-ids-changed'; readonly messages: number }
  /** POP3 alone, without UIDL. */
  | { readonly kind: 'no-unique-ids' }
  /** Another run works for the same account. */
  | { readonly kind: 'migration-busy' }
  | { readonly kind: 'migration-too-new' }
  | { readonly kind: 'store-cannot-write' }

/** `undefined`: it is a bug. */
export function migrateRefusal(error: unknown): MigrateRefusal | undefined {
  if (error instanceof AuthenticationError) return { kind: 'source-login', said: error.message }
  if (error instanceof ConnectionError) return { kind: 'source-gone', said: error.message }
  if (error instanceof ClientError) return { kind: 'source-fails', said: error.message }
  if (error instanceof UniqueIdsChanged) return { kind: 'unique-ids-changed', messages: error.messages }
  if (error instanceof NoUniqueIds) return { kind: 'no-unique-ids' }
  if (error instanceof StateBusy) return { kind: 'migration-busy' }
  if (error instanceof StateTooNew) return { kind: 'migration-too-new' }
  if (error instanceof StoreUnavailable || error instanceof StoreFull) return { kind: 'store-cannot-write' }
  return undefined
}
