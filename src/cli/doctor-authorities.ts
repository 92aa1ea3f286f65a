/** Whether the authorities that the configuration names can be read, and are good. @module */
import { X509Certificate } from 'node:crypto'
import type { Config } from '#config/config.ts'
import { CertificateFault, certificatesIn, readAuthorities } from '#server/tls.ts'
import type { Finding } from './doctor-finding.ts'
import { certificateSentence } from './failure.ts'
import { say } from './language.ts'

/** Of clients, of mail servers elsewhere, and of smarthosts. */
export async function examineAuthorities({
  tls,
  queue,
  routes,
}: {
  readonly tls: Pick<Config['tls'], 'clientCa'>
  readonly queue: Pick<Config['queue'], 'ca'>
  readonly routes: readonly Pick<Config['routes'][number], 'ca'>[]
}): Promise<readonly Finding[]> {
  const named = [
    { key: 'tls.client_ca', file: tls.clientCa },
    { key: 'queue.ca', file: queue.ca },
    ...[...new Set(routes.map(({ ca }) => ca))].map((file) => ({ key: 'route.ca', file })),
  ]
  return Promise.all(named.flatMap(({ key, file }) => (file === undefined ? [] : [examine(key, file)])))
}

async function examine(key: string, file: string): Promise<Finding> {
  try {
    const ends = certificatesIn(await readAuthorities(file)).map((one) => endOf(one))
    const [first, last] = [Math.min(...ends), Math.max(...ends)]
    const now = Date.now()
    const day = new Date(first).toISOString().slice(0, 10)
    if (first > now) {
      const message = say(
        `The authorities in ${file} (${key}) are good until ${day}.`,
        `Les autorités de ${file} (${key}) sont valables jusqu’au ${day}.`,
      )
      return { check: 'certificate', state: 'ok', message }
    }
    const message = say(
      `An authority in ${file} (${key}) ended on ${day}.`,
      `Une autorité de ${file} (${key}) a expiré le ${day}.`,
    )
    // one of several may be an old one that nobody needs
    return { check: 'certificate', state: last > now ? 'warning' : 'failed', message }
  } catch (error) {
    if (!(error instanceof CertificateFault)) throw error
    const message =
      error.problem === 'no-certificate'
        ? say(
            `${file} (${key}) holds no certificate of an authority.`,
            `${file} (${key}) ne contient pas de certificat d’autorité.`,
          )
        : `${key}: ${certificateSentence(error)}`
    return { check: 'certificate', state: 'failed', message }
  }
}

function endOf(pem: string): number {
  return Date.parse(new X509Certificate(pem).validTo)
}
