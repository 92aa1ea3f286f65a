/** What a delivery status notification says to people, in English and French. @module */

export type ReportAction = 'delivered' | 'expanded' | 'relayed' | 'delayed' | 'failed'

/** What people are told of one recipient. */
export interface ToldRecipient {
  readonly address: string
  readonly action: ReportAction
  /** `5.1.1`. */
  readonly status?: string | undefined
  /** `mx.example.net [192.0.2.1]:25`. */
  readonly remote?: string | undefined
  /** The remote's words, or ours. */
  readonly words?: string | undefined
}

type Words = Readonly<Record<ReportAction, readonly [opening: string, closing: string]>>

const ENGLISH: Words = {
  delivered: ['Your message was delivered to:', 'Nobody says whether it was read.'],
  expanded: ['Your message was delivered to:', 'Nobody says whether it was read.'],
  relayed: [
    'Your message was handed over to the mail server of:',
    'That server sends no reports: whether the message arrives, nobody will say.',
  ],
  delayed: [
    'Your message has not been delivered yet to:',
    'You need not send it again: it goes on being tried, and you will be told if it fails.',
  ],
  failed: ['Your message could not be delivered to:', 'It is not tried any longer.'],
}

const FRENCH: Words = {
  delivered: ['Votre message a été remis à :', 'Rien ne dit s’il a été lu.'],
  expanded: ['Votre message a été remis à :', 'Rien ne dit s’il a été lu.'],
  relayed: [
    'Votre message a été transmis au serveur de :',
    'Ce serveur n’envoie pas d’avis : personne ne dira si le message arrive.',
  ],
  delayed: [
    'Votre message n’est pas encore remis à :',
    'Inutile de l’envoyer de nouveau : les essais continuent, et un avis suivra s’ils échouent.',
  ],
  failed: ['Votre message n’a pas pu être remis à :', 'Il n’y aura pas d’autre essai.'],
}

/** ASCII, so that no header has to be encoded. */
export const SUBJECTS: Readonly<Record<'en' | 'fr' | 'both', Readonly<Record<ReportAction, string>>>> = {
  en: {
    delivered: 'Delivery report',
    expanded: 'Delivery report',
    relayed: 'Message handed over',
    delayed: 'Message delayed',
    failed: 'Message not delivered',
  },
  fr: {
    delivered: 'Avis de remise',
    expanded: 'Avis de remise',
    relayed: 'Message transmis',
    delayed: 'Message en attente',
    failed: 'Message non remis',
  },
  both: {
    delivered: 'Delivery report / Avis de remise',
    expanded: 'Delivery report / Avis de remise',
    relayed: 'Message handed over / Message transmis',
    delayed: 'Message delayed / Message en attente',
    failed: 'Message not delivered / Message non remis',
  },
}

/** What a status means for whoever wrote the message (RFC 3463); the first that fits. */
const MEANINGS: readonly (readonly [status: RegExp, english: string, french: string])[] = [
  [/^5\.1\.10$/, 'This domain takes no mail at all.', 'Ce domaine n’accepte aucun message.'],
  [
    /^5\.1\.[16]$/,
    'There is no such address there. Is it spelt right?',
    'Cette adresse n’y existe pas. Est-elle bien écrite ?',
  ],
  [/^5\.1\.2$/, 'There is no such domain. Is it spelt right?', 'Ce domaine n’existe pas. Est-il bien écrit ?'],
  [/^[45]\.2\.2$/, 'The mailbox there is full.', 'La boîte y est pleine.'],
  [/^5\.[23]\.[34]$/, 'The message is too large for that server.', 'Le message est trop gros pour ce serveur.'],
  [
    /^[45]\.4\.7$/,
    'That server did not take it in all this time.',
    'Ce serveur ne l’a pas pris pendant tout ce temps.',
  ],
  [/^[45]\.4\.[14]$/, 'That server cannot be reached.', 'Ce serveur ne peut pas être joint.'],
  [/^5\.4\.6$/, 'The message would go round in circles.', 'Le message tournerait en rond.'],
  [/^5\.6\.[379]$/, 'That server does not take such characters.', 'Ce serveur n’accepte pas ces caractères.'],
  [/^5\.7\./, 'That server refuses it by its rules.', 'Ce serveur le refuse, selon ses règles.'],
]

/** The text for people, lines ended by CRLF. @param language `both` where nobody knows what the sender reads. */
export function reportText(
  recipients: readonly ToldRecipient[],
  language: 'en' | 'fr' | 'both',
  until?: string,
): string {
  if (language === 'both') return `${textIn('en', recipients, until)}\r\n${textIn('fr', recipients, until)}`
  return textIn(language, recipients, until)
}

function textIn(language: 'en' | 'fr', recipients: readonly ToldRecipient[], until: string | undefined): string {
  const words = language === 'fr' ? FRENCH : ENGLISH
  // what was delivered and what was expanded is the same for people
  const openings = [...new Set(recipients.map(({ action }) => words[action][0]))]
  return openings
    .map((opening) => {
      const those = recipients.filter(({ action }) => words[action][0] === opening)
      const closing = words[those[0]?.action ?? 'failed'][1]
      const list = those.map((one) => lineOf(one, language)).join('')
      return `${opening}\r\n\r\n${list}\r\n${closing}\r\n${untilLine(those, language, until)}`
    })
    .join('\r\n')
}

function untilLine(those: readonly ToldRecipient[], language: 'en' | 'fr', until: string | undefined): string {
  if (until === undefined || those[0]?.action !== 'delayed') return ''
  return language === 'fr' ? `Derniers essais : ${until}\r\n` : `It is tried until: ${until}\r\n`
}

function lineOf({ address, status = '', remote, words }: ToldRecipient, language: 'en' | 'fr'): string {
  const french = language === 'fr'
  const meaning = MEANINGS.find(([pattern]) => pattern.test(status))?.[french ? 2 : 1]
  const theirs = words !== undefined && /^[245]\d\d[ -]/.test(words)
  const server = remote === undefined ? '' : ` ${remote}`
  const said = french ? `Le serveur${server} dit` : `The server${server} says`
  const quoted = theirs ? `${said}${french ? ' :' : ':'} ${words}` : words
  return [address, ...(meaning === undefined ? [] : [`  ${meaning}`]), ...(quoted === undefined ? [] : [`  ${quoted}`])]
    .map((line) => `    ${line}\r\n`)
    .join('')
}
