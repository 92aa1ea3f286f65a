/**
 * What goes before a message on its way out: DKIM-Signature (RFC 6376, RFC 8463) of the domain that it is from, or an ARC
 * set (RFC 8617) where it is only forwarded.
 *
 * Signed is what an account of ours sent, and what this server itself writes. What is forwarded is not: whoever wrote it
 * could put any of our addresses into its From.
 * @module
 */
import { createHash, type KeyObject, sign } from 'node:crypto'
import { createRequire } from 'node:module'
import type { Clock } from '#lib/clock.ts'
import { parseAddresses } from '#mail/addresses.ts'
import { type HeaderField, unfold } from '#mail/headers.ts'
import { parseDomain } from '#services/addresses.ts'
import type { SigningKey, SigningKeys } from '#services/dkim-keys.ts'
import type { Log } from '#services/session-deps.ts'
import type { NewMessage } from '#store/queue.ts'
import { resultsOfOurs, sealLines } from './arc.ts'
import { type HeaderRow, headerRow, readSigned, type SignedMessage } from './signed-message.ts'

/** Mail of ours, or mail that we hand on. */
export type Outgoing = Pick<NewMessage, 'id' | 'sender' | 'account'>

export interface Signer {
  /**
   * Header lines, each with its CRLF, that go before the message, the same at each try; empty where there is nothing to
   * sign, or nothing that could be signed rightly. Never rejects for what a message is like.
   * @param body All of it. It is read once, a chunk at a time, and not always to its end.
   */
  sign(message: Outgoing, body: AsyncIterable<Uint8Array>): Promise<Uint8Array>
  /** The same for what this server writes itself, reports: also where it calls itself by a name below a domain of ours. */
  signOwn(id: string, body: AsyncIterable<Uint8Array>): Promise<Uint8Array>
}

export interface SigningDeps {
  readonly keys: SigningKeys
  readonly clock: Clock
  readonly log: Log
  /** Our name. */
  readonly hostname: string
  /** Mail from other servers is checked, so that results in our name are ours: what is forwarded is sealed with them. */
  readonly checked: boolean
}

const NOTHING = new Uint8Array(0)

/** Fields that are signed where they are (RFC 6376 §5.4.1), all of each name. */
const SIGNED: ReadonlySet<string> = new Set(
  (
    'from sender reply-to subject date message-id to cc mime-version content-type content-transfer-encoding content-id ' +
    'content-description resent-date resent-from resent-sender resent-to resent-cc resent-message-id in-reply-to ' +
    'references list-id list-help list-unsubscribe list-unsubscribe-post list-subscribe list-post list-owner list-archive'
  ).split(' '),
)
/** Named once more than they are there, so that nobody can add another (RFC 6376 §5.4, §8.15). */
const CLOSED = ['From', 'Reply-To', 'Subject', 'Date', 'Message-ID', 'To', 'Cc', 'Content-Type'] as const

export function openSigner(deps: SigningDeps): Signer {
  return {
    sign: (message, body) =>
      message.account === undefined ? seal(deps, message, body) : signed(deps, message.id, body, exact(deps)),
    signOwn: (id, body) => signed(deps, id, body, closest(deps)),
  }
}

/** Whose iterator is open closes it. */
async function nothing(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  for await (const _ of body) break
  return NOTHING
}

type KeyChoice = (domain: string) => readonly SigningKey[]

function exact({ keys }: SigningDeps): KeyChoice {
  return (domain) => keys.active(domain)
}

/** Of the domain or the nearest above it: aligned with it all the same, where DMARC is not strict (RFC 7489 §3.1.1). */
function closest({ keys }: SigningDeps): KeyChoice {
  return (domain) => {
    for (let name = domain; name !== ''; name = name.slice(name.indexOf('.') + 1)) {
      const found = keys.active(name)
      if (found.length > 0 || !name.includes('.')) return found
    }
    return []
  }
}

/** By the domain that forwards it, which its envelope sender has been rewritten to. */
async function seal(deps: SigningDeps, message: Outgoing, body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const { checked, hostname, clock, log, keys } = deps
  const domain = message.sender.slice(message.sender.lastIndexOf('@') + 1).toLowerCase()
  const [key = closest(deps)(hostname)[0]] = keys.active(domain)
  if (!checked || key === undefined) return nothing(body)
  const { id } = message
  const whole = await readSigned(body, (fields) => resultsOfOurs(fields, hostname) !== undefined)
  if (whole === 'not-wanted') return NOTHING
  if (typeof whole === 'string') return unsigned(deps, id, whole)
  try {
    const lines = await sealLines(whole, { key, hostname, now: clock.now() })
    if (lines.ok) return Buffer.from(lines.value, 'latin1')
    log.debug({ id, reason: lines.error }, 'a message is forwarded without a seal')
  } catch (error) {
    log.error({ id, error }, 'a message could not be sealed')
  }
  return NOTHING
}

async function signed(
  deps: SigningDeps,
  id: string,
  body: AsyncIterable<Uint8Array>,
  choose: KeyChoice,
): Promise<Uint8Array> {
  let domain: string | undefined
  let keys: readonly SigningKey[] = []
  const message = await readSigned(body, (fields) => {
    domain = authorDomain(fields)
    keys = domain === undefined ? [] : choose(domain)
    return keys.length > 0
  })
  if (message === 'not-wanted') return domain === undefined ? unsigned(deps, id, 'no-one-author-domain') : NOTHING
  if (typeof message === 'string') return unsigned(deps, id, message)
  const { lines, problems } = await signatures(message, keys, deps.clock.now())
  for (const problem of problems) deps.log.error({ id, domain, problem }, 'a message could not be signed')
  return Buffer.from(lines, 'latin1')
}

function unsigned({ log }: SigningDeps, id: string, reason: string): Uint8Array {
  log.warn({ id, reason }, 'a message goes out unsigned')
  return NOTHING
}

/** The domain of the one From field; `undefined` where there are two fields, or addresses of several domains. */
function authorDomain(fields: readonly HeaderField[]): string | undefined {
  const [from, ...others] = fields.filter(({ lowerName }) => lowerName === 'from')
  if (from === undefined || others.length > 0) return undefined
  const domains = new Set(
    parseAddresses(unfold(from.rawValue)).flatMap(({ host }) =>
      host === undefined ? [] : [parseDomain(Buffer.from(host, 'latin1').toString('utf8'))],
    ),
  )
  const [domain] = domains
  return domains.size === 1 ? domain : undefined
}

/** Signs with each key; the oldest kind of signature stands first. */
async function signatures(
  message: SignedMessage,
  keys: readonly SigningKey[],
  now: number,
): Promise<{ readonly lines: string; readonly problems: readonly string[] }> {
  const covered = coveredFields(message)
  const lines: string[] = []
  const problems: string[] = []
  for (const key of keys) {
    try {
      lines.push(await signature(message, covered, key, now))
    } catch (error) {
      problems.push(`${key.selector}: ${String(error)}`)
    }
  }
  return { lines: lines.map((line) => `${line}\r\n`).join(''), problems }
}

async function signature(
  { bodyHash }: SignedMessage,
  covered: CoveredFields,
  { domain, selector, algorithm, privateKey }: SigningKey,
  now: number,
): Promise<string> {
  const { generateCanonicalizedHeader, formatSignatureHeaderLine } = loadParts()
  const { canonicalizedHeader, dkimHeaderOpts } = generateCanonicalizedHeader('DKIM', covered, {
    signingDomain: domain,
    selector,
    algorithm: `${algorithm}-sha256`,
    canonicalization: 'relaxed/relaxed',
    bodyHash,
    timestamp: Math.floor(now / 1_000),
  })
  if (privateKey.asymmetricKeyType !== algorithm) throw new TypeError(`The key is no ${algorithm} key`)
  // RFC 8463 §3: Ed25519 signs the digest
  const isRsa = algorithm === 'rsa'
  const data = isRsa ? canonicalizedHeader : createHash('sha256').update(canonicalizedHeader).digest()
  const octets = await signAside(isRsa ? 'sha256' : null, data, privateKey)
  return formatSignatureHeaderLine('DKIM', { ...dkimHeaderOpts, b: octets.toString('base64') }, true)
}

/** In the pool of the runtime, so that the thread goes on meanwhile. */
function signAside(digest: 'sha256' | null, data: Uint8Array, key: KeyObject): Promise<Buffer> {
  return new Promise((resolve, reject) =>
    sign(digest, data, key, (error, octets) => (error === null ? resolve(octets) : reject(error))),
  )
}

/** What a signature covers, in the form in which mailauth wants it. */
interface CoveredFields {
  /** For `h=`; may be folded where there is a space. */
  readonly keys: string
  /** In the order of `keys`; a name that is there oftener than its field stands for its absence. */
  readonly headers: readonly HeaderRow[]
}

/** Of several fields with a name the last comes first (RFC 6376 §5.4.2). */
function coveredFields(message: SignedMessage): CoveredFields {
  const fields = message.fields.filter(({ lowerName }) => SIGNED.has(lowerName)).toReversed()
  const names = [...fields.map(({ name }) => name), ...CLOSED]
  return { keys: names.join(': '), headers: fields.map((field) => headerRow(message, field)) }
}

interface SignerParts {
  readonly generateCanonicalizedHeader: (
    type: 'DKIM',
    covered: CoveredFields,
    options: object,
  ) => { readonly canonicalizedHeader: Buffer; readonly dkimHeaderOpts: object }
  readonly formatSignatureHeaderLine: (type: 'DKIM', tags: object, folded: boolean) => string
}

let parts: SignerParts | undefined

/**
 * The parts of mailauth's signer around the signature itself, for which it parses the key each time: three times the work.
 * A third of a second and 30 MB, at the first signature; the package describes no types of these parts.
 */
function loadParts(): SignerParts {
  const require = createRequire(import.meta.url)
  parts ??= { ...require('mailauth/lib/dkim/header/index.js'), ...require('mailauth/lib/tools.js') } as SignerParts
  return parts
}
