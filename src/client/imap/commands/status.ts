/** STATUS (RFC 9051 §6.3.11). @module */
import type { StatusValues } from '#wire/imap/responses.ts'
import { formatStatusItems, type StatusItem } from '#wire/imap/status-items.ts'
import type { Capabilities } from '../capabilities.ts'
import type { ImapCommand } from '../command.ts'
import { sameMailbox } from '../listed-mailbox.ts'

/** What is always worth asking, as far as the server knows it. No MAILBOXID: Cyrus 3.6 answers with any bytes. */
export function statusItems(capabilities: Capabilities): readonly StatusItem[] {
  return [
    ...(['MESSAGES', 'UNSEEN', 'UIDNEXT', 'UIDVALIDITY'] as const),
    ...(capabilities.has('CONDSTORE') || capabilities.has('QRESYNC') ? (['HIGHESTMODSEQ'] as const) : []),
    ...(capabilities.has('STATUS=SIZE') ? (['SIZE'] as const) : []),
  ]
}

/** @param lenient A mailbox that was listed and cannot be asked has no figures. */
export function status(name: string, items: readonly StatusItem[], lenient = false): ImapCommand<StatusValues> {
  let values: StatusValues = {}
  return {
    name: 'STATUS',
    repeatable: true,
    write: (w) => w.text('STATUS ').mailbox(name).sp().text(formatStatusItems(items)),
    take(response) {
      if (response.kind !== 'STATUS' || !sameMailbox(response.mailbox, name)) return false
      values = response.values
      return true
    },
    finish: () => values,
    refuse: () => (lenient ? values : undefined),
  }
}
