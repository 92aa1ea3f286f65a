/** The queue and what left it, as people read it. What other servers said is shown as text, whatever it is. @module */
import type {
  QueueAttemptView,
  QueueHistoryView,
  QueueMessageView,
  QueueRecipientView,
  StandingHoldView,
} from '#server/queue-views.ts'
import { formatBytes, formatTime, say } from './language.ts'
import { oneLine } from './mail-text.ts'
import { replyInFrench } from './own-replies.ts'
import { formatTable } from './table.ts'

/** A message with a line for each recipient. */
export function formatQueued(message: QueueMessageView): string {
  const { id, sender, account, received, size, notBefore, recipients } = message
  const facts = [formatTime(received), formatBytes(size), senderOf(sender, account)]
  if (notBefore !== null && Date.parse(notBefore) > Date.now())
    facts.push(say(`not before ${formatTime(notBefore)}`, `pas avant le ${formatTime(notBefore)}`))
  return [`${id}  ${facts.join('  ')}`, ...recipients.map((one) => `    ${recipientLine(one)}`)].join('\n')
}

/** Where it came from, and each try. */
export function formatQueueHistory(history: QueueHistoryView): string {
  const { receivedFrom, tries } = history
  const lines = [formatQueued(history)]
  if (receivedFrom !== null)
    lines.push(say(`Received from ${oneLine(receivedFrom)}.`, `Reçu de ${oneLine(receivedFrom)}.`))
  if (tries.length === 0) lines.push(say('It has not been tried yet.', 'Aucun essai n’a encore eu lieu.'))
  else
    lines.push(
      '',
      formatTable(
        [say('WHEN', 'QUAND'), say('RECIPIENT', 'DESTINATAIRE'), say('OUTCOME', 'ISSUE'), say('WITH', 'AVEC')],
        tries.map((one) => [secondOf(one.at), oneLine(one.recipient), OUTCOMES[one.outcome], wordsOf(one)]),
        Number.POSITIVE_INFINITY,
      ),
    )
  return lines.join('\n')
}

export function formatStandingHold({ kind, name, since, reason }: StandingHoldView): string {
  const time = formatTime(since)
  const why = REASONS[reason]
  switch (kind) {
    case 'all':
      return say(`Everything is held since ${time} (${why}).`, `Tout est retenu depuis le ${time} (${why}).`)
    case 'account':
      return say(
        `All mail of ${name} is held since ${time} (${why}).`,
        `Tout le courrier de ${name} est retenu depuis le ${time} (${why}).`,
      )
    case 'domain':
      return say(
        `All mail to ${name} is held since ${time} (${why}).`,
        `Tout le courrier vers ${name} est retenu depuis le ${time} (${why}).`,
      )
  }
}

function senderOf(sender: string, account: string | null): string {
  const from = sender === '' ? say('no sender', 'sans expéditeur') : oneLine(sender)
  return account === null || account === sender ? from : `${from} (${oneLine(account)})`
}

function recipientLine({ address, state, heldBecause, nextTry, attempts, last }: QueueRecipientView): string {
  const parts: string[] = [state === 'held' && heldBecause !== null ? heldWords(heldBecause) : STATES[state]]
  if (state === 'waiting') parts.push(say(`next try ${formatTime(nextTry)}`, `prochain essai ${formatTime(nextTry)}`))
  if (attempts > 0)
    parts.push(attempts === 1 ? say('1 try', '1 essai') : say(`${attempts} tries`, `${attempts} essais`))
  const words = last === null ? '' : `${COLON} ${wordsOf(last)}`
  return `${oneLine(address)}  ${parts.join(', ')}${words}`
}

function wordsOf({ host, tls, reply }: QueueAttemptView): string {
  const where = host === null ? '' : `${oneLine(host)}${tls === null ? '' : ` (${oneLine(tls)})`}${COLON} `
  return `${where}${oneLine(say(reply, replyInFrench(reply)))}`
}

function heldWords(reason: keyof typeof REASONS): string {
  return say(`held (${REASONS[reason]})`, `retenu (${REASONS[reason]})`)
}

function secondOf(at: string): string {
  return `${formatTime(at)}:${String(new Date(at).getSeconds()).padStart(2, '0')}`
}

const COLON = say(':', ' :')
const STATES = {
  waiting: say('waiting', 'en attente'),
  held: say('held', 'retenu'),
  delivered: say('delivered', 'remis'),
  failed: say('failed', 'échoué'),
  dropped: say('dropped', 'abandonné'),
} as const
const OUTCOMES = {
  delivered: say('delivered', 'remis'),
  deferred: say('deferred', 'différé'),
  failed: say('failed', 'échoué'),
} as const
const REASONS = {
  administrator: say('by an administrator', 'par l’administrateur'),
  outburst: say('much more mail than usual', 'bien plus de courrier que d’habitude'),
  policy: say('by policy', 'par une règle'),
} as const
