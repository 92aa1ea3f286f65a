/** An account on an IMAP server as a side: its names without prefix and delimiter, one connection for each mailbox that is open. @module */
import { ClientError, RefusedError } from '#client/errors.ts'
import type { SpecialUse } from '#client/imap/commands/mailboxes.ts'
import type { ImapClient } from '#client/imap/imap-client.ts'
import type { ListedMailbox } from '#client/imap/listed-mailbox.ts'
import { specialMailboxes } from '#client/imap/special-names.ts'
import { ImapMailbox, imapMark } from './imap-mailbox.ts'
import { type OpenMailbox, type Side, type SideMailbox, SideRefusal } from './side.ts'

const USES: Readonly<Record<string, SpecialUse>> = {
  archive: '\\Archive',
  drafts: '\\Drafts',
  junk: '\\Junk',
  sent: '\\Sent',
  trash: '\\Trash',
}

/** See the module. */
export class ImapSide implements Side {
  readonly name: string
  readonly #connect: () => Promise<ImapClient>
  readonly #free: ImapClient[] = []
  #delimiter: string | undefined = '/'
  /** Of a person's own mailboxes, such as `INBOX.`. */
  #prefix = ''
  #others: readonly string[] = []

  private constructor(name: string, connect: () => Promise<ImapClient>) {
    this.name = name
    this.#connect = connect
  }

  /**
   * @param connect Makes connections that are not made again by themselves: what was on its way when one was lost must
   * be looked for.
   * @throws {ClientError}
   */
  static async connect(name: string, connect: () => Promise<ImapClient>): Promise<ImapSide> {
    const side = new ImapSide(name, connect)
    const client = await side.#take()
    if (client.capabilities.has('NAMESPACE')) {
      const { personal, others, shared } = await client.namespaces()
      side.#prefix = personal[0]?.prefix ?? ''
      side.#delimiter = personal[0]?.delimiter
      side.#others = [...others, ...shared].map(({ prefix }) => prefix).filter((prefix) => prefix !== '')
    } else side.#delimiter = (await client.list({ pattern: 'INBOX' }))[0]?.delimiter
    side.#free.push(client)
    return side
  }

  async list(): Promise<readonly SideMailbox[]> {
    const client = await this.#take()
    const listed = (await client.list({ status: true })).filter(
      ({ name, noSelect, role }) =>
        // these are views of other mailboxes (RFC 6154 §2, RFC 8457)
        !noSelect &&
        role !== 'flagged' &&
        role !== 'important' &&
        !this.#others.some((prefix) => name.startsWith(prefix)),
    )
    this.#free.push(client)
    const roles = new Map([...specialMailboxes(listed)].map(([role, { name }]) => [name, role]))
    return listed.map((mailbox) => this.#mailbox(mailbox, roles.get(mailbox.name)))
  }

  level(level: string): string {
    const safe = level.replace(/[\u0000-\u001f\u007f*%]/g, '_')
    return this.#delimiter === undefined ? safe : safe.replaceAll(this.#delimiter, '_')
  }

  async create(
    path: readonly string[],
    { role, subscribed }: Pick<SideMailbox, 'role' | 'subscribed'>,
  ): Promise<SideMailbox> {
    const name = this.#nameOf(path)
    const use = role === undefined ? undefined : USES[role]
    const client = await this.#take()
    try {
      try {
        await client.create(name, client.capabilities.has('CREATE-SPECIAL-USE') ? use : undefined)
      } catch (error) {
        if (!(error instanceof RefusedError) || error.code !== 'USEATTR') throw error
        await client.create(name)
      }
    } catch (error) {
      if (error instanceof RefusedError && error.code !== 'ALREADYEXISTS') {
        this.#free.push(client)
        throw new SideRefusal(error.text, { cause: error })
      }
      if (!(error instanceof RefusedError)) throw error
    }
    if (subscribed !== false) await client.subscribe(name)
    this.#free.push(client)
    return { name, path: this.#path(name), role, subscribed: subscribed !== false, mark: undefined }
  }

  async open({ name }: SideMailbox, readOnly: boolean): Promise<OpenMailbox> {
    const client = await this.#take()
    try {
      await client.select(name, { readOnly })
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error
      this.#free.push(client)
      throw new SideRefusal(error.text, { cause: error })
    }
    return new ImapMailbox(client, name, readOnly, async () => {
      if (client.mailbox === undefined) return
      try {
        await client.unselect()
        this.#free.push(client)
      } catch (error) {
        // it is of no more use
        if (!(error instanceof ClientError)) throw error
        await client.logout()
      }
    })
  }

  async id(mailbox: SideMailbox): Promise<string | undefined> {
    return this.#lend(async (client) => {
      if (!client.capabilities.has('OBJECTID')) return undefined
      const { mailboxId } = await client.select(mailbox.name, { readOnly: true })
      await client.unselect()
      return mailboxId
    })
  }

  rename({ name, subscribed }: SideMailbox, path: readonly string[]): Promise<string> {
    return this.#lend(async (client) => {
      const to = this.#nameOf(path)
      await client.rename(name, to)
      // subscriptions are of names (RFC 9051 §6.3.7)
      if (subscribed === true) await Promise.all([client.subscribe(to), client.unsubscribe(name)])
      return to
    })
  }

  remove({ name, subscribed }: SideMailbox): Promise<void> {
    return this.#lend(async (client) => {
      await client.delete(name)
      if (subscribed === true) await client.unsubscribe(name)
    })
  }

  subscribe({ name }: SideMailbox, on: boolean): Promise<void> {
    return this.#lend((client) => (on ? client.subscribe(name) : client.unsubscribe(name)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#free.splice(0).map((client) => client.logout()))
  }

  /** @throws {SideRefusal} where the server says no */
  async #lend<T>(work: (client: ImapClient) => Promise<T>): Promise<T> {
    const client = await this.#take()
    try {
      const result = await work(client)
      this.#free.push(client)
      return result
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error
      this.#free.push(client)
      throw new SideRefusal(error.text, { cause: error })
    }
  }

  #nameOf(path: readonly string[]): string {
    if (path.length > 1 && this.#delimiter === undefined)
      throw new SideRefusal('The server has no mailboxes within mailboxes')
    return this.#prefix + path.map((level) => this.level(level)).join(this.#delimiter ?? '')
  }

  async #take(): Promise<ImapClient> {
    return this.#free.pop() ?? this.#connect()
  }

  #mailbox({ name, subscribed, status }: ListedMailbox, role: SideMailbox['role']): SideMailbox {
    const { UIDVALIDITY, UIDNEXT, MESSAGES, HIGHESTMODSEQ } = status ?? {}
    const mark = imapMark(UIDVALIDITY, UIDNEXT, MESSAGES, HIGHESTMODSEQ)
    return { name, path: this.#path(name), role, subscribed, mark }
  }

  #path(name: string): readonly string[] {
    if (name.toUpperCase() === 'INBOX') return ['INBOX']
    const own = name.startsWith(this.#prefix) ? name.slice(this.#prefix.length) : name
    const levels = this.#delimiter === undefined ? [own] : own.split(this.#delimiter)
    return levels.map((level, n) => (n === 0 && level.toUpperCase() === 'INBOX' ? 'INBOX' : level.normalize('NFC')))
  }
}
