/** What is said, and which exit code ends the command, when something went wrong. @module */
import { CommanderError } from 'commander'
import { AuthenticationError, ClientError, ConnectionError } from '#client/errors.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { VERSION } from '#lib/version.ts'
import { ControlError, PathTooLong, ServerGone } from '#server/control.ts'
import { DataInUse } from '#server/data-lock.ts'
import { dataVersion } from '#server/data-version.ts'
import { formatEndpoint, ListenFault } from '#server/listeners.ts'
import { CertificateFault } from '#server/tls.ts'
import { VerbRefused } from '#server/verbs.ts'
import { newerFormatOf } from '#store/newer-format.ts'
import { NoLastingIds, TargetGone } from '#transfer/collect/errors.ts'
import { MboxLocked } from '#transfer/dot-lock.ts'
import { StateBusy, StateTooNew } from '#transfer/state-file.ts'
import { CliError } from './cli-error.ts'
import { say } from './language.ts'
import { reasonOf, systemCode } from './reasons.ts'
import { exitCodeOf, sentenceOf } from './refusals.ts'

interface Failure {
  readonly exitCode: number
  /** Empty when there is nothing more to say. */
  readonly text: string
}

/** One clear sentence and the exit code; only bugs show their stack. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CommanderError) return { exitCode: error.exitCode, text: '' }
  if (error instanceof CliError) return { exitCode: error.exitCode, text: error.message }
  if (error instanceof VerbRefused) return { exitCode: exitCodeOf(error.refusal), text: sentenceOf(error.refusal) }
  if (error instanceof ListenFault) return { exitCode: EXIT.unavailable, text: listenSentence(error) }
  if (error instanceof CertificateFault) return { exitCode: EXIT.configuration, text: certificateSentence(error) }
  if (error instanceof PathTooLong) {
    return {
      exitCode: EXIT.configuration,
      text: say(
        `The path ${error.path} is too long for a socket; choose a shorter data directory.`,
        `Le chemin ${error.path} est trop long pour une socket ; choisissez un dossier de données plus court.`,
      ),
    }
  }
  if (error instanceof ServerGone) {
    return {
      exitCode: EXIT.tryAgain,
      text: say('The server stopped before it answered.', 'Le serveur s’est arrêté avant de répondre.'),
    }
  }
  if (error instanceof ControlError) {
    return {
      exitCode: EXIT.bug,
      text: say(`The server failed: ${error.message}.`, `Le serveur a échoué : ${error.message}.`),
    }
  }
  const collecting = collectFailure(error)
  if (collecting !== undefined) return collecting
  const bug = say('This is a bug of Malle; please report it:', 'C’est un défaut de Malle ; merci de le signaler :')
  return systemFailure(error) ?? { exitCode: EXIT.bug, text: `${bug} ${stackOf(error)}` }
}

/** What ends a command that speaks with other servers; their own words are in the errors already. */
function collectFailure(error: unknown): Failure | undefined {
  if (error instanceof AuthenticationError) return { exitCode: EXIT.notAllowed, text: `${error.message}.` }
  if (error instanceof ConnectionError) return { exitCode: EXIT.tryAgain, text: `${error.message}.` }
  if (error instanceof ClientError) return { exitCode: EXIT.unavailable, text: `${error.message}.` }
  if (error instanceof TargetGone) return { exitCode: EXIT.tryAgain, text: `${error.message}.` }
  if (error instanceof StateBusy) {
    return {
      exitCode: EXIT.tryAgain,
      text: say('Another run works with the same records.', 'Une autre exécution utilise le même registre.'),
    }
  }
  if (error instanceof StateTooNew) {
    return {
      exitCode: EXIT.configuration,
      text: say('The records were written by a newer Malle.', 'Le registre a été écrit par un Malle plus récent.'),
    }
  }
  if (error instanceof MboxLocked) {
    return {
      exitCode: EXIT.tryAgain,
      text: say('Another program has locked the mbox.', 'Un autre programme a verrouillé le mbox.'),
    }
  }
  if (error instanceof NoLastingIds) {
    return {
      exitCode: EXIT.unavailable,
      text: say(
        'The server has no UIDL, so its messages would be fetched again each time: only --after delete works with it.',
        'Le serveur n’a pas UIDL : ses messages seraient relevés à chaque fois. Seul --after delete convient.',
      ),
    }
  }
  return undefined
}

function systemFailure(error: unknown): Failure | undefined {
  const { path } = error as NodeJS.ErrnoException
  const code = systemCode(error)
  if (code === undefined || path === undefined) return undefined
  return {
    exitCode: code === 'ENOENT' ? EXIT.noSuchThing : code === 'EACCES' ? EXIT.notAllowed : EXIT.cannotWrite,
    text: say(`Cannot use ${path}: ${reasonOf(error)}.`, `Impossible d’utiliser ${path} : ${reasonOf(error)}.`),
  }
}

/** Runs what opens a data directory; what the system refuses there becomes a sentence about the directory. */
export async function onData<T>(data: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (error) {
    throw (await newerFault(error, data)) ?? dataFault(error, data) ?? error
  }
}

/** A newer release wrote the data: which one, what this one reads, and the ways out. */
async function newerFault(error: unknown, data: string): Promise<CliError | undefined> {
  const facts = newerFormatOf(error)
  if (facts === undefined) return undefined
  const { path, format, reads } = facts
  const known = await dataVersion(data).catch(() => undefined)
  const writer = known === undefined || known === VERSION ? undefined : known
  return new CliError(
    EXIT.configuration,
    say(
      `${writer === undefined ? 'A newer Malle' : `Malle ${writer}`} wrote ${path} (format ${format}), and this is Malle ${VERSION}, which reads formats up to ${reads}. Nothing was changed. Run ${writer === undefined ? 'the newer release' : `Malle ${writer} or newer`}, or give this one a copy made before the upgrade.`,
      `${writer === undefined ? 'Un Malle plus récent' : `Malle ${writer}`} a écrit ${path} (format ${format}), et ceci est Malle ${VERSION}, qui lit les formats jusqu’à ${reads}. Rien n’a été modifié. Utilisez ${writer === undefined ? 'la version plus récente' : `Malle ${writer} ou plus récent`}, ou donnez à celui-ci une copie faite avant la mise à niveau.`,
    ),
    { cause: error },
  )
}

function dataFault(error: unknown, data: string): CliError | undefined {
  if (error instanceof DataInUse) {
    return new CliError(
      EXIT.tryAgain,
      say(
        `Another Malle works on ${data}. Stop it first, or give this one a data directory of its own.`,
        `Un autre Malle travaille sur ${data}. Arrêtez-le d’abord, ou donnez à celui-ci son propre dossier de données.`,
      ),
    )
  }
  if (error instanceof CertificateFault || error instanceof ListenFault) return undefined
  const { errcode, syscall } = error as { errcode?: number; syscall?: string }
  if (syscall === 'connect') {
    return new CliError(
      EXIT.notAllowed,
      say(
        `You may not speak with the server on ${data}: ${reasonOf(error)}. Be the user it runs as, or root.`,
        `Vous ne pouvez pas parler au serveur de ${data} : ${reasonOf(error)}. Soyez l’utilisateur du serveur, ou root.`,
      ),
    )
  }
  if (errcode !== undefined && DAMAGED.has(errcode & 0xff)) {
    return new CliError(
      EXIT.badData,
      say(
        `A database in ${data} is damaged: ${(error as Error).message}.`,
        `Une base de données de ${data} est endommagée : ${(error as Error).message}.`,
      ),
    )
  }
  const reason = reasonOf(error)
  if (reason === undefined) return undefined
  const { path = data } = error as NodeJS.ErrnoException
  return new CliError(
    EXIT.cannotWrite,
    say(`Cannot write to ${path}: ${reason}.`, `Impossible d’écrire dans ${path} : ${reason}.`),
    { cause: error },
  )
}

/** SQLITE_CORRUPT, SQLITE_NOTADB. */
const DAMAGED: ReadonlySet<number> = new Set([11, 26])

/** Why a listener cannot be had. */
export function listenSentence({ endpoint, code, cause }: ListenFault): string {
  const where = formatEndpoint(endpoint)
  const reason =
    code === 'EACCES'
      ? say(
          'ports below 1024 need root or CAP_NET_BIND_SERVICE',
          'les ports inférieurs à 1024 demandent root ou CAP_NET_BIND_SERVICE',
        )
      : (reasonOf(cause) ?? code)
  return say(`Cannot listen on ${where}: ${reason}.`, `Impossible d’écouter sur ${where} : ${reason}.`)
}

/** Why a certificate cannot be used. */
export function certificateSentence({ file, problem, cause }: CertificateFault): string {
  switch (problem) {
    case 'unreadable':
      return say(
        `The certificate file ${file} cannot be read: ${reasonOf(cause)}.`,
        `Le fichier de certificat ${file} est illisible : ${reasonOf(cause)}.`,
      )
    case 'no-certificate':
      return say(
        `${file} holds no certificate; tls.cert names a PEM file that begins with the server's.`,
        `${file} ne contient pas de certificat ; tls.cert désigne un fichier PEM qui commence par celui du serveur.`,
      )
    case 'no-key':
      return say(
        `${file} holds no private key; tls.key names the PEM file of the certificate's key.`,
        `${file} ne contient pas de clé privée ; tls.key désigne le fichier PEM de la clé du certificat.`,
      )
    case 'locked-key':
      return say(
        `The key in ${file} is locked with a passphrase; Malle needs it without one.`,
        `La clé de ${file} est protégée par une phrase secrète ; il la faut sans.`,
      )
    case 'other-key':
      return say(
        `The key in ${file} is not the key of the certificate.`,
        `La clé de ${file} n’est pas celle du certificat.`,
      )
    case 'refused':
      return say(
        `The certificate ${file} cannot be used: ${messageOf(cause)}.`,
        `Le certificat ${file} est inutilisable : ${messageOf(cause)}.`,
      )
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
