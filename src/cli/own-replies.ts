/**
 * What this server itself says of mail that does not go, in French. It is kept as reports have it, in English: an enhanced
 * status and a sentence, where another server's words begin with a code of three digits, and stay as they are.
 * @module
 */

/** What stands before a sentence, and may stand before another one of these. */
const BEGINNINGS: readonly (readonly [RegExp, string])[] = [
  [/^Given up after (\d+) days\. At last: /, 'Abandonné après $1 jours. En dernier : '],
  [/^MTA-STS of (\S+) \((\w+)\): /, 'MTA-STS de $1 ($2) : '],
  [/^DANE of (\S+): /, 'DANE de $1 : '],
  [/^the route for (\S+): /, 'la route pour $1 : '],
]

const CERTIFICATE = /^the certificate of (\S+) (.+)$/
const OF_CERTIFICATES: readonly (readonly [RegExp, string])[] = [
  [/^is not for (\S+)$/, 'n’est pas pour $1'],
  [/^is not for (\S+) or (\S+)$/, 'n’est ni pour $1, ni pour $2'],
  [/^has expired$/, 'a expiré'],
  [/^or one that vouches for it has expired$/, 'ou l’un de ceux qui s’en portent garants a expiré'],
  [/^is not valid yet$/, 'n’est pas encore valable'],
  [/^is signed by itself$/, 'est signé par lui-même'],
  [/^comes from an authority that is not trusted$/, 'vient d’une autorité à laquelle on ne se fie pas'],
  [/^comes from an authority that is not known$/, 'vient d’une autorité inconnue'],
  [/^cannot be verified \((.+)\)$/, 'ne peut pas être vérifié ($1)'],
  [/^is missing$/, 'manque'],
  [/^is not the one that its TLSA records tell of$/, 'n’est pas celui que ses enregistrements TLSA annoncent'],
]

const SENTENCES: readonly (readonly [RegExp, string])[] = [
  [/^no TLS with (\S+): (.+)$/, 'pas de TLS avec $1 : $2'],
  [/^(\S+) is not in its policy$/, '$1 n’est pas dans sa politique'],
  [/^its TLSA records cannot be had: (.+)$/, 'ses enregistrements TLSA ne peuvent pas être obtenus : $1'],
  [/^The domain (\S+) does not exist$/, 'Le domaine $1 n’existe pas'],
  [/^The DNS does not tell about (\S+): (.+)$/, 'Le DNS ne dit rien de $1 : $2'],
  [/^(\S+) has no address$/, '$1 n’a pas d’adresse'],
  [/^(\S+) takes no mail \(null MX\)$/, '$1 n’accepte aucun courrier (MX nul)'],
  [/^(\S+) leads back to this server$/, '$1 ramène à ce serveur'],
  [/^No answer within (\d+) s$/, 'Pas de réponse en $1 s'],
  [/^Connection refused$/, 'Connexion refusée'],
  [/^Connection reset$/, 'Connexion rompue'],
  [/^Connection closed unexpectedly$/, 'Connexion fermée de façon inattendue'],
  [/^No route to the host$/, 'Pas de route vers l’hôte'],
  [/^Network is unreachable$/, 'Réseau inaccessible'],
  [/^Too slow: no end within (\d+) min$/, 'Trop lent : pas de fin en $1 min'],
  [/^The password file of the route cannot be read$/, 'Le fichier de mot de passe de la route ne peut pas être lu'],
  [/^The file of authorities of the route cannot be read$/, 'Le fichier d’autorités de la route ne peut pas être lu'],
  [/^The mailbox is full$/, 'La boîte est pleine'],
]

/** A reply in French where it is our own; another server's as it is. */
export function replyInFrench(reply: string): string {
  const [, status, words] = /^([45]\.\d{1,3}\.\d{1,3} )(.+)$/s.exec(reply) ?? []
  if (status === undefined || words === undefined) return reply
  return `${status}${sentenceInFrench(words)}`
}

function sentenceInFrench(words: string): string {
  for (const [english, french] of BEGINNINGS) {
    const [beginning] = english.exec(words) ?? []
    if (beginning === undefined) continue
    const rest = words.slice(beginning.length)
    // what came at last has its status, or is another server's
    const end = /^\d/.test(rest) ? replyInFrench(rest) : sentenceInFrench(rest)
    return `${beginning.replace(english, french)}${end}`
  }
  const [, host, predicate] = CERTIFICATE.exec(words) ?? []
  if (host === undefined || predicate === undefined) return translated(words, SENTENCES)
  const french = translated(predicate, OF_CERTIFICATES)
  return french === predicate ? words : `le certificat de ${host} ${french}`
}

function translated(words: string, table: readonly (readonly [RegExp, string])[]): string {
  const [english, french] = table.find(([one]) => one.test(words)) ?? []
  return english === undefined || french === undefined ? words : words.replace(english, french)
}
