/** Entry of a worker for one long administrative task, so that people's sessions do not wait for it. @module */
import { parentPort, workerData } from 'node:worker_threads'
import { openEmbeddedStore } from '#adapters/embedded/embedded-store.ts'
import type { EmbeddedConnection } from '#adapters/embedded/options.ts'
import { systemClock } from '#lib/clock.ts'
import { type BackupRequest, backUp } from '#transfer/backup/backup.ts'
import { BackupRefused } from '#transfer/backup/format.ts'
import { type RestoreRequest, restoreBackup } from '#transfer/backup/restore.ts'
import { ExportRefused, type ExportRequest, exportMail } from '#transfer/export.ts'
import { ImportRefused, type ImportRequest, importMail } from '#transfer/import.ts'
import type { MigrateRequest } from '#transfer/migrate/migrate.ts'
import { migrateRefusal } from '#transfer/migrate/refusal.ts'
import { copyAccount, type MoveRequest } from '#transfer/move.ts'
import { MoveRefused } from '#transfer/move-refused.ts'
import type { VerbRefusal } from './verbs.ts'

/** What to do. */
export type Task =
  | { readonly kind: 'import'; readonly request: ImportRequest }
  | { readonly kind: 'export'; readonly request: ExportRequest }
  | { readonly kind: 'migrate'; readonly request: Omit<MigrateRequest, 'signal'> }
  | { readonly kind: 'backup'; readonly request: BackupRequest }
  | { readonly kind: 'restore'; readonly request: RestoreRequest }
  | { readonly kind: 'move'; readonly request: MoveRequest }

/** What the thread tells. */
export type TaskMessage =
  | { readonly kind: 'progress'; readonly value: unknown }
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly refusal: VerbRefusal }
  | { readonly kind: 'failed'; readonly message: string }

const PROGRESS_MS = 200

const port = parentPort
if (port === null) throw new Error('This module is the entry of a worker')
const { task, connection } = workerData as { readonly task: Task; readonly connection: EmbeddedConnection }
const tell = (message: TaskMessage): void => port.postMessage(message)
const store = openEmbeddedStore(connection, systemClock)

let lastProgress = 0
function progress(value: unknown): void {
  const now = performance.now()
  if (now - lastProgress < PROGRESS_MS) return
  lastProgress = now
  tell({ kind: 'progress', value })
}

try {
  const value = await run()
  await store[Symbol.asyncDispose]()
  tell({ kind: 'done', value })
} catch (error) {
  await store[Symbol.asyncDispose]()
  tell(messageOf(error))
}
port.close()

function run(): Promise<unknown> {
  switch (task.kind) {
    case 'import':
      return importMail(store, systemClock, task.request, progress)
    case 'export':
      return exportMail(store, systemClock, task.request, progress)
    case 'backup':
      return backUp(store, systemClock, task.request, progress)
    case 'restore':
      return restoreBackup(store, task.request, progress)
    case 'move':
      return copyAccount(store, task.request, progress)
    case 'migrate':
      return migrate(task.request)
  }
}

/** Any message from the main thread ends it. */
async function migrate(request: Omit<MigrateRequest, 'signal'>): Promise<unknown> {
  const controller = new AbortController()
  port?.once('message', () => controller.abort())
  // the client is only loaded where it is used
  const { migrateMail } = await import('#transfer/migrate/migrate.ts')
  return migrateMail(store, systemClock, { ...request, signal: controller.signal }, progress)
}

function messageOf(error: unknown): TaskMessage {
  if (
    error instanceof ImportRefused ||
    error instanceof ExportRefused ||
    error instanceof BackupRefused ||
    error instanceof MoveRefused
  )
    return { kind: 'refused', refusal: error.refusal }
  const refusal = migrateRefusal(error)
  if (refusal !== undefined) return { kind: 'refused', refusal }
  const { code, path, stack } = error as NodeJS.ErrnoException
  if (code !== undefined && path !== undefined) return { kind: 'refused', refusal: { kind: 'file', path, code } }
  return { kind: 'failed', message: stack ?? String(error) }
}
