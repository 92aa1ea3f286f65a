/** `malle alias`. @module */
import { Command } from 'commander'
import { EXIT } from '#lib/exit-codes.ts'
import type { AliasView } from '#server/verbs.ts'
import { CliError } from './cli-error.ts'
import { administer, type CommonOptions, print, show, withConfig, withListing } from './context.ts'
import { say } from './language.ts'
import { confirmed } from './options.ts'
import { formatTable } from './table.ts'

export function aliasCommand(): Command {
  const alias = new Command('alias').description(
    say('addresses that lead to accounts', 'adresses qui mènent à des comptes'),
  )
  for (const [verb, create, description] of [
    ['add', true, say('add an alias', 'ajouter un alias')],
    ['set', false, say('put other targets in place', 'remplacer les cibles')],
  ] as const) {
    withConfig(alias.command(`${verb} <address> <target...>`))
      .description(description)
      .action(async (address: string, targets: readonly string[], options: CommonOptions) => {
        const kept = await administer(options, (admin) => admin.ask('alias.set', { address, targets, create }))
        print(`${kept.address} → ${kept.targets.join(', ')}`)
        if (kept.outside.length > 0) print(onOtherServers(kept.outside))
      })
  }
  withListing(alias.command('list'))
    .description(say('list the aliases', 'lister les alias'))
    .option('--domain <name>', say('only of this domain', 'de ce domaine seulement'))
    .action(async (options: CommonOptions & { readonly domain?: string }) => {
      const args = options.domain === undefined ? {} : { domain: options.domain }
      const aliases = await administer(options, (admin) => admin.ask('alias.list', args))
      show(options, aliases, () => formatAliases(aliases))
    })
  withListing(alias.command('show <address>'))
    .description(say('show one alias', 'afficher un alias'))
    .action(async (address: string, options: CommonOptions) => {
      const aliases = await administer(options, (admin) => admin.ask('alias.list', {}))
      const found = aliases.find((one) => one.address === address.toLowerCase())
      if (found === undefined)
        throw new CliError(EXIT.noSuchThing, say(`There is no alias ${address}.`, `Il n’y a pas d’alias ${address}.`))
      show(options, found, () => formatAliases([found]))
    })
  withConfig(alias.command('remove <address>'))
    .description(say('remove an alias', 'supprimer un alias'))
    .option('--yes', say('do not ask', 'ne pas demander de confirmation'))
    .action(async (address: string, options: CommonOptions & { readonly yes?: boolean }) => {
      await confirmed(options.yes, say(`Remove ${address}?`, `Supprimer ${address} ?`))
      await administer(options, (admin) => admin.ask('alias.remove', { address }))
      print(say(`Removed ${address}.`, `${address} supprimé.`))
    })
  return alias
}

/** Whoever mistypes a domain of this server is to see it. */
function onOtherServers(addresses: readonly string[]): string {
  const list = addresses.join(', ')
  return say(
    `On other servers, to which mail is forwarded: ${list}`,
    `Sur d’autres serveurs, auxquels le courrier est transmis : ${list}`,
  )
}

function formatAliases(aliases: readonly AliasView[]): string {
  if (aliases.length === 0) return say('There are no aliases.', 'Il n’y a pas d’alias.')
  return formatTable(
    [say('ADDRESS', 'ADRESSE'), say('TARGETS', 'CIBLES')],
    aliases.map(({ address, targets }) => [address, targets.join(', ')]),
  )
}
