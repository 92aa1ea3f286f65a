/** Accounts of stores on this machine as ends of a sync: `store:ann@example.org`, or `store:~/Mail` for a folder. @module */
import { homedir } from 'node:os'
import path from 'node:path'
import { EXIT } from '#lib/exit-codes.ts'
import { ImapSide } from '#transfer/sync/imap-side.ts'
import type { Side } from '#transfer/sync/side.ts'
import { CliError } from './cli-error.ts'
import { ensureAccount, makeFolderStore, ownAddress } from './folder-store.ts'
import { say } from './language.ts'
import { LocalStore } from './local-store.ts'
import { readConfig } from './options.ts'
import { accountOf, parseStoreName, storeConfig } from './store-name.ts'

/** Whose mail a folder is made for, if it is not there: the login at the other end. */
export interface OtherEnd {
  readonly login: string
  readonly host: string
}

/** See the module. A store that both ends are in is opened once. */
export class SyncStores implements AsyncDisposable {
  /** By data directory. */
  readonly #open = new Map<string, Promise<LocalStore>>()

  /** @param made `undefined`: a folder must be a store already. @throws {CliError} */
  async end(
    argument: string,
    config: string | undefined,
    made: OtherEnd | undefined,
  ): Promise<{ readonly name: string; readonly title: string; readonly open: () => Promise<Side> }> {
    const store = parseStoreName(argument, absolute)
    if (store === undefined || (store.kind === 'account' && store.mailbox !== undefined)) {
      throw new CliError(
        EXIT.usage,
        say(
          `"${argument}" is not an end of a sync: all mailboxes are, so write the account without one.`,
          `« ${argument} » ne peut pas être synchronisé : toutes les boîtes le sont, écrivez le compte sans boîte.`,
        ),
      )
    }
    const own = store.kind === 'folder' && made !== undefined ? ownAddress(made.login, made.host) : undefined
    if (store.kind === 'folder' && own !== undefined) {
      await makeFolderStore(store.path)
      const { administration } = await this.#store(await readConfig(storeConfig(store, config)))
      if ((await administration.ask('account.list', {})).length === 0) await ensureAccount(administration, own)
    }
    const { data } = await readConfig(storeConfig(store, config))
    const address = await accountOf(store)
    const name = `store:${data}:${address}`
    const connect = async () => (await this.#store(await readConfig(storeConfig(store, config)))).connect(address)
    return { name, title: address, open: () => ImapSide.connect(name, connect) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opening of this.#open.values()) await (await opening.catch(() => undefined))?.[Symbol.asyncDispose]()
  }

  #store(config: Awaited<ReturnType<typeof readConfig>>): Promise<LocalStore> {
    const opened = this.#open.get(config.data) ?? LocalStore.open(config)
    this.#open.set(config.data, opened)
    return opened
  }
}

function absolute(name: string): string {
  return name === '~' || name.startsWith('~/') ? path.join(homedir(), name.slice(1)) : path.resolve(name)
}
