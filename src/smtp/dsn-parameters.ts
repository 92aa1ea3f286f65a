/**
 * The parameters of delivery status notifications (RFC 3461 §4), as strict as the RFC has them: the engine decodes
 * xtext leniently and bounds nothing.
 * @module
 */
import { done, type Result, refused } from '#lib/result.ts'

/** What MAIL said (§4.3, §4.4). */
export interface EnvelopeDsn {
  /** What a report of failure returns; `undefined`: the client did not say. */
  readonly ret: 'FULL' | 'HDRS' | undefined
  /** Decoded; printable ASCII. */
  readonly envelopeId: string | undefined
}

/** When a sender wants to hear of a recipient (§4.1). */
export type NotifyWhen = 'SUCCESS' | 'FAILURE' | 'DELAY'

/** What RCPT said (§4.1, §4.2). */
export interface RecipientDsn {
  /** Empty: never; `undefined`: the client did not say, which means failures, and perhaps delays. */
  readonly notify: readonly NotifyWhen[] | undefined
  readonly originalRecipient: { readonly type: string; readonly address: string } | undefined
}

/** The parameter that is wrong. */
export type DsnFault = 'RET' | 'ENVID' | 'NOTIFY' | 'ORCPT'

/** §5.4. */
const MOST_ENVID = 100
const MOST_ORCPT = 500

const WHEN: ReadonlySet<string> = new Set<NotifyWhen>(['SUCCESS', 'FAILURE', 'DELAY'])

export const NO_ENVELOPE_DSN: EnvelopeDsn = { ret: undefined, envelopeId: undefined }

/** @param parameters As sent: what stands behind the path of MAIL. */
export function parseEnvelopeDsn(parameters: string): Result<EnvelopeDsn, DsnFault> {
  const sent = valuesOf(parameters)
  const ret = sent.get('RET')?.toUpperCase()
  if (ret !== undefined && ret !== 'FULL' && ret !== 'HDRS') return refused('RET')
  const envid = sent.get('ENVID')
  const envelopeId = envid === undefined ? undefined : decodeXtext(envid)
  // "must consist entirely of printable (graphic and white space) characters from the US-ASCII repertoire" (§4.4)
  if (envid !== undefined && (envid.length > MOST_ENVID || !isPrintable(envelopeId))) return refused('ENVID')
  return done({ ret, envelopeId })
}

/**
 * @param parameters As sent: what stands behind the path of RCPT.
 * @param utf8 SMTPUTF8 was said: ORCPT may hold UTF-8 (RFC 6533 §3).
 */
export function parseRecipientDsn(parameters: string, utf8: boolean): Result<RecipientDsn, DsnFault> {
  const sent = valuesOf(parameters)
  const notify = parseNotify(sent.get('NOTIFY'))
  if (notify === 'bad') return refused('NOTIFY')
  const orcpt = sent.get('ORCPT')
  if (orcpt === undefined) return done({ notify, originalRecipient: undefined })
  // original-recipient-address = addr-type ";" xtext; addr-type = atom
  const [, type, text] = /^([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+);(.+)$/s.exec(orcpt) ?? []
  if (type === undefined || text === undefined || Buffer.byteLength(orcpt) > MOST_ORCPT) return refused('ORCPT')
  const address = utf8 && /[\u0080-\u{10ffff}]/u.test(text) ? text : decodeXtext(text)
  if (address === undefined || /\p{Cc}|\ufffd/u.test(address)) return refused('ORCPT')
  return done({ notify, originalRecipient: { type, address } })
}

function parseNotify(value: string | undefined): readonly NotifyWhen[] | undefined | 'bad' {
  if (value === undefined) return undefined
  const words = value.toUpperCase().split(',')
  if (words.length === 1 && words[0] === 'NEVER') return []
  const when = words.filter((word): word is NotifyWhen => WHEN.has(word))
  return when.length === words.length ? when : 'bad'
}

/** The first of each name: a second one is refused by the engine. */
function valuesOf(parameters: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const parameter of parameters.split(/[ \t]+/)) {
    const at = parameter.indexOf('=')
    if (at > 0) values.set(parameter.slice(0, at).toUpperCase(), parameter.slice(at + 1))
  }
  return values
}

/** xtext = *( xchar / hexchar ) (§4): printable ASCII but "+" and "=", or "+" and two capital hex digits. */
function decodeXtext(text: string): string | undefined {
  if (!/^(?:[!-*,-<>-~]|\+[0-9A-F]{2})+$/.test(text)) return undefined
  return text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

function isPrintable(text: string | undefined): boolean {
  return text !== undefined && /^[ -~]*$/.test(text)
}
