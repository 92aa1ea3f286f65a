/** Tells the owner of an account and the postmaster that its mail is held. @module */
import { formatDate } from '#mail/dates.ts'
import type { PersonLanguage } from '#store/directory.ts'
import { IncomingMessage } from './delivery.ts'
import type { LocalDeps } from './local-delivery.ts'
import type { DeliveryTarget } from './registry.ts'
import type { Outburst } from './sending-ledger.ts'

/** A person and the language that is theirs. */
export interface NoticeReader {
  readonly target: DeliveryTarget
  readonly language: PersonLanguage
  /** Reads it as whoever runs the server, who can do something about it. */
  readonly postmaster: boolean
}

/** Puts it into the mailboxes; on disk when this settles. */
export async function tellOfOutburst(
  deps: LocalDeps,
  outburst: Outburst,
  readers: readonly NoticeReader[],
): Promise<readonly string[]> {
  const at = deps.clock.now()
  const told: string[] = []
  for (const [index, reader] of readers.entries()) {
    const id = `outburst.${outburst.account.ref.id}.${at.toString(36)}.${index}`
    const bytes = Buffer.from(composeOutburstNotice(outburst, reader, { id, at, hostname: deps.hostname }), 'utf8')
    const origin = {
      sender: '',
      helo: deps.hostname,
      remoteAddress: '127.0.0.1',
      protocol: 'local',
      tls: undefined,
      id,
    }
    const { target } = reader
    const message = new IncomingMessage(deps, origin, [{ address: target.address, targets: [target] }], {
      lineEnds: 'normalise',
      limitBytes: bytes.length,
    })
    await message.write(bytes)
    const [outcome] = await message.finish()
    if (outcome?.ok === true) told.push(target.address)
  }
  return told
}

/** The whole message, lines end in CRLF. */
function composeOutburstNotice(
  outburst: Outburst,
  { target, language, postmaster }: NoticeReader,
  { id, at, hostname }: { readonly id: string; readonly at: number; readonly hostname: string },
): string {
  const { address } = outburst.account
  const words = WORDS[language]
  const domain = address.slice(address.lastIndexOf('@') + 1)
  return [
    `Date: ${formatDate(at)}`,
    `From: Malle <postmaster@${domain}>`,
    `To: <${target.address}>`,
    `Message-ID: <${id}@${hostname}>`,
    `Subject: ${words.subject(address)}`,
    // RFC 3834 §3.1.7: nothing should answer it.
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    `Content-Language: ${language}`,
    '',
    ...words.facts(outburst, postmaster),
    '',
    ...(postmaster ? words.postmaster(address) : words.owner(domain)),
    '',
  ].join('\r\n')
}

interface Words {
  /** ASCII. */
  subject(address: string): string
  facts(outburst: Outburst, postmaster: boolean): readonly string[]
  owner(domain: string): readonly string[]
  postmaster(address: string): readonly string[]
}

const WORDS: Readonly<Record<PersonLanguage, Words>> = {
  en: {
    subject: (address) => `Mail of ${address} is held`,
    facts: ({ account, lastHour, usualDay, remoteAddress }, postmaster) => [
      postmaster
        ? `${account.address} has sent mail to ${lastHour} recipients on other servers within an hour,`
        : `Mail to ${lastHour} recipients on other servers has been sent within an hour in your name,`,
      `from the address ${remoteAddress}, from which it had not been sent before.`,
      `On a usual day there are ${Math.round(usualDay)}. Its mail to other servers is held; nothing is lost.`,
    ],
    owner: (domain) => [
      `If that was you: write to postmaster@${domain}, who lets it go on.`,
      'If it was not: somebody knows your password. Change it at once, and tell postmaster.',
    ],
    postmaster: (address) => [
      'See what it is:',
      `    malle queue list --account ${address}`,
      'If the person has sent it, let it go on; as much from there is usual from then on:',
      `    malle queue release --account ${address}`,
      'If not, end the thief’s sessions with a new password, and drop what is held:',
      `    malle account set ${address} --new-password`,
      `    malle queue drop --account ${address}`,
      `    malle queue release --account ${address}`,
    ],
  },
  fr: {
    subject: (address) => `Le courrier de ${address} est retenu`,
    facts: ({ account, lastHour, usualDay, remoteAddress }, postmaster) => [
      postmaster
        ? `${account.address} a envoyé en une heure du courrier à ${lastHour} destinataires d’autres serveurs,`
        : `Du courrier a été envoyé en une heure en votre nom à ${lastHour} destinataires d’autres serveurs,`,
      `depuis l’adresse ${remoteAddress}, d’où rien n’avait été envoyé auparavant.`,
      `Un jour ordinaire en compte ${Math.round(usualDay)}. Son courrier vers d’autres serveurs est retenu ; rien n’est perdu.`,
    ],
    owner: (domain) => [
      `Si c’était vous : écrivez à postmaster@${domain}, qui le laissera partir.`,
      'Sinon, quelqu’un connaît votre mot de passe : changez-le tout de suite et prévenez postmaster.',
    ],
    postmaster: (address) => [
      'Voir de quoi il s’agit :',
      `    malle queue list --account ${address}`,
      'Si la personne l’a bien envoyé, le laisser partir ; autant, depuis là, sera désormais ordinaire :',
      `    malle queue release --account ${address}`,
      'Sinon, mettre fin aux sessions du voleur par un nouveau mot de passe et abandonner ce qui est retenu :',
      `    malle account set ${address} --new-password`,
      `    malle queue drop --account ${address}`,
      `    malle queue release --account ${address}`,
    ],
  },
}
