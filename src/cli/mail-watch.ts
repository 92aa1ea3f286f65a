/** `malle mail watch`: says what arrives, as it arrives. @module */
import { Command } from 'commander'
import { print } from './context.ts'
import { say } from './language.ts'
import { type AccountFlags, onMail, withAccount } from './mail-account.ts'
import { fetchRows } from './mail-list.ts'
import { openMailbox } from './mail-mailbox.ts'
import { formatRows, terminalStyle } from './mail-rows.ts'
import { oneLine } from './mail-text.ts'
import { Signals } from './signals.ts'

export function watchCommand(): Command {
  return withAccount(new Command('watch'))
    .description(
      say('print messages as they arrive, until Ctrl-C', 'afficher les messages à leur arrivée, jusqu’à Ctrl-C'),
    )
    .option('--mailbox <name>', say('which one', 'lequel'), 'INBOX')
    .action(async (named: string, flags: AccountFlags & { readonly mailbox: string }) => {
      const signals = new Signals()
      const controller = new AbortController()
      void signals.stop.then(() => controller.abort())
      await onMail(named, flags, async (client) => {
        const mailbox = await openMailbox(client, flags.mailbox, true)
        let next = mailbox.uidNext ?? 1
        process.stderr.write(
          `${say(`Watching ${oneLine(mailbox.name)}.`, `Surveillance de ${oneLine(mailbox.name)}.`)}\n`,
        )
        for await (const event of client.watch({ signal: controller.signal })) {
          if (event.kind === 'alert') process.stderr.write(`${oneLine(event.text)}\n`)
          if (event.kind === 'reset') next = 1
          if (
            event.kind !== 'exists' &&
            event.kind !== 'resumed' &&
            event.kind !== 'overflow' &&
            event.kind !== 'reset'
          )
            continue
          // `n:*` names the last message although its UID is lower
          const rows = (await fetchRows(client, `${next}:*`, false)).filter(({ uid }) => uid >= next).toReversed()
          for (const row of rows) print(flags.json === true ? JSON.stringify(row) : formatRows([row], terminalStyle()))
          next = Math.max(next, ...rows.map(({ uid }) => uid + 1))
        }
      })
    })
}
