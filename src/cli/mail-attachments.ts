/** `malle mail attachments`: what is attached, into files. @module */
import { mkdir, open, unlink } from 'node:fs/promises'
import path from 'node:path'
import { Command } from 'commander'
import type { FetchedBody } from '#client/imap/fetched-body.ts'
import type { ImapClient } from '#client/imap/imap-client.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { transferDecoder } from '#mail/transfer-decoding.ts'
import { CliError } from './cli-error.ts'
import { formatBytes, say } from './language.ts'
import { type AccountFlags, onMail, withAccount } from './mail-account.ts'
import { fileNameOf } from './mail-file-name.ts'
import { noMessage, openMailbox, uidsNamed } from './mail-mailbox.ts'
import { attachedParts, type NumberedPart } from './mail-parts.ts'
import { partName } from './mail-text.ts'
import { show } from './output.ts'
import { systemCode } from './reasons.ts'

interface AttachmentFlags extends AccountFlags {
  readonly mailbox: string
  readonly to: string
  readonly part?: readonly string[]
}

interface Saved {
  readonly part: string
  readonly path: string
  /** Octets. */
  readonly size: number
}

/** Names tried before it is given up. */
const TRIES = 1_000

export function attachmentsCommand(): Command {
  return withAccount(new Command('attachments'))
    .argument('<uid>', say('number of the message, as listed', 'numéro du message, comme affiché'))
    .description(
      say(
        'save what is attached; no file is overwritten',
        'enregistrer les pièces jointes ; aucun fichier n’est écrasé',
      ),
    )
    .option('--to <dir>', say('where they go', 'destination'), '.')
    .option('--part <numbers...>', say('only these, as read shows them', 'celles de ces numéros seulement'))
    .option('--mailbox <name>', say('where it is', 'où il est'), 'INBOX')
    .action(async (named: string, uidText: string, flags: AttachmentFlags) => {
      const [[uid] = [0]] = uidsNamed([uidText])
      const folder = path.resolve(flags.to)
      await onMail(named, flags, async (client) => {
        await openMailbox(client, flags.mailbox, true)
        const message = await client.fetchOne(uid, { bodyStructure: true })
        if (message === undefined) throw noMessage(uid)
        const parts = wanted(attachedParts(message.bodyStructure), flags.part)
        const saved: Saved[] = []
        if (parts.length > 0) await mkdir(folder, { recursive: true })
        for (const part of parts) saved.push(await save(client, uid, part, folder))
        show(flags, saved, () =>
          saved.length === 0
            ? say('Nothing is attached.', 'Aucune pièce jointe.')
            : saved.map((each) => `${each.path}  ${formatBytes(each.size)}`).join('\n'),
        )
      })
    })
}

function wanted(parts: readonly NumberedPart[], numbers: readonly string[] | undefined): readonly NumberedPart[] {
  if (numbers === undefined) return parts
  return numbers.map((number) => {
    const found = parts.find((part) => part.number.join('.') === number)
    if (found !== undefined) return found
    throw new CliError(
      EXIT.noSuchThing,
      say(`There is no attachment ${number}.`, `Il n’y a pas de pièce jointe ${number}.`),
    )
  })
}

async function save(client: ImapClient, uid: number, { number, part }: NumberedPart, folder: string): Promise<Saved> {
  const message = await client.fetchOne(uid, { parts: [{ part: number }] })
  const name = fileNameOf(partName(part), `${part.type}/${part.subtype}`, number.join('.'))
  for await (const { body } of message?.parts ?? []) {
    if (body === undefined) break
    return { part: number.join('.'), ...(await write(folder, name, part.encoding, body)) }
  }
  throw noMessage(uid)
}

/** Into a new file: one that is there already, or is a link, is left alone and another name tried. */
async function write(
  folder: string,
  name: string,
  encoding: string,
  body: FetchedBody,
): Promise<Pick<Saved, 'path' | 'size'>> {
  const { handle, file } = await newFile(folder, name)
  let size = 0
  try {
    // an encoding that nobody knows is kept as it is
    const decoder = transferDecoder(encoding) ?? { push: (bytes: Uint8Array) => bytes, end: () => new Uint8Array(0) }
    for await (const chunk of body) {
      const bytes = decoder.push(chunk)
      size += bytes.length
      await handle.writeFile(bytes)
    }
    const last = decoder.end()
    size += last.length
    await handle.writeFile(last)
    await handle.close()
    return { path: file, size }
  } catch (error) {
    // half a file must not look like a whole one
    await handle.close()
    await unlink(file)
    throw error
  }
}

async function newFile(
  folder: string,
  name: string,
): Promise<{ handle: Awaited<ReturnType<typeof open>>; file: string }> {
  const { name: stem, ext } = path.parse(name)
  for (let n = 0; n < TRIES; n += 1) {
    const file = path.join(folder, n === 0 ? name : `${stem} (${n})${ext}`)
    try {
      return { handle: await open(file, 'wx', 0o600), file }
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error
    }
  }
  throw new CliError(
    EXIT.cannotWrite,
    say(
      `${folder} has ${TRIES} files named ${name} already.`,
      `${folder} contient déjà ${TRIES} fichiers nommés ${name}.`,
    ),
  )
}
