/** `malle mail send`: composes a message, submits it, and files a copy in Sent. @module */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { Command } from 'commander'
import { ClientError } from '#client/errors.ts'
import type { ImapClient } from '#client/imap/imap-client.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { CliError } from './cli-error.ts'
import { counted, say } from './language.ts'
import { type AccountFlags, type MailAccount, onMail, smtpUrl, withAccount } from './mail-account.ts'
import { submit } from './mail-submit.ts'
import { oneLine } from './mail-text.ts'
import { readText } from './options.ts'
import { show } from './output.ts'
import { reasonOf } from './reasons.ts'

interface SendFlags extends AccountFlags {
  readonly to: readonly string[]
  readonly cc?: readonly string[]
  readonly bcc?: readonly string[]
  readonly subject: string
  readonly from?: string
  readonly body?: string
  readonly attach?: readonly string[]
  readonly smtp?: string
}

export function sendCommand(): Command {
  return withAccount(new Command('send'))
    .description(
      say(
        'write a message and send it; a copy goes to Sent',
        'écrire un message et l’envoyer ; une copie va dans les envoyés',
      ),
    )
    .requiredOption('--to <addresses...>', say('who gets it', 'destinataires'))
    .requiredOption('--subject <text>', say('what it is about', 'objet'))
    .option('--cc <addresses...>', say('who gets a copy', 'destinataires en copie'))
    .option('--bcc <addresses...>', say('who gets a copy unseen by others', 'destinataires en copie cachée'))
    .option(
      '--from <address>',
      say('sender, as "Ann <ann@example.org>"', 'expéditeur, comme « Ann <ann@example.org> »'),
    )
    .option(
      '--body <file>',
      say('its text; else standard input or your editor', 'son texte ; sinon l’entrée standard ou votre éditeur'),
    )
    .option('--attach <files...>', say('files to attach', 'fichiers à joindre'))
    .option(
      '--smtp <url>',
      say('submission server, as smtps://login@host', 'serveur d’envoi, comme smtps://identifiant@hôte'),
    )
    .action(async (named: string, flags: SendFlags) => {
      if (flags.config !== undefined && flags.smtp !== undefined) {
        throw new CliError(
          EXIT.usage,
          say(
            'With --config mail goes through the server of that configuration: leave --smtp out.',
            'Avec --config, l’envoi passe par le serveur de cette configuration : retirez --smtp.',
          ),
        )
      }
      const smtp = flags.smtp === undefined ? undefined : smtpUrl(flags.smtp)
      const attachments = await Promise.all((flags.attach ?? []).map(attachment))
      const body = await bodyOf(flags)
      await onMail(named, flags, async (client, account) => {
        const from = senderOf(flags, account)
        const { raw, envelope } = await compose(flags, from, body, attachments)
        const server = await account.submission(smtp, envelope.from)
        const { accepted, rejected } = await submit(server, raw, envelope)
        const filed = await fileCopy(client, raw)
        if (rejected.length > 0 || filed === undefined) process.exitCode = EXIT.failed
        show(flags, { accepted, rejected, filed: filed ?? null }, () => sentences(accepted, rejected, filed))
      })
    })
}

interface Attached {
  readonly filename: string
  readonly content: Buffer
}

async function attachment(file: string): Promise<Attached> {
  try {
    return { filename: path.basename(file), content: await readFile(file) }
  } catch (error) {
    const reason = reasonOf(error)
    if (reason === undefined) throw error
    throw new CliError(
      EXIT.noSuchThing,
      say(`Cannot read ${file}: ${reason}.`, `Impossible de lire ${file} : ${reason}.`),
    )
  }
}

async function bodyOf({ body, passwordStdin }: SendFlags): Promise<string> {
  if (body !== undefined) return readText(body)
  if (process.stdin.isTTY) return fromEditor()
  if (passwordStdin === true) {
    throw new CliError(
      EXIT.usage,
      say(
        'Standard input is the password already: give the text with --body FILE.',
        'L’entrée standard est déjà le mot de passe : donnez le texte par --body FICHIER.',
      ),
    )
  }
  return text(process.stdin)
}

/** What the person writes in an editor of theirs; nothing written is nothing sent. */
async function fromEditor(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-mail-'))
  const file = path.join(folder, 'message.txt')
  try {
    await writeFile(file, '', { mode: 0o600 })
    const editor = process.env.VISUAL || process.env.EDITOR || 'vi'
    // as other programs do: the variable may have arguments
    const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' })
    const [code] = (await once(child, 'exit')) as [number | null]
    const written = await readFile(file, 'utf8')
    if (code === 0 && written.trim() !== '') return written
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  throw new CliError(
    EXIT.tryAgain,
    say('Nothing was written, nothing is sent.', 'Rien n’a été écrit, rien n’est envoyé.'),
  )
}

function senderOf(flags: SendFlags, { from }: MailAccount): string {
  const sender = flags.from ?? from
  if (sender !== undefined) return sender
  throw new CliError(EXIT.usage, say('Say who it is from: --from ADDRESS.', 'Indiquez l’expéditeur : --from ADRESSE.'))
}

/** Sender and recipients as SMTP is told them. */
export interface Envelope {
  readonly from: string
  readonly to: string[]
}

async function compose(
  { to, cc, bcc, subject }: SendFlags,
  from: string,
  body: string,
  attachments: readonly Attached[],
): Promise<{ raw: Buffer; envelope: Envelope }> {
  const { default: MailComposer } = await import('nodemailer/lib/mail-composer')
  const message = new MailComposer({
    from,
    to: [...to],
    ...(cc === undefined ? {} : { cc: [...cc] }),
    ...(bcc === undefined ? {} : { bcc: [...bcc] }),
    subject,
    text: body,
    attachments: attachments.map(({ filename, content }) => ({ filename, content })),
    newline: 'windows',
  }).compile()
  const envelope = message.getEnvelope()
  const recipients = [envelope.to].flat().filter((each) => typeof each === 'string')
  const bad = recipients.find((each) => !/^[^\s@]+@[^\s@]+$/.test(each))
  if (typeof envelope.from !== 'string' || recipients.length === 0 || bad !== undefined) {
    throw new CliError(
      EXIT.badData,
      say(
        `"${oneLine(bad ?? String(envelope.from || from))}" is not an address.`,
        `« ${oneLine(bad ?? String(envelope.from || from))} » n’est pas une adresse.`,
      ),
    )
  }
  return { raw: await message.build(), envelope: { from: envelope.from, to: recipients } }
}

/** The name of the mailbox; `undefined`: the message is sent and the copy is not kept. */
async function fileCopy(client: ImapClient, raw: Buffer): Promise<string | undefined> {
  try {
    const name = (await client.specialMailboxes()).get('sent')?.name ?? (await newSent(client))
    await client.append(name, { body: raw, flags: ['\\Seen'] })
    return name
  } catch (error) {
    if (!(error instanceof ClientError)) throw error
    process.stderr.write(`malle: ${oneLine(error.message)}\n`)
    return undefined
  }
}

/** Where one's own mailboxes are (RFC 2342): `INBOX.Sent` on some servers. */
async function newSent(client: ImapClient): Promise<string> {
  const personal = client.capabilities.has('NAMESPACE') ? (await client.namespaces()).personal : []
  const name = `${personal[0]?.prefix ?? ''}Sent`
  await client.create(name)
  return name
}

function sentences(accepted: readonly string[], rejected: readonly string[], filed: string | undefined): string {
  const people = counted(accepted.length, ['person', 'people'], ['personne', 'personnes'])
  const said = [
    filed === undefined
      ? say(`Sent to ${people}, but no copy could be kept.`, `Envoyé à ${people}, mais sans copie gardée.`)
      : say(
          `Sent to ${people}; a copy is in ${oneLine(filed)}.`,
          `Envoyé à ${people} ; une copie est dans ${oneLine(filed)}.`,
        ),
  ]
  if (rejected.length > 0) {
    const names = rejected.map(oneLine).join(', ')
    said.push(say(`Refused by the server: ${names}.`, `Refusé par le serveur : ${names}.`))
  }
  return said.join('\n')
}
