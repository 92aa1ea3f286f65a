/** Certificates in words. @module */
import type { CertificateView } from '#server/certificates.ts'
import { counted, formatTime, say } from './language.ts'

const SOURCES: Readonly<Record<CertificateView['source'], string>> = {
  file: say('from the configuration', 'de la configuration'),
  acme: say('from the authority', 'de l’autorité'),
  'self-made': say('self-made', 'de Malle même'),
}

/** Lines of `malle status`: the certificate that is shown where no other fits, the others together, what is wrong. */
export function certificateLines(views: readonly CertificateView[]): readonly string[] {
  const [first, ...others] = views
  if (first === undefined) return []
  const lines = [
    say(
      `  certificate: ${first.names.join(', ')}, ${endOf(first)} (${SOURCES[first.source]})`,
      `  certificat : ${first.names.join(', ')}, ${endOf(first)} (${SOURCES[first.source]})`,
    ),
  ]
  const there = others.filter(({ until }) => until !== null)
  const soonest = there.toSorted((a, b) => Date.parse(a.until ?? '') - Date.parse(b.until ?? ''))[0]
  if (soonest !== undefined) {
    const more = counted(
      there.length,
      ['further certificate', 'further certificates'],
      ['autre certificat', 'autres certificats'],
    )
    const end = endOf(soonest)
    lines.push(say(`  ${more}, the first ${end}`, `  ${more}, le premier ${end}`))
  }
  return [...lines, ...views.filter(({ problem }) => problem !== null).map((view) => `! ${problemSentence(view)}`)]
}

/** Why there is no new certificate. */
export function problemSentence({ names, problem, nextTry }: CertificateView): string {
  const again =
    nextTry === null
      ? ''
      : say(` It is asked again at ${formatTime(nextTry)}.`, ` Nouvelle demande à ${formatTime(nextTry)}.`)
  const listed = names.join(', ')
  return (
    say(`No new certificate for ${listed}: ${problem}.`, `Pas de nouveau certificat pour ${listed} : ${problem}.`) +
    again
  )
}

function endOf({ until }: CertificateView): string {
  return say(`until ${formatTime(until)}`, `jusqu’au ${formatTime(until)}`)
}
