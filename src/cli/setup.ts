/** `malle setup`: a configuration, a domain, a first account with postmaster@, and what to do next. @module */
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Command } from 'commander'
import { EXIT } from '#lib/exit-codes.ts'
import { type Administration, VerbRefused } from '#server/verbs.ts'
import { CliError } from './cli-error.ts'
import { administer, type CommonOptions, print, withConfig } from './context.ts'
import { invocation } from './help.ts'
import { say } from './language.ts'
import { type PasswordOptions, readPassword } from './options.ts'

interface SetupOptions extends CommonOptions, PasswordOptions {
  readonly hostname?: string
  readonly data?: string
}

export function setupCommand(): Command {
  return withConfig(new Command('setup'))
    .argument('<address>')
    .description(
      say(
        'make a configuration, a domain and a first account',
        'créer une configuration, un domaine et un premier compte',
      ),
    )
    .option('--hostname <name>', say('name of this server', 'nom de ce serveur'))
    .option('--data <dir>', say('data directory', 'dossier des données'))
    .option(
      '--password-stdin',
      say('read the password from standard input', 'lire le mot de passe sur l’entrée standard'),
    )
    .option('--password-file <file>', say('read the password from a file', 'lire le mot de passe dans un fichier'))
    .action(async (address: string, options: SetupOptions) => {
      const domain = /^[^@\s]+@([^@\s]+)$/.exec(address)?.[1]
      if (domain === undefined)
        throw new CliError(EXIT.usage, say(`"${address}" is not an address.`, `« ${address} » n’est pas une adresse.`))
      const file = path.resolve(options.config ?? (process.getuid?.() === 0 ? '/etc/malle/malle.toml' : 'malle.toml'))
      if (existsSync(file)) {
        throw new CliError(
          EXIT.cannotWrite,
          say(
            `${file} exists already; add people with "malle account add".`,
            `${file} existe déjà ; ajoutez des personnes avec « malle account add ».`,
          ),
        )
      }
      const password = await readPassword(options, say(`Password of ${address}`, `Mot de passe de ${address}`))
      const hostname = options.hostname ?? `mail.${domain}`
      const data =
        options.data === undefined ? (process.getuid?.() === 0 ? '/var/lib/malle' : 'data') : path.resolve(options.data)
      await mkdir(path.dirname(file), { recursive: true })
      await writeFile(file, configText(hostname, data, domain), { mode: 0o600, flag: 'wx' })
      try {
        await administer({ config: file }, (admin) => fill(admin, { address, domain, password }))
      } catch (error) {
        // Else the next try would find the file and refuse.
        await rm(file)
        throw error
      }
      print(nextSteps(file, hostname, domain, address))
    })
}

/** What is there already, of a try before or of another configuration, is left as it is. */
async function fill(
  admin: Administration,
  { address, domain, password }: { readonly address: string; readonly domain: string; readonly password: string },
): Promise<void> {
  await unlessThere(admin.ask('domain.add', { name: domain, dkim: true }))
  await admin.ask('account.add', { address, password })
  const postmaster = `postmaster@${domain}`
  if (address.toLowerCase() !== postmaster.toLowerCase())
    await unlessThere(admin.ask('alias.set', { address: postmaster, targets: [address], create: true }))
}

async function unlessThere(asked: Promise<unknown>): Promise<void> {
  try {
    await asked
  } catch (error) {
    if (!(error instanceof VerbRefused && error.refusal.kind === 'exists')) throw error
  }
}

function configText(hostname: string, data: string, domain: string): string {
  return `# Malle's configuration. Every key is explained in docs/configuration.md.
hostname = ${JSON.stringify(hostname)}
data = ${JSON.stringify(data)}

[listen]
imap = ["[::]:143"]
imaps = ["[::]:993"]
pop3 = ["[::]:110"]
pop3s = ["[::]:995"]
lmtp = ["127.0.0.1:24"]
smtp = ["[::]:25"]
submission = ["[::]:587"]
submissions = ["[::]:465"]
http = ["127.0.0.1:8080"]

# Certificates come by themselves with this and port 80 open ("http" above as "[::]:80"); see docs/acme.md.
# [tls.acme]
# directory = "https://acme-v02.api.letsencrypt.org/directory"
# email = ${JSON.stringify(`postmaster@${domain}`)}
# Or PEM files of your own. With neither Malle makes a certificate that no client trusts.
# [tls]
# cert = "/etc/letsencrypt/live/${hostname}/fullchain.pem"
# key = "/etc/letsencrypt/live/${hostname}/privkey.pem"
`
}

function nextSteps(file: string, hostname: string, domain: string, address: string): string {
  const malle = invocation()
  const named = file === '/etc/malle/malle.toml' ? '' : ` --config ${file}`
  return say(
    `Wrote ${file}, added ${domain} and ${address} (postmaster@${domain} leads there).

Next:
  1. ${malle} doctor${named}     looks whether this machine is ready
  2. ${malle} serve${named}      runs the server
  3. ${malle} dns records ${domain}${named}     prints what the DNS must say
     ${malle} dns check ${domain}${named}     compares it with what it says`,
    `${file} écrit, ${domain} et ${address} ajoutés (postmaster@${domain} y mène).

Ensuite :
  1. ${malle} doctor${named}     vérifie que cette machine est prête
  2. ${malle} serve${named}      lance le serveur
  3. ${malle} dns records ${domain}${named}     affiche ce que le DNS doit contenir
     ${malle} dns check ${domain}${named}     le compare à ce qu’il dit`,
  )
}
