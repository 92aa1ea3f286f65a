/** `malle doctor`: whether this machine is ready. What the DNS says is asked by `malle dns check`. @module */
import { X509Certificate } from 'node:crypto'
import { access, constants, stat, statfs } from 'node:fs/promises'
import path from 'node:path'
import { Command } from 'commander'
import { type Config, LISTENERS } from '#config/config.ts'
import { EXIT } from '#lib/exit-codes.ts'
import { certificateViews } from '#server/certificates.ts'
import { askControl } from '#server/control.ts'
import { formatEndpoint, ListenFault, probe } from '#server/listeners.ts'
import { CertificateFault, readPair } from '#server/tls.ts'
import { problemSentence } from './certificate-words.ts'
import { type CommonOptions, show, withListing } from './context.ts'
import { examineAuthorities } from './doctor-authorities.ts'
import type { Finding } from './doctor-finding.ts'
import { certificateSentence, listenSentence } from './failure.ts'
import { formatBytes, say } from './language.ts'
import { readConfig } from './options.ts'
import { reasonOf } from './reasons.ts'

const DAY_MS = 86_400_000
const RENEW_DAYS = 14
const LEAST_FREE = 1024 ** 3
/** Before this release nobody ran it. */
const EARLIEST = Date.UTC(2026, 0, 1)

export function doctorCommand(): Command {
  return withListing(new Command('doctor'))
    .description(say('look whether this machine is ready', 'vérifier que cette machine est prête'))
    .action(async (options: CommonOptions) => {
      const config = await readConfig(options.config)
      const findings = await examine(config)
      show(options, findings, () => findings.map(({ state, message }) => `${MARKS[state]} ${message}`).join('\n'))
      if (findings.some(({ state }) => state === 'failed')) process.exitCode = EXIT.failed
    })
}

const MARKS = { ok: '✓', warning: '!', failed: '✗' } as const

async function examine(config: Config): Promise<Finding[]> {
  const running = await isRunning(config)
  return [
    {
      check: 'configuration',
      state: 'ok',
      message: say('The configuration is right.', 'La configuration est correcte.'),
    },
    { check: 'node', state: 'ok', message: `Node.js ${process.version}` },
    {
      check: 'server',
      state: 'ok',
      message: running
        ? say('The server runs.', 'Le serveur fonctionne.')
        : say('The server is stopped.', 'Le serveur est arrêté.'),
    },
    ...(running ? [] : await examinePorts(config)),
    ...(await examineCertificates(config)),
    ...(await examineAuthorities(config)),
    ...(await examineData(config.data)),
    examineClock(),
    {
      check: 'dns',
      state: 'ok',
      message: say(
        'What the DNS says of a domain: malle dns check DOMAIN.',
        'Ce que le DNS dit d’un domaine : malle dns check DOMAINE.',
      ),
    },
  ]
}

async function isRunning(config: Config): Promise<boolean> {
  try {
    return (await askControl(config.data, 'status', {})) !== undefined
  } catch {
    // Something answers or we may not ask it: a server runs.
    return true
  }
}

async function examinePorts(config: Config): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const name of LISTENERS) {
    for (const endpoint of config.listen[name]) {
      const where = `${name} ${formatEndpoint(endpoint)}`
      try {
        await probe(endpoint)
        findings.push({ check: 'port', state: 'ok', message: say(`${where} is free.`, `${where} est libre.`) })
      } catch (error) {
        if (!(error instanceof ListenFault)) throw error
        findings.push({ check: 'port', state: 'failed', message: `${name}: ${listenSentence(error)}` })
      }
    }
  }
  if (findings.length === 0)
    findings.push({
      check: 'port',
      state: 'failed',
      message: say('No listener is configured.', 'Aucun port n’est configuré.'),
    })
  return findings
}

async function examineCertificates(config: Config): Promise<Finding[]> {
  const { files, hosts, acme } = config.tls
  if (files === undefined && acme !== undefined) return [...(await examineAcme(config)), ...(await examineEach(hosts))]
  if (files === undefined) {
    return [
      {
        check: 'certificate',
        state: 'warning',
        message: say(
          'No certificate is configured; Malle makes one that no client trusts. [tls.acme] gets one by itself.',
          'Aucun certificat configuré ; Malle en crée un auquel aucun client ne fait confiance. [tls.acme] en obtient un tout seul.',
        ),
      },
      ...(await examineEach(hosts)),
    ]
  }
  return examineEach([{ ...files, name: config.hostname }, ...hosts])
}

function examineEach(named: Config['tls']['hosts']): Promise<Finding[]> {
  return Promise.all(named.map(examineCertificate))
}

/** What the authority gave, and what it refused. */
async function examineAcme(config: Config): Promise<Finding[]> {
  const views = await certificateViews(config)
  const findings = views.map((view): Finding => {
    const { names, source, until, problem } = view
    const listed = names.join(', ')
    const left = until === null ? 0 : Date.parse(until) - Date.now()
    if (problem !== null)
      return { check: 'certificate', state: left > 0 ? 'warning' : 'failed', message: problemSentence(view) }
    if (source === 'self-made')
      return {
        check: 'certificate',
        state: 'warning',
        message: say(
          `The authority has given no certificate for ${config.hostname} yet; a self-made one is used until then.`,
          `L’autorité n’a pas encore donné de certificat pour ${config.hostname} ; celui de Malle sert en attendant.`,
        ),
      }
    const date = until?.slice(0, 10)
    return left > 0
      ? {
          check: 'certificate',
          state: 'ok',
          message: say(
            `The certificate for ${listed} is good until ${date}.`,
            `Le certificat pour ${listed} est valable jusqu’au ${date}.`,
          ),
        }
      : {
          check: 'certificate',
          state: 'failed',
          message: say(
            `The certificate for ${listed} ended on ${date}.`,
            `Le certificat pour ${listed} a expiré le ${date}.`,
          ),
        }
  })
  if (findings.length > 0) return findings
  return [
    {
      check: 'certificate',
      state: 'ok',
      message: say(
        'Certificates will come from the authority when the server runs.',
        'Les certificats viendront de l’autorité quand le serveur fonctionnera.',
      ),
    },
  ]
}

async function examineCertificate({ cert, key, name }: { cert: string; key: string; name: string }): Promise<Finding> {
  try {
    const pair = await readPair({ cert, key })
    const certificate = new X509Certificate(pair.cert)
    const until = Date.parse(certificate.validTo)
    const date = new Date(until).toISOString().slice(0, 10)
    if (until < Date.now())
      return {
        check: 'certificate',
        state: 'failed',
        message: say(`${cert} ended on ${date}.`, `${cert} a expiré le ${date}.`),
      }
    if (certificate.checkHost(name) === undefined)
      return {
        check: 'certificate',
        state: 'failed',
        message: say(`${cert} is not for ${name}.`, `${cert} n’est pas pour ${name}.`),
      }
    const state = until - Date.now() < RENEW_DAYS * DAY_MS ? 'warning' : 'ok'
    return {
      check: 'certificate',
      state,
      message: say(`${cert} is good for ${name} until ${date}.`, `${cert} est valable pour ${name} jusqu’au ${date}.`),
    }
  } catch (error) {
    if (!(error instanceof CertificateFault)) throw error
    return {
      check: 'certificate',
      state: 'failed',
      message: certificateSentence(error),
    }
  }
}

async function examineData(data: string): Promise<Finding[]> {
  const findings: Finding[] = []
  const existing = await nearestExisting(data)
  try {
    if (!(await stat(existing)).isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' })
    await access(existing, constants.W_OK | constants.X_OK)
    findings.push({
      check: 'data',
      state: 'ok',
      message:
        existing === data
          ? say(`${data} can be written.`, `${data} est accessible en écriture.`)
          : say(`${data} can be made.`, `${data} peut être créé.`),
    })
  } catch (error) {
    findings.push({
      check: 'data',
      state: 'failed',
      message: say(
        `${data} cannot be written: ${reasonOf(error)}.`,
        `${data} n’est pas accessible en écriture : ${reasonOf(error)}.`,
      ),
    })
  }
  if (existing === data && ((await stat(data)).mode & 0o077) !== 0) {
    findings.push({
      check: 'data',
      state: 'warning',
      message: say(`Others can look into ${data}; chmod 700 it.`, `D’autres peuvent lire ${data} ; faites chmod 700.`),
    })
  }
  const { bavail, bsize } = await statfs(existing)
  const free = bavail * bsize
  findings.push({
    check: 'disk',
    state: free < LEAST_FREE ? 'warning' : 'ok',
    message: say(`${formatBytes(free)} free.`, `${formatBytes(free)} libres.`),
  })
  return findings
}

async function nearestExisting(place: string): Promise<string> {
  try {
    await stat(place)
    return place
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return nearestExisting(path.dirname(place))
  }
}

function examineClock(): Finding {
  const now = new Date()
  return now.getTime() < EARLIEST
    ? {
        check: 'clock',
        state: 'failed',
        message: say(
          `The clock says ${now.toISOString()}, which is in the past.`,
          `L’horloge indique ${now.toISOString()}, dans le passé.`,
        ),
      }
    : {
        check: 'clock',
        state: 'ok',
        message: say(`The clock says ${now.toISOString()}.`, `L’horloge indique ${now.toISOString()}.`),
      }
}
