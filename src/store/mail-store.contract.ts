/**
 * What every store must do, tried from outside: from the docstrings of the ports, and from RFC 9051, RFC 7162 (CONDSTORE,
 * QRESYNC), RFC 8474 (OBJECTID), RFC 9208 (QUOTA), RFC 3502 (MULTIAPPEND), RFC 4315 (UIDPLUS) and RFC 6851 (MOVE).
 * @module
 */
import { after, afterEach, before, suite } from 'node:test'
import { accountsContract } from './accounts.contract.ts'
import { aclContract } from './acl.contract.ts'
import { appendContract } from './append.contract.ts'
import { bodiesContract } from './bodies.contract.ts'
import { changesContract } from './changes.contract.ts'
import { deliveryContract } from './delivery.contract.ts'
import { expungeContract } from './expunge.contract.ts'
import { flagsContract } from './flags.contract.ts'
import { goneContract } from './gone.contract.ts'
import { guestsContract } from './guests.contract.ts'
import { imprintContract } from './imprint.contract.ts'
import { indexingContract } from './indexing.contract.ts'
import { closingContract, keepingContract } from './keeping.contract.ts'
import { type OpenedStore, World } from './kit.contract.ts'
import { mailboxesContract } from './mailboxes.contract.ts'
import { maildropContract } from './maildrop.contract.ts'
import { metadataContract } from './metadata.contract.ts'
import { quotaContract } from './quota.contract.ts'
import { renameContract } from './rename.contract.ts'
import { replaceContract } from './replace.contract.ts'
import { restoreContract } from './restore.contract.ts'
import { transferContract } from './transfer.contract.ts'
import { watchContract } from './watch.contract.ts'

export type { OpenedStore } from './kit.contract.ts'

/**
 * Runs the whole suite. One store serves all tests but those that close it; each test has accounts of its own.
 * @param durable Whether the store can be opened again ({@link OpenedStore.reopen}) and must then have kept everything.
 */
export function mailStoreContract(name: string, open: () => Promise<OpenedStore>, durable: boolean): void {
  suite(`mail store: ${name}`, () => {
    let world: World | undefined
    const current = (): World => {
      if (world === undefined) throw new Error('The store is not open')
      return world
    }
    before(async () => {
      world = new World(await open())
    })
    after(() => world?.close())
    afterEach(() => current().check())

    accountsContract(current)
    mailboxesContract(current)
    renameContract(current)
    metadataContract(current)
    aclContract(current)
    guestsContract(current)
    appendContract(current)
    deliveryContract(current)
    bodiesContract(current)
    flagsContract(current)
    transferContract(current)
    replaceContract(current)
    expungeContract(current)
    maildropContract(current)
    goneContract(current)
    changesContract(current)
    imprintContract(current)
    quotaContract(current)
    indexingContract(current)
    watchContract(current)
    restoreContract(current)
    const another = async (): Promise<World> => new World(await open())
    closingContract(another)
    if (durable) keepingContract(another)
  })
}
