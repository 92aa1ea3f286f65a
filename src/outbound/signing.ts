/**
 * What goes before a message on its way out: DKIM-Signature (RFC 6376, RFC 8463) of the domain that it is from, or an ARC
 * set (RFC 8617) where it is only forwarded.
 *
 * Signed is what an account of ours sent, and what this server itself writes. What is forwarded is not: whoever wrote it
 * could put any of our addresses into its From.
 * @module
 */
import { createRequire } from 'node:module'
import type { Clock } from '#lib/clock.ts'
import { parseAddresses } from '#mail/addresses.ts'
import { type HeaderField, unfold } from '#mail/headers.ts'
import { parseDomain } from '#services/addresses.ts'
import type { SigningKey, SigningKeys } from '#services/dkim-keys.ts'
import type { Log } from '#services/session-deps.ts'
import type { NewMessage } from '#store/queue.ts'
import { sealLines } from './arc.ts'
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
      message.account === undefined ? seal(deps, message, body) : sign(deps, message.id, body, exact(deps)),
    signOwn: (id, body) => sign(deps, id, body, closest(deps)),
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
  const signed = await readSigned(body)
  if (typeof signed === 'string') return unsigned(deps, id, signed)
  try {
    const lines = await sealLines(signed, { key, hostname, now: clock.now() })
    if (lines.ok) return Buffer.from(lines.value, 'latin1')
    log.debug({ id, reason: lines.error }, 'a message is forwarded without a seal')
  } catch (error) {
    log.error({ id, error }, 'a message could not be sealed')
  }
  return NOTHING
}

async function sign(
  deps: SigningDeps,
  id: string,
  body: AsyncIterable<Uint8Array>,
  choose: KeyChoice,
): Promise<Uint8Array> {
  const message = await readSigned(body)
  if (typeof message === 'string') return unsigned(deps, id, message)
  const domain = authorDomain(message.fields)
  if (domain === undefined) return unsigned(deps, id, 'no-one-author-domain')
  const keys = choose(domain)
  if (keys.length === 0) return NOTHING
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
  const { DkimSigner } = loadSigner()
  const signer = new DkimSigner({
    headers: { parsed: signedRows(message) },
    bodyHash: message.bodyHash,
    canonicalization: 'relaxed/relaxed',
    signTime: new Date(now),
    strict: true,
    headerList: [...SIGNED].join(':'),
    signatureData: keys.map(({ domain, selector, algorithm, privateKey }) => ({
      signingDomain: domain,
      selector,
      privateKey,
      algorithm: `${algorithm}-sha256`,
    })),
  })
  await signer.finalize()
  const lines = signer.signatureHeaders.map((line) => `${line}\r\n`).join('')
  return { lines, problems: signer.errors.map(({ selector, err }) => `${selector}: ${err.message}`) }
}

/**
 * Fields in the form in which mailauth wants them. It knows of no field that is named oftener than it is there, but writes
 * the names as it is given them: `From:From` is one field and its absence.
 */
function signedRows(message: SignedMessage): readonly HeaderRow[] {
  const { fields } = message
  const absent = CLOSED.filter((name) => !fields.some(({ lowerName }) => lowerName === name.toLowerCase()))
  const closed = new Set<string>()
  return fields.flatMap((field) => {
    const { name, lowerName } = field
    if (!SIGNED.has(lowerName)) return []
    const names = [name]
    if (!closed.has(lowerName) && CLOSED.some((one) => one.toLowerCase() === lowerName)) names.push(name)
    closed.add(lowerName)
    if (lowerName === 'from') names.push(...absent)
    return [headerRow(message, field, names.join(':'))]
  })
}

interface SignerModule {
  readonly DkimSigner: new (
    options: object,
  ) => {
    finalize(): Promise<void>
    readonly signatureHeaders: readonly string[]
    readonly errors: readonly { readonly selector: string; readonly err: Error }[]
  }
}

/** A third of a second and 30 MB, at the first signature; the package describes no types of this part. */
function loadSigner(): SignerModule {
  return createRequire(import.meta.url)('mailauth/lib/dkim/dkim-signer.js') as SignerModule
}
