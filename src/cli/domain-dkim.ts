/** `malle domain dkim`. @module */
import { Command } from 'commander'
import { EXIT } from '#lib/exit-codes.ts'
import type { DkimArgs, DkimKeyView } from '#server/verbs.ts'
import type { DkimAlgorithm } from '#store/directory.ts'
import { CliError } from './cli-error.ts'
import { administer, type CommonOptions, print, show, withConfig, withListing } from './context.ts'
import { formatTime, say } from './language.ts'
import { confirmed } from './options.ts'
import { formatTable } from './table.ts'

interface KeyOptions extends CommonOptions {
  readonly selector?: string
  readonly algorithm?: string
}

export function domainDkimCommand(): Command {
  const dkim = new Command('dkim').description(
    say('keys that sign the mail of a domain', 'clés qui signent le courrier d’un domaine'),
  )
  withKeyOptions(dkim.command('add <domain>'))
    .description(say('make the keys of a domain that has none', 'créer les clés d’un domaine qui n’en a pas'))
    .action(async (domain: string, options: KeyOptions) => {
      const made = await administer(options, (admin) => admin.ask('dkim.add', argsOf(domain, options)))
      show(options, made, () => `${inTheDns(say('Put into the DNS:', 'À mettre dans le DNS :'), made)}`)
    })
  withListing(dkim.command('list [domain]'))
    .description(say('list the keys', 'lister les clés'))
    .action(async (domain: string | undefined, options: CommonOptions) => {
      const keys = await administer(options, (admin) => admin.ask('dkim.list', domain === undefined ? {} : { domain }))
      show(options, keys, () => formatKeys(keys))
    })
  withListing(dkim.command('show <domain>'))
    .description(say('show the TXT records, as lines of a zone', 'afficher les enregistrements TXT, en lignes de zone'))
    .option('--selector <name>', say('only this key', 'cette clé seulement'))
    .action(async (domain: string, options: KeyOptions) => {
      const all = await administer(options, (admin) => admin.ask('dkim.list', { domain }))
      const keys = all.filter(({ selector }) => selector === (options.selector?.toLowerCase() ?? selector))
      if (keys.length === 0) throw noKey(domain, options.selector)
      show(options, keys, () => keys.map(zoneLine).join('\n'))
    })
  withKeyOptions(dkim.command('rotate <domain>'))
    .description(
      say(
        'make successors: in three days they sign, and the old ones no more',
        'créer des successeurs : dans trois jours ils signent, et les anciennes ne signent plus',
      ),
    )
    .option(
      '--now',
      say('sign with them at once, also those that wait', 'signer tout de suite avec elles, même si elles attendent'),
    )
    .action(async (domain: string, options: KeyOptions & { readonly now?: boolean }) => {
      const args = { ...argsOf(domain, options), now: options.now === true }
      const made = await administer(options, (admin) => admin.ask('dkim.rotate', args))
      show(options, made, () => inTheDns(whenToPublish(made), made))
    })
  withConfig(dkim.command('remove <domain>'))
    .description(say('remove a key at once', 'supprimer une clé tout de suite'))
    .requiredOption('--selector <name>', say('the key', 'la clé'))
    .option('--yes', say('do not ask', 'ne pas demander de confirmation'))
    .action(async (domain: string, options: CommonOptions & { readonly selector: string; readonly yes?: boolean }) => {
      const { selector } = options
      await confirmed(
        options.yes,
        say(
          `Remove the key ${selector} of ${domain}? What it signed cannot be checked any more once its record is gone.`,
          `Supprimer la clé ${selector} de ${domain} ? Ce qu’elle a signé ne pourra plus être vérifié sans son enregistrement.`,
        ),
      )
      await administer(options, (admin) => admin.ask('dkim.remove', { domain, selector: selector.toLowerCase() }))
      print(say(`Removed ${selector} of ${domain}.`, `${selector} de ${domain} supprimée.`))
    })
  return dkim
}

function withKeyOptions(command: Command): Command {
  return withListing(command)
    .option(
      '--selector <name>',
      say(
        'name of the key in the DNS; with both algorithms theirs is added',
        'nom de la clé dans le DNS ; avec les deux algorithmes, le leur s’y ajoute',
      ),
    )
    .option('--algorithm <name>', say('rsa or ed25519; both if not given', 'rsa ou ed25519 ; les deux par défaut'))
}

function argsOf(domain: string, { selector, algorithm }: KeyOptions): DkimArgs {
  return {
    domain,
    ...(selector === undefined ? {} : { selector }),
    ...(algorithm === undefined ? {} : { algorithm: parseAlgorithm(algorithm) }),
  }
}

function parseAlgorithm(text: string): DkimAlgorithm {
  const lower = text.toLowerCase()
  if (lower === 'rsa' || lower === 'ed25519') return lower
  throw new CliError(
    EXIT.usage,
    say(
      `"${text}" is not an algorithm; these are: rsa, ed25519.`,
      `« ${text} » n’est pas un algorithme ; il y a : rsa, ed25519.`,
    ),
  )
}

function whenToPublish(keys: readonly DkimKeyView[]): string {
  const [first] = keys
  if (first?.state !== 'next')
    return say(
      'These sign from now on; put them into the DNS at once and leave the old ones there for 7 days:',
      'Celles-ci signent désormais ; mettez-les tout de suite dans le DNS et laissez-y les anciennes 7 jours :',
    )
  const at = formatTime(first.activeFrom)
  return say(
    `Put these into the DNS before ${at}, when they begin to sign; leave the old ones there for 7 days after that:`,
    `À mettre dans le DNS avant le ${at}, où elles commencent à signer ; laissez-y les anciennes 7 jours de plus :`,
  )
}

function inTheDns(heading: string, keys: readonly DkimKeyView[]): string {
  return `${heading}\n${keys.map(zoneLine).join('\n')}`
}

/** A TXT record in the form of RFC 1035 §5; a string has 255 octets at most (§3.3.14). */
function zoneLine({ name, value }: DkimKeyView): string {
  const strings = value.match(/.{1,255}/g) ?? []
  return `${name}. IN TXT ${strings.map((text) => `"${text}"`).join(' ')}`
}

function formatKeys(keys: readonly DkimKeyView[]): string {
  if (keys.length === 0) return say('There are no DKIM keys.', 'Il n’y a pas de clé DKIM.')
  return formatTable(
    [
      say('DOMAIN', 'DOMAINE'),
      say('SELECTOR', 'SÉLECTEUR'),
      say('ALGORITHM', 'ALGORITHME'),
      say('STATE', 'ÉTAT'),
      say('SIGNS FROM', 'SIGNE DÈS LE'),
      say('UNTIL', 'JUSQU’AU'),
    ],
    keys.map(({ domain, selector, algorithm, state, activeFrom, retiredFrom }) => [
      domain,
      selector,
      algorithm,
      STATES[state],
      formatTime(activeFrom),
      formatTime(retiredFrom),
    ]),
  )
}

function noKey(domain: string, selector: string | undefined): CliError {
  return new CliError(
    EXIT.noSuchThing,
    selector === undefined
      ? say(
          `${domain} has no DKIM keys; "domain dkim add" makes some.`,
          `${domain} n’a pas de clé DKIM ; « domain dkim add » en crée.`,
        )
      : say(`There is no DKIM key "${selector}".`, `Il n’y a pas de clé DKIM « ${selector} ».`),
  )
}

const STATES: Readonly<Record<DkimKeyView['state'], string>> = {
  next: say('next', 'à venir'),
  active: say('active', 'active'),
  retired: say('retired', 'retirée'),
  gone: say('gone', 'disparue'),
}
