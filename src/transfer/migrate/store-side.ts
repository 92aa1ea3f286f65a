/** An account here as the side that mail is brought to. @module */
import type { MailboxRole } from '#client/index.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef, MailboxInfo, SpecialUse } from '#store/types.ts'
import { type OpenMailbox, type Side, type SideMailbox, SideRefusal } from '../sync/side.ts'
import { BY, StoreMailbox } from './store-mailbox.ts'

const USES: Readonly<Partial<Record<MailboxRole, SpecialUse>>> = {
  archive: 'Archive',
  drafts: 'Drafts',
  junk: 'Junk',
  sent: 'Sent',
  trash: 'Trash',
}

/** See the module. */
export class StoreSide implements Side {
  readonly name = 'malle'
  readonly #store: MailStore
  readonly #account: AccountRef

  constructor(store: MailStore, account: AccountRef) {
    this.#store = store
    this.#account = account
  }

  async list(): Promise<readonly SideMailbox[]> {
    const subscribed = new Set(await this.#store.subscriptions(this.#account))
    const mailboxes = await this.#store.mailboxes(this.#account)
    return mailboxes.map((mailbox) => sideMailbox(mailbox, subscribed.has(mailbox.name)))
  }

  level(level: string): string {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: names have none
    return level.replace(/[/\u0000-\u001f\u007f-\u009f]/g, '_')
  }

  async create(
    path: readonly string[],
    { role, subscribed }: Pick<SideMailbox, 'role' | 'subscribed'>,
  ): Promise<SideMailbox> {
    const name = path.map((level) => this.level(level)).join('/')
    const use = role === undefined ? undefined : USES[role]
    const mailbox = (await this.#create(name, use)) ?? (await this.#create(name, undefined))
    if (mailbox === undefined) throw new SideRefusal('The special use is taken')
    const wanted = subscribed !== false
    if (wanted) await this.#store.write('subscribe', { account: this.#account, by: BY, name, subscribed: true })
    return sideMailbox(mailbox, wanted)
  }

  async open({ name }: SideMailbox): Promise<OpenMailbox> {
    const mailbox = await this.#store.mailboxByName(this.#account, name)
    if (mailbox === undefined) throw new SideRefusal('It is not there any more')
    return new StoreMailbox({
      store: this.#store,
      account: this.#account,
      mailbox: mailbox.key,
      uidValidity: mailbox.uidValidity,
      inOrder: name === 'INBOX',
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve()
  }

  /** @returns `undefined`: another mailbox has that use. */
  async #create(name: string, specialUse: SpecialUse | undefined): Promise<MailboxInfo | undefined> {
    const answer = await this.#store.write('createMailbox', { account: this.#account, by: BY, name, specialUse })
    if (answer.ok) return answer.value.mailbox
    if (answer.error.kind === 'special-use-taken') return undefined
    if (answer.error.kind === 'mailbox-exists') {
      const there = await this.#store.mailboxByName(this.#account, name)
      if (there !== undefined) return there
    }
    throw new SideRefusal(answer.error.kind)
  }
}

function sideMailbox(
  { name, specialUse, uidValidity, uidNext, messages, highestModseq }: MailboxInfo,
  subscribed: boolean,
): SideMailbox {
  const role = (Object.keys(USES) as MailboxRole[]).find((each) => USES[each] === specialUse)
  return {
    name,
    path: name.split('/'),
    role: name === 'INBOX' ? 'inbox' : specialUse === undefined ? undefined : role,
    subscribed,
    mark: [uidValidity, uidNext, messages, highestModseq].join(' '),
  }
}
