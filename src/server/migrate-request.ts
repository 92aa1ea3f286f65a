/** What a migration is asked for by the command line, as the task that does it needs it. @module */
import { rm } from 'node:fs/promises'
import path from 'node:path'
import type { ConnectOptions } from '#client/connect-options.ts'
import type { AccountRef } from '#store/types.ts'
import type { MigrateRequest } from '#transfer/migrate/migrate.ts'
import type { MigrateArgs, SourceServer } from './verbs.ts'

/** Nothing is known any more of what was migrated into an account that is gone. */
export async function forgetMigration(data: string, account: AccountRef): Promise<void> {
  const file = stateFile(data, account)
  for (const name of [file, `${file}-wal`, `${file}-shm`]) await rm(name, { force: true })
}

function stateFile(data: string, { id }: AccountRef): string {
  return path.join(data, 'migrate', `${id}.db`)
}

/** Records are kept for each account, beside the mail they are about. */
export function migrateRequest(args: MigrateArgs, account: AccountRef, data: string): Omit<MigrateRequest, 'signal'> {
  const { imap, pop3, ca, credentials } = args
  const { login, pop3Guessed, include, exclude, keepDeleted, emptyToo, cutover, verify, dryRun, connections } = args
  const reach = ({ host, port, security }: SourceServer): ConnectOptions => ({
    host,
    ...(port === null ? {} : { port }),
    security,
    tls: ca === null ? {} : { ca },
  })
  return {
    account,
    login,
    stateFile: stateFile(data, account),
    imap: imap === null ? undefined : { ...reach(imap), credentials },
    pop3: pop3 === null ? undefined : { ...reach(pop3), credentials },
    pop3Guessed,
    include,
    exclude,
    keepDeleted,
    emptyToo,
    cutover,
    verify,
    dryRun,
    connections,
  }
}
