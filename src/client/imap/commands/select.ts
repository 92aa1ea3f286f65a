/** SELECT and EXAMINE (RFC 9051 §6.3.2, §6.3.3, RFC 7162 §3.1.8, §3.2.5), CLOSE and UNSELECT. @module */
import { normaliseUidSet, type UidSet } from '#mail/uid-set.ts'
import type { FetchResponse } from '#wire/imap/responses.ts'
import { formatSelectParams, type QresyncParams } from '#wire/imap/select-params.ts'
import { type ImapCommand, plainCommand } from '../command.ts'
import { SelectedMailbox, type Tracking } from '../selected-mailbox.ts'
import type { ImapSession } from '../session.ts'

export interface SelectOptions {
  /** EXAMINE: nothing can be changed. Default `false`. */
  readonly readOnly?: boolean
  /** What is kept of each message; default `none`. */
  readonly tracking?: Tracking
  /** What is remembered of the mailbox, where the server can tell what changed since (QRESYNC). */
  readonly since?: QresyncParams
}

/** A mailbox that was opened, and what changed since it was known. */
export interface Opened {
  readonly mailbox: SelectedMailbox
  /** UIDs that are gone; `undefined`: the server was not asked, or the UIDVALIDITY is another one. */
  readonly vanished: UidSet | undefined
  readonly changed: readonly FetchResponse[]
}

export function select(session: ImapSession, name: string, options: SelectOptions): ImapCommand<Opened> {
  const { capabilities, enabled } = session
  const mailbox = new SelectedMailbox(name, options.tracking ?? 'none')
  const verb = options.readOnly === true ? 'EXAMINE' : 'SELECT'
  const qresync = enabled.has('QRESYNC') ? options.since : undefined
  const condstore = capabilities.has('CONDSTORE') && !enabled.has('CONDSTORE') && !enabled.has('QRESYNC')
  const vanished: (readonly [number, number])[] = []
  const changed: FetchResponse[] = []
  return {
    name: verb,
    alone: true,
    repeatable: true,
    write: (w) => w.text(`${verb} `).mailbox(name).text(formatSelectParams({ condstore, qresync })),
    take(response) {
      if (response.kind === 'VANISHED') vanished.push(...response.uids)
      else if (response.kind === 'FETCH') changed.push(response)
      else return mailbox.opening(response)
      return true
    },
    finish(done) {
      mailbox.opened(done, options.readOnly === true)
      const resumed = qresync !== undefined && qresync.uidValidity === mailbox.uidValidity
      return { mailbox, vanished: resumed ? normaliseUidSet(vanished) : undefined, changed }
    },
  }
}

/** Leaves the mailbox; with `expunge` what is marked `\Deleted` goes (CLOSE). */
export function leave(session: ImapSession, expunge: boolean): ImapCommand<void> {
  const verb = expunge || !session.capabilities.has('UNSELECT') ? 'CLOSE' : 'UNSELECT'
  return plainCommand(verb, () => undefined, { alone: true })
}
