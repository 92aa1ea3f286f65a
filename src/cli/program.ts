/** Every noun of the command line, one file each. @module */
import { Command } from 'commander'
import { VERSION } from '#lib/version.ts'
import { speakPlainly } from './help.ts'
import { say } from './language.ts'

/** Each noun with the module that holds it, so that only what is asked for is loaded. */
const COMMANDS: readonly (readonly [name: string, load: () => Promise<Command>, description: string])[] = [
  ['serve', async () => (await import('./serve.ts')).serveCommand(), say('run the server', 'lancer le serveur')],
  [
    'demo',
    async () => (await import('./demo.ts')).demoCommand(),
    say(
      'try everything on this machine, with example mail',
      'tout essayer sur cette machine, avec du courrier d’exemple',
    ),
  ],
  [
    'setup',
    async () => (await import('./setup.ts')).setupCommand(),
    say(
      'make a configuration, a domain and a first account',
      'créer une configuration, un domaine et un premier compte',
    ),
  ],
  [
    'doctor',
    async () => (await import('./doctor.ts')).doctorCommand(),
    say('look whether this machine is ready', 'vérifier que cette machine est prête'),
  ],
  [
    'status',
    async () => (await import('./status.ts')).statusCommand(),
    say('say how the server is', 'afficher l’état du serveur'),
  ],
  [
    'domain',
    async () => (await import('./domain.ts')).domainCommand(),
    say('domains that mail is taken for', 'domaines pour lesquels le courrier est reçu'),
  ],
  [
    'dns',
    async () => (await import('./dns.ts')).dnsCommand(),
    say('what the DNS of a domain must say', 'ce que le DNS d’un domaine doit contenir'),
  ],
  [
    'account',
    async () => (await import('./account.ts')).accountCommand(),
    say('accounts that people log in to', 'comptes de messagerie'),
  ],
  [
    'alias',
    async () => (await import('./alias.ts')).aliasCommand(),
    say('addresses that lead to accounts', 'adresses qui mènent à des comptes'),
  ],
  [
    'app-password',
    async () => (await import('./app-password.ts')).appPasswordCommand(),
    say('random passwords for one program each', 'mots de passe aléatoires, un par programme'),
  ],
  [
    'session',
    async () => (await import('./session.ts')).sessionCommand(),
    say('connections that are open', 'connexions ouvertes'),
  ],
  [
    'queue',
    async () => (await import('./queue.ts')).queueCommand(),
    say('mail on its way to other servers', 'courrier en route vers d’autres serveurs'),
  ],
  [
    'import',
    async () => (await import('./transfer.ts')).importCommand(),
    say('take mail from files into an account', 'importer du courrier depuis des fichiers'),
  ],
  [
    'export',
    async () => (await import('./transfer.ts')).exportCommand(),
    say('write the mail of an account to a folder', 'écrire le courrier d’un compte dans un dossier'),
  ],
  [
    'backup',
    async () => (await import('./backup.ts')).backupCommand(),
    say('copy what has changed into a backup', 'copier dans une sauvegarde ce qui a changé'),
  ],
  [
    'restore',
    async () => (await import('./backup.ts')).restoreCommand(),
    say('bring back a backup, or one account of it', 'rétablir une sauvegarde, ou un seul compte'),
  ],
  [
    'collect',
    async () => (await import('./collect.ts')).collectCommand(),
    say('fetch mail from another server into files', 'relever le courrier d’un autre serveur dans des fichiers'),
  ],
  [
    'sync',
    async () => (await import('./sync.ts')).syncCommand(),
    say('bring two mailboxes into line, wherever they are', 'synchroniser deux comptes, où qu’ils soient'),
  ],
  [
    'migrate',
    async () => (await import('./migrate.ts')).migrateCommand(),
    say(
      'bring people’s mail here from another host, so that POP3 programs notice nothing',
      'reprendre ici le courrier d’un autre hébergeur, sans que les programmes POP3 le remarquent',
    ),
  ],
  [
    'mail',
    async () => (await import('./mail.ts')).mailCommand(),
    say('read and write mail, here or on any IMAP server', 'lire et écrire du courrier, ici ou sur tout serveur IMAP'),
  ],
  [
    'undelete',
    async () => (await import('./undelete.ts')).undeleteCommand(),
    say('bring deleted mail back', 'restaurer du courrier supprimé'),
  ],
  [
    'history',
    async () => (await import('./history.ts')).historyCommand(),
    say('tell what happened to a message, and who did it', 'dire ce qui est arrivé à un message, et par qui'),
  ],
  [
    'check',
    async () => (await import('./check.ts')).checkCommand(),
    say('look for damage in the store', 'vérifier l’intégrité du stockage'),
  ],
  [
    'compact',
    async () => (await import('./compact.ts')).compactCommand(),
    say('give back the space of deleted mail', 'récupérer la place du courrier supprimé'),
  ],
]

/** The whole command line; only the nouns that are asked for are loaded, the others are named. */
export async function programFor(isWanted: (noun: string) => boolean): Promise<Command> {
  const program = new Command('malle')
    .description(
      say(
        'Mail server and mail client: IMAP, POP3, SMTP and LMTP',
        'Serveur et client de courrier : IMAP, POP3, SMTP et LMTP',
      ),
    )
    .version(VERSION, '-V, --version', say('show the version', 'afficher la version'))
  for (const [name, load, description] of COMMANDS) {
    program.addCommand(isWanted(name) ? await load() : new Command(name).description(description).allowUnknownOption())
  }
  speakPlainly(program)
  return program
}
