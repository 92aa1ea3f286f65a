/** A server that was started by root goes on as somebody else, with nothing left of root but its low ports. @module */
import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { EXIT } from '#lib/exit-codes.ts'
import { CliError } from './cli-error.ts'
import { say } from './language.ts'

/** Of util-linux, which every Debian has. */
const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv']
/** Protocol threads bind their ports again when they are restarted, so this one stays. */
const KEPT = '-all,+net_bind_service'

/**
 * Where root runs this and a user is configured: the process begins again as that user, in place, with the one
 * capability for ports below 1024 and no way to gain another. Returns where there is nothing to give up.
 * @param data Made for the user where it is missing, as only root may.
 */
export function dropPrivileges(user: string | undefined, data: string): void {
  if (process.getuid?.() !== 0 || user === undefined) return
  const setpriv = SETPRIV.find((file) => existsSync(file))
  if (setpriv === undefined || process.execve === undefined) {
    throw new CliError(
      EXIT.configuration,
      say(
        'To run as another user root needs setpriv (util-linux), which is not here; start the server as that user.',
        'Pour changer d’utilisateur, root a besoin de setpriv (util-linux), absent ici ; démarrez le serveur sous cet utilisateur.',
      ),
    )
  }
  const [uid, gid] = [idOf(user, '-u'), idOf(user, '-g')]
  if (uid === 0) return
  if (!existsSync(data)) {
    // the user goes through the folders above, which stay root's
    mkdirSync(dirname(data), { recursive: true })
    mkdirSync(data, { mode: 0o700 })
    chownSync(data, uid, gid)
  }
  const rights = [`--inh-caps=${KEPT}`, `--ambient-caps=${KEPT}`, `--bounding-set=${KEPT}`, '--no-new-privs']
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  process.execve(
    setpriv,
    [setpriv, `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', ...rights, '--', ...again],
    process.env,
  )
}

function idOf(user: string, what: '-u' | '-g'): number {
  const asked = spawnSync('id', [what, '--', user], { encoding: 'utf8' })
  if (asked.status === 0) return Number(asked.stdout)
  throw new CliError(
    EXIT.configuration,
    say(`There is no user "${user}" on this machine.`, `Il n’y a pas d’utilisateur « ${user} » sur cette machine.`),
  )
}
