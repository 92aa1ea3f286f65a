/** Sentences about DNS records. @module */
import type { DomainFacts, RecordPurpose } from '#services/dns-records.ts'
import { say } from './language.ts'

/** What a group of records is for. */
export function purposeSentence(purpose: RecordPurpose, { domain, hostname, addresses }: DomainFacts): string {
  switch (purpose) {
    case 'mx':
      return say(`Mail for ${domain} comes to ${hostname}.`, `Le courrier de ${domain} arrive à ${hostname}.`)
    case 'address': {
      const listed = addresses.join(', ')
      return say(
        `Where ${hostname} is. The provider of the addresses must say the same backwards: ${listed} is ${hostname} (PTR).`,
        `Où est ${hostname}. Le fournisseur des adresses doit dire l’inverse aussi : ${listed} est ${hostname} (PTR).`,
      )
    }
    case 'spf':
      return say('Who sends mail of the domain (SPF).', 'Qui envoie le courrier du domaine (SPF).')
    case 'dkim':
      return say('Keys that its mail is signed with (DKIM).', 'Clés qui signent son courrier (DKIM).')
    case 'dmarc':
      return say(
        'What others do with mail that is neither, and whom they tell (DMARC).',
        'Ce que les autres font du courrier qui n’est ni l’un ni l’autre, et qui ils préviennent (DMARC).',
      )
    case 'tls-rpt':
      return say('Who hears of failures of TLS (TLS-RPT).', 'Qui est prévenu des échecs de TLS (TLS-RPT).')
    case 'mta-sts':
      return say(
        'That mail comes by TLS only; the policy is served at mta-sts (MTA-STS).',
        'Que le courrier n’arrive que par TLS ; la politique est servie par mta-sts (MTA-STS).',
      )
    case 'srv':
      return say(
        'Where mail programs find the services; "." is what there is not.',
        'Où les programmes de courrier trouvent les services ; « . » : il n’y en a pas.',
      )
    case 'caa':
      return say('Who may sign certificates (CAA).', 'Qui peut signer des certificats (CAA).')
    case 'tlsa':
      return say(
        'The key of the certificate; it counts only in a zone signed by DNSSEC (DANE).',
        'La clé du certificat ; elle ne compte que dans une zone signée par DNSSEC (DANE).',
      )
    case 'autoconfig':
      return say('Settings for Thunderbird and others.', 'Réglages pour Thunderbird et d’autres.')
    case 'autodiscover':
      return say('Settings for Outlook.', 'Réglages pour Outlook.')
  }
}
