/** Administrative verbs carried out on an open installation. @module */
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import type { CheckFinding } from '#adapters/embedded/check.ts'
import type { ShardStatus } from '#adapters/embedded/options.ts'
import { REPORTS, storedReports } from '#adapters/sqlite/domain-reports.ts'
import type { Result } from '#lib/result.ts'
import { Turns } from '#lib/turns.ts'
import { VERSION } from '#lib/version.ts'
import { formatPop3Policy } from '#mail/pop3-policy.ts'
import { parseAccountCsv } from '#services/account-csv.ts'
import type { AccountsRefusal } from '#services/accounts.ts'
import { parseAddress, parseDomain } from '#services/addresses.ts'
import { summaryOf } from '#services/domain-reports.ts'
import { resolveRecipient } from '#services/recipients.ts'
import type { AccountRecord, AliasRecord, AppPasswordRecord, DomainRecord } from '#store/directory.ts'
import type { AccountRef } from '#store/types.ts'
import { MoveRefused } from '#transfer/move-refused.ts'
import { Backups } from './backups.ts'
import { certificateViews } from './certificates.ts'
import { dkimVerbs } from './dkim-verbs.ts'
import { dnsFacts, knownDomain } from './dns-facts.ts'
import { listDeleted, messageHistory, undeleteMail } from './gone-views.ts'
import type { Installation } from './installation.ts'
import { forgetMigration, migrateRequest } from './migrate-request.ts'
import { type MoveDeps, moveAccount } from './moves.ts'
import type { QueueDesk } from './queue-desk.ts'
import { queueVerbs } from './queue-verbs.ts'
import { queueStatusView } from './queue-views.ts'
import type { Task, TaskMessage } from './task-thread.ts'
import { transactionView } from './transaction-views.ts'
import {
  type AccountChangeArgs,
  type AccountView,
  type Administration,
  type AliasView,
  type AppPasswordView,
  type DomainView,
  type StatusView,
  type Verb,
  VerbRefused,
  type Verbs,
} from './verbs.ts'

/** What only a running server can tell. */
export interface RunningFacts {
  status(): Pick<StatusView, 'since' | 'endpoints' | 'threads' | 'threadRestarts' | 'connections' | 'silentLists'>
  /** There is another domain. */
  domainAdded(): void
}

type Handlers = {
  [V in Verb]: (
    args: Verbs[V]['args'],
    progress: (value: unknown) => void,
    signal: AbortSignal | undefined,
  ) => Promise<Verbs[V]['value']>
}

/** The verbs on an open installation. */
export class RunningAdministration implements Administration {
  readonly #parts: Installation
  readonly #queue: QueueDesk
  readonly #facts: RunningFacts | undefined
  readonly #handlers: Handlers

  constructor(parts: Installation, queue: QueueDesk, facts: RunningFacts | undefined) {
    this.#parts = parts
    this.#queue = queue
    this.#facts = facts
    this.#handlers = this.#verbs()
  }

  async ask<V extends Verb>(
    verb: V,
    args: Verbs[V]['args'],
    progress: (value: unknown) => void = () => undefined,
    signal?: AbortSignal,
  ): Promise<Verbs[V]['value']> {
    return this.#handlers[verb](args, progress, signal)
  }

  /** From the control socket: the verb may be anything. */
  async askAnything(
    verb: string,
    args: unknown,
    progress: (value: unknown) => void,
    signal: AbortSignal,
  ): Promise<unknown> {
    if (!Object.hasOwn(this.#handlers, verb)) throw new VerbRefused({ kind: 'unknown-verb', verb })
    return this.#handlers[verb as Verb](args as never, progress, signal)
  }

  async accountRef(address: string): Promise<AccountRef> {
    return must(await this.#parts.accounts.account(address)).ref
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #verbs(): Handlers {
    const { accounts, directory, host, registry, search, sending } = this.#parts
    const backups = new Backups(this.#parts, (task, progress) => this.#run(task, progress))
    return {
      ...dkimVerbs(this.#parts),
      ...queueVerbs(this.#queue, {
        async released(address) {
          const account = await accounts.account(address)
          if (account.ok) await sending.teach(account.value)
        },
        mustHave: async (address) => void must(await accounts.account(address)),
      }),
      'domain.add': async ({ name, dkim }) => {
        const added = must(await accounts.addDomain(name))
        this.#facts?.domainAdded()
        if (dkim === true) await this.ask('dkim.add', { domain: added.name })
        return this.#domainView(added)
      },
      'domain.list': async () => Promise.all((await directory.domains()).map((domain) => this.#domainView(domain))),
      'domain.set': async ({ name, catchAll }) =>
        this.#domainView(must(await accounts.setCatchAll(name, catchAll ?? undefined))),
      'domain.remove': async ({ name }) => {
        must(await accounts.removeDomain(name))
        await this.#parts.dkim.forget(name)
        return null
      },
      'dns.reports': async ({ domain: name, since }) => {
        const { name: domain } = await knownDomain(this.#parts, name)
        return summaryOf(domain, storedReports(path.join(this.#parts.config.data, REPORTS), domain, since))
      },
      'dns.facts': ({ domain }) => dnsFacts(this.#parts, domain, this.#facts?.status().endpoints),
      'account.add': async ({ address, name, password, protocols, quotaBytes, quotaMessages }) =>
        this.#accountView(
          must(
            await accounts.addAccount({
              address,
              displayName: name,
              password: password ?? undefined,
              protocols,
              storageBytes: quotaBytes,
              messages: quotaMessages,
            }),
          ),
        ),
      'account.addMany': ({ csv, dryRun }) => this.#addMany(csv, dryRun),
      'account.list': async ({ domain }) => {
        const records = await directory.accounts(domain === undefined ? undefined : parseDomain(domain))
        return this.#accountViews(records)
      },
      'account.show': async ({ address }) => this.#accountView(must(await accounts.account(address))),
      'account.set': (args) => this.#changeAccount(args),
      'account.move': async ({ address, shard, leaveUnreadable }, progress) => {
        const { shards } = this.#parts.config.store
        if (!Number.isInteger(shard) || shard < 0 || shard >= shards)
          throw new VerbRefused({ kind: 'no-such-shard', shard, shards })
        const record = must(await accounts.account(address))
        if (record.ref.shard === shard) throw new VerbRefused({ kind: 'already-there', address: record.address, shard })
        await this.#openAccount(address)
        const deps: MoveDeps = {
          directory,
          store: this.#parts.store,
          kick: (id) => registry.accountChanged(id),
          copy: (request) => this.#run({ kind: 'move', request }, progress),
        }
        try {
          return { ...(await moveAccount(deps, record, { shard, leaveUnreadable })), shard: record.ref.shard }
        } catch (error) {
          if (error instanceof MoveRefused) throw new VerbRefused(error.refusal)
          throw error
        }
      },
      'account.remove': async ({ address }) => {
        const { ref } = must(await accounts.account(address))
        must(await accounts.removeAccount(address))
        await forgetMigration(this.#parts.config.data, ref)
        return null
      },
      'alias.set': ({ address, targets, create }) => this.#setAlias(address, targets, create),
      'alias.list': async ({ domain }) =>
        this.#aliasViews(await directory.aliases(domain === undefined ? undefined : parseDomain(domain))),
      'alias.remove': async ({ address }) => {
        must(await accounts.removeAlias(address))
        return null
      },
      'app-password.add': async ({ address, name, protocols }) => {
        const { record, password } = must(await accounts.addAppPassword(address, name, protocols))
        return { ...appPasswordView(record), password }
      },
      'app-password.list': async ({ address }) => must(await accounts.appPasswords(address)).map(appPasswordView),
      'app-password.remove': async ({ address, name }) => {
        must(await accounts.removeAppPassword(address, name))
        return null
      },
      'pass.issue': async ({ address }) => ({
        password: registry.issuePass(must(await accounts.account(address)).ref.id),
      }),
      'recipient.find': async ({ address }) => {
        const found = await resolveRecipient(directory, address)
        return { accounts: found.ok ? found.value.local.map((target) => target.address) : [] }
      },
      'session.list': async () => registry.sessions(),
      'session.kick': ({ what }) => this.#kick(what),
      status: () => this.#status(),
      'certificate.list': () => certificateViews(this.#parts.config),
      check: async ({ repair, bodies }, progress) => {
        const findings: CheckFinding[] = []
        // Mail of a lost index comes back into accounts that are there.
        if (repair) for (const account of await directory.accounts()) await accounts.ensureOpen(account)
        for await (const finding of host.check({ repair, bodies })) {
          findings.push(finding)
          progress(finding)
        }
        // UIDs mean something else now: sessions begin anew.
        if (findings.some(({ rebuilt }) => rebuilt !== undefined)) {
          search.forgetAll()
          for (const { ref } of await directory.accounts()) registry.accountChanged(ref.id)
        }
        return findings
      },
      compact: async () => {
        // While the server is stopped nobody holds on to the old files.
        const { messages, bytes, inMs } = await host.compact(this.#facts === undefined)
        return { messages, bytes, inSeconds: Math.ceil(inMs / 1_000) }
      },
      import: async ({ address, path, mailbox, dryRun }, progress) => {
        const account = await this.#openAccount(address)
        const { messageBytes } = this.#parts.config.limits
        const request = { account, path, mailbox, dryRun, limitBytes: messageBytes }
        return this.#run<Verbs['import']['value']>({ kind: 'import', request }, progress)
      },
      undelete: async (args, progress) =>
        undeleteMail(this.#parts.store, await this.#openAccount(args.address), args, progress),
      'undelete.list': async (args) => listDeleted(this.#parts.store, await this.#openAccount(args.address), args),
      'history.transaction': ({ id }) =>
        transactionView({ store: this.#parts.store, directory, queue: this.#queue }, id),
      history: async (args) => messageHistory(this.#parts.store, await this.#openAccount(args.address), args),
      export: async ({ address, path, format, mailbox }, progress) => {
        const account = await this.#openAccount(address)
        return this.#run<Verbs['export']['value']>(
          { kind: 'export', request: { account, path, format, mailbox: mailbox ?? undefined } },
          progress,
        )
      },
      migrate: async (args, progress, signal) => {
        const account = await this.#openAccount(args.address)
        const request = migrateRequest(args, account, this.#parts.config.data)
        return this.#run<Verbs['migrate']['value']>({ kind: 'migrate', request }, progress, signal)
      },
      backup: ({ path }, progress) => backups.backup(path, progress),
      restore: (args, progress) => backups.restore(args, progress),
    }
  }

  async #openAccount(address: string): Promise<AccountRef> {
    const record = must(await this.#parts.accounts.account(address))
    if (!(await this.#parts.accounts.ensureOpen(record)))
      throw new VerbRefused({ kind: 'account-closed', address: record.address })
    return record.ref
  }

  async #domainView({ name, catchAll }: DomainRecord): Promise<DomainView> {
    return { name, catchAll: catchAll ?? null, ...(await this.#parts.directory.counts(name)) }
  }

  /** Others are served between them. */
  async #accountViews(records: readonly AccountRecord[]): Promise<AccountView[]> {
    const turns = new Turns()
    const views: AccountView[] = []
    for (const record of records) {
      views.push(await this.#accountView(record))
      if (turns.over) await turns.share()
    }
    return views
  }

  async #accountView(record: AccountRecord): Promise<AccountView> {
    const { directory, store } = this.#parts
    const state = await store.state(record.ref)
    return {
      address: record.address,
      name: record.displayName,
      enabled: record.enabled,
      administrator: record.administrator,
      protocols: record.protocols,
      shard: record.ref.shard,
      quotaBytes: record.limits.storageBytes ?? null,
      quotaMessages: record.limits.messages ?? null,
      usedBytes: state?.usage.storageBytes ?? 0,
      messages: state?.usage.messages ?? 0,
      mailboxes: state?.usage.mailboxes ?? 0,
      password: record.passwordHash !== undefined,
      appPasswords: (await directory.appPasswords(record.ref.id)).length,
      pop3Policy: record.pop3.policy === undefined ? null : formatPop3Policy(record.pop3.policy),
      pop3LoginDelay: record.pop3.loginDelaySeconds ?? null,
      sentCopy: record.sending?.copy ?? false,
      messagesPerDay: record.sending?.messagesPerDay ?? null,
      recipientsPerDay: record.sending?.recipientsPerDay ?? null,
      language: record.language ?? null,
      created: new Date(record.createdAt).toISOString(),
    }
  }

  async #addMany(csv: string, dryRun: boolean): Promise<{ added: number }> {
    const plans = parseAccountCsv(csv)
    if (!plans.ok) throw new VerbRefused(plans.error)
    const { accounts } = this.#parts
    if (!dryRun) return { added: must(await accounts.addAccounts(plans.value)).length }
    const problem = await accounts.checkAccounts(plans.value)
    if (problem !== undefined) throw new VerbRefused(problem)
    return { added: plans.value.length }
  }

  async #changeAccount({
    address,
    name,
    limits,
    pop3,
    sending,
    language,
    ...wish
  }: AccountChangeArgs): Promise<AccountView> {
    const { accounts } = this.#parts
    const before = must(await accounts.account(address))
    const merged = <T>(value: T | null | undefined, old: T | undefined): T | undefined =>
      value === undefined ? old : (value ?? undefined)
    const changed = must(
      await accounts.changeAccount(address, {
        ...wish,
        ...(name === undefined ? {} : { displayName: name }),
        ...(limits === undefined
          ? {}
          : {
              limits: {
                storageBytes: merged(limits.storageBytes, before.limits.storageBytes),
                messages: merged(limits.messages, before.limits.messages),
              },
            }),
        ...(pop3 === undefined
          ? {}
          : {
              pop3: {
                policy: merged(pop3.policy, before.pop3.policy),
                loginDelaySeconds: merged(pop3.loginDelaySeconds, before.pop3.loginDelaySeconds),
              },
            }),
        ...(sending === undefined
          ? {}
          : {
              sending: {
                copy: sending.copy ?? before.sending?.copy ?? false,
                messagesPerDay: merged(sending.messagesPerDay, before.sending?.messagesPerDay),
                recipientsPerDay: merged(sending.recipientsPerDay, before.sending?.recipientsPerDay),
              },
            }),
        ...(language === undefined ? {} : { language: language ?? undefined }),
      }),
    )
    return this.#accountView(changed)
  }

  async #setAlias(address: string, targets: readonly string[], create: boolean): Promise<AliasView> {
    const { accounts, directory } = this.#parts
    const canonical = parseAddress(address)?.address
    const exists = canonical !== undefined && (await directory.alias(canonical)) !== undefined
    if (create && exists) throw new VerbRefused({ kind: 'exists', what: 'alias', name: address })
    if (!create && !exists) throw new VerbRefused({ kind: 'no-such', what: 'alias', name: address })
    const [view] = await this.#aliasViews([must(await accounts.setAlias(address, targets))])
    if (view === undefined) throw new Error(`The alias "${address}" was set and is not there`)
    return view
  }

  async #aliasViews(aliases: readonly AliasRecord[]): Promise<readonly AliasView[]> {
    const ours = new Set((await this.#parts.directory.domains()).map(({ name }) => name))
    return aliases.map(({ address, targets }) => ({
      address,
      targets,
      outside: targets.filter((target) => !ours.has(target.slice(target.lastIndexOf('@') + 1))),
    }))
  }

  async #kick(what: string): Promise<{ kicked: number }> {
    const { registry, accounts } = this.#parts
    if (!what.includes('@')) {
      if (!registry.kick(what)) throw new VerbRefused({ kind: 'no-such-connection', id: what })
      return { kicked: 1 }
    }
    return { kicked: registry.kickAccount(must(await accounts.account(what)).ref.id) }
  }

  async #status(): Promise<StatusView> {
    const { directory, host, search } = this.#parts
    const [shards, queue] = [await host.status(), await this.#queue.status()]
    const facts = this.#facts?.status()
    const { silentLists = [] } = facts ?? {}
    return {
      running: facts !== undefined,
      version: VERSION,
      node: process.version,
      pid: process.pid,
      since: facts?.since ?? null,
      endpoints: facts?.endpoints ?? null,
      threads: facts?.threads ?? 0,
      threadRestarts: facts?.threadRestarts ?? 0,
      connections: facts?.connections ?? 0,
      accounts: (await directory.counts()).accounts,
      domains: (await directory.domains()).length,
      shards,
      search: search.status(),
      queue: queueStatusView(queue),
      silentLists,
      problems: [
        ...shards.filter(({ state }) => state !== 'ok').map(({ shard, state }) => SHARD_PROBLEMS[state](shard)),
        ...(queue.failing ? [QUEUE_FAILS] : []),
        ...silentLists.map((list) => `The list ${list} (smtp.dnsbl) does not answer and is left out for now`),
      ],
    }
  }

  /** Long work in a thread of its own, with its own connection to the store. */
  async #run<T>(task: Task, progress: (value: unknown) => void, signal?: AbortSignal): Promise<T> {
    const connection = this.#parts.host.connect('nothing')
    const entry = `./task-thread${path.extname(import.meta.filename)}`
    const worker = new Worker(new URL(entry, import.meta.url), {
      workerData: { task, connection },
      transferList: [...connection.ports],
    })
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const stop = (): void => worker.postMessage('stop')
    if (signal?.aborted === true) stop()
    signal?.addEventListener('abort', stop, { once: true })
    worker.on('message', (message: TaskMessage) => {
      if (message.kind === 'progress') progress(message.value)
      else if (message.kind === 'done') resolve(message.value as T)
      else if (message.kind === 'refused') reject(new VerbRefused(message.refusal))
      else reject(new Error(message.message))
    })
    worker.on('error', reject)
    worker.on('exit', () => reject(new Error('The task ended without an answer')))
    return promise
  }
}

const SHARD_PROBLEMS: Readonly<Record<ShardStatus['state'], (shard: number) => string>> = {
  ok: (shard) => `Shard ${shard} is well`,
  full: (shard) => `Shard ${shard} has no space left: new mail is refused until there is`,
  'read-only': (shard) => `Shard ${shard} is read-only after failed syncs: look at its disk, then restart`,
  failed: (shard) => `The writer of shard ${shard} is being restarted`,
}

const QUEUE_FAILS = 'The queue cannot be opened or written: mail for other servers is refused until it can'

function must<T>(result: Result<T, AccountsRefusal>): T {
  if (result.ok) return result.value
  throw new VerbRefused(result.error)
}

function appPasswordView({ name, protocols, createdAt, lastUsedAt }: AppPasswordRecord): AppPasswordView {
  return {
    name,
    protocols,
    created: new Date(createdAt).toISOString(),
    lastUsed: lastUsedAt === undefined ? null : new Date(lastUsedAt).toISOString(),
  }
}
