/** What senders are told of their mail: failures, delays, and that it went where nobody reports (RFC 3461 §5.2, §6). @module */
import type { Clock } from '#lib/clock.ts'
import { composeDeliveryReport, type ReportedRecipient } from '#mail/delivery-report.ts'
import { hasEightBit } from '#mail/quoted-printable.ts'
import type { Attempt, NewMessage, QueuedMessage, QueuedRecipient, QueueStage, QueueStore } from '#store/queue.ts'

/** One recipient, and what its sender hears of it. */
export interface Told {
  readonly recipient: QueuedRecipient
  readonly action: 'failed' | 'delayed' | 'relayed'
  readonly attempt: Attempt
}

export interface ReportDeps {
  readonly store: Pick<QueueStore, 'body'>
  readonly stage: () => QueueStage
  readonly hostname: string
  readonly clock: Clock
  readonly giveUpMs: number
  readonly random: () => number
}

/** Reports go after people's mail. */
const REPORT_PRIORITY = -1

/** Octets of a message that go back with a failure: where the sender said nothing of it, and with RET=FULL. */
const MOST_WHOLE = 65_536
const MOST_WHOLE_ASKED = 1_048_576
const MOST_HEADER = 65_536

/** Written by this server, and not only handed on. */
export function isOwnReport({ sender, account, priority }: QueuedMessage): boolean {
  return sender === '' && account === undefined && priority === REPORT_PRIORITY
}

const ACTIONS = ['failed', 'delayed', 'relayed'] as const

/** Whether the sender wants to hear of it (RFC 3461 §4.1); nothing said means failures and delays. */
export function wants({ notify }: Pick<QueuedRecipient, 'notify'>, action: Told['action']): boolean {
  if (notify === undefined) return action !== 'relayed'
  const word = { failed: 'FAILURE', delayed: 'DELAY', relayed: 'SUCCESS' } as const
  return notify.includes(word[action])
}

/** Staged reports, one for each kind; none about the null sender (§6.1), or that nobody wants. */
export async function reportsOf(
  message: QueuedMessage,
  told: readonly Told[],
  deps: ReportDeps,
): Promise<readonly NewMessage[]> {
  if (message.sender === '') return []
  const reports: NewMessage[] = []
  for (const action of ACTIONS) {
    const those = told.filter((one) => one.action === action && wants(one.recipient, action))
    if (those.length > 0) reports.push(await reportOf(message, action, those, deps))
  }
  return reports
}

async function reportOf(
  message: QueuedMessage,
  action: Told['action'],
  told: readonly Told[],
  deps: ReportDeps,
): Promise<NewMessage> {
  const { hostname, clock, random } = deps
  const at = clock.now()
  // the tail keeps two reports of one moment apart
  const tail = `${at.toString(36)}${Math.floor(random() * 1_679_616).toString(36)}`
  const id = `${message.id}.${action.charAt(0)}${tail}`
  const { header, whole } = await returned(message, action, deps)
  const bytes = composeDeliveryReport({
    hostname,
    from: `postmaster@${domainOf(message.account) ?? hostname}`,
    to: message.sender,
    id,
    envelopeId: message.envelopeId,
    at,
    arrival: message.at,
    recipients: told.map((one) => reported(one)),
    header,
    whole,
    smtpUtf8: message.smtpUtf8,
    language: message.language,
    until: action === 'delayed' ? sinceOf(message) + deps.giveUpMs : undefined,
  })
  const stage = deps.stage()
  try {
    await stage.write(bytes)
  } catch (error) {
    await stage.abandon()
    throw error
  }
  return {
    id,
    sender: '',
    body: await stage.finish(),
    smtpUtf8: /[^\0-\x7f]/.test(message.sender),
    eightBit: hasEightBit(bytes),
    priority: REPORT_PRIORITY,
    at,
    language: message.language,
    recipients: [{ address: message.sender, notify: ['NEVER'] }],
  }
}

/** Since when it could be sent. */
export function sinceOf({ at, notBefore }: Pick<QueuedMessage, 'at' | 'notBefore'>): number {
  return Math.max(at, notBefore ?? 0)
}

function reported({ recipient, action, attempt }: Told): ReportedRecipient {
  const { address, alias, original } = recipient
  const split = original?.indexOf(';') ?? -1
  return {
    address: alias ?? address,
    original:
      original === undefined ? undefined : { type: original.slice(0, split), address: original.slice(split + 1) },
    action,
    status: statusOf(action, attempt.reply),
    remote: attempt.host,
    words: attempt.reply,
    lastAttempt: attempt.at,
  }
}

/** RFC 3464 §2.3.4: of the class that goes with the action, whatever the server said. */
function statusOf(action: Told['action'], reply: string): string {
  const [, code, status] = /^(?:(\d)\d\d ?)?(?:([245]\.\d{1,3}\.\d{1,3})(?: |$))?/.exec(reply) ?? []
  const wanted = { failed: '5', delayed: '4', relayed: '2' }[action]
  if (status?.charAt(0) === wanted) return status
  return action === 'failed' && (status ?? code)?.startsWith('4') === true ? '5.4.7' : `${wanted}.0.0`
}

/** The header, and all of it where that goes back (RFC 3461 §4.3, §6.2). */
async function returned(
  message: QueuedMessage,
  action: Told['action'],
  { store }: ReportDeps,
): Promise<{ readonly header: Uint8Array; readonly whole: Uint8Array | undefined }> {
  const { returns, body } = message
  const most = returns === 'HDRS' ? 0 : returns === 'FULL' ? MOST_WHOLE_ASKED : MOST_WHOLE
  const whole = action === 'failed' && body.size <= most
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of await store.body(message)) {
      chunks.push(chunk)
      size += chunk.length
      if (!whole && (size >= MOST_HEADER || Buffer.concat(chunks).includes('\r\n\r\n'))) break
    }
  } catch {
    // what cannot be read is one more reason to tell the sender
    return { header: new Uint8Array(0), whole: undefined }
  }
  const bytes = Buffer.concat(chunks)
  const end = bytes.indexOf('\r\n\r\n')
  return { header: end === -1 ? bytes : bytes.subarray(0, end + 4), whole: whole ? bytes : undefined }
}

function domainOf(address: string | undefined): string | undefined {
  return address?.slice(address.lastIndexOf('@') + 1)
}
