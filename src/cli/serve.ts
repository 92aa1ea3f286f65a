/** `malle serve`: the server, in the foreground. @module */
import { Command } from 'commander'
import { type Config, LISTENERS } from '#config/config.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { createLog } from '#server/log.ts'
import { type RunningServer, startServer } from '#server/server.ts'
import { CliError } from './cli-error.ts'
import { type CommonOptions, print, withConfig } from './context.ts'
import { failureOf, onData } from './failure.ts'
import { say } from './language.ts'
import { readConfig } from './options.ts'
import { dropPrivileges } from './privileges.ts'
import { Signals } from './signals.ts'

export function serveCommand(): Command {
  return withConfig(new Command('serve'))
    .description(say('run the server', 'lancer le serveur'))
    .option(
      '--json',
      say(
        'when ready, print one JSON object with the addresses',
        'une fois prêt, écrire un objet JSON avec les adresses',
      ),
    )
    .action(async (options: CommonOptions) => {
      const config = await readConfig(options.config)
      if (LISTENERS.every((name) => config.listen[name].length === 0)) {
        throw new CliError(
          EXIT.configuration,
          say(
            'The configuration has no listener; write at least one below [listen], such as imaps = ["[::]:993"].',
            'La configuration n’ouvre aucun port ; écrivez-en au moins un sous [listen], par exemple imaps = ["[::]:993"].',
          ),
        )
      }
      dropPrivileges(config.user, config.data)
      const signals = new Signals()
      const server = await start(config, config.log.level)
      const { endpoints } = server
      print(options.json === true ? JSON.stringify({ ready: true, pid: process.pid, endpoints }) : 'ready')
      await runUntilStopped(server, signals, () => readConfig(options.config))
    })
}

/** Starts a server. */
export async function start(config: Config, level: Config['log']['level']): Promise<RunningServer> {
  return onData(config.data, () => startServer(config, createLog(level)))
}

/** Serves until a signal, then finishes what is in flight; SIGHUP reads certificates again. */
export async function runUntilStopped(
  server: RunningServer,
  signals: Signals,
  reread: () => Promise<Config>,
): Promise<void> {
  signals.onHangup(() => {
    reread()
      .then((config) => server.reload(config))
      .catch((error: unknown) => server.log.error({ why: failureOf(error).text }, 'not read again; the old one stays'))
  })
  await Promise.race([signals.stop, server.failed])
  await server[Symbol.asyncDispose]()
}
