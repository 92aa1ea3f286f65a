/** `malle app-password`. @module */
import { Command } from 'commander'
import { administer, type CommonOptions, print, show, withConfig, withListing } from './context.ts'
import { formatTime, say } from './language.ts'
import { confirmed, parseProtocols } from './options.ts'
import { formatTable } from './table.ts'

export function appPasswordCommand(): Command {
  const appPassword = new Command('app-password').description(
    say('random passwords for one program each', 'mots de passe aléatoires, un par programme'),
  )
  withListing(appPassword.command('add <address> <name>'))
    .description(
      say('make an app password and print it once', 'créer un mot de passe d’application et l’afficher une fois'),
    )
    .option('--protocols <list>', say('what it may be used for: imap,pop3,smtp', 'usages permis : imap,pop3,smtp'))
    .action(async (address: string, name: string, options: CommonOptions & { readonly protocols?: string }) => {
      const protocols = options.protocols === undefined ? {} : { protocols: parseProtocols(options.protocols) }
      const made = await administer(options, (admin) => admin.ask('app-password.add', { address, name, ...protocols }))
      show(options, made, () => made.password)
    })
  withListing(appPassword.command('list <address>'))
    .description(say('list the app passwords of an account', 'lister les mots de passe d’application d’un compte'))
    .action(async (address: string, options: CommonOptions) => {
      const list = await administer(options, (admin) => admin.ask('app-password.list', { address }))
      show(options, list, () =>
        list.length === 0
          ? say('There are no app passwords.', 'Il n’y a pas de mot de passe d’application.')
          : formatTable(
              [
                say('NAME', 'NOM'),
                say('PROTOCOLS', 'PROTOCOLES'),
                say('CREATED', 'CRÉÉ'),
                say('LAST USED', 'DERNIER USAGE'),
              ],
              list.map((one) => [one.name, one.protocols.join(','), formatTime(one.created), formatTime(one.lastUsed)]),
            ),
      )
    })
  withConfig(appPassword.command('remove <address> <name>'))
    .description(
      say(
        'remove an app password and close its sessions',
        'supprimer un mot de passe d’application et fermer ses sessions',
      ),
    )
    .option('--yes', say('do not ask', 'ne pas demander de confirmation'))
    .action(async (address: string, name: string, options: CommonOptions & { readonly yes?: boolean }) => {
      await confirmed(options.yes, say(`Remove "${name}" of ${address}?`, `Supprimer « ${name} » de ${address} ?`))
      await administer(options, (admin) => admin.ask('app-password.remove', { address, name }))
      print(say(`Removed "${name}".`, `« ${name} » supprimé.`))
    })
  return appPassword
}
