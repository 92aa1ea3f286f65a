/** One person's run of `malle migrate`, carried out by the administration. @module */
import { EXIT } from '#lib/exit-codes.ts'
import type { Administration, MigrateArgs, SourceServer } from '#server/verbs.ts'
import type { Progress } from '#transfer/sync/sync.ts'
import { CliError } from './cli-error.ts'
import { say } from './language.ts'
import type { MigrateOptions } from './migrate.ts'
import type { NamedServer } from './migrate-servers.ts'
import type { MigratedUser } from './migrate-users.ts'
import type { MigrateResult } from './migrate-words.ts'
import type { ProgressLine } from './progress.ts'

/** How somebody is logged in there. */
export type Login = (login: string, password: string | undefined) => MigrateArgs['credentials']

/** For everybody by one who may. @param form With `%u` and `%m`, or `authzid`. */
export function masterLogin(master: string, form: string, password: string): Login {
  if (form === 'authzid') return (login) => ({ login: master, password, authorizeAs: login })
  return (login) => ({ login: form.replaceAll(/%[um]/g, (place) => (place === '%u' ? login : master)), password })
}

export interface MigrateContext {
  readonly admin: Administration
  readonly options: MigrateOptions
  readonly ca: string | null
  readonly login: Login
  readonly connections: number
  /** Addresses of accounts here. */
  readonly there: ReadonlySet<string>
  readonly progress: PeopleProgress
  readonly signal: AbortSignal
}

/** How far everybody is, together. */
export class PeopleProgress {
  readonly #line: ProgressLine
  readonly #each = new Map<string, Progress>()

  constructor(line: ProgressLine) {
    this.#line = line
  }

  show(address: string, progress: Progress): void {
    this.#each.set(address, progress)
    const sum = { taken: 0, octets: 0, of: 0, ofOctets: 0 }
    for (const { taken, octets, of, ofOctets } of this.#each.values()) {
      sum.taken += taken
      sum.octets += octets
      sum.of += of
      sum.ofOctets += ofOctets
    }
    this.#line.show(sum)
  }
}

/** @throws {CliError}, {VerbRefused} */
export async function migrateUser(user: MigratedUser, context: MigrateContext): Promise<MigrateResult> {
  const { admin, options, ca, login, connections, there, progress, signal } = context
  const { address, servers } = user
  const missing = !there.has(address.toLowerCase())
  const created = missing && options.create === true
  if (created && options.dryRun !== true) await create(admin, user)
  if (created && options.dryRun === true) {
    throw new CliError(
      EXIT.noSuchThing,
      say(
        `${address} is not here yet: without the account there is nothing to compare with.`,
        `${address} n’est pas encore ici : sans le compte, rien à comparer.`,
      ),
    )
  }
  const wanted = (server: NamedServer | undefined, protocol: 'imap' | 'pop3'): SourceServer | null => {
    if (server === undefined || (options.only !== undefined && options.only !== protocol)) return null
    const { host, port, security } = server
    return { host, port, security }
  }
  const args: MigrateArgs = {
    address,
    login: user.login,
    credentials: login(user.login, user.password),
    imap: wanted(servers.imap, 'imap'),
    pop3: wanted(servers.pop3, 'pop3'),
    pop3Guessed: servers.guessed,
    ca,
    include: options.include,
    exclude: options.exclude,
    keepDeleted: options.keepDeleted === true,
    emptyToo: options.yes === true,
    cutover: options.cutover === true,
    verify: options.verify === true,
    dryRun: options.dryRun === true,
    connections,
  }
  const report = await admin.ask('migrate', args, (value) => progress.show(address, value as Progress), signal)
  return { address, login: user.login, created, report }
}

async function create(admin: Administration, { address, account }: MigratedUser): Promise<void> {
  if (account === undefined) {
    throw new CliError(
      EXIT.badData,
      say(
        `${address} cannot be made without a password or a hash.`,
        `${address} ne peut pas être créé sans mot de passe ni empreinte.`,
      ),
    )
  }
  await admin.ask('account.addMany', { csv: account, dryRun: false })
}
