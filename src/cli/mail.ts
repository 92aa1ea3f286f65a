/** `malle mail`: mail for people at a terminal. @module */
import { Command } from 'commander'
import { say } from './language.ts'
import { attachmentsCommand } from './mail-attachments.ts'
import { flagCommand, moveCommand } from './mail-change.ts'
import { listCommand, searchCommand } from './mail-list.ts'
import { readCommand } from './mail-read.ts'
import { sendCommand } from './mail-send.ts'
import { watchCommand } from './mail-watch.ts'

export function mailCommand(): Command {
  return new Command('mail')
    .description(
      say(
        'read and write mail, here or on any IMAP server',
        'lire et écrire du courrier, ici ou sur tout serveur IMAP',
      ),
    )
    .addCommand(listCommand())
    .addCommand(readCommand())
    .addCommand(searchCommand())
    .addCommand(attachmentsCommand())
    .addCommand(moveCommand())
    .addCommand(flagCommand())
    .addCommand(sendCommand())
    .addCommand(watchCommand())
}
