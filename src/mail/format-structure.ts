/** ENVELOPE and BODYSTRUCTURE as IMAP writes them, in forms that are legal in every mode (RFC 9051 §9). @module */
import type { BodyExtension, BodyLeaf, BodyMultipart, BodyStructure, Parameters } from './body-structure.ts'
import { bytesOfBinary } from './bytes.ts'
import type { Envelope, EnvelopeAddress } from './envelope.ts'

/** ENVELOPE's value with its parentheses, ready to send. */
export function formatEnvelope(envelope: Envelope): Uint8Array {
  return bytesOfBinary(envelopeText(envelope))
}

/** BODYSTRUCTURE's value with its parentheses, ready to send; without `extended` it is BODY's. */
export function formatBodyStructure(body: BodyStructure, options: { readonly extended: boolean }): Uint8Array {
  return bytesOfBinary(bodyText(body, options.extended))
}

// nstring = string / nil; a literal for what a quoted string may not hold. NUL may stand in neither: it is left out.
function nstring(text: string | undefined): string {
  return text === undefined ? 'NIL' : string(text)
}

function string(text: string): string {
  if (!/[^\x20-\x7e]|["\\]/.test(text)) return `"${text}"`
  const clean = text.replaceAll('\0', '')
  if (/[\r\n\x80-\xff]/.test(clean)) return `{${clean.length}}\r\n${clean}`
  return `"${clean.replace(/["\\]/g, '\\$&')}"`
}

// envelope = "(" env-date SP env-subject SP env-from SP … SP env-in-reply-to SP env-message-id ")"
function envelopeText(e: Envelope): string {
  const addresses = [e.from, e.sender, e.replyTo, e.to, e.cc, e.bcc].map(addressesText).join(' ')
  return `(${nstring(e.date)} ${nstring(e.subject)} ${addresses} ${nstring(e.inReplyTo)} ${nstring(e.messageId)})`
}

// env-from = "(" 1*address ")" / nil
function addressesText(list: readonly EnvelopeAddress[] | undefined): string {
  return list === undefined || list.length === 0 ? 'NIL' : `(${list.map(addressText).join('')})`
}

// address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"
function addressText({ name, route, mailbox, host }: EnvelopeAddress): string {
  return `(${nstring(name)} ${nstring(route)} ${nstring(mailbox)} ${nstring(host)})`
}

// body = "(" (body-type-1part / body-type-mpart) ")"
function bodyText(body: BodyStructure, extended: boolean): string {
  return `(${body.kind === 'multipart' ? multipartText(body, extended) : leafText(body, extended)})`
}

// body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]
function multipartText(body: BodyMultipart, extended: boolean): string {
  const children = body.parts.map((part) => bodyText(part, extended)).join('')
  const basic = `${children} ${string(body.subtype)}`
  return extended ? `${basic} ${parametersText(body.parameters)} ${extensionText(body)}` : basic
}

// body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-ext-1part]
function leafText(body: BodyLeaf, extended: boolean): string {
  // body-fields = body-fld-param SP body-fld-id SP body-fld-desc SP body-fld-enc SP body-fld-octets
  const fields = [
    string(body.type),
    string(body.subtype),
    parametersText(body.parameters),
    nstring(body.id),
    nstring(body.description),
    string(body.encoding),
    String(body.size),
  ]
  if (body.kind === 'message' && body.envelope !== undefined && body.body !== undefined) {
    fields.push(envelopeText(body.envelope), bodyText(body.body, extended))
  }
  if (body.kind !== 'basic') fields.push(String(body.lines ?? 0))
  if (extended) fields.push(nstring(body.md5), extensionText(body))
  return fields.join(' ')
}

// body-fld-param = "(" string SP string *(SP string SP string) ")" / nil
function parametersText(parameters: Parameters): string {
  if (parameters.length === 0) return 'NIL'
  return `(${parameters.map(([name, value]) => `${string(name)} ${string(value)}`).join(' ')})`
}

// body-fld-dsp [SP body-fld-lang [SP body-fld-loc]]
function extensionText({ disposition, language, location }: BodyExtension): string {
  const shown =
    disposition === undefined ? 'NIL' : `(${string(disposition.type)} ${parametersText(disposition.parameters)})`
  return `${shown} ${languageText(language)} ${nstring(location)}`
}

// body-fld-lang = nstring / "(" string *(SP string) ")"
function languageText(language: readonly string[] | undefined): string {
  if (language === undefined || language.length === 0) return 'NIL'
  return `(${language.map(string).join(' ')})`
}
