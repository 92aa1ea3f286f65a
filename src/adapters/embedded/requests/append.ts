import { done, type Result, refused } from '#lib/result.ts'
import type { Modseq, Uid } from '#mail/ids.ts'
import { uidSetOf } from '#mail/uid-set.ts'
import { permittedFlags } from '#store/acl.ts'
import type { NewMessage, StagedBody } from '#store/types.ts'
import type { Writes } from '#store/writes.ts'
import { announce, locate, type Transaction } from '../transaction.ts'
import { record } from './record.ts'
import { quotaBroken, storeFor, uidsExhausted } from './store-message.ts'

type Answer = Result<Writes['append']['value'], Writes['append']['refusal']>

/** Octets of a staged body. */
export function bodySize(body: StagedBody): number {
  return body.kind === 'bytes' ? body.bytes.length : body.size
}

/** APPEND, of one message or several: all or none. */
export function append(tx: Transaction, request: Writes['append']['request']): Answer {
  const place = locate(tx, request.account.id, request.mailbox)
  if (!place.ok) return place
  const { account, mailbox } = place.value
  const messages = permitted(request)
  if (uidsExhausted(mailbox, messages.length)) return refused({ kind: 'uids-exhausted' })
  let octets = 0
  const keywords = tx.ledger.keywords(account)
  const uidls = new Set<string>()
  for (const message of messages) {
    octets += bodySize(message.body) + message.trace.length
    const limit = keywords.limitBroken(message.flags.keywords)
    if (limit !== undefined) return refused({ kind: 'too-many-keywords', limit })
    const { uidl } = message
    if (uidl === undefined) continue
    if (uidls.has(uidl) || uidlExists(tx, account.row.slot, mailbox.key, uidl)) {
      return refused({ kind: 'uidl-taken', uidl })
    }
    uidls.add(uidl)
  }
  const broken = quotaBroken(account, octets, messages.length)
  if (broken !== undefined) return refused(broken)

  const uids: Uid[] = []
  if (messages.length > 0) {
    const modseq = tx.ledger.bump(account, mailbox)
    for (const message of messages) {
      const stored = tx.bodies.put(message.body)
      uids.push(storeFor(tx, request.guest, account, mailbox, modseq, { ...message, place: stored }) as Uid)
    }
    record(tx, request.by, 'appended', place.value, uidSetOf(uids))
    announce(tx, account, mailbox, request.by)
  }
  return done({ modseq: account.row.modseq as Modseq, uidValidity: mailbox.uidValidity, uids })
}

/** With the flags that a guest's rights allow. */
function permitted({ messages, guest }: Writes['append']['request']): readonly NewMessage[] {
  if (guest === undefined) return messages
  return messages.map((message) => ({ ...message, flags: permittedFlags(message.flags, guest.rights) }))
}

function uidlExists(tx: Transaction, slot: number, mailbox: number, uidl: string): boolean {
  return (
    tx.sql.get('SELECT 1 FROM message WHERE account = ? AND mailbox = ? AND uidl = ?', slot, mailbox, uidl) !==
    undefined
  )
}
