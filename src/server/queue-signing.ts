/** What the queue thread signs with: keys from the data directory, read when there is something to sign. @module */
import path from 'node:path'
import { SqliteSigningKeys } from '#adapters/sqlite/signing-keys.ts'
import { systemClock } from '#lib/clock.ts'
import { openSigner, type Signer } from '#outbound/signing.ts'
import type { Log } from '#services/session-deps.ts'

export interface QueueSigning extends Signer, Disposable {}

export interface QueueSigningOptions {
  /** The data directory. */
  readonly data: string
  readonly hostname: string
  /** Mail from other servers is checked (`smtp.checks`). */
  readonly checked: boolean
  readonly log: Log
}

export function openQueueSigning({ data, hostname, checked, log }: QueueSigningOptions): QueueSigning {
  let open: SqliteSigningKeys | undefined
  const keys = (): SqliteSigningKeys => {
    open ??= new SqliteSigningKeys({
      database: path.join(data, 'directory.db'),
      folder: path.join(data, 'dkim'),
      clock: systemClock,
      unreadable: (domain, selector, error) => log.error({ domain, selector, error }, 'a DKIM key cannot be read'),
    })
    return open
  }
  const signer = openSigner({
    keys: { active: (domain) => keys().active(domain) },
    clock: systemClock,
    log,
    hostname,
    checked,
  })
  return { ...signer, [Symbol.dispose]: () => open?.[Symbol.dispose]() }
}
