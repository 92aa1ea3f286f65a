/** The words for refusals; sentences belong to the session that speaks. @module */
import type { ConnectionRefusal, LoginRefusal, MaildropRefusal } from '#services/registry.ts'
import type { SaslFault } from '#wire/sasl/mechanism.ts'
import { type Completion, err } from './command.ts'
import type { NumberRefusal } from './maildrop.ts'
import { words } from './words.ts'

/** AUTH says that other credentials may help, SYS/TEMP that time may, SYS/PERM that a person must (RFC 3206 §4). */
export function loginRefusal(refusal: LoginRefusal): Completion {
  switch (refusal.kind) {
    case 'wrong-credentials':
      return err(words('Wrong login name or password', 'Nom ou mot de passe incorrect'), 'AUTH')
    case 'not-allowed':
      switch (refusal.why) {
        case 'protocol':
          return err(words('POP3 is not allowed for this account', 'POP3 n’est pas permis pour ce compte'), 'SYS/PERM')
        case 'disabled':
          return err(words('This account is disabled', 'Ce compte est désactivé'), 'SYS/PERM')
        case 'authorization':
          return err(words('You may only log in as yourself', 'Vous ne pouvez vous connecter qu’en votre nom'), 'AUTH')
      }
    case 'throttled':
      return err(
        words('Too many failed logins, try again later', 'Trop d’échecs de connexion, réessayez plus tard'),
        'SYS/TEMP',
      )
    case 'too-many-sessions':
      return err(
        words(
          `This account has ${refusal.limit} connections, which is the limit`,
          `Ce compte a ${refusal.limit} connexions, c’est la limite`,
        ),
        'SYS/TEMP',
      )
    case 'unavailable':
      return err(
        words(
          'Logins are not possible now, try again later',
          'Connexion impossible pour le moment, réessayez plus tard',
        ),
        'SYS/TEMP',
      )
  }
}

export function saslFault(fault: SaslFault): Completion {
  switch (fault) {
    case 'malformed':
      return err(
        words('The answer is not what the mechanism wants', 'La réponse n’est pas celle que le mécanisme demande'),
      )
    case 'cancelled':
      return err(words('Cancelled', 'Annulé'))
    case 'channel-binding':
      return err(
        words(
          'The channel binding does not fit this connection',
          'La liaison au canal ne convient pas à cette connexion',
        ),
        'AUTH',
      )
  }
}

export function numberRefusal(refusal: NumberRefusal): Completion {
  switch (refusal) {
    case 'no-such-message':
      return err(words('No such message', 'Ce message n’existe pas'))
    case 'deleted':
      return err(words('That message is deleted', 'Ce message est supprimé'))
  }
}

export function connectionRefusal(refusal: ConnectionRefusal): Completion {
  switch (refusal.kind) {
    case 'too-many-connections':
      return err(words('Too many connections, try again later', 'Trop de connexions, réessayez plus tard'), 'SYS/TEMP')
    case 'too-many-from-address':
      return err(words('Too many connections from your address', 'Trop de connexions depuis votre adresse'), 'SYS/TEMP')
    case 'overloaded':
      return err(
        words('The server is overloaded, try again later', 'Le serveur est surchargé, réessayez plus tard'),
        'SYS/TEMP',
      )
    case 'closing':
      return err(
        words('The server is stopping, try again later', 'Le serveur s’arrête, réessayez plus tard'),
        'SYS/TEMP',
      )
  }
}

/** A login that was right, and does not get its maildrop. */
export function maildropRefusal(refusal: MaildropRefusal): Completion {
  switch (refusal.kind) {
    case 'in-use':
      return err(
        words('The maildrop is in use by another session', 'La boîte est utilisée par une autre session'),
        'IN-USE',
      )
    case 'too-early': {
      const seconds = Math.ceil(refusal.retryAfterMs / 1_000)
      return err(words(`Too early, wait ${seconds} s`, `Trop tôt, attendez ${seconds} s`), 'LOGIN-DELAY')
    }
    case 'unavailable':
      return err(
        words('The maildrop cannot be opened now', 'La boîte ne peut pas être ouverte pour le moment'),
        'SYS/TEMP',
      )
  }
}

/** The mailbox named behind the `+` of the login is not there. */
export function noSuchMailbox(): Completion {
  return err(
    words('There is no mailbox of the name behind the +', 'Aucun dossier ne porte le nom qui suit le +'),
    'SYS/PERM',
  )
}

/** POP3 changes nothing in this account. */
export function readOnly(): Completion {
  return err(words('This maildrop is read-only', 'Cette boîte est en lecture seule'), 'SYS/PERM')
}
