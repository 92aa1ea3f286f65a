/** `malle session`. @module */
import { Command } from 'commander'
import { administer, type CommonOptions, print, show, withConfig, withListing } from './context.ts'
import { counted, formatTime, say } from './language.ts'
import { formatTable } from './table.ts'

export function sessionCommand(): Command {
  const session = new Command('session').description(say('connections that are open', 'connexions ouvertes'))
  withListing(session.command('list'))
    .description(say('list the connections', 'lister les connexions'))
    .action(async (options: CommonOptions) => {
      const list = await administer(options, (admin) => admin.ask('session.list', {}))
      show(options, list, () =>
        list.length === 0
          ? say('Nobody is connected.', 'Personne n’est connecté.')
          : formatTable(
              [
                'ID',
                say('PROTOCOL', 'PROTOCOLE'),
                say('ACCOUNT', 'COMPTE'),
                say('FROM', 'DEPUIS'),
                'TLS',
                'DEFLATE',
                say('SINCE', 'DÉBUT'),
                say('MAILBOX', 'DOSSIER'),
                'CLIENT',
              ],
              list.map((one) => [
                one.id,
                one.protocol,
                one.address ?? '-',
                one.remoteAddress,
                yesOrNo(one.secure),
                yesOrNo(one.compressed === true),
                formatTime(one.since),
                one.mailbox ?? '-',
                one.client ?? '-',
              ]),
            ),
      )
    })
  withConfig(session.command('kick <connection-or-address>'))
    .description(say('close a connection, or all of an account', 'fermer une connexion, ou toutes celles d’un compte'))
    .action(async (what: string, options: CommonOptions) => {
      const { kicked } = await administer(options, (admin) => admin.ask('session.kick', { what }))
      print(
        say(
          `Closed ${counted(kicked, ['connection', 'connections'], ['', ''])}.`,
          `${counted(kicked, ['', ''], ['connexion fermée', 'connexions fermées'])}.`,
        ),
      )
    })
  return session
}

function yesOrNo(is: boolean): string {
  return is ? say('yes', 'oui') : say('no', 'non')
}
