/** What `malle dns check` found, in sentences. @module */
import type { CheckedPurpose, DnsFinding, FaultKind, HintKind } from '#services/dns-check/finding.ts'
import { say } from './language.ts'

const MARKS = { ok: '✓', hint: '!', fault: '✗', unanswered: '?' } as const

/** One finding: its sentence, and where something is wrong what is expected and what is there. */
export function formatFinding(finding: DnsFinding): string {
  const { state, expected, found } = finding
  const lines = [`${MARKS[state]} ${sentenceOf(finding)}`]
  if (state === 'fault' || state === 'hint') {
    if (expected !== '') lines.push(say(`    expected: ${expected}`, `    attendu : ${expected}`))
    const there = found.length === 0 ? say('nothing', 'rien') : found.join(' | ')
    lines.push(say(`    found:    ${there}`, `    trouvé :  ${there}`))
  }
  return lines.join('\n')
}

const NAMES: Readonly<Record<CheckedPurpose, string>> = {
  mx: 'MX',
  address: say('Address', 'Adresse'),
  ptr: 'PTR',
  spf: 'SPF',
  dkim: 'DKIM',
  dmarc: 'DMARC',
  'mta-sts': 'MTA-STS',
  'tls-rpt': 'TLS-RPT',
  srv: 'SRV',
  caa: 'CAA',
  tlsa: 'TLSA',
  autoconfig: 'Autoconfig',
  autodiscover: 'Autodiscover',
}

function sentenceOf(finding: DnsFinding): string {
  const { kind, purpose, name, detail } = finding
  const begin = say(`${NAMES[purpose]}, ${name}: `, `${NAMES[purpose]}, ${name} : `)
  if (kind === 'fine') return begin + say('as it should be.', 'comme il faut.')
  if (kind === 'unanswered')
    return begin + say(`the DNS does not answer (${detail}).`, `le DNS ne répond pas (${detail}).`)
  return begin + SENTENCES[kind](finding)
}

/** Each continues "MX, example.org: …". */
const SENTENCES: Readonly<Record<FaultKind | HintKind, (finding: DnsFinding) => string>> = {
  'no-such-domain': () => say('there is no such domain in the DNS.', 'ce domaine n’existe pas dans le DNS.'),
  'mx-missing': () =>
    say('there is no MX: mail does not find this server.', 'pas de MX : le courrier ne trouve pas ce serveur.'),
  'mx-null': () =>
    say('the domain says that it takes no mail (null MX).', 'le domaine dit ne recevoir aucun courrier (MX nul).'),
  'mx-elsewhere': () => say('mail goes to other servers.', 'le courrier va à d’autres serveurs.'),
  'mx-also-elsewhere': ({ detail }) =>
    say(`mail may go to ${detail} too.`, `le courrier peut aussi aller à ${detail}.`),
  'mx-is-cname': ({ detail }) =>
    say(
      `the host of an MX must not be an alias, and this one is one of ${detail} (RFC 2181 §10.3).`,
      `l’hôte d’un MX ne doit pas être un alias, or celui-ci en est un de ${detail} (RFC 2181 §10.3).`,
    ),
  'address-missing': () => say('the server has no address.', 'le serveur n’a pas d’adresse.'),
  'address-differs': ({ detail }) =>
    say(`public.addresses and the DNS differ: ${detail}.`, `public.addresses et le DNS diffèrent : ${detail}.`),
  'ptr-missing': () =>
    say(
      'the address has no name, so many servers refuse its mail. Its provider sets it.',
      'l’adresse n’a pas de nom, et beaucoup de serveurs refusent son courrier. C’est à son fournisseur de l’inscrire.',
    ),
  'ptr-not-back': () =>
    say(
      'the name of the address does not lead back to it, so many servers refuse its mail.',
      'le nom de l’adresse ne ramène pas à elle, et beaucoup de serveurs refusent son courrier.',
    ),
  'ptr-other-name': () =>
    say('the address has another name, which leads back to it.', 'l’adresse a un autre nom, qui ramène à elle.'),
  'spf-missing': () => say('there is no SPF record.', 'pas d’enregistrement SPF.'),
  'spf-two': () =>
    say('there are several SPF records, so none counts.', 'il y a plusieurs enregistrements SPF : aucun ne compte.'),
  'spf-syntax': ({ detail }) =>
    say(`"${detail}" cannot be read, so all of it does not count.`, `« ${detail} » est illisible : rien ne compte.`),
  'spf-include-missing': ({ detail }) =>
    say(
      `it includes ${detail}, which has no SPF record, so all of it does not count.`,
      `il inclut ${detail}, qui n’a pas d’enregistrement SPF : rien ne compte.`,
    ),
  'spf-without-us': ({ detail }) =>
    say(`mail from ${detail} does not pass.`, `le courrier de ${detail} n’est pas admis.`),
  'spf-plus-all': () =>
    say('it lets everybody send mail of the domain.', 'il laisse tout le monde envoyer du courrier du domaine.'),
  'spf-lookups': ({ detail }) =>
    say(
      `it takes ${detail} lookups, and after 10 it does not count (RFC 7208 §4.6.4).`,
      `il demande ${detail} recherches, et au-delà de 10 il ne compte plus (RFC 7208 §4.6.4).`,
    ),
  'spf-open-end': () =>
    say(
      'it says nothing of other senders; let it end in -all or ~all.',
      'il ne dit rien des autres expéditeurs ; terminez-le par -all ou ~all.',
    ),
  'dkim-no-keys': () =>
    say(
      'the domain has no keys, so its mail is not signed; "malle domain dkim add" makes them.',
      'le domaine n’a pas de clés : son courrier n’est pas signé ; « malle domain dkim add » en crée.',
    ),
  'dkim-missing': () =>
    say(
      'the key is not in the DNS, so signatures by it do not count.',
      'la clé n’est pas dans le DNS : ses signatures ne comptent pas.',
    ),
  'dkim-other-key': () =>
    say('another key is in the DNS, so signatures fail.', 'une autre clé est dans le DNS : les signatures échouent.'),
  'dkim-revoked': () => say('the key was taken back in the DNS.', 'la clé est révoquée dans le DNS.'),
  'dmarc-missing': () => say('there is no DMARC record.', 'pas d’enregistrement DMARC.'),
  'dmarc-two': () =>
    say(
      'there are several DMARC records, so none counts.',
      'il y a plusieurs enregistrements DMARC : aucun ne compte.',
    ),
  'dmarc-syntax': ({ detail }) => say(`"${detail}" cannot be read.`, `« ${detail} » est illisible.`),
  'dmarc-none': () => say('it asks others to do nothing (p=none).', 'il demande aux autres de ne rien faire (p=none).'),
  'dmarc-reports-refused': ({ detail }) =>
    say(
      `${detail} does not say that it takes reports about this domain (RFC 7489 §7.1).`,
      `${detail} ne dit pas qu’il accepte les rapports sur ce domaine (RFC 7489 §7.1).`,
    ),
  'mta-sts-missing': () => say('others may send without TLS.', 'les autres peuvent envoyer sans TLS.'),
  'mta-sts-two': () =>
    say('there are several records, so none counts.', 'il y a plusieurs enregistrements : aucun ne compte.'),
  'mta-sts-syntax': () => say('the record cannot be read.', 'l’enregistrement est illisible.'),
  'mta-sts-id': () =>
    say(
      'the id is that of another policy, so others keep the old one.',
      'l’identifiant est celui d’une autre politique : les autres gardent l’ancienne.',
    ),
  'mta-sts-unwanted': () =>
    say(
      'the DNS promises a policy that is not served here (public.mta_sts is "off").',
      'le DNS annonce une politique qui n’est pas servie ici (public.mta_sts vaut « off »).',
    ),
  'mta-sts-elsewhere': () =>
    say('the host of the policy is not this server.', 'l’hôte de la politique n’est pas ce serveur.'),
  'mta-sts-unreachable': ({ detail }) =>
    say(`the policy cannot be fetched: ${detail}.`, `la politique ne peut être lue : ${detail}.`),
  'mta-sts-policy': () => say('another policy is served.', 'une autre politique est servie.'),
  'tls-rpt-missing': () => say('nobody hears of it when TLS fails.', 'personne n’est prévenu quand TLS échoue.'),
  'tls-rpt-two': () =>
    say('there are several records, so none counts.', 'il y a plusieurs enregistrements : aucun ne compte.'),
  'tls-rpt-syntax': () => say('the record cannot be read.', 'l’enregistrement est illisible.'),
  'srv-missing': () =>
    say('mail programs do not find the service by it.', 'les programmes de courrier n’y trouvent pas le service.'),
  'srv-differs': () => say('it leads to another place.', 'il mène ailleurs.'),
  'srv-unwanted': () => say('it leads to a service that is not offered.', 'il mène à un service qui n’est pas offert.'),
  'autoconfig-missing': () =>
    say(
      'mail programs do not find their settings there.',
      'les programmes de courrier n’y trouvent pas leurs réglages.',
    ),
  'autoconfig-elsewhere': () => say('it leads to another server.', 'il mène à un autre serveur.'),
  'autodiscover-missing': () => say('Outlook does not find its settings.', 'Outlook ne trouve pas ses réglages.'),
  'autodiscover-elsewhere': () => say('it leads to another server.', 'il mène à un autre serveur.'),
  'caa-forbids': ({ detail }) =>
    say(`${detail} may not sign a certificate.`, `${detail} ne peut pas signer de certificat.`),
  'caa-missing': () => say('any authority may sign a certificate.', 'toute autorité peut signer un certificat.'),
  'tlsa-differs': () =>
    say(
      'the key of the certificate is another one, so servers that know DANE send nothing.',
      'la clé du certificat est une autre : les serveurs qui connaissent DANE n’envoient rien.',
    ),
  'tlsa-missing': () => say('the zone is signed, so DANE would work.', 'la zone est signée : DANE fonctionnerait.'),
  'tlsa-unsigned': () =>
    say(
      'the answer is not validated by DNSSEC, so others do not believe it.',
      'la réponse n’est pas validée par DNSSEC : les autres ne la croient pas.',
    ),
}

/** What it comes to. */
export function summary(domain: string, findings: readonly DnsFinding[]): string {
  const faults = findings.filter(({ state }) => state === 'fault').length
  const silent = findings.filter(({ state }) => state === 'unanswered').length
  const hints = findings.filter(({ state }) => state === 'hint').length
  if (faults + silent + hints === 0)
    return say(`The DNS of ${domain} is as it should be.`, `Le DNS de ${domain} est comme il faut.`)
  return say(
    `${domain}: ${faults} wrong, ${hints} could be better, ${silent} without an answer.`,
    `${domain} : ${faults} à corriger, ${hints} à améliorer, ${silent} sans réponse.`,
  )
}
