/** Why a migration ended early, as sentences. @module */
import type { MigrateRefusal } from '#transfer/migrate/refusal.ts'
import { say } from './language.ts'

export function migrateRefusalSentence(refusal: MigrateRefusal): string {
  switch (refusal.kind) {
    case 'source-login':
    case 'source-gone':
    case 'source-fails':
      return `${refusal.said.replace(/\.$/, '')}.`
    case 'unique-ids-changed':
      return say(
        `The source has given ${refusal.messages} of its messages other unique-ids than at the run before, so that programs on POP3 would fetch them again. Nothing was changed. If programs have seen the new ones already, remove the account here and migrate it again.`,
        `La source a donné à ${refusal.messages} de ses messages d’autres identifiants (UIDL) qu’à l’exécution précédente : les programmes POP3 les relèveraient à nouveau. Rien n’a été modifié. Si des programmes ont déjà vu les nouveaux, supprimez le compte ici et reprenez la migration.`,
      )
    case 'no-unique-ids':
      return say(
        'The POP3 server has no UIDL: its messages cannot be told apart. Give its IMAP server.',
        'Le serveur POP3 n’a pas UIDL : ses messages ne peuvent être distingués. Indiquez son serveur IMAP.',
      )
    case 'migration-busy':
      return say('Another run migrates this account now.', 'Une autre exécution migre ce compte en ce moment.')
    case 'migration-too-new':
      return say(
        'The records of this migration were written by a newer Malle.',
        'Le registre de cette migration a été écrit par un Malle plus récent.',
      )
    case 'store-cannot-write':
      return say(
        'The store cannot write now; "malle status" says why. The next run goes on from here.',
        'Le stockage ne peut pas écrire en ce moment ; « malle status » dit pourquoi. La prochaine exécution reprendra d’ici.',
      )
  }
}
