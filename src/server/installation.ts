/** What a data directory holds, opened by the one process that has its lock: directory, store, accounts, registry. @module */
import { chmod } from 'node:fs/promises'
import path from 'node:path'
import { openEmbeddedStore } from '#adapters/embedded/embedded-store.ts'
import { type EmbeddedHost, startEmbedded } from '#adapters/embedded/host.ts'
import type { EmbeddedTuning } from '#adapters/embedded/options.ts'
import type { ProbeOrder } from '#adapters/embedded/probe.ts'
import { privateKeyFiles } from '#adapters/files/private-keys.ts'
import { SearchHost } from '#adapters/search/host.ts'
import { openDirectory } from '#adapters/sqlite/directory.ts'
import { openSendingRecord } from '#adapters/sqlite/sending.ts'
import type { Config } from '#config/config.ts'
import { type Clock, systemClock } from '#lib/clock.ts'
import { formatNetwork } from '#lib/network.ts'
import { Accounts } from '#services/accounts.ts'
import { DkimKeys, type PrivateKeyFiles } from '#services/dkim-keys.ts'
import { LocalRegistry } from '#services/local-registry.ts'
import { JwtVerifier } from '#services/oauth-tokens.ts'
import { SendingLedger } from '#services/sending-ledger.ts'
import type { Log } from '#services/session-deps.ts'
import { SenderRewriting, senderKey } from '#services/srs.ts'
import type { Directory } from '#store/directory.ts'
import type { MailStore } from '#store/mail-store.ts'
import { lockData } from './data-lock.ts'
import { noteDataVersion } from './data-version.ts'
import { MemoryWatch, memoryCeiling } from './memory-watch.ts'
import { settleMoves } from './moves.ts'

/** Opened parts of a data directory. */
export interface Installation extends AsyncDisposable {
  readonly config: Config
  readonly directory: Directory
  readonly host: EmbeddedHost
  /** The main thread's own connection. */
  readonly store: MailStore
  /** Keeps no index up to date before it is started. */
  readonly search: SearchHost
  readonly accounts: Accounts
  readonly dkim: DkimKeys
  /** Private keys, for a backup. */
  readonly keyFiles: PrivateKeyFiles
  readonly registry: LocalRegistry
  /** What accounts send. */
  readonly sending: SendingLedger
}

/** What suites change about the store of a real server; no configuration does. */
export interface StoreTuning {
  readonly tuning: Partial<EmbeddedTuning>
  /** What upkeep goes by. */
  readonly clock: Clock
  readonly probe?: ProbeOrder | undefined
}

/** Opens a data directory, making what is missing. @throws {DataInUse} @throws {NewerFormat} also as a cause */
export async function openInstallation(config: Config, log: Log, tuned?: StoreTuning): Promise<Installation> {
  await using opened = new AsyncDisposableStack()
  opened.use(await lockData(config.data))
  await chmod(config.data, 0o700)
  const directory = opened.use(await openDirectory(path.join(config.data, 'directory.db'), systemClock))
  const host = opened.use(
    await startEmbedded({
      directory: path.join(config.data, 'store'),
      shards: config.store.shards,
      durability: config.store.durability,
      keeping: {
        days: config.store.retentionDays,
        bytes: config.store.deletedBytes,
        historyDays: config.store.historyDays,
      },
      mostForAnyone: config.limits.mailboxesForAnyone,
      clock: tuned?.clock ?? systemClock,
      tuning: tuned?.tuning ?? {},
      probe: tuned?.probe,
      log: ({ level, shard, message }) => log[level]({ shard }, message),
    }),
  )
  // Only the search index follows changes here; who serves sessions has a connection of its own, also in this thread.
  const store = opened.use(openEmbeddedStore(host.connect('later'), systemClock))
  const search = opened.use(
    new SearchHost({
      directory: path.join(config.data, 'search'),
      store,
      connect: () => host.connect('nothing'),
      refOf: async (id) => (await directory.accountById(id))?.ref,
      log: (level, message) => log[level]({}, message),
    }),
  )
  await settleMoves(directory, store, config.store.shards, (message) => log.warn({}, message))
  const { scramForPasswords } = config.auth
  const accounts: Accounts = new Accounts({
    directory,
    store,
    shards: config.store.shards,
    scramForPasswords,
    changed: (account) => registry.accountChanged(account),
  })
  const { limits } = config
  const memory = new MemoryWatch(limits.memoryBytes ?? memoryCeiling(), (overloaded) =>
    overloaded
      ? log.error({}, 'memory is above limits.memory: new connections are told to come back later')
      : log.warn({}, 'memory is below limits.memory again: new connections are taken'),
  )
  const record = lazily(() => openSendingRecord(path.join(config.data, 'sending.db')))
  opened.defer(async () => (await record.opened)?.[Symbol.asyncDispose]())
  const sending = new SendingLedger({ record: record.open, clock: systemClock, settings: config.submission })
  const registry: LocalRegistry = new LocalRegistry({
    directory,
    rewriting: new SenderRewriting(senderKey(await directory.secret()), systemClock),
    sending,
    limits: {
      connections: limits.connections,
      connectionsPerUser: limits.connectionsPerUser,
      connectionsPerAddress: limits.connectionsPerAddress,
      connectionsBeforeLogin: limits.connectionsBeforeLogin,
      authFailuresPerMinute: limits.authFailuresPerMinute,
      exempt: limits.exempt.map(formatNetwork),
    },
    scramForPasswords,
    pop3: config.pop3,
    tokens:
      config.auth.oauth &&
      new JwtVerifier(config.auth.oauth, {
        clock: systemClock,
        failed: (error) => log.warn({ error }, 'the keys of the issuer of tokens cannot be fetched'),
      }),
    overloaded: () => memory.overloaded(performance.now()),
    ensureOpen: (account) => accounts.ensureOpen(account),
    setLimits: async ({ address }, limits) => (await accounts.changeAccount(address, { limits })).ok,
  })
  const keyFiles = privateKeyFiles(path.join(config.data, 'dkim'))
  const dkim = new DkimKeys({ directory, files: keyFiles, clock: systemClock })
  await dkim.tidy()
  await noteDataVersion(config.data)
  const parts = opened.move()
  return {
    config,
    directory,
    host,
    store,
    search,
    accounts,
    dkim,
    keyFiles,
    registry,
    sending,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

/** Opened by the first who needs it; tried again where that failed. */
function lazily<T>(open: () => Promise<T>): {
  readonly open: () => Promise<T>
  readonly opened: Promise<T> | undefined
} {
  let opened: Promise<T> | undefined
  return {
    open: () => {
      opened ??= open().catch((error: unknown) => {
        opened = undefined
        throw error
      })
      return opened
    },
    get opened() {
      return opened
    },
  }
}
