/** What happens when an account sends what it never does: its mail is held, and people hear of it. @module */
import type { Config } from '#config/config.ts'
import { systemClock } from '#lib/clock.ts'
import { type NoticeReader, tellOfOutburst } from '#services/outburst-notice.ts'
import type { DeliveryTarget, Registry } from '#services/registry.ts'
import type { Outburst } from '#services/sending-ledger.ts'
import type { Log } from '#services/session-deps.ts'
import type { Directory } from '#store/directory.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { QueueDesk } from './queue-desk.ts'

export interface OutburstDeps {
  readonly config: Pick<Config, 'hostname' | 'submission'>
  readonly directory: Directory
  readonly registry: Pick<Registry, 'resolve'>
  readonly store: MailStore
  readonly queue: QueueDesk
  readonly log: Log
}

/** Given to the ledger; settles when the mail is held, and told of where it is the first time. */
export async function onOutburst(deps: OutburstDeps, outburst: Outburst): Promise<void> {
  const { config, queue, store, log } = deps
  const { account, remoteAddress, lastHour, first } = outburst
  const { address: name } = account
  await queue.ask('setStandingHold', { kind: 'account', name, since: systemClock.now(), reason: 'outburst' }, true)
  if (!first) return
  log.warn({ account: name, remote: remoteAddress, recipients: lastHour }, 'outburst: mail of the account is held')
  const local = { store, clock: systemClock, hostname: config.hostname }
  const told = await tellOfOutburst(local, outburst, await readersOf(deps, outburst))
  log.info({ account: name, told }, 'people were told that mail is held')
}

/** The owner and whoever reads postmaster of the domain, each once and in their language. */
async function readersOf(
  { config, directory, registry }: OutburstDeps,
  { account }: Outburst,
): Promise<NoticeReader[]> {
  const domain = account.address.slice(account.address.lastIndexOf('@') + 1)
  const readers = new Map<string, NoticeReader>()
  const add = async (address: string, postmaster: boolean): Promise<void> => {
    const resolved = await registry.resolve(address)
    for (const target of resolved.ok ? resolved.value.local : []) {
      const language = await languageOf(target)
      readers.set(target.address, { target: { ...target, detail: undefined }, language, postmaster })
    }
  }
  const languageOf = async ({ account: { id } }: DeliveryTarget) =>
    (await directory.accountById(id))?.language ?? config.submission.language
  await add(account.address, false)
  // who is both reads what to do about it
  await add(`postmaster@${domain}`, true)
  return Array.from(readers.values())
}
