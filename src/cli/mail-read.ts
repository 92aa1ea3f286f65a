/** `malle mail read`: a message for a terminal. @module */
import { Buffer } from 'node:buffer'
import { Command } from 'commander'
import type { ImapClient } from '#client/imap/imap-client.ts'
import { decodeHeaderText } from '#mail/encoded-words.ts'
import { headerFields } from '#mail/headers.ts'
import { formatBytes, formatTime, say } from './language.ts'
import { type AccountFlags, onMail, withAccount } from './mail-account.ts'
import { noMessage, openMailbox, uidsNamed } from './mail-mailbox.ts'
import { type Attachment, attachmentsOf, readableParts } from './mail-parts.ts'
import { fullName, manyLines, oneLine, type Person, partText, people } from './mail-text.ts'
import { show } from './output.ts'
import { cutToWidth, displayWidth, terminalWidth, wrapToWidth } from './width.ts'

interface ReadFlags extends AccountFlags {
  readonly mailbox: string
  readonly seen?: boolean
  readonly headers?: boolean
  readonly raw?: boolean
}

/** Octets of a part that are shown; nobody reads more in a terminal. */
const TEXT_BYTES = 1_048_576

/** A message as `--json` prints it. */
interface ReadMessage {
  readonly uid: number
  readonly date: string
  readonly from: readonly Person[]
  readonly to: readonly Person[]
  readonly cc: readonly Person[]
  readonly subject: string
  readonly flags: readonly string[]
  readonly size: number
  readonly text: string
  /** The text is longer than what is shown. */
  readonly cut: boolean
  readonly attachments: readonly Attachment[]
  /** Only with `--headers`. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
}

export function readCommand(): Command {
  return withAccount(new Command('read'))
    .argument('<uid>', say('number of the message, as listed', 'numéro du message, comme affiché'))
    .description(say('show a message; it stays unread', 'afficher un message ; il reste non lu'))
    .option('--mailbox <name>', say('which one', 'lequel'), 'INBOX')
    .option('--seen', say('mark it as read', 'le marquer comme lu'))
    .option('--headers', say('every header field', 'tous les champs d’en-tête'))
    .option('--raw', say('its bytes, as they are', 'ses octets, tels quels'))
    .action(async (named: string, uidText: string, flags: ReadFlags) => {
      const [[uid] = [0]] = uidsNamed([uidText])
      await onMail(named, flags, async (client) => {
        await openMailbox(client, flags.mailbox, flags.seen !== true)
        if (flags.raw === true) await writeRaw(client, uid)
        else {
          const message = await readMessage(client, uid, flags.headers === true)
          show(flags, message, () => formatMessage(message))
        }
        if (flags.seen === true) await client.store(uid, { add: ['\\Seen'] })
      })
    })
}

async function readMessage(client: ImapClient, uid: number, withHeaders: boolean): Promise<ReadMessage> {
  const message = await client.fetchOne(uid, {
    flags: true,
    envelope: true,
    internalDate: true,
    size: true,
    bodyStructure: true,
    headers: true,
  })
  if (message === undefined) throw noMessage(uid)
  const { envelope, bodyStructure } = message
  const texts: string[] = []
  let cut = false
  for (const { number, part } of readableParts(bodyStructure)) {
    const range = { offset: 0, length: TEXT_BYTES }
    const fetched = await client.fetchOne(uid, { parts: [{ part: number, range }] })
    for await (const { body } of fetched?.parts ?? []) {
      if (body === undefined) continue
      texts.push(partText(part, await body.bytes()))
      cut ||= part.size > TEXT_BYTES
    }
  }
  const fields = headerFields(Buffer.from(message.headers ?? []).toString('latin1'))
  const headers = fields.map(({ name, rawValue }) => [oneLine(name), oneLine(decodeHeaderText(rawValue))] as const)
  return {
    uid,
    date: new Date(message.internalDate.time).toISOString(),
    from: people(envelope.from),
    to: people(envelope.to),
    cc: people(envelope.cc),
    subject: oneLine(decodeHeaderText(envelope.subject ?? '')),
    flags: message.flags,
    size: message.size,
    text: manyLines(texts.join('\n')),
    cut,
    attachments: attachmentsOf(bodyStructure),
    ...(withHeaders ? { headers } : {}),
  }
}

/** Bytes as they are belong into files and other programs; a terminal gets them without what could command it. */
async function writeRaw(client: ImapClient, uid: number): Promise<void> {
  const message = await client.fetchOne(uid, { body: true })
  if (message?.body === undefined) throw noMessage(uid)
  for await (const chunk of message.body) {
    const shown = process.stdout.isTTY ? manyLines(Buffer.from(chunk).toString('latin1')) : chunk
    if (!process.stdout.write(shown)) await new Promise((resolve) => process.stdout.once('drain', resolve))
  }
}

function formatMessage(message: ReadMessage): string {
  const lines = message.headers?.map(([name, value]) => `${name}: ${value}`) ?? usualLines(message)
  const text = wrapToWidth(message.text.trimEnd(), terminalWidth())
  const parts = [lines.join('\n'), '', text === '' ? say('(no text)', '(sans texte)') : text]
  if (message.cut) parts.push(say('… (longer: --raw has all of it)', '… (plus long : --raw donne tout)'))
  if (message.attachments.length > 0)
    parts.push('', say('Attachments:', 'Pièces jointes :'), ...message.attachments.map(line))
  return parts.join('\n')
}

function usualLines({ from, to, cc, subject, date }: ReadMessage): readonly string[] {
  const row = (name: string, value: string): string[] => (value === '' ? [] : [`${name} ${value}`])
  const names = (list: readonly Person[]): string => list.map(fullName).join(', ')
  return [
    ...row(say('From:', 'De :'), names(from)),
    ...row(say('To:', 'À :'), names(to)),
    ...row('Cc:', names(cc)),
    ...row(say('Date:', 'Date :'), formatTime(date)),
    ...row(say('Subject:', 'Objet :'), subject),
  ]
}

/** The name is cut where the line would be wider than the terminal. */
function line({ part, name, type, size }: Attachment): string {
  const rest = `  ${type}  ${formatBytes(size)}`
  const room = Math.max(12, terminalWidth() - displayWidth(`  ${part}  ${rest}`))
  return `  ${part}  ${cutToWidth(name === '' ? say('(no name)', '(sans nom)') : name, room)}${rest}`
}
