/** Sentences and exit codes for what the administration refuses. @module */
import { EXIT } from '#lib/exit-codes.ts'
import type { VerbRefusal } from '#server/verbs.ts'
import { counted, formatTime, say } from './language.ts'
import { migrateRefusalSentence } from './migrate-refusals.ts'
import { reasonOfCode } from './reasons.ts'

/** Says which exit code a refusal ends in (design §3). */
export function exitCodeOf(refusal: VerbRefusal): number {
  switch (refusal.kind) {
    case 'no-such':
    case 'no-such-connection':
    case 'no-such-mailbox':
    case 'no-such-message':
    case 'not-in-queue':
    case 'nothing-there':
    case 'not-in-backup':
    case 'backup-unfinished':
      return EXIT.noSuchThing
    case 'backup-in-use':
    case 'store-unavailable':
    case 'store-refuses':
    case 'account-closed':
    case 'source-gone':
    case 'migration-busy':
    case 'store-cannot-write':
      return EXIT.tryAgain
    case 'source-login':
      return EXIT.notAllowed
    case 'source-fails':
    case 'no-unique-ids':
      return EXIT.unavailable
    case 'migration-too-new':
      return EXIT.configuration
    case 'mailbox-refuses':
    case 'undelete-refused':
    case 'folder-not-empty':
    case 'data-not-empty':
    case 'restore-refused':
    case 'move-refused':
      return EXIT.cannotWrite
    case 'no-such-shard':
    case 'no-dkim-keys':
      return EXIT.noSuchThing
    case 'newer-backup':
      return EXIT.configuration
    case 'unknown-verb':
      return EXIT.usage
    case 'file':
      if (refusal.code === 'ENOENT') return EXIT.noSuchThing
      return refusal.code === 'EACCES' || refusal.code === 'EPERM' ? EXIT.notAllowed : EXIT.cannotWrite
    default:
      return EXIT.badData
  }
}

/** A refusal as a sentence. */
export function sentenceOf(refusal: VerbRefusal): string {
  switch (refusal.kind) {
    case 'exists':
      if (refusal.what === 'alias') {
        return say(
          `There is already an alias "${refusal.name}"; "alias set" changes it.`,
          `Il y a déjà un alias « ${refusal.name} » ; « alias set » le modifie.`,
        )
      }
      return say(
        `There is already ${ENGLISH[refusal.what][1]} "${refusal.name}".`,
        `Il y a déjà ${FRENCH[refusal.what][1]} « ${refusal.name} ».`,
      )
    case 'no-such':
      return say(
        `There is no ${ENGLISH[refusal.what][0]} "${refusal.name}".`,
        `Il n’y a pas ${FRENCH[refusal.what][0]} « ${refusal.name} ».`,
      )
    case 'in-use':
      return say(
        `The domain ${refusal.name} still has accounts or aliases, or aliases lead into it; remove them first.`,
        `Le domaine ${refusal.name} a encore des comptes ou des alias, ou des alias y mènent ; supprimez-les d’abord.`,
      )
    case 'bad-address':
      return say(`"${refusal.text}" is not an address.`, `« ${refusal.text} » n’est pas une adresse.`)
    case 'minus-address':
      return say(
        `No account can be called "${refusal.address}": in rights to mailboxes, a name behind a "-" says what somebody may not do.`,
        `Aucun compte ne peut s’appeler « ${refusal.address} » : dans les droits sur les dossiers, un nom précédé de « - » dit ce que quelqu’un ne peut pas faire.`,
      )
    case 'bad-domain':
      return say(`"${refusal.text}" is not a domain.`, `« ${refusal.text} » n’est pas un domaine.`)
    case 'bad-password':
      return say(
        `The password of ${refusal.address} cannot be used: it ${PASSWORDS[refusal.problem]}.`,
        `Le mot de passe de ${refusal.address} ne convient pas : il ${PASSWORDS[refusal.problem]}.`,
      )
    case 'bad-hash':
      return say(
        `The hash of ${refusal.address} is of no scheme that Malle can check.`,
        `L’empreinte du mot de passe de ${refusal.address} est d’un type que Malle ne sait pas vérifier.`,
      )
    case 'bad-name':
      return say(
        `"${refusal.text}" cannot be a name: at most 100 characters, no control characters.`,
        `« ${refusal.text} » ne peut pas servir de nom : 100 caractères au plus, pas de caractères de contrôle.`,
      )
    case 'no-targets':
      return say(`The alias ${refusal.address} has no targets.`, `L’alias ${refusal.address} n’a pas de cible.`)
    case 'no-such-target':
      return say(
        `"${refusal.target}" cannot be a target: ${TARGETS[refusal.why]}.`,
        `« ${refusal.target} » ne peut pas être une cible : ${TARGETS[refusal.why]}.`,
      )
    case 'alias-loop':
      return say(
        `The alias ${refusal.address} would lead back to itself.`,
        `L’alias ${refusal.address} renverrait à lui-même.`,
      )
    case 'store-unavailable':
      return say(
        `The directory was changed, but the store cannot follow for ${refusal.address} now; it does at the next use.`,
        `L’annuaire a été modifié, mais le stockage ne peut pas suivre pour ${refusal.address} ; il le fera au prochain usage.`,
      )
    case 'store-refuses':
      return say(
        'The store cannot write now, and nothing was changed; "malle status" says why.',
        'Le stockage ne peut pas écrire, et rien n’a été modifié ; « malle status » dit pourquoi.',
      )
    case 'account-closed':
      return say(
        `The store cannot open ${refusal.address} now; "malle status" says why.`,
        `Le stockage ne peut pas ouvrir ${refusal.address} ; « malle status » dit pourquoi.`,
      )
    case 'no-such-connection':
      return say(`There is no connection ${refusal.id}.`, `Il n’y a pas de connexion ${refusal.id}.`)
    case 'no-such-message':
      return say(`There is no message "${refusal.message}".`, `Il n’y a pas de message « ${refusal.message} ».`)
    case 'not-in-queue':
      return say(`The queue has no message "${refusal.id}".`, `La file d’attente n’a pas de message « ${refusal.id} ».`)
    case 'undelete-refused': {
      const before = counted(refusal.messages, ['message', 'messages'], ['message', 'messages'])
      return say(
        `Nothing can be restored into "${refusal.mailbox}": ${mailboxReason(refusal.why)}. ${before} came back before that.`,
        `Rien ne peut être restauré dans « ${refusal.mailbox} » : ${mailboxReason(refusal.why)}. Restauré auparavant : ${before}.`,
      )
    }
    case 'unknown-verb':
      return say(
        `The server that runs does not know "${refusal.verb}"; restart it.`,
        `Le serveur en marche ne connaît pas « ${refusal.verb} » ; redémarrez-le.`,
      )
    case 'file': {
      const reason = reasonOfCode(refusal.code)
      const said = say(
        `Malle cannot use ${refusal.path}: ${reason}.`,
        `Malle ne peut pas utiliser ${refusal.path} : ${reason}.`,
      )
      if (refusal.code !== 'EACCES') return said
      return say(
        `${said} Files are read and written by the user who owns the data directory.`,
        `${said} Les fichiers sont lus et écrits par l’utilisateur à qui appartient le dossier des données.`,
      )
    }
    case 'nothing-there':
      return say(`There is nothing at ${refusal.path}.`, `Il n’y a rien à l’emplacement ${refusal.path}.`)
    case 'no-mail':
      return say(
        `${refusal.path} holds no mail: neither an mbox file nor a Maildir nor .eml files.`,
        `${refusal.path} ne contient pas de courrier : ni fichier mbox, ni Maildir, ni fichiers .eml.`,
      )
    case 'mailbox-refuses': {
      const kept = counted(refusal.messages, ['message', 'messages'], ['message importé', 'messages importés'])
      return say(
        `The mailbox "${refusal.mailbox}" takes no more: ${mailboxReason(refusal.why)}. ${kept} came before it.`,
        `Le dossier « ${refusal.mailbox} » refuse la suite : ${mailboxReason(refusal.why)}. Auparavant : ${kept}.`,
      )
    }
    case 'folder-not-empty':
      return say(`The folder ${refusal.path} is not empty.`, `Le dossier ${refusal.path} n’est pas vide.`)
    case 'no-such-mailbox':
      return say(`There is no mailbox "${refusal.mailbox}".`, `Il n’y a pas de dossier « ${refusal.mailbox} ».`)
    case 'not-a-backup':
      return say(
        `${refusal.path} has other things in it and is no backup of Malle.`,
        `${refusal.path} contient autre chose et n’est pas une sauvegarde de Malle.`,
      )
    case 'backup-unfinished':
      return say(
        `No backup into ${refusal.path} has come to its end yet; "malle backup" goes on where it was broken off.`,
        `Aucune sauvegarde dans ${refusal.path} n’est allée à son terme ; « malle backup » la reprend où elle en était.`,
      )
    case 'backup-in-use':
      return say(
        `Another backup or restore of ${refusal.path} is under way.`,
        `Une autre sauvegarde ou restauration de ${refusal.path} est en cours.`,
      )
    case 'newer-backup':
      return say(
        `A newer Malle made this backup (${refusal.path}, format ${refusal.format}); this one reads formats up to ${refusal.reads}.`,
        `Un Malle plus récent a fait cette sauvegarde (${refusal.path}, format ${refusal.format}) ; celui-ci lit les formats jusqu’à ${refusal.reads}.`,
      )
    case 'damaged-backup':
      return say(
        `The backup is damaged: the checksum of ${refusal.what} does not hold.`,
        `La sauvegarde est endommagée : la somme de contrôle de ${refusal.what} est fausse.`,
      )
    case 'not-in-backup':
      return say(
        `The backup has no mail of ${refusal.address}.`,
        `La sauvegarde n’a pas de courrier de ${refusal.address}.`,
      )
    case 'data-not-empty':
      return say(
        'There are domains and accounts already; a whole backup comes back only where nothing is. --account brings back one.',
        'Il y a déjà des domaines et des comptes ; une sauvegarde entière ne revient que là où il n’y a rien. --account en rétablit un seul.',
      )
    case 'restore-refused':
      return say(
        `${refusal.address} could not be brought back: ${mailboxReason(refusal.why)}. Nothing of it was changed.`,
        `${refusal.address} n’a pas pu être rétabli : ${mailboxReason(refusal.why)}. Rien n’y a été modifié.`,
      )
    case 'no-such-shard':
      return say(
        `There is no shard ${refusal.shard}: they are numbered from 0, and store.shards is ${refusal.shards}.`,
        `Il n’y a pas de partition ${refusal.shard} : elles sont numérotées à partir de 0 et store.shards vaut ${refusal.shards}.`,
      )
    case 'already-there':
      return say(
        `${refusal.address} is in shard ${refusal.shard} already.`,
        `${refusal.address} est déjà dans la partition ${refusal.shard}.`,
      )
    case 'move-refused':
      if (refusal.why === 'unreadable')
        return say(
          'The account was not moved: some of its mail cannot be read ("malle check" names it) and would be lost. Try again, or leave that mail behind with --leave-unreadable.',
          'Le compte n’a pas été déplacé : une partie de son courrier est illisible (« malle check » la nomme) et serait perdue. Réessayez, ou abandonnez ce courrier avec --leave-unreadable.',
        )
      return say(
        `The account could not be moved: ${mailboxReason(refusal.why)}. It is where it was.`,
        `Le compte n’a pas pu être déplacé : ${mailboxReason(refusal.why)}. Il est resté où il était.`,
      )
    case 'bad-quoting':
      return atLine(
        refusal.line,
        say(
          'a quoted field does not end, or text stands behind its quote',
          'un champ entre guillemets n’est pas fermé, ou du texte suit le guillemet',
        ),
      )
    case 'no-address-column':
      return atLine(
        refusal.line,
        say('the heading has no column "address"', 'l’en-tête n’a pas de colonne « address »'),
      )
    case 'unknown-column': {
      const known = refusal.known.join(', ')
      return atLine(
        refusal.line,
        say(
          `there is no column "${refusal.column}"; these are: ${known}`,
          `la colonne « ${refusal.column} » n’existe pas ; il y a : ${known}`,
        ),
      )
    }
    case 'twice':
      return atLine(
        refusal.line,
        say(`the column "${refusal.column}" is there twice`, `la colonne « ${refusal.column} » figure deux fois`),
      )
    case 'field-count': {
      const fields = counted(refusal.fields, ['field', 'fields'], ['champ', 'champs'])
      return atLine(
        refusal.line,
        say(
          `${fields} where the heading has ${refusal.columns}`,
          `${fields} alors que l’en-tête en a ${refusal.columns}`,
        ),
      )
    }
    case 'bad-value':
      return atLine(
        refusal.line,
        say(
          `"${refusal.value}" cannot be the ${refusal.column}`,
          `« ${refusal.value} » ne convient pas comme ${refusal.column}`,
        ),
      )
    case 'bad-selector':
      return say(
        `"${refusal.text}" cannot be a selector: it has letters, digits and hyphens, 63 at most.`,
        `« ${refusal.text} » ne convient pas comme sélecteur : lettres, chiffres et tirets, 63 au plus.`,
      )
    case 'has-dkim-keys':
      return say(
        `${refusal.domain} has DKIM keys already; "domain dkim rotate" replaces them.`,
        `${refusal.domain} a déjà des clés DKIM ; « domain dkim rotate » les remplace.`,
      )
    case 'no-dkim-keys':
      return say(
        `${refusal.domain} has no DKIM key that signs; "domain dkim add" makes some.`,
        `${refusal.domain} n’a pas de clé DKIM qui signe ; « domain dkim add » en crée.`,
      )
    case 'dkim-rotating': {
      const { selector } = refusal
      const at = formatTime(refusal.activeFrom)
      return say(
        `The key ${selector} is waiting already and signs from ${at} on; --now lets it sign at once.`,
        `La clé ${selector} attend déjà et signera à partir du ${at} ; --now la fait signer tout de suite.`,
      )
    }
    case 'source-login':
    case 'source-gone':
    case 'source-fails':
    case 'unique-ids-changed':
    case 'no-unique-ids':
    case 'migration-busy':
    case 'migration-too-new':
    case 'store-cannot-write':
      return migrateRefusalSentence(refusal)
  }
}

function atLine(line: number, text: string): string {
  return say(`Line ${line}: ${text}.`, `Ligne ${line} : ${text}.`)
}

function mailboxReason(why: string): string {
  return MAILBOXES.get(why) ?? why
}

const ENGLISH = {
  domain: ['domain', 'a domain'],
  account: ['account', 'an account'],
  alias: ['alias', 'an alias'],
  'app-password': ['app password', 'an app password'],
  'dkim-key': ['DKIM key', 'a DKIM key'],
} as const
const FRENCH = {
  domain: ['de domaine', 'un domaine'],
  account: ['de compte', 'un compte'],
  alias: ['d’alias', 'un alias'],
  'app-password': ['de mot de passe d’application', 'un mot de passe d’application'],
  'dkim-key': ['de clé DKIM', 'une clé DKIM'],
} as const
const PASSWORDS = {
  empty: say('is empty', 'est vide'),
  'too-long': say('is too long', 'est trop long'),
  'control-character': say('has control characters', 'contient des caractères de contrôle'),
} as const
const TARGETS = {
  'not-local': say('it is not of a domain of this server', 'elle n’est pas d’un domaine de ce serveur'),
  unknown: say('there is no such account or alias', 'ce compte ou cet alias n’existe pas'),
  'bad-address': say('it is not an address', 'ce n’est pas une adresse'),
} as const
const MAILBOXES: ReadonlyMap<string, string> = new Map([
  ['moving', say('it is being moved', 'il est en cours de déplacement')],
  ['over-quota', say('the account is over its quota', 'le compte a atteint son quota')],
  ['unavailable', say('the store cannot write now', 'le stockage ne peut pas écrire en ce moment')],
  ['bad-name', say('the name cannot be used', 'ce nom ne peut pas servir')],
  ['too-many-mailboxes', say('the account has too many mailboxes', 'le compte a trop de dossiers')],
])
