/** One account of `malle collect`, once. @module */
import type { ConnectOptions } from '#client/connect-options.ts'
import type { Credentials } from '#client/sasl.ts'
import type { TlsOptions } from '#client/tls.ts'
import { systemClock } from '#lib/clock.ts'
import type { CollectReport } from '#transfer/collect/collect.ts'
import { collectInSessions } from '#transfer/collect/sessions.ts'
import type { CollectSource } from '#transfer/collect/source.ts'
import type { CollectState } from '#transfer/collect/state.ts'
import type { CollectTarget } from '#transfer/collect/target.ts'
import { formatSourceUrl } from '#transfer/source-url.ts'
import type { CollectAccount } from './collect-accounts.ts'
import type { CollectStores } from './collect-stores.ts'
import { readText } from './options.ts'
import { ProgressLine } from './progress.ts'

export interface RunRequest {
  readonly state: CollectState
  readonly stores: CollectStores
  readonly dryRun: boolean
  readonly signal: AbortSignal
}

/** Fetches what is new of an account. */
export async function runAccount(account: CollectAccount, request: RunRequest): Promise<CollectReport> {
  const { state, stores, dryRun, signal } = request
  const { from, found, policy } = account
  const server = await serverOf(account)
  const name = formatSourceUrl(from)
  await using target = dryRun ? NOWHERE : await openTarget(account, stores, name)
  using line = new ProgressLine()
  const report = await collectInSessions({
    open: () => openSource(account, name, server),
    target,
    state,
    policy,
    clock: systemClock,
    dryRun,
    signal,
    progress: (progress) => line.show(progress),
  })
  if (found !== undefined && !dryRun) state.rememberServer(found, name)
  return report
}

/** How to reach the server, and as whom. */
export async function serverOf({
  from,
  ca,
  password,
}: CollectAccount): Promise<ConnectOptions & { credentials: Credentials }> {
  const { host, port, security, login } = from
  const tls: TlsOptions = ca === undefined ? {} : { ca: await readText(ca) }
  const credentials = { login, password: await password() }
  return { host, ...(port === undefined ? {} : { port }), security, tls, credentials }
}

// only what is needed is loaded: each of these is a part of the memory that a daemon keeps

async function openSource(
  { from }: CollectAccount,
  name: string,
  server: ConnectOptions & { credentials: Credentials },
): Promise<CollectSource> {
  if (from.protocol === 'pop3') {
    const { openPop3Source } = await import('#transfer/collect/pop3-source.ts')
    return openPop3Source(name, server)
  }
  const { openImapSource } = await import('#transfer/collect/imap-source.ts')
  return openImapSource(name, server, from.mailbox ?? 'INBOX')
}

async function openTarget({ from, to }: CollectAccount, stores: CollectStores, name: string): Promise<CollectTarget> {
  switch (to.kind) {
    case 'maildir': {
      const { openMaildirTarget } = await import('#transfer/collect/maildir-target.ts')
      return openMaildirTarget(to.path, systemClock)
    }
    case 'mbox': {
      const { openMboxTarget } = await import('#transfer/collect/mbox-target.ts')
      return openMboxTarget(to.path, systemClock)
    }
    case 'command': {
      const { openCommandTarget } = await import('#transfer/collect/command-target.ts')
      return openCommandTarget(to.command)
    }
    case 'lmtp': {
      const { openLmtpTarget } = await import('#transfer/collect/lmtp-target.ts')
      return openLmtpTarget(to)
    }
    case 'store':
      return stores.target(to, from, name)
  }
}

/** Of a dry run, which puts nothing anywhere. */
const NOWHERE: CollectTarget = {
  name: 'nowhere',
  recover: nothing,
  stage: nothing,
  prepare: nothing,
  place: nothing,
  [Symbol.asyncDispose]: async () => undefined,
}

function nothing(): never {
  throw new Error('A dry run places nothing')
}
