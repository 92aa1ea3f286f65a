/** Stores of this machine as `malle collect` opens them: when there is something for them, and no longer than a round. @module */
import type { Config } from '#config/config.ts'
import { systemClock } from '#lib/clock.ts'
import type { StoreWords } from '#transfer/collect/store-target.ts'
import type { CollectTarget } from '#transfer/collect/target.ts'
import type { SourceUrl } from '#transfer/source-url.ts'
import type { CollectStore } from './collect-accounts.ts'
import { say } from './language.ts'
import type { LocalStore } from './local-store.ts'
import { readConfig } from './options.ts'
import { storeConfig } from './store-name.ts'

/** See the module. */
export class CollectStores {
  /** By data directory. */
  readonly #open = new Map<string, Promise<LocalStore>>()
  /** Accounts that were seen to be there, in all rounds. */
  readonly #seen = new Set<string>()

  /** @param source As it is recorded. */
  async target(
    { store, config: named, envelopeField }: CollectStore,
    from: SourceUrl,
    source: string,
  ): Promise<CollectTarget> {
    const { ensureAccount, makeFolderStore, ownAddress } = await import('./folder-store.ts')
    if (store.kind === 'folder') await makeFolderStore(store.path)
    const config = await readConfig(storeConfig(store, named))
    const account = store.kind === 'folder' ? ownAddress(from.login, from.host) : store.address
    const mailbox = (store.kind === 'folder' ? undefined : store.mailbox) ?? 'INBOX'
    const place = `store:${config.data}:${account}/${mailbox}`
    // before anything is fetched that nobody takes
    if (!this.#seen.has(place)) {
      const { administration } = await this.#opened(config)
      if (store.kind === 'folder') await ensureAccount(administration, account)
      else await administration.ask('account.show', { address: account })
      this.#seen.add(place)
    }
    const { StoreTarget } = await import('#transfer/collect/store-target.ts')
    return new StoreTarget({
      place,
      source,
      account,
      mailbox,
      envelopeField,
      connect: async (each) => (await this.#opened(config)).connect(each),
      accountsOf: async (address) => {
        const { administration } = await this.#opened(config)
        return (await administration.ask('recipient.find', { address })).accounts
      },
      clock: systemClock,
      words: WORDS,
    })
  }

  /** Closes what a round has opened. */
  async close(): Promise<void> {
    const opened = [...this.#open.values()]
    this.#open.clear()
    for (const opening of opened) await (await opening.catch(() => undefined))?.[Symbol.asyncDispose]()
  }

  #opened(config: Config): Promise<LocalStore> {
    let opened = this.#open.get(config.data)
    if (opened === undefined) {
      // a server is only loaded where one is needed
      opened = import('./local-store.ts').then((module) => module.LocalStore.open(config))
      this.#open.set(config.data, opened)
    }
    return opened
  }
}

const WORDS: StoreWords = {
  nobodyHas: (addresses) =>
    say(`nobody here has the address ${addresses.join(', ')}`, `personne ici n’a l’adresse ${addresses.join(', ')}`),
  refused: (account, why) => say(`${account} did not take it: ${why}`, `${account} ne l’a pas pris : ${why}`),
  takenAway: (mailbox) => say(`it was taken out of "${mailbox}"`, `il a été retiré de « ${mailbox} »`),
}
