/** `malle demo`: every service on high ports of loopback, two accounts, mail of every kind. @module */
import { existsSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Command } from 'commander'
import type { Config } from '#config/config.ts'
import { checkConfig } from '#config/schema.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { lockData } from '#server/data-lock.ts'
import { ListenFault } from '#server/listeners.ts'
import type { RunningServer } from '#server/server.ts'
import { CliError } from './cli-error.ts'
import { print } from './context.ts'
import { DEMO_DOMAIN, DEMO_USERS, fillDemo } from './demo-mail.ts'
import { onData } from './failure.ts'
import { say } from './language.ts'
import { runUntilStopped, start } from './serve.ts'
import { Signals } from './signals.ts'

interface DemoOptions {
  readonly data: string
  readonly portBase: string
  readonly reset?: boolean
}

/** Behind the port base, each protocol's own number, so that they are easy to remember. */
const PORTS = {
  imap: 143,
  imaps: 993,
  pop3: 110,
  pop3s: 995,
  lmtp: 24,
  smtp: 25,
  submission: 587,
  submissions: 465,
  http: 80,
} as const
const HOST = '127.0.0.1'

export function demoCommand(): Command {
  return new Command('demo')
    .description(
      say(
        'try everything on this machine, with example mail',
        'tout essayer sur cette machine, avec du courrier d’exemple',
      ),
    )
    .option('--data <dir>', say('where it keeps its data', 'dossier des données'), path.join('data', 'demo'))
    .option(
      '--port-base <number>',
      say(
        'ports are this plus the usual ones; 0: any that are free',
        'les ports sont ce nombre plus les ports usuels ; 0 : n’importe lesquels, libres',
      ),
      '10000',
    )
    .option('--reset', say('begin anew', 'recommencer à zéro'))
    .action(async (options: DemoOptions) => {
      const data = path.resolve(options.data)
      const base = Number(options.portBase)
      if (!Number.isInteger(base) || base < 0 || base + PORTS.pop3s > 65_535) {
        throw new CliError(
          EXIT.usage,
          say('The port base is a number from 0 to 64540.', 'La base des ports est un nombre de 0 à 64540.'),
        )
      }
      if (options.reset === true) await onData(data, () => reset(data))
      const config = demoConfig(data, base)
      const signals = new Signals()
      const server = await startDemo(config, base)
      await fillDemo(server.administration, server.store)
      const card = await writeCard(server, data)
      print(formatCard(card, data))
      await runUntilStopped(server, signals, async () => config)
    })
}

async function startDemo(config: Config, base: number): Promise<RunningServer> {
  try {
    return await start(config, 'warn')
  } catch (error) {
    if (!(error instanceof ListenFault && error.code === 'EADDRINUSE')) throw error
    const free = base + 10_000 + PORTS.pop3s > 65_535 ? 20_000 : base + 10_000
    throw new CliError(
      EXIT.unavailable,
      say(
        `Port ${error.endpoint.port} is taken, perhaps by another demo. Give other ones: npm start -- --port-base ${free}`,
        `Le port ${error.endpoint.port} est pris, peut-être par une autre démo. Choisissez-en d’autres : npm start -- --port-base ${free}`,
      ),
    )
  }
}

/** Only a folder that a demo made is removed, and none that a demo works on. */
async function reset(data: string): Promise<void> {
  if (!existsSync(data)) return
  if (!existsSync(path.join(data, 'lock.db'))) {
    throw new CliError(
      EXIT.notAllowed,
      say(`${data} is not a data directory of Malle.`, `${data} n’est pas un dossier de données de Malle.`),
    )
  }
  using _lock = await lockData(data)
  await rm(data, { recursive: true })
}

function demoConfig(data: string, base: number): Config {
  const listen = Object.fromEntries(
    Object.entries(PORTS).map(([name, port]) => [name, [`${HOST}:${base === 0 ? 0 : base + port}`]]),
  )
  const checked = checkConfig({
    hostname: 'localhost',
    data,
    listen,
    auth: { allow_plaintext: true },
    limits: { exempt: ['127.0.0.0/8', '::1'] },
    workers: { count: 1 },
  })
  if (!checked.ok) throw new Error(`The configuration of the demo is wrong: ${JSON.stringify(checked.error)}`)
  return checked.value
}

interface Card {
  readonly services: Readonly<Record<keyof typeof PORTS, { readonly host: string; readonly port: number }>>
  readonly users: readonly { readonly address: string; readonly password: string }[]
  readonly ca: string
}

async function writeCard(server: RunningServer, data: string): Promise<Card> {
  const services = Object.fromEntries(
    Object.keys(PORTS).map((name) => {
      const [endpoint] = server.endpoints[name as keyof typeof PORTS]
      if (endpoint === undefined) throw new Error(`The demo has no ${name} listener`)
      return [name, endpoint]
    }),
  ) as Card['services']
  const card: Card = {
    services,
    users: DEMO_USERS.map(({ address, password }) => ({ address, password })),
    ca: server.ca ?? path.join(data, 'tls', 'ca.pem'),
  }
  const file = path.join(data, 'demo.json')
  await writeFile(
    `${file}.new`,
    `${JSON.stringify({ ...card.services, users: card.users, ca: card.ca }, undefined, 2)}\n`,
    { mode: 0o600 },
  )
  await rename(`${file}.new`, file)
  return card
}

function formatCard(card: Card, data: string): string {
  const { imap, imaps, pop3, pop3s, lmtp, smtp, submission, submissions, http } = card.services
  const [first] = card.users
  const pair = (plain: { port: number }, secure: { port: number }, upgrade: string) =>
    say(
      `${HOST}:${plain.port} (${upgrade}), ${HOST}:${secure.port} (TLS)`,
      `${HOST}:${plain.port} (${upgrade}), ${HOST}:${secure.port} (TLS)`,
    )
  const ca = path.relative(process.cwd(), card.ca)
  return [
    '',
    say(
      '  Malle is running: a mail server on this machine, with example mail.',
      '  Malle fonctionne : un serveur de courrier sur cette machine, avec du courrier d’exemple.',
    ),
    '',
    `  IMAP        ${pair(imap, imaps, 'STARTTLS')}`,
    `  POP3        ${pair(pop3, pop3s, 'STLS')}`,
    `  SMTP        ${pair(submission, submissions, 'STARTTLS')}`,
    say(
      `  Mail in     SMTP ${HOST}:${smtp.port}, LMTP ${HOST}:${lmtp.port}, for @${DEMO_DOMAIN}`,
      `  Réception   SMTP ${HOST}:${smtp.port}, LMTP ${HOST}:${lmtp.port}, pour @${DEMO_DOMAIN}`,
    ),
    say(
      '  Mail out    waits in the queue: nothing leaves this machine',
      '  Envoi       attend dans la file : rien ne quitte cette machine',
    ),
    say(
      `  Health      http://${HOST}:${http.port}/healthz and /metrics`,
      `  Santé       http://${HOST}:${http.port}/healthz et /metrics`,
    ),
    '',
    ...card.users.map(
      ({ address, password }, index) =>
        `  ${index === 0 ? say('Logins      ', 'Comptes     ') : '            '}${address}  ${say('password', 'mot de passe')} ${password}`,
    ),
    say(
      `  Certificate ${ca} signs the server's; let your mail program trust it`,
      `  Certificat  ${ca} signe celui du serveur ; votre logiciel peut lui faire confiance`,
    ),
    say(
      `  Data        ${path.relative(process.cwd(), data) || data} (begin anew with --reset)`,
      `  Données     ${path.relative(process.cwd(), data) || data} (recommencer : --reset)`,
    ),
    '',
    say('  Read the inbox:', '  Lire la boîte de réception :'),
    '',
    `curl --silent --cacert ${quoted(card.ca)} --user '${first?.address}:${first?.password}' --request 'FETCH 1:* (UID FLAGS ENVELOPE)' imaps://${HOST}:${imaps.port}/INBOX`,
    '',
    say('  Stop with Ctrl-C.', '  Arrêter : Ctrl-C.'),
  ].join('\n')
}

/** For a shell; the path is absolute, so that the line works from any folder. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
