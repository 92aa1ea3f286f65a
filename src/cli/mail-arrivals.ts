/** What is new in mailboxes since it was last looked at. @module */
import { MailboxChangedError, RefusedError } from '#client/errors.ts'
import type { ImapClient } from '#client/imap/imap-client.ts'
import { sameMailbox } from '#client/imap/listed-mailbox.ts'
import { fetchRows } from './mail-list.ts'
import type { MailRow } from './mail-rows.ts'

interface Seen {
  readonly name: string
  uidValidity: number
  /** The first UID that was not told. */
  next: number
}

/** See the module. */
export class Arrivals {
  readonly #client: ImapClient
  readonly #tell: (mailbox: string, row: MailRow) => void
  readonly #seen: readonly Seen[]
  /** One after the other: a mailbox is selected for it. */
  #looking: Promise<void> = Promise.resolve()

  private constructor(client: ImapClient, seen: readonly Seen[], tell: (mailbox: string, row: MailRow) => void) {
    this.#client = client
    this.#seen = seen
    this.#tell = tell
  }

  /**
   * Takes what is there now as known.
   * @param client For this alone.
   */
  static async begin(
    client: ImapClient,
    names: readonly string[],
    tell: (mailbox: string, row: MailRow) => void,
  ): Promise<Arrivals> {
    const seen: Seen[] = []
    for (const name of names) {
      const { UIDVALIDITY = 0, UIDNEXT = 1 } = await client.status(name, ['UIDVALIDITY', 'UIDNEXT'])
      seen.push({ name, uidValidity: UIDVALIDITY, next: UIDNEXT })
    }
    return new Arrivals(client, seen, tell)
  }

  /** Tells what has come into a mailbox; one that is not watched, or not there now, has nothing. */
  look(name: string): Promise<void> {
    const seen = this.#seen.find((each) => sameMailbox(each.name, name))
    if (seen === undefined) return Promise.resolve()
    this.#looking = this.#looking.then(() => this.#look(seen))
    return this.#looking
  }

  async #look(seen: Seen): Promise<void> {
    try {
      // selected anew each time: what was selected before may be another mailbox, or a mailbox made anew
      const { uidValidity } = await this.#client.select(seen.name, { readOnly: true })
      if (uidValidity !== seen.uidValidity) Object.assign(seen, { uidValidity, next: 1 })
      // `n:*` names the last message although its UID is lower
      const rows = (await fetchRows(this.#client, `${seen.next}:*`, false)).filter(({ uid }) => uid >= seen.next)
      for (const row of rows.toReversed()) {
        seen.next = row.uid + 1
        this.#tell(seen.name, row)
      }
    } catch (error) {
      // it was deleted, may not be read any more, or was made anew just now, of which there is word too
      if (!(error instanceof RefusedError || error instanceof MailboxChangedError)) throw error
    }
  }
}
