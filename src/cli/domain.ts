/** `malle domain`. @module */
import { Command } from 'commander'
import { EXIT } from '#lib/exit-codes.ts'
import type { DomainView } from '#server/verbs.ts'
import { CliError } from './cli-error.ts'
import { administer, type CommonOptions, print, show, withConfig, withListing } from './context.ts'
import { domainDkimCommand } from './domain-dkim.ts'
import { say } from './language.ts'
import { confirmed } from './options.ts'
import { formatTable } from './table.ts'

export function domainCommand(): Command {
  const domain = new Command('domain').description(
    say('domains that mail is taken for', 'domaines pour lesquels le courrier est reçu'),
  )
  withConfig(domain.command('add <name>'))
    .description(say('add a domain', 'ajouter un domaine'))
    .option('--no-dkim', say('without keys that sign its mail', 'sans clés qui signent son courrier'))
    .action(async (name: string, options: CommonOptions & { readonly dkim: boolean }) => {
      const { dkim } = options
      const added = await administer(options, (admin) => admin.ask('domain.add', { name, dkim }))
      print(say(`Added ${added.name}.`, `${added.name} ajouté.`))
    })
  withListing(domain.command('list'))
    .description(say('list the domains', 'lister les domaines'))
    .action(async (options: CommonOptions) => {
      const domains = await administer(options, (admin) => admin.ask('domain.list', {}))
      show(options, domains, () => formatDomains(domains))
    })
  withListing(domain.command('show <name>'))
    .description(say('show one domain', 'afficher un domaine'))
    .action(async (name: string, options: CommonOptions) => {
      const domains = await administer(options, (admin) => admin.ask('domain.list', {}))
      const found = domains.find((one) => one.name === name.toLowerCase())
      if (found === undefined) throw noDomain(name)
      show(options, found, () => formatDomains([found]))
    })
  withConfig(domain.command('set <name>'))
    .description(say('change a domain', 'modifier un domaine'))
    .requiredOption(
      '--catch-all <address>',
      say(
        'account or alias that takes mail for unknown users; "none" refuses such mail',
        'compte ou alias qui reçoit le courrier des inconnus ; « none » le refuse',
      ),
    )
    .action(async (name: string, options: CommonOptions & { readonly catchAll: string }) => {
      const catchAll = options.catchAll === 'none' ? null : options.catchAll
      await administer(options, (admin) => admin.ask('domain.set', { name, catchAll }))
      print(say(`Changed ${name}.`, `${name} modifié.`))
    })
  withConfig(domain.command('remove <name>'))
    .description(say('remove a domain without accounts and aliases', 'supprimer un domaine sans comptes ni alias'))
    .option('--yes', say('do not ask', 'ne pas demander de confirmation'))
    .action(async (name: string, options: CommonOptions & { readonly yes?: boolean }) => {
      await confirmed(options.yes, say(`Remove ${name}?`, `Supprimer ${name} ?`))
      await administer(options, (admin) => admin.ask('domain.remove', { name }))
      print(say(`Removed ${name}.`, `${name} supprimé.`))
    })
  domain.addCommand(domainDkimCommand())
  return domain
}

function formatDomains(domains: readonly DomainView[]): string {
  if (domains.length === 0) return say('There are no domains.', 'Il n’y a pas de domaine.')
  return formatTable(
    [say('DOMAIN', 'DOMAINE'), say('ACCOUNTS', 'COMPTES'), say('ALIASES', 'ALIAS'), say('CATCH-ALL', 'ATTRAPE-TOUT')],
    domains.map(({ name, accounts, aliases, catchAll }) => [name, accounts, aliases, catchAll ?? '-']),
  )
}

function noDomain(name: string): CliError {
  return new CliError(EXIT.noSuchThing, say(`There is no domain ${name}.`, `Il n’y a pas de domaine ${name}.`))
}
